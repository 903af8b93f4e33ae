//! What goes wrong, goes wrong alone and without a byte of a value.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, PostParams};
use sealer_core::{Label, Scope};
use serde_json::{Value, json};

use crate::scene::Scene;

pub(crate) async fn what_does_not_open_is_told_without_a_byte_of_a_value(scene: Scene) -> Result<()> {
    let canary = "canary-7d1f9b3c55aa";
    let mut object = scene.sealed("a", &[("good", canary)], Scope::Strict).await?;
    let other = scene
        .sealed_for(&Label::new_unchecked(Scope::Strict, "x", "y"), "a", &[("bad", canary)], Scope::Strict)
        .await?;
    object["spec"]["encryptedData"]["bad"] = other["spec"]["encryptedData"]["bad"].clone();
    object["spec"]["encryptedData"]["garbage"] = json!("no base64!");
    scene.apply(&object).await?;
    let message = scene.synced("a", "False").await?;
    let expected =
        "illegal base64 data at input byte 2 (garbage)\nno key could decrypt secret (bad): opens with no key";
    ensure!(message.starts_with(expected), "{message}");
    ensure!(scene.secret("a").await?.is_none());
    let namespace = &scene.namespace;
    let events = format!(
        "kubectl get events -n {namespace} -o jsonpath='{{range .items[*]}}{{.type}} {{.reason}} {{.message}}{{end}}'"
    );
    let told = async || {
        let told = scene.shell().must(&events).await?;
        Ok(told.starts_with("Warning ErrUnsealFailed Failed to unseal: ").then_some(told))
    };
    let told = scene.eventually("a warning", told).await?;
    let metric =
        format!("sealed_secrets_controller_unseal_errors_total{{namespace=\"{namespace}\",reason=\"unseal\"}} 1");
    let metrics = scene.metrics().await?;
    ensure!(metrics.contains(&metric), "{metrics}");
    let everything = [message, told, metrics, scene.suite.whole_logs()].concat();
    let encoded = sealer_encoding::base64::encode(canary);
    ensure!(!everything.contains(canary) && !everything.contains(encoded.trim_end_matches('=')));
    Ok(())
}

pub(crate) async fn one_malformed_object_stalls_no_other(scene: Scene) -> Result<()> {
    let malformed = |name: &str, spec: Value| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": { "name": name, "namespace": scene.namespace }, "spec": spec,
        })
    };
    for (name, spec) in [
        (
            "generation",
            json!({ "encryptedData": { "k": "AAAA" }, "template": { "metadata": { "generation": "seven", "creationTimestamp": "never" } } }),
        ),
        ("empty", json!({ "encryptedData": {}, "data": "AAAA" })),
        ("long", json!({ "encryptedData": { ("x".repeat(100_000)): "AAAA" } })),
    ] {
        // Created, not applied: server-side apply reads YAML, which has no keys of that length.
        let object = serde_json::from_value(malformed(name, spec))?;
        scene.sealed_secrets().create(&PostParams::default(), &object).await?;
    }
    scene.apply(&scene.sealed("good", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("good", &[("k", "v")]).await?;
    for name in ["generation", "empty", "long"] {
        scene.synced(name, "False").await?;
    }
    Ok(())
}

pub(crate) async fn broken_key_secrets_stall_nothing(scene: Scene) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(scene.client(), "kube-system");
    let labels = json!({ "sealedsecrets.bitnami.com/sealed-secrets-key": "active" });
    for (at, data) in [
        json!({}),
        json!({ "tls.key": "", "tls.crt": "" }),
        json!({ "tls.key": "Z2FyYmFnZQ==", "tls.crt": "Z2FyYmFnZQ==" }),
    ]
    .into_iter()
    .enumerate()
    {
        let broken: Secret = serde_json::from_value(
            json!({ "metadata": { "name": format!("broken-{at}"), "labels": labels }, "data": data }),
        )?;
        secrets.create(&PostParams::default(), &broken).await?;
    }
    let counted = async || Ok(scene.metrics().await?.contains("sealed_secrets_controller_broken_keys 3").then_some(()));
    scene.eventually("three broken keys in the metrics", counted).await?;
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    for at in 0..3 {
        secrets.delete(&format!("broken-{at}"), &DeleteParams::default()).await?;
    }
    Ok(())
}

pub(crate) async fn a_failed_update_leaves_the_secret_as_it_was(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v"), ("l", "w")], Scope::Strict).await?).await?;
    let before = scene.holds("a", &[("k", "v"), ("l", "w")]).await?;
    scene.synced("a", "True").await?;
    let mut object = scene.sealed("a", &[("k", "new")], Scope::Strict).await?;
    object["spec"]["encryptedData"]["l"] = json!("AAAA");
    scene.apply(&object).await?;
    scene.synced("a", "False").await?;
    let after = scene.secret("a").await?.unwrap_or_default();
    ensure!(before.resource_version() == after.resource_version());
    Ok(())
}
