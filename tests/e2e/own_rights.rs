//! A controller of the test's own with fewer rights than `deploy/` gives: it works, and makes no call that is refused.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::Role;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use sealer_tests::faults::rule::{Fault, Refusal, Rule, Side};
use sealer_tests::report::say;
use serde_json::{Value, json};

use crate::kills::{SIDES, halt, killed_at};
use crate::scene::Scene;
use crate::stage::{Stage, grant, key};

const V: &[(&str, &str)] = &[("k", "v")];
const W: &[(&str, &str)] = &[("k", "w")];

/// What the chart 2.4.0 grants.
fn old_rules() -> Result<Value> {
    let recorded: Value = serde_json::from_str(include_str!("../golden/chart-2.4.0.json"))?;
    let roles = ["ClusterRole", "Role"].map(|kind| {
        let of_kind = recorded["objects"].as_array().into_iter().flatten().filter(move |object| object["kind"] == kind);
        of_kind.flat_map(|role| role["rules"].as_array().cloned().unwrap_or_default()).collect::<Vec<_>>()
    });
    Ok(Value::from(roles.concat()))
}

async fn stage_with_old_rights(scene: &Scene) -> Result<Stage> {
    let stage = Stage::new(scene).await?;
    let roles: Api<Role> = Api::namespaced(scene.client(), &scene.namespace);
    let rules = Patch::Merge(json!({ "rules": old_rules()? }));
    roles.patch("controller", &PatchParams::default(), &rules).await?;
    // The API server hears of it later than it answers: a controller that asks before is told of rights that it loses at once.
    let review = json!({
        "spec": {
            "user": user(scene),
            "resourceAttributes": { "namespace": scene.namespace, "verb": "watch", "resource": "secrets" },
        },
    });
    let review: SubjectAccessReview = serde_json::from_value(review)?;
    let reviews: Api<SubjectAccessReview> = Api::all(scene.client());
    let has_lost = async || {
        let status = reviews.create(&PostParams::default(), &review).await?.status;
        Ok(status.is_some_and(|status| !status.allowed).then_some(()))
    };
    scene.eventually("the end of the right to watch Secrets", has_lost).await?;
    Ok(stage)
}

/// The controller as the API server knows it.
fn user(scene: &Scene) -> String {
    format!("system:serviceaccount:{}:controller", scene.namespace)
}

/// Calls of this namespace's controller that the API server refused for want of a right.
fn refused(scene: &Scene) -> Result<Vec<Value>> {
    let user = user(scene);
    let is_refused = |line: &Value| {
        line.pointer("/user/username") == Some(&json!(user))
            && line.pointer("/responseStatus/code") == Some(&json!(403))
    };
    Ok(scene.suite.plane.audit()?.into_iter().filter(is_refused).collect())
}

pub(crate) async fn under_old_rights_a_killed_controller_is_followed_by_one_that_converges(scene: Scene) -> Result<()> {
    let stage = stage_with_old_rights(&scene).await?;
    let mut controller = stage.start().await?;
    for (at, call) in ["create secrets", "update secrets", "update sealedsecrets/status"].into_iter().enumerate() {
        for side in SIDES {
            let name = format!("a{at}-{}", if side == Side::Before { "before" } else { "after" });
            if call != "create secrets" {
                stage.apply(&name, V).await?;
                stage.converges(&name, V).await?;
            }
            let act = async || stage.apply(&name, W).await;
            controller = killed_at(&stage, controller, halt(call, side, &name), act).await?;
            stage.converges(&name, W).await.with_context(|| format!("{call}, {side:?}"))?;
        }
    }
    let trouble = Refusal::new(500, "InternalError", "etcdserver: request timed out");
    stage.proxy.add(Rule::next("create secrets", Fault::Answer(trouble)).of("troubled"));
    stage.proxy.add(Rule::next("update sealedsecrets/status", Fault::Reset(Side::After)).of("troubled"));
    stage.apply("troubled", V).await?;
    stage.converges("troubled", V).await?;
    stage.proxy.go_away();
    stage.apply("away", V).await?;
    stage.proxy.come_back().await?;
    stage.converges("away", V).await?;
    ensure!(stage.keys().await?.len() == 1, "a key was made");
    let refused = refused(&scene)?;
    ensure!(refused.is_empty(), "{refused:?}");
    drop(controller);
    Ok(())
}

/// Nobody says when Kubernetes takes the old Secret away; it is looked for every few seconds.
pub(crate) async fn under_old_rights_an_object_made_anew_waits_seconds_for_its_secret(scene: Scene) -> Result<()> {
    let stage = stage_with_old_rights(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    // Kubernetes cannot take it away while this is there.
    let hold = |finalizers: Value| Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }));
    scene.secrets().patch("a", &PatchParams::default(), &hold(json!(["example.com/hold"]))).await?;
    scene.delete("a").await?;
    stage.apply("a", W).await?;
    let tried = async || {
        let looks = controller.log()?.lines().filter(|line| line.contains("Error updating, will retry")).count();
        Ok((looks >= 9).then_some(()))
    };
    scene.eventually("many looks", tried).await?;
    let started = Instant::now();
    scene.secrets().patch("a", &PatchParams::default(), &hold(json!([]))).await?;
    let _ = scene.secrets().delete("a", &DeleteParams::default()).await;
    stage.converges("a", W).await?;
    say(&format!(
        "  without a watch, an object made anew has its Secret {:.1} s later",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

pub(crate) async fn under_old_rights_a_secret_in_the_way_is_looked_at_again_and_again(scene: Scene) -> Result<()> {
    let stage = stage_with_old_rights(&scene).await?;
    let _controller = stage.start().await?;
    let secrets = scene.secrets();
    for name in ["a", "b"] {
        let foreign = json!({ "metadata": { "name": name }, "stringData": { "own": "x" } });
        secrets.create(&PostParams::default(), &serde_json::from_value(foreign)?).await?;
        stage.apply(name, V).await?;
        let message = scene.synced(name, "False").await?;
        ensure!(message.ends_with("already exists and is not managed by SealedSecret"), "{message}");
    }
    let hand_over = json!({ "metadata": { "annotations": { "sealedsecrets.bitnami.com/managed": "true" } } });
    secrets.patch("a", &PatchParams::default(), &Patch::Merge(hand_over)).await?;
    secrets.delete("b", &DeleteParams::default()).await?;
    stage.converges("a", V).await?;
    stage.converges("b", V).await?;
    let refused = refused(&scene)?;
    ensure!(refused.is_empty(), "{refused:?}");
    Ok(())
}

/// What a chart does that gives roles in other namespaces alone: the own one is asked about, and never called.
pub(crate) async fn a_namespace_without_rights_is_waited_for_without_a_refused_call(scene: Scene) -> Result<()> {
    let other = Scene::new(scene.suite.clone(), "without-rights".to_owned()).await?;
    let stage = Stage::new(&scene).await?.with_args(&["--additional-namespaces=without-rights"]);
    let controller = stage.start().await?;
    other.apply(&stage.sealed_with(key()?.sealing_key(), &other.namespace, "b", V)?).await?;
    let told = async || Ok(controller.log()?.contains("no right to watch SealedSecrets").then_some(()));
    scene.eventually("a word on it", told).await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    ensure!(stage.proxy.calls().iter().all(|call| call.namespace != other.namespace), "{:?}", stage.proxy.calls());
    let refused = refused(&scene)?;
    ensure!(refused.is_empty(), "{refused:?}");
    grant(&scene, &other.namespace).await?;
    other.holds("b", V).await?;
    other.synced("b", "True").await.map(drop)
}
