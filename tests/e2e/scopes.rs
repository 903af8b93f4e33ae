//! Where does a value open?

use anyhow::{Result, ensure};
use kube::api::{Patch, PatchParams};
use sealer_core::{Label, Scope};
use serde_json::json;

use crate::scene::Scene;

pub(crate) async fn each_scope_opens_where_it_may(scene: Scene) -> Result<()> {
    for scope in Scope::ALL {
        let name = scope.as_str();
        scene.apply(&scene.sealed(name, &[("k", name)], scope).await?).await?;
        scene.holds(name, &[("k", name)]).await?;
    }
    // Renamed within the namespace, and moved from another one.
    let renamed = Label::new_unchecked(Scope::NamespaceWide, &scene.namespace, "other");
    scene.apply(&scene.sealed_for(&renamed, "renamed", &[("k", "v")], Scope::NamespaceWide).await?).await?;
    scene.holds("renamed", &[("k", "v")]).await?;
    Ok(())
}

/// The known line stands first; the cause follows where it can be found.
async fn does_not_open(scene: &Scene, label: &Label, scope: Scope, cause: &str) -> Result<()> {
    scene.apply(&scene.sealed_for(label, "a", &[("k", "v")], scope).await?).await?;
    let message = scene.synced("a", "False").await?;
    let known = "no key could decrypt secret (k)";
    let cause = if cause.is_empty() { "opens with no key of this cluster" } else { &format!("is sealed {cause}") };
    ensure!(message.starts_with(&format!("{known}: {cause}")), "{message}");
    ensure!(scene.secret("a").await?.is_none());
    Ok(())
}

pub(crate) async fn a_strict_value_opens_under_no_other_name(scene: Scene) -> Result<()> {
    does_not_open(&scene, &Label::new_unchecked(Scope::Strict, &scene.namespace, "b"), Scope::Strict, "").await?;
    does_not_open(
        &scene,
        &Label::new_unchecked(Scope::Strict, &scene.namespace, "a"),
        Scope::ClusterWide,
        "with scope strict",
    )
    .await
}

pub(crate) async fn a_namespace_wide_value_opens_in_no_other_namespace(scene: Scene) -> Result<()> {
    does_not_open(
        &scene,
        &Label::new_unchecked(Scope::NamespaceWide, "default", "a"),
        Scope::NamespaceWide,
        "for namespace `default`",
    )
    .await?;
    does_not_open(
        &scene,
        &Label::new_unchecked(Scope::Strict, "default", "a"),
        Scope::Strict,
        "for namespace `default`",
    )
    .await
}

pub(crate) async fn a_scope_annotation_added_later_counts(scene: Scene) -> Result<()> {
    let label = Label::new_unchecked(Scope::ClusterWide, "", "");
    does_not_open(&scene, &label, Scope::Strict, "with scope cluster-wide").await?;
    let annotation = json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/cluster-wide": "true" } } });
    scene.sealed_secrets().patch("a", &PatchParams::default(), &Patch::Merge(annotation)).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    Ok(())
}
