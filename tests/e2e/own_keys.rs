//! Keys that somebody brings, marks, takes away or lets grow old, seen by a controller of the test's own.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Event, Secret};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use sealer_core::{Certificate, Fingerprint, UnsealingKey};
use sealer_resource::key_secret::{self, KEY_LABEL, Naming, TRUSTED_KEY_ANNOTATION};
use sealer_tests::controller::Controller;
use sealer_tests::report::say;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::stage::{Stage, key};

const V: &[(&str, &str)] = &[("k", "v")];
const W: &[(&str, &str)] = &[("k", "w")];

fn served(controller: &Controller) -> Result<Fingerprint> {
    let certificate = Certificate::first_from_pem(controller.certificate()?.as_bytes())?;
    Ok(certificate.key().fingerprint().clone())
}

pub(crate) async fn a_key_from_before_there_were_labels_is_used(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let labelled = stage.keys().await?.pop().context("there is no key")?;
    let name = labelled.name_any();
    let legacy: Secret = serde_json::from_value(json!({
        "metadata": { "name": "sealed-secrets-key" }, "type": labelled.type_, "data": labelled.data,
    }))?;
    scene.secrets().create(&PostParams::default(), &legacy).await?;
    scene.secrets().delete(&name, &DeleteParams::default()).await?;
    let controller = stage.start().await?;
    ensure!(served(&controller)? == *key()?.fingerprint(), "another key is served");
    ensure!(stage.keys().await?.is_empty(), "another key was made");
    stage.apply("a", V).await?;
    stage.converges("a", V).await
}

pub(crate) async fn a_key_that_is_marked_or_taken_away_opens_nothing_until_it_is_back(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let first = stage.keys().await?.pop().context("there is no key")?;
    let name = first.name_any();
    let controller = stage.start().await?;
    // The last key would not be given up.
    controller.ask_for_new_key();
    let other = async || Ok((served(&controller)? != *key()?.fingerprint()).then_some(()));
    scene.eventually("another key", other).await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let is_known = |wanted: bool| {
        let line = format!("sealed_secrets_controller_keys {}\n", if wanted { 2 } else { 1 });
        let controller = &controller;
        async move || Ok(controller.metrics()?.contains(&line).then_some(()))
    };
    let mark = async |value: &str| -> Result<()> {
        let label = Patch::Merge(json!({ "metadata": { "labels": { KEY_LABEL: value } } }));
        scene.secrets().patch(&name, &PatchParams::default(), &label).await?;
        Ok(())
    };
    let mut started = Instant::now();
    mark("compromised").await?;
    scene.eventually("one key", is_known(false)).await?;
    let marked = lap(&mut started, "a key that is marked");
    stage.apply("a", W).await?;
    let message = scene.synced("a", "False").await?;
    ensure!(message.starts_with("no key could decrypt secret (k)"), "{message}");
    ensure!(scene.holds("a", V).await.is_ok(), "what was there is gone");
    mark("active").await?;
    stage.converges("a", W).await?;
    started = Instant::now();
    scene.secrets().delete(&name, &DeleteParams::default()).await?;
    scene.eventually("one key", is_known(false)).await?;
    say(&format!("  answered after: {marked}, {}", lap(&mut started, "a key that is deleted")));
    stage.apply("b", V).await?;
    scene.synced("b", "False").await?;
    ensure!(controller.log()?.contains("sealing key is gone"), "nothing is logged");
    let restored: Secret = serde_json::from_value(json!({
        "metadata": { "name": name, "labels": first.metadata.labels }, "type": first.type_, "data": first.data,
    }))?;
    scene.secrets().create(&PostParams::default(), &restored).await?;
    stage.converges("b", V).await?;
    scene.eventually("both keys", is_known(true)).await
}

pub(crate) async fn a_key_that_is_old_gets_a_successor_and_goes_on_opening(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(&["--key-renew-period=3s", "--log-format=json"]);
    let controller = stage.start().await?;
    let renewed = async || Ok((served(&controller)? != *key()?.fingerprint()).then_some(()));
    scene.eventually("a successor", renewed).await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let certificate = Certificate::first_from_pem(controller.certificate()?.as_bytes())?;
    // Whoever has no other way takes the certificate from the log.
    let logged = |line: &str| -> Option<Vec<u8>> {
        let line: Value = serde_json::from_str(line).ok()?;
        let made = line["msg"] == "Certificate generated";
        made.then(|| sealer_encoding::base64::decode(line["certificate"].as_str()?).ok()).flatten()
    };
    let logged: Vec<Vec<u8>> = controller.log()?.lines().filter_map(logged).collect();
    let keys = logged.iter().map(|pem| Ok(Certificate::first_from_pem(pem)?.key().fingerprint().clone()));
    let keys = keys.collect::<Result<Vec<Fingerprint>>>()?;
    ensure!(keys.contains(certificate.key().fingerprint()), "the certificate is not in the log");
    let object = stage.sealed_with(certificate.key(), &scene.namespace, "b", V)?;
    scene.apply(&object).await?;
    stage.converges("b", V).await
}

