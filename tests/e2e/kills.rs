//! A controller that is killed at every call, before and after the API server did what was asked: the next one ends where
//! an undisturbed one would have.

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use kube::api::{ListParams, Patch, PatchParams};
use sealer_core::{Certificate, UnsealingKey};
use sealer_tests::controller::Controller;
use sealer_tests::faults::rule::{Fault, Refusal, Rule, Side};
use sealer_tests::report::say;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::stage::Stage;

pub(crate) const SIDES: [Side; 2] = [Side::Before, Side::After];
const V: &[(&str, &str)] = &[("k", "v")];
/// The API server makes its name.
const NEW_KEY: &str = "create secrets";
const W: &[(&str, &str)] = &[("k", "w")];

/// Stops at the next such call for an object; events have names of their own.
pub(crate) fn halt(call: &'static str, side: Side, name: &str) -> Rule {
    let next = Rule::next(call, Fault::Halt(side));
    if call == "create events" { next } else { next.of(name) }
}

/// Kills a controller at its next such call, and starts another.
pub(crate) async fn killed_at(
    stage: &Stage,
    controller: Controller,
    rule: Rule,
    act: impl AsyncFnOnce() -> Result<()>,
) -> Result<Controller> {
    stage.proxy.add(rule);
    act().await?;
    let halted = stage.proxy.halted();
    tokio::time::timeout(PATIENCE, halted).await.context("the call does not come")?;
    controller.kill();
    stage.proxy.heal();
    stage.start().await
}

pub(crate) async fn killed_while_it_makes_a_secret(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let mut controller = stage.start().await?;
    let mut kills = 0;
    for (at, call) in ["create secrets", "create events", "update sealedsecrets/status"].into_iter().enumerate() {
        for side in SIDES {
            let name = format!("a{at}-{}", if side == Side::Before { "before" } else { "after" });
            let act = async || stage.apply(&name, V).await;
            controller = killed_at(&stage, controller, halt(call, side, &name), act).await?;
            stage.converges(&name, V).await.with_context(|| format!("{call}, {side:?}"))?;
            kills += 1;
        }
    }
    ensure!(stage.keys().await?.len() == 1, "a key was made");
    let opaque = scene.secrets().list(&ListParams::default().fields("type=Opaque")).await?.items.len();
    ensure!(opaque == kills, "{opaque} Secrets of {kills} objects");
    say(&format!("  killed at {kills} boundaries while it made Secrets; all converged, one key"));
    Ok(())
}

pub(crate) async fn killed_while_it_changes_a_secret(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let mut controller = stage.start().await?;
    let mut kills = 0;
    for call in ["get secrets", "update secrets", "create events", "update sealedsecrets/status"] {
        for side in SIDES {
            let name = format!("a{kills}");
            stage.apply(&name, V).await?;
            stage.converges(&name, V).await?;
            let before = scene.secret(&name).await?.unwrap_or_default();
            let act = async || stage.apply(&name, W).await;
            controller = killed_at(&stage, controller, halt(call, side, &name), act).await?;
            stage.converges(&name, W).await.with_context(|| format!("{call}, {side:?}"))?;
            let after = scene.secret(&name).await?.unwrap_or_default();
            ensure!(before.uid() == after.uid(), "{call}, {side:?}: the Secret was made anew");
            kills += 1;
        }
    }
    say(&format!("  killed at {kills} boundaries while it changed Secrets; all converged in place"));
    Ok(())
}

pub(crate) async fn killed_while_it_deletes_a_secret(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(&["--old-gc-behavior"]);
    let mut controller = stage.start().await?;
    for (side, name) in SIDES.into_iter().zip(["before", "after"]) {
        stage.apply(name, V).await?;
        stage.converges(name, V).await?;
        let finalizers =
            |all: Value| Patch::Merge(json!({ "metadata": { "resourceVersion": null, "finalizers": all } }));
        // Kubernetes deletes it too; this keeps it there until the controller's call has come.
        scene.secrets().patch(name, &PatchParams::default(), &finalizers(json!(["example.com/hold"]))).await?;
        let act = async || scene.delete(name).await;
        controller = killed_at(&stage, controller, halt("delete secrets", side, name), act).await?;
        scene.secrets().patch(name, &PatchParams::default(), &finalizers(json!([]))).await?;
        let gone = async || Ok(scene.secret(name).await?.is_none().then_some(()));
        scene.eventually(&format!("the end of secret {name}"), gone).await?;
        stage.apply(name, W).await?;
        stage.converges(name, W).await?;
    }
    Ok(())
}

/// The certificate that is served belongs to an active key in the cluster.
async fn serves_a_stored_key(stage: &Stage, controller: &Controller) -> Result<()> {
    let served = Certificate::first_from_pem(controller.certificate()?.as_bytes())?;
    for secret in stage.keys().await? {
        let data = secret.data.unwrap_or_default();
        let key = UnsealingKey::from_pem(&data.get("tls.key").context("a key Secret without a key")?.0)?;
        if key.fingerprint() == served.key().fingerprint() {
            return Ok(());
        }
    }
    anyhow::bail!("what is served is not stored")
}

