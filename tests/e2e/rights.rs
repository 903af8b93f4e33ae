//! Does the controller get along with the rights that its installation has?

use anyhow::{Result, ensure};
use kube::ResourceExt as _;
use sealer_core::Scope;
use sealer_tests::product::repository;
use serde_json::{Value, json};

use crate::scene::Scene;

/// Old installations may not watch Secrets: each controller says so once, and works.
pub(crate) async fn a_right_that_is_missing_is_told_once(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    let expected = usize::from(!scene.suite.installation.may_watch_secrets());
    for log in scene.suite.each_log() {
        let lines = log.lines().filter(|line| line.contains("no right to watch Secrets")).count();
        let is_at_work = log.contains("msg=Updating key=");
        ensure!(!is_at_work || lines == expected, "{lines} lines instead of {expected}:\n{log}");
    }
    Ok(())
}

/// Helm leaves the definition alone, Flux may replace it: what is stored under the old one stays and goes on working.
pub(crate) async fn a_newer_definition_takes_what_is_stored_under_an_older_one(scene: Scene) -> Result<()> {
    let mut object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    object["spec"]["template"]["data"] = Value::Null;
    object["spec"]["nobodyKnowsThis"] = json!(1);
    scene.apply(&object).await?;
    let before = scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    let shell = scene.shell();
    let told = shell.must("kubectl get crd sealedsecrets.bitnami.com -o json").await?;
    let mut old: Value = serde_json::from_str(&told)?;
    old["metadata"] = json!({ "name": old["metadata"]["name"] });
    old["status"].take();
    let file = scene.suite.plane.folder.path().join("old-definition.json");
    std::fs::write(&file, old.to_string())?;
    shell.must(&format!("kubectl replace -f {}", repository().join("deploy/crd.yaml").display())).await?;
    let table = format!("kubectl get sealedsecret a -n {}", scene.namespace);
    let columns = async || Ok(shell.must(&table).await?.starts_with("NAME   STATUS   SYNCED   AGE\n").then_some(()));
    let done = scene.eventually("the columns of the newer definition", columns).await;
    let changed = async {
        let after = scene.secret("a").await?.unwrap_or_default();
        ensure!(before.resource_version() == after.resource_version(), "the Secret was written");
        scene.apply(&scene.sealed("a", &[("k", "w")], Scope::Strict).await?).await?;
        scene.holds("a", &[("k", "w")]).await?;
        scene.synced("a", "True").await
    };
    let changed = changed.await;
    shell.must(&format!("kubectl replace -f {}", file.display())).await?;
    done.and(changed).map(drop)
}

/// What the API server never lets anybody change is the same in both.
pub(crate) async fn the_plain_manifest_goes_over_the_one_before_it(scene: Scene) -> Result<()> {
    let apply = "kubectl apply --server-side --field-manager=x --force-conflicts --dry-run=server -f";
    for manifest in ["tests/golden/controller.yaml", "deploy/controller.yaml"] {
        let told = scene.shell().must(&format!("{apply} {}", repository().join(manifest).display())).await?;
        ensure!(told.lines().count() == 10, "{told}");
    }
    Ok(())
}
