//! Many at once, and how many calls each costs.

use anyhow::{Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use sealer_core::Scope;
use serde_json::Value;

use crate::scene::Scene;

pub(crate) async fn two_hundred_objects_at_once(scene: Scene) -> Result<()> {
    let object = scene.sealed("many", &[("k", "v")], Scope::NamespaceWide).await?;
    let make = async |at: usize| {
        let mut object = object.clone();
        object["metadata"]["name"] = Value::String(format!("many-{at}"));
        scene.apply(&object).await.map(drop)
    };
    futures::stream::iter(0..200).map(make).buffer_unordered(8).try_collect::<Vec<()>>().await?;
    let all = async || {
        let secrets = scene.secrets().list(&kube::api::ListParams::default()).await?;
        Ok((secrets.items.len() == 200).then_some(()))
    };
    scene.eventually("two hundred Secrets", all).await?;
    scene.synced("many-199", "True").await?;
    Ok(())
}

/// Requests of the controller on behalf of a namespace, from the API server's own log.
fn calls(scene: &Scene) -> Result<Vec<String>> {
    let of_controller = |line: &&Value| {
        let user = line.pointer("/user/username").and_then(Value::as_str);
        let namespace = line.pointer("/objectRef/namespace").and_then(Value::as_str);
        user == Some("system:serviceaccount:kube-system:sealed-secrets-controller")
            && namespace == Some(&scene.namespace)
    };
    let text =
        |line: &Value, pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let call = |line: &Value| format!("{} {}", text(line, "/verb"), text(line, "/objectRef/resource"));
    Ok(scene.suite.plane.audit()?.iter().filter(of_controller).map(call).collect())
}

pub(crate) async fn calls_are_counted(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    let expected = ["create events", "create secrets", "update sealedsecrets"];
    let new = settled(&scene, expected.len()).await?;
    ensure!(sorted(new.clone()) == expected, "a new object costs {new:?}");
    scene.apply(&scene.sealed("a", &[("k", "w")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "w")]).await?;
    scene.synced("a", "True").await?;
    let changed = settled(&scene, new.len() + 4).await?;
    let changed = sorted(changed.into_iter().skip(new.len()).collect());
    ensure!(
        changed == ["create events", "get secrets", "update sealedsecrets", "update secrets"],
        "a changed object costs {changed:?}"
    );
    Ok(())
}

/// The calls, once there are as many as expected, and a little later: what follows would be one too many.
async fn settled(scene: &Scene, least: usize) -> Result<Vec<String>> {
    let enough = async || Ok(Some(calls(scene)?).filter(|calls| calls.len() >= least));
    scene.eventually("calls in the audit log", enough).await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    calls(scene)
}

fn sorted(mut calls: Vec<String>) -> Vec<String> {
    calls.sort();
    calls
}

/// The rights in `deploy/` are enough, and the controller asks for nothing beyond them.
pub(crate) async fn nothing_the_controller_asks_for_is_forbidden(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    let forbidden = |line: &Value| {
        let user = line.pointer("/user/username").and_then(Value::as_str).unwrap_or_default();
        user.ends_with(":sealed-secrets-controller") && line.pointer("/responseStatus/code") == Some(&Value::from(403))
    };
    let refused: Vec<Value> = scene.suite.plane.audit()?.into_iter().filter(forbidden).collect();
    ensure!(refused.is_empty(), "{refused:?}");
    Ok(())
}
