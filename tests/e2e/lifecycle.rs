//! From a SealedSecret's creation to its end.

use anyhow::{Result, ensure};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Patch, PatchParams};
use sealer_core::Scope;
use serde_json::json;

use crate::scene::Scene;

pub(crate) async fn a_sealed_secret_becomes_its_secret(scene: Scene) -> Result<()> {
    let mut object = scene.sealed("a", &[("user", "admin"), ("empty", "")], Scope::Strict).await?;
    object["spec"]["template"]["metadata"]["labels"] = json!({ "team": "x" });
    object["spec"]["template"]["metadata"]["finalizers"] = json!(["example.com/never"]);
    object["spec"]["template"]["metadata"]["uid"] = json!("made-up");
    let applied = scene.apply(&object).await?;
    let secret = scene.holds("a", &[("user", "admin"), ("empty", "")]).await?;
    ensure!(secret.type_.as_deref() == Some("Opaque") && secret.labels().get("team").map(String::as_str) == Some("x"));
    ensure!(secret.finalizers().is_empty(), "a template's finalizers are not the Secret's");
    let owners = serde_json::to_value(secret.owner_references())?;
    let expected = json!([{ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": applied.uid(), "controller": true }]);
    ensure!(owners == expected, "owner references are {owners}");
    ensure!(scene.synced("a", "True").await?.is_empty());
    Ok(())
}

pub(crate) async fn items_are_added_changed_and_removed(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("keep", "1"), ("change", "1"), ("remove", "1")], Scope::Strict).await?).await?;
    let before = scene.holds("a", &[("keep", "1"), ("change", "1"), ("remove", "1")]).await?;
    scene.apply(&scene.sealed("a", &[("keep", "1"), ("change", "2"), ("add", "1")], Scope::Strict).await?).await?;
    let after = scene.holds("a", &[("keep", "1"), ("change", "2"), ("add", "1")]).await?;
    ensure!(before.uid() == after.uid(), "the Secret was made anew");
    scene.synced("a", "True").await?;
    Ok(())
}

pub(crate) async fn deleting_it_takes_the_secret_away(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.delete("a").await?;
    scene.eventually("the end of secret a", async || Ok(scene.secret("a").await?.is_none().then_some(()))).await?;
    let series = format!("namespace=\"{}\"", scene.namespace);
    scene
        .eventually("the end of its metric", async || Ok((!scene.metrics().await?.contains(&series)).then_some(())))
        .await
}

pub(crate) async fn a_secret_deleted_by_hand_comes_back(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    let before = scene.holds("a", &[("k", "v")]).await?;
    scene.secrets().delete("a", &DeleteParams::default()).await?;
    let after = scene.holds("a", &[("k", "v")]).await?;
    ensure!(before.uid() != after.uid());
    Ok(())
}

pub(crate) async fn a_secret_edited_by_hand_is_put_right(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    let edit = json!({ "stringData": { "k": "by hand", "more": "x" } });
    scene.secrets().patch("a", &PatchParams::default(), &Patch::Merge(edit)).await?;
    scene.holds("a", &[("k", "v")]).await?;
    Ok(())
}

pub(crate) async fn deleted_and_made_again_at_once_it_still_has_its_secret(scene: Scene) -> Result<()> {
    let object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    scene.apply(&object).await?;
    scene.holds("a", &[("k", "v")]).await?;
    // A young cluster's garbage collector takes a while to learn of the resource.
    scene.delete("a").await?;
    scene.eventually("the end of secret a", async || Ok(scene.secret("a").await?.is_none().then_some(()))).await?;
    scene.apply(&object).await?;
    let before = scene.holds("a", &[("k", "v")]).await?;
    scene.delete("a").await?;
    let again = scene.apply(&object).await?;
    let owned = async || {
        let secret = scene.secret("a").await?.filter(|secret| secret.uid() != before.uid());
        Ok(secret
            .filter(|secret| secret.owner_references().iter().any(|owner| Some(&owner.uid) == again.uid().as_ref())))
    };
    scene.eventually("a Secret of the new SealedSecret", owned).await?;
    scene.synced("a", "True").await?;
    Ok(())
}

pub(crate) async fn what_other_tools_add_to_the_secret_stays(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    let note = json!({ "metadata": { "annotations": { "tool": "x" } } });
    scene.secrets().patch("a", &PatchParams::default(), &Patch::Merge(note)).await?;
    // Bringing the data back shows that the controller has looked at the Secret since.
    let edit = json!({ "stringData": { "k": "by hand" } });
    scene.secrets().patch("a", &PatchParams::default(), &Patch::Merge(edit)).await?;
    let secret = scene.holds("a", &[("k", "v")]).await?;
    ensure!(secret.annotations().get("tool").map(String::as_str) == Some("x"), "the annotation is gone");
    Ok(())
}

pub(crate) async fn kubectl_shows_and_waits_for_it(scene: Scene) -> Result<()> {
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    let namespace = &scene.namespace;
    let wait = format!("kubectl wait -n {namespace} --for=condition=Synced sealedsecret/a --timeout=110s");
    ensure!(scene.shell().must(&wait).await? == "sealedsecret.bitnami.com/a condition met\n");
    let table = scene.shell().must(&format!("kubectl get sealedsecrets -n {namespace}")).await?;
    ensure!(table.starts_with("NAME   STATUS   SYNCED   AGE\n") && table.contains("True"), "{table}");
    let events = format!(
        "kubectl get events -n {namespace} --field-selector involvedObject.name=a -o jsonpath='{{range .items[*]}}{{.type}} {{.reason}} {{.message}}{{end}}'"
    );
    let unsealed = async || {
        Ok((scene.shell().must(&events).await? == "Normal Unsealed SealedSecret unsealed successfully").then_some(()))
    };
    scene.eventually("one event", unsealed).await
}
