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
        // Controllers of other scenes may run on while their namespaces, with the rights in them, are deleted.
        let user = line.pointer("/user/username").and_then(Value::as_str).unwrap_or_default();
        user == "system:serviceaccount:kube-system:sealed-secrets-controller"
            && line.pointer("/responseStatus/code") == Some(&Value::from(403))
    };
    let refused: Vec<Value> = scene.suite.plane.audit()?.into_iter().filter(forbidden).collect();
    ensure!(refused.is_empty(), "{refused:?}");
    Ok(())
}

/// What was in sync before a restart and still is, is not even looked at.
pub(crate) async fn a_restart_costs_no_look_and_no_write(scene: Scene) -> Result<()> {
    let names: Vec<String> = (0..20).map(|at| format!("kept-{at}")).collect();
    for name in &names {
        scene.apply(&scene.sealed(name, &[("k", "v")], Scope::Strict).await?).await?;
    }
    for name in &names {
        scene.synced(name, "True").await?;
    }
    let looks = |scene: &Scene| {
        let logs = scene.suite.whole_logs();
        logs.lines()
            .filter(|line| line.contains("msg=Updating") && line.contains(&format!("key={}/", scene.namespace)))
            .count()
    };
    let (looked, called) = (looks(&scene), calls(&scene)?.len());
    ensure!(looked >= names.len(), "the log does not tell of looks");
    let changed = scene
        .without_controller(async || {
            // One of them changes while nobody watches.
            let broken =
                serde_json::json!({ "metadata": { "labels": { "edited": "by-hand" } }, "data": { "k": null } });
            let secrets = scene.secrets();
            secrets.patch("kept-7", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(broken)).await?;
            Ok("kept-7")
        })
        .await?;
    let series = format!("namespace=\"{}\"", scene.namespace);
    let all = async || {
        let metrics = scene.metrics().await?;
        let synced = metrics
            .lines()
            .filter(|line| line.contains("condition_info") && line.contains(&series) && line.ends_with(" 1"));
        Ok((synced.count() == names.len()).then_some(()))
    };
    scene.eventually("all of them in sync", all).await?;
    scene.holds(changed, &[("k", "v")]).await?;
    let after = settled(&scene, called + 2).await?;
    let after = sorted(after.into_iter().skip(called).collect());
    ensure!(looks(&scene) == looked + 1, "{} looks instead of one", looks(&scene) - looked);
    ensure!(after.iter().filter(|call| *call == "update secrets").count() == 1 && after.len() <= 4, "{after:?}");
    Ok(())
}
