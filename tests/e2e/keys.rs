//! New keys, restored keys, foreign keys, and a restart.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use sealer_core::{Certificate, Label, Plaintext, Scope, UnsealingKey, seal};
use sealer_encoding::base64;
use serde_json::{Value, json};

use crate::scene::Scene;

/// A key that some other cluster used long ago.
fn old_key() -> Result<(UnsealingKey, Value)> {
    let key = UnsealingKey::generate(2048)?;
    let start = Timestamp::from_second(1_600_000_000)?;
    let certificate = Certificate::self_signed(&key, "", start, std::time::Duration::from_secs(3600 * 24 * 3650))?;
    let data = json!({ "tls.key": base64::encode(key.secret_pkcs1_pem().as_bytes()), "tls.crt": base64::encode(certificate.to_pem()) });
    Ok((key, data))
}

fn key_secret(name: &str, data: &Value) -> Result<Secret> {
    let labels = json!({ "sealedsecrets.bitnami.com/sealed-secrets-key": "active" });
    Ok(serde_json::from_value(
        json!({ "metadata": { "name": name, "labels": labels }, "type": "kubernetes.io/tls", "data": data }),
    )?)
}

fn sealed_under(scene: &Scene, key: &UnsealingKey) -> Result<Value> {
    let label = Label::new_unchecked(Scope::Strict, &scene.namespace, "a");
    let value = seal(&Plaintext::new(b"v".to_vec()), &label, key.sealing_key())?.to_base64();
    Ok(json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": "a", "namespace": scene.namespace }, "spec": { "encryptedData": { "k": value } } }))
}

pub(crate) async fn a_new_key_is_served_and_old_values_open(scene: Scene) -> Result<()> {
    let before = scene.certificate().await?;
    let old = scene.sealed("old", &[("k", "v")], Scope::Strict).await?;
    let printed = scene.shell().must("sealer keys rotate --no-backup-check --key-size 2048").await?;
    let after = scene.certificate().await?;
    ensure!(before.key().fingerprint() != after.key().fingerprint());
    ensure!(printed.contains(before.key().fingerprint().as_str()), "{printed}");
    scene.apply(&old).await?;
    scene.apply(&scene.sealed("new", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("old", &[("k", "v")]).await?;
    scene.holds("new", &[("k", "v")]).await?;
    Ok(())
}

pub(crate) async fn a_restored_key_opens_what_waited_for_it(scene: Scene) -> Result<()> {
    let (key, data) = old_key()?;
    scene.apply(&sealed_under(&scene, &key)?).await?;
    scene.synced("a", "False").await?;
    let secrets: Api<Secret> = Api::namespaced(scene.client(), "kube-system");
    secrets.create(&PostParams::default(), &key_secret("restored", &data)?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    ensure!(
        scene.certificate().await?.key().fingerprint() != key.fingerprint(),
        "an older key must not become the active one"
    );
    Ok(())
}

pub(crate) async fn keys_of_other_namespaces_are_ignored(scene: Scene) -> Result<()> {
    let (key, data) = old_key()?;
    scene.secrets().create(&PostParams::default(), &key_secret("injected", &data)?).await?;
    scene.apply(&sealed_under(&scene, &key)?).await?;
    let message = scene.synced("a", "False").await?;
    // Which of the two is said depends on whether the value is smaller than a modulus of the cluster's keys: both are true.
    let causes = ["opens with no key of this cluster", "is sealed with a key this cluster does not have"];
    let told = causes.map(|cause| format!("no key could decrypt secret (k): {cause}"));
    ensure!(told.iter().any(|told| message.starts_with(told)), "{message}");
    Ok(())
}

pub(crate) async fn a_restart_changes_nothing_and_serves_the_same_key(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    let secret = scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    let object = scene.sealed_secrets().get("a").await?;
    let pods: Api<Pod> = Api::namespaced(scene.client(), "kube-system");
    let running = pods.list(&ListParams::default().labels(scene.suite.installation.pods)).await?;
    let old = running.items.first().context("no controller runs")?.name_any();
    pods.delete(&old, &DeleteParams::default()).await?;
    let labels = scene.suite.installation.pods;
    let ready = format!("kubectl wait -n kube-system pod -l {labels} --for=condition=Ready --timeout=110s");
    scene.eventually("another Pod", async || Ok(pods.get_opt(&old).await?.is_none().then_some(()))).await?;
    scene
        .eventually("its readiness", async || Ok((scene.shell().run(&ready).await?.status == Some(0)).then_some(())))
        .await?;
    // Deleting a Secret shows when the new process has looked at everything.
    scene.eventually("the certificate", async || Ok(scene.certificate().await.ok())).await?;
    scene.apply(&scene.sealed("b", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("b", &[("k", "v")]).await?;
    ensure!(
        scene.secret("a").await?.unwrap_or_default().resource_version() == secret.resource_version(),
        "the Secret was rewritten"
    );
    ensure!(
        scene.sealed_secrets().get("a").await?.resource_version() == object.resource_version(),
        "the status was rewritten"
    );
    Ok(())
}