pub(crate) async fn killed_while_it_makes_its_first_key(scene: Scene) -> Result<()> {
    for (side, namespace) in SIDES.into_iter().zip(["first-key-before", "first-key-after"]) {
        let scene = Scene::new(scene.suite.clone(), namespace.to_owned()).await?;
        let stage = Stage::without_key(&scene).await?;
        stage.proxy.add(Rule::next(NEW_KEY, Fault::Halt(side)).of(""));
        let controller = stage.begin().await?;
        tokio::time::timeout(PATIENCE, stage.proxy.halted()).await.context("no key is made")?;
        ensure!(!controller.is_ready(), "a key is served that may not be stored");
        controller.kill();
        stage.proxy.heal();
        let controller = stage.start().await?;
        let keys = stage.keys().await?.len();
        ensure!(keys == 1, "{side:?}: {keys} active keys");
        serves_a_stored_key(&stage, &controller).await?;
    }
    Ok(())
}

pub(crate) async fn killed_while_it_renews_its_key(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let mut controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    for (side, keys) in [(Side::Before, 1), (Side::After, 2)] {
        stage.proxy.add(Rule::next(NEW_KEY, Fault::Halt(side)).of(""));
        controller.ask_for_new_key();
        tokio::time::timeout(PATIENCE, stage.proxy.halted()).await.context("no key is made")?;
        controller.kill();
        stage.proxy.heal();
        controller = stage.start().await?;
        let found = stage.keys().await?.len();
        ensure!(found == keys, "{side:?}: {found} active keys");
        serves_a_stored_key(&stage, &controller).await?;
    }
    stage.apply("a", W).await?;
    stage.converges("a", W).await
}

pub(crate) async fn a_lost_answer_to_a_new_key_does_not_end_in_two(scene: Scene) -> Result<()> {
    let stage = Stage::without_key(&scene).await?;
    stage.proxy.add(Rule::next(NEW_KEY, Fault::Reset(Side::After)).of(""));
    let mut controller = stage.start().await?;
    ensure!(stage.keys().await?.len() == 1, "the first key was made twice");
    let refusal = Refusal::new(503, "ServiceUnavailable", "not now");
    stage.proxy.add(Rule::next(NEW_KEY, Fault::Answer(refusal)).of(""));
    stage.proxy.add(Rule::next(NEW_KEY, Fault::Reset(Side::After)).of(""));
    let first = controller.certificate()?;
    controller.ask_for_new_key();
    let other = async || Ok(controller.certificate().is_ok_and(|now| now != first).then_some(()));
    scene.eventually("another certificate", other).await?;
    ensure!(stage.keys().await?.len() == 2, "a key was made twice");
    ensure!(!controller.has_ended(), "it ended");
    serves_a_stored_key(&stage, &controller).await
}

pub(crate) async fn two_controllers_at_once_spoil_nothing(scene: Scene) -> Result<()> {
    let stage = Stage::without_key(&scene).await?;
    let pair = [stage.begin().await?, stage.begin().await?];
    for controller in &pair {
        stage.ready(controller).await?;
        serves_a_stored_key(&stage, controller).await?;
    }
    let keys = stage.keys().await?.len();
    ensure!(keys <= 2, "{keys} keys");
    let served = Certificate::first_from_pem(pair[0].certificate()?.as_bytes())?;
    for (at, items) in [V, W, V, W].into_iter().enumerate() {
        for name in ["a", "b", "c"] {
            scene.apply(&stage.sealed_with(served.key(), &scene.namespace, name, items)?).await?;
        }
        for name in ["a", "b", "c"] {
            stage.converges(name, items).await.with_context(|| format!("{name} in round {at}"))?;
        }
    }
    Ok(())
}

pub(crate) async fn asked_to_end_it_ends_well_whatever_it_is_doing(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    ensure!(controller.end() == Some(0), "at rest");
    stage.proxy.go_away();
    let controller = stage.begin().await?;
    let waits = async || Ok(controller.log()?.contains("no sealing keys yet; trying again").then_some(()));
    scene.eventually("a start that waits", waits).await?;
    ensure!(controller.end() == Some(0), "while it waits for the API server");
    stage.proxy.come_back().await?;
    stage.proxy.add(Rule::always("get secrets", Fault::Halt(Side::Before)).of("sealed-secrets-checkpoint-0"));
    let controller = stage.begin().await?;
    tokio::time::timeout(PATIENCE, stage.proxy.halted()).await.context("no checkpoint is read")?;
    ensure!(controller.end() == Some(0), "while it waits for its checkpoint");
    stage.proxy.heal();
    let controller = stage.start().await?;
    stage.apply("a", W).await?;
    stage.converges("a", W).await?;
    stage.proxy.go_away();
    let noticed = async || Ok(controller.log()?.contains("cannot watch SealedSecrets; trying again").then_some(()));
    scene.eventually("a word on it", noticed).await?;
    ensure!(controller.end() == Some(0), "while the API server is away");
    Ok(())
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
