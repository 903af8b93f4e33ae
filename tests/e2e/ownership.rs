//! Whose Secret is it?

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use sealer_core::Scope;
use serde_json::{Value, json};

use crate::scene::{Scene, texts};

async fn foreign(scene: &Scene, annotations: &Value) -> Result<Secret> {
    let secret: Secret = serde_json::from_value(json!({
        "metadata": { "name": "a", "annotations": annotations }, "data": { "own": "eA==" },
    }))?;
    Ok(scene.secrets().create(&PostParams::default(), &secret).await?)
}

pub(crate) async fn a_foreign_secret_is_never_touched(scene: Scene) -> Result<()> {
    let before = foreign(&scene, &json!({})).await?;
    let mut object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    // What the template says of itself hands nothing over.
    object["spec"]["template"]["metadata"]["annotations"] = json!({ "sealedsecrets.bitnami.com/managed": "true" });
    scene.apply(&object).await?;
    let message = scene.synced("a", "False").await?;
    ensure!(message == "failed update: Resource \"a\" already exists and is not managed by SealedSecret", "{message}");
    let after = scene.secret("a").await?.unwrap_or_default();
    ensure!(before.resource_version() == after.resource_version(), "the Secret was written");
    Ok(())
}

pub(crate) async fn a_secret_handed_over_later_is_taken_over(scene: Scene) -> Result<()> {
    foreign(&scene, &json!({})).await?;
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.synced("a", "False").await?;
    let hand_over = json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/managed": "true" } } });
    scene.secrets().patch("a", &PatchParams::default(), &Patch::Merge(hand_over)).await?;
    let secret = scene.holds("a", &[("k", "v")]).await?;
    ensure!(secret.owner_references().len() == 1 && secret.annotations().is_empty());
    scene.synced("a", "True").await?;
    Ok(())
}

pub(crate) async fn a_patched_secret_keeps_its_own_items(scene: Scene) -> Result<()> {
    foreign(&scene, &json!({ "sealedsecrets.bitnami.com/patch": "true" })).await?;
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    let secret = scene.holds("a", &[("k", "v"), ("own", "x")]).await?;
    ensure!(secret.owner_references().is_empty(), "a patched Secret is not owned");
    scene.delete("a").await?;
    // Another object that is made and goes shows that the deletion was worked off.
    scene.apply(&scene.sealed("b", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("b", &[("k", "v")]).await?;
    let kept = scene.secret("a").await?.unwrap_or_default();
    ensure!(texts(&kept).len() == 2, "it must outlive the SealedSecret");
    Ok(())
}

/// Not at the first look, and not at the next one, which sees what the first one wrote.
pub(crate) async fn a_patched_secret_is_neither_taken_over_nor_frozen(scene: Scene) -> Result<()> {
    foreign(&scene, &json!({ "sealedsecrets.bitnami.com/patch": "true" })).await?;
    for value in ["v", "w"] {
        let mut object = scene.sealed("a", &[("k", value)], Scope::Strict).await?;
        object["spec"]["template"] = json!({ "immutable": true, "metadata": { "annotations": {
            "sealedsecrets.bitnami.com/managed": "true", "sealedsecrets.bitnami.com/patch": "false", "mine": value } } });
        scene.apply(&object).await?;
        let secret = scene.holds("a", &[("k", value), ("own", "x")]).await?;
        scene.synced("a", "True").await?;
        ensure!(secret.owner_references().is_empty(), "it has an owner: {:?}", secret.metadata.owner_references);
        ensure!(secret.immutable.is_none(), "it is frozen");
        let expected = [("mine", value), ("sealedsecrets.bitnami.com/patch", "true")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        ensure!(*secret.annotations() == expected.into(), "{:?}", secret.annotations());
    }
    Ok(())
}

pub(crate) async fn only_what_was_ours_or_in_the_way_is_made_again(scene: Scene) -> Result<()> {
    foreign(&scene, &json!({ "sealedsecrets.bitnami.com/patch": "true" })).await?;
    scene.apply(&scene.sealed("a", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("a", &[("k", "v"), ("own", "x")]).await?;
    scene.synced("a", "True").await?;
    scene.secrets().delete("a", &DeleteParams::default()).await?;
    let in_the_way =
        Secret { metadata: ObjectMeta { name: Some("b".into()), ..ObjectMeta::default() }, ..Secret::default() };
    scene.secrets().create(&PostParams::default(), &in_the_way).await?;
    scene.apply(&scene.sealed("b", &[("k", "v")], Scope::Strict).await?).await?;
    scene.synced("b", "False").await?;
    scene.secrets().delete("b", &DeleteParams::default()).await?;
    scene.holds("b", &[("k", "v")]).await?;
    scene.synced("b", "True").await?;
    ensure!(scene.secret("a").await?.is_none(), "a patched Secret belongs to whoever took it away");
    Ok(())
}

pub(crate) async fn privileged_types_are_refused(scene: Scene) -> Result<()> {
    let mut object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    object["spec"]["template"]["type"] = json!("kubernetes.io/service-account-token");
    scene.apply(&object).await?;
    let message = scene.synced("a", "False").await?;
    ensure!(message.contains("--allow-secret-types"), "{message}");
    ensure!(scene.secret("a").await?.is_none());
    Ok(())
}
