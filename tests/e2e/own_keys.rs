//! Keys that somebody brings, marks, takes away or lets grow old, seen by a controller of the test's own.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use sealer_core::api::KEY_LABEL;
use sealer_core::{Certificate, Fingerprint};
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
        made.then(|| sealer_core::base64::decode(line["certificate"].as_str()?).ok()).flatten()
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