/// Notes how long a step took.
fn lap(started: &mut Instant, what: &str) -> String {
    let taken = std::mem::replace(started, Instant::now()).elapsed();
    format!("{what} {} ms", taken.as_millis())
}

/// Deletes an object and makes it again at once; Kubernetes takes the first one's Secret away when it comes to it.
async fn made_anew(stage: &Stage, name: &str) -> Result<String> {
    let scene = &stage.scene;
    // A young cluster's garbage collector takes a while to learn of the resource.
    scene.delete(name).await?;
    scene.eventually("the end of its Secret", async || Ok(scene.secret(name).await?.is_none().then_some(()))).await?;
    stage.apply(name, V).await?;
    stage.converges(name, V).await?;
    let mut started = Instant::now();
    scene.delete(name).await?;
    let again = scene.apply(&stage.sealed(name, V)?).await?;
    let owned = async || {
        let owners = scene.secret(name).await?.unwrap_or_default().metadata.owner_references.unwrap_or_default();
        Ok(owners.iter().any(|owner| Some(&owner.uid) == again.uid().as_ref()).then_some(()))
    };
    scene.eventually("a Secret of the new object", owned).await?;
    stage.converges(name, V).await?;
    Ok(lap(&mut started, "an object made anew"))
}

/// How long somebody waits for what he did is printed alone: a busy machine says nothing of the program.
pub(crate) async fn what_somebody_does_is_answered_at_once(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let secrets = scene.secrets();
    let edit = async |name: &str, what: Value| secrets.patch(name, &PatchParams::default(), &Patch::Merge(what)).await;
    let mut started = Instant::now();
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let mut told = vec![lap(&mut started, "a new object")];
    stage.apply("a", W).await?;
    stage.converges("a", W).await?;
    told.push(lap(&mut started, "a new value"));
    edit("a", json!({ "stringData": { "k": "by hand" } })).await?;
    scene.holds("a", W).await?;
    told.push(lap(&mut started, "a Secret edited by hand"));
    secrets.delete("a", &DeleteParams::default()).await?;
    scene.holds("a", W).await?;
    told.push(lap(&mut started, "a Secret deleted by hand"));
    let foreign = json!({ "metadata": { "name": "b" }, "stringData": { "own": "x" } });
    secrets.create(&PostParams::default(), &serde_json::from_value(foreign)?).await?;
    stage.apply("b", V).await?;
    scene.synced("b", "False").await?;
    started = Instant::now();
    edit("b", json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/managed": "true" } } })).await?;
    stage.converges("b", V).await?;
    told.push(lap(&mut started, "a Secret that is handed over"));
    let mut object = stage.sealed("c", V)?;
    object["metadata"]["annotations"] = json!({ "sealedsecrets.bitnami.com/cluster-wide": "true" });
    scene.apply(&object).await?;
    scene.synced("c", "False").await?;
    started = Instant::now();
    let strict = json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/cluster-wide": null } } });
    scene.sealed_secrets().patch("c", &PatchParams::default(), &Patch::Merge(strict)).await?;
    stage.converges("c", V).await?;
    told.push(lap(&mut started, "a scope that is put right"));
    ensure!(!controller.log()?.contains("Error updating, will retry"), "it was found by trying again");
    told.push(made_anew(&stage, "c").await?);
    say(&format!("  answered after: {}", told.join(", ")));
    Ok(())
}

/// A tenant of the controller's own namespace tries each name, label and type that means something there.
pub(crate) async fn no_sealed_secret_becomes_a_key_or_a_checkpoint(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let before = served(&controller)?;
    let own = UnsealingKey::generate(2048)?;
    #[expect(clippy::disallowed_methods, reason = "a newer key would become the active one")]
    let now = Timestamp::now();
    let certificate = Certificate::self_signed(&own, "", now, std::time::Duration::from_secs(86_400))?.to_pem();
    let pem = own.secret_pkcs1_pem().to_string();
    let items: &[(&str, &str)] = &[("tls.key", &pem), ("tls.crt", &certificate)];
    let patched = json!({ "metadata": { "name": "patched", "labels": { KEY_LABEL: "spare" },
        "annotations": { "sealedsecrets.bitnami.com/patch": "true" } } });
    scene.secrets().create(&PostParams::default(), &serde_json::from_value(patched)?).await?;
    let label = json!({ "metadata": { "labels": { KEY_LABEL: "active" } } });
    let skip = json!({ "metadata": { "labels": { KEY_LABEL: "active" },
        "annotations": { "sealedsecrets.bitnami.com/skip-set-owner-references": "true" } } });
    for (name, template) in [
        ("sealed-secrets-key", json!({ "type": "kubernetes.io/tls" })),
        ("sealed-secrets-keyabc42", json!({ "type": "kubernetes.io/tls" })),
        ("labelled", label.clone()),
        ("without-owner", skip),
        ("patched", label),
        ("sealed-secrets-checkpoint-7", json!({})),
        ("typed", json!({ "type": "sealedsecrets.bitnami.com/checkpoint" })),
    ] {
        let mut object = stage.sealed(name, items)?;
        object["spec"]["template"] = template;
        scene.apply(&object).await?;
        let message = scene.synced(name, "False").await?;
        ensure!(message.starts_with("refused in the controller's namespace "), "{name}: {message}");
        let made = scene.secret(name).await?;
        ensure!(made.is_none_or(|made| name == "patched" && made.data.is_none()), "{name} was made");
    }
    ensure!(served(&controller)? == before && stage.keys().await?.len() == 1);
    ensure!(controller.metrics()?.contains("sealed_secrets_controller_keys 1\n"), "{}", controller.metrics()?);
    ensure!(controller.end() == Some(0), "it ended otherwise");
    let again = stage.start().await?;
    ensure!(served(&again)? == before && again.metrics()?.contains("sealed_secrets_controller_keys 1\n"));
    // The same values under a name that means nothing are a Secret like any other.
    stage.apply("plain", items).await?;
    stage.converges("plain", items).await
}

pub(crate) async fn a_key_that_nobody_vouches_for_opens_and_does_not_seal(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(&["--trust-new-keys=annotated"]);
    let first = stage.keys().await?.pop().context("there is no key")?.name_any();
    let controller = stage.start().await?;
    let own = served(&controller)?;
    ensure!(own != *key()?.fingerprint() && stage.keys().await?.len() == 2, "a stranger's key is sealed with");
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let untrusted = async |count: u32| {
        let line = format!("sealed_secrets_controller_untrusted_keys {count}\n");
        scene.eventually(&line, async || Ok(controller.metrics()?.contains(&line).then_some(()))).await
    };
    untrusted(1).await?;
    let vouch = json!({ "metadata": { "annotations": { TRUSTED_KEY_ANNOTATION: key()?.fingerprint().as_str() } } });
    scene.secrets().patch(&first, &PatchParams::default(), &Patch::Merge(vouch)).await?;
    untrusted(0).await?;
    ensure!(served(&controller)? == own, "an older key became the active one");
    ensure!(controller.end() == Some(0), "it ended otherwise");
    let again = stage.start().await?;
    ensure!(served(&again)? == own && stage.keys().await?.len() == 2, "the own key is not remembered");
    Ok(())
}

pub(crate) async fn a_key_that_came_while_nobody_looked_is_told(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let foreign = |controller: &Controller| -> Result<String> {
        let metrics = controller.metrics()?;
        let line = metrics.lines().find(|line| line.starts_with("sealed_secrets_controller_foreign_keys_total"));
        Ok(line.unwrap_or_default().to_owned())
    };
    let controller = stage.start().await?;
    ensure!(foreign(&controller)?.ends_with(" 0"), "{}", foreign(&controller)?);
    ensure!(controller.end() == Some(0), "it ended otherwise");
    let brought = UnsealingKey::generate(2048)?;
    #[expect(clippy::disallowed_methods, reason = "an older key, so that it does not become the active one")]
    let long_ago = Timestamp::now() - SignedDuration::from_hours(1000);
    let validity = std::time::Duration::from_secs(10_000 * 3600);
    let certificate = Certificate::self_signed(&brought, "", long_ago, validity)?;
    let naming = Naming { prefix: "brought".to_owned(), ..Naming::default() };
    let stored =
        scene.secrets().create(&PostParams::default(), &key_secret::new(&brought, &certificate, &naming)).await?;
    let again = stage.start().await?;
    ensure!(foreign(&again)?.ends_with(" 1"), "{}", foreign(&again)?);
    let log = again.log()?;
    let told = log.lines().filter(|line| line.contains("a sealing key appeared that this controller did not make"));
    ensure!(told.clone().count() == 1 && told.clone().all(|line| line.contains(&stored.name_any())), "{log}");
    let events: Api<Event> = Api::namespaced(scene.client(), &scene.namespace);
    let about = async || {
        let all = events.list(&ListParams::default()).await?.items;
        let is_it = |event: &&Event| event.involved_object.name.as_deref() == Some(&stored.name_any());
        Ok(all.iter().find(is_it).map(|event| event.message.clone().unwrap_or_default()))
    };
    let message = scene.eventually("an event on the key Secret", about).await?;
    ensure!(message.contains(brought.fingerprint().as_str()), "{message}");
    Ok(())
}
