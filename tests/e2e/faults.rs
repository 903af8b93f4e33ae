//! An API server in trouble: nothing stalls, nothing is lost, all objects converge, and what is wrong is named.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ResourceQuota};
use k8s_openapi::api::rbac::v1::Role;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use sealer_tests::controller::Controller;
use sealer_tests::faults::rule::{Fault, Refusal, Rule, Side, Times};
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::stage::{self, Stage, grant, rules};

const V: &[(&str, &str)] = &[("k", "v")];
const W: &[(&str, &str)] = &[("k", "w")];

fn refuse(code: u16, reason: &'static str, message: &'static str) -> Fault {
    Fault::Answer(Refusal::new(code, reason, message))
}

fn expired() -> Refusal {
    Refusal::new(410, "Expired", "too old resource version")
}

/// What is wrong with an object stands in status, event, metric and log.
async fn is_told(stage: &Stage, controller: &Controller, name: &str, message: &str) -> Result<()> {
    let scene = &stage.scene;
    let told = scene.synced(name, "False").await?;
    ensure!(told.contains(message), "{name}: {told}");
    let events = format!(
        "kubectl get events -n {} --field-selector involvedObject.name={name},type=Warning -o jsonpath='{{.items[*].message}}'",
        scene.namespace
    );
    let event = async || Ok(scene.shell().must(&events).await?.contains(message).then_some(()));
    scene.eventually("a warning", event).await?;
    let metric = "sealed_secrets_controller_unseal_errors_total{";
    ensure!(controller.metrics()?.contains(metric), "no error is counted");
    ensure!(controller.log()?.lines().any(|line| line.contains(message) && line.contains(name)), "no line for {name}");
    Ok(())
}

pub(crate) async fn what_is_refused_is_named_and_tried_again_until_it_passes(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let refusals = [
        ("r500", 500, "InternalError", "etcdserver: request timed out"),
        ("r503", 503, "ServiceUnavailable", "the server is currently unable to handle the request"),
        ("webhook", 500, "InternalError", "Internal error occurred: failed calling the webhook"),
        ("r429", 429, "TooManyRequests", "the server has received too many requests"),
    ];
    for (name, code, reason, message) in refusals {
        stage.proxy.add(Rule::always("create secrets", refuse(code, reason, message)).of(name));
    }
    let reset = |side| Rule::next("create secrets", Fault::Reset(side));
    stage.proxy.add(reset(Side::Before).of("reset"));
    stage.proxy.add(reset(Side::After).of("lost"));
    stage.proxy.add(Rule::next("update sealedsecrets/status", Fault::Reset(Side::After)).of("late"));
    stage.proxy.add(Rule::next("update sealedsecrets/status", refuse(500, "InternalError", "no")).of("later"));
    let controller = stage.start().await?;
    let others = ["reset", "lost", "late", "later", "untroubled"];
    for name in refusals.iter().map(|(name, ..)| *name).chain(others) {
        stage.apply(name, V).await?;
    }
    for name in others {
        stage.converges(name, V).await?;
    }
    for (name, code, reason, message) in refusals {
        is_told(&stage, &controller, name, &format!("the API server answers {reason} ({code})")).await?;
        // What the server says may repeat what stands in a Secret.
        ensure!(!controller.log()?.contains(message), "the log repeats what was answered for {name}");
    }
    stage.proxy.heal();
    for (name, ..) in refusals {
        stage.converges(name, V).await?;
    }
    Ok(())
}

pub(crate) async fn slow_answers_hold_up_nobody_else(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let slow: Vec<String> = (0..40).map(|at| format!("slow{at}")).collect();
    for name in &slow {
        stage.proxy.add(Rule::always("create secrets", Fault::Delay(Duration::from_secs(25))).of(name));
    }
    let _controller = stage.start().await?;
    for name in &slow {
        stage.apply(name, V).await?;
    }
    let begun = async || Ok((stage.proxy.count("create secrets") >= 16).then_some(()));
    scene.eventually("slow calls under way", begun).await?;
    stage.apply("quick", V).await?;
    stage.converges("quick", V).await?;
    let done = scene.secrets().list(&ListParams::default().fields("type=Opaque")).await?.items.len();
    ensure!(done == 1, "{done} Secrets were made before the one that nothing held up");
    stage.proxy.heal();
    for name in &slow {
        stage.converges(name, V).await?;
    }
    Ok(())
}

pub(crate) async fn fifty_first_writes_that_conflict_cost_at_most_thrice_as_much(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    stage.proxy.add(Rule::once_each("create secrets", refuse(409, "AlreadyExists", "it exists")));
    stage.proxy.add(Rule::once_each("update sealedsecrets/status", refuse(409, "Conflict", "it was changed")));
    let _controller = stage.start().await?;
    let names: Vec<String> = (0..50).map(|at| format!("c{at}")).collect();
    let apply = async |name: &String| stage.apply(name, V).await;
    futures::stream::iter(&names).map(apply).buffer_unordered(8).try_collect::<Vec<()>>().await?;
    for name in &names {
        stage.converges(name, V).await?;
    }
    let of_objects = |what: &str| !what.starts_with("list") && !what.starts_with("watch") && !what.contains("reviews");
    let calls = stage.proxy.calls().into_iter().filter(|call| of_objects(&call.what)).count();
    ensure!(calls <= 3 * 3 * names.len(), "{calls} calls");
    Ok(())
}

pub(crate) async fn what_happens_while_no_watch_works_is_seen_afterwards(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    for name in ["changed", "removed", "bare"] {
        stage.apply(name, V).await?;
        stage.converges(name, V).await?;
    }
    for what in ["watch sealedsecrets", "watch secrets", "list sealedsecrets"] {
        stage.proxy.add(Rule::always(what, Fault::Answer(expired())));
    }
    let before = stage.proxy.count("watch sealedsecrets");
    stage.proxy.cut_watches();
    let refused = async || Ok((stage.proxy.count("watch sealedsecrets") > before).then_some(()));
    scene.eventually("a refused watch", refused).await?;
    stage.apply("changed", W).await?;
    stage.apply("new", V).await?;
    scene.delete("removed").await?;
    scene.secrets().delete("bare", &DeleteParams::default()).await?;
    stage.proxy.heal();
    stage.proxy.add(Rule::next("watch sealedsecrets", Fault::WatchError(expired())));
    stage.proxy.add(Rule::next("watch secrets", Fault::WatchError(expired())));
    stage.converges("changed", W).await?;
    stage.converges("new", V).await?;
    stage.converges("bare", V).await?;
    let series = "name=\"removed\"";
    let gone = async || Ok((!controller.metrics()?.contains(series)).then_some(()));
    scene.eventually("the end of the removed object's metric", gone).await?;
    ensure!(controller.log()?.contains("cannot watch SealedSecrets; trying again"), "nothing is said of the watch");
    Ok(())
}

pub(crate) async fn an_api_server_that_is_away_is_waited_for(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let mut controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    stage.proxy.go_away();
    stage.apply("a", W).await?;
    stage.apply("b", V).await?;
    let noticed = async || {
        let log = controller.log()?;
        Ok(log.contains("cannot watch SealedSecrets; trying again").then_some(()))
    };
    scene.eventually("a word on it", noticed).await?;
    ensure!(controller.is_ready(), "the certificate needs no API server");
    stage.proxy.come_back().await?;
    stage.converges("a", W).await?;
    stage.converges("b", V).await?;
    ensure!(!controller.has_ended(), "it ended");
    Ok(())
}

pub(crate) async fn an_api_server_that_is_killed_and_starts_again_finds_its_controller(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let mut controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let before = scene.secret("a").await?.unwrap_or_default();
    let noticed = async || {
        let told = async || Ok(controller.log()?.contains("the API server cannot be reached").then_some(()));
        scene.eventually("a word on it", told).await?;
        ensure!(controller.is_ready(), "the certificate needs no API server");
        Ok(())
    };
    scene.suite.plane.without_api_server(noticed).await?;
    stage.apply("b", V).await?;
    stage.converges("b", V).await?;
    ensure!(scene.secret("a").await?.unwrap_or_default().resource_version() == before.resource_version());
    stage.apply("a", W).await?;
    stage.converges("a", W).await?;
    ensure!(!controller.has_ended(), "it ended");
    Ok(())
}

pub(crate) async fn a_start_while_the_api_server_is_away_waits_for_it(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    stage.proxy.go_away();
    let mut controller = stage.begin().await?;
    let told = async || Ok(controller.log()?.contains("the API server cannot be reached").then_some(()));
    scene.eventually("a word on it", told).await?;
    let starting = Rule::always("list secrets", refuse(503, "ServiceUnavailable", "starting"));
    stage.proxy.add(Rule { times: Times::First(2), ..starting });
    stage.proxy.come_back().await?;
    stage.ready(&controller).await?;
    ensure!(!controller.has_ended(), "it ended");
    stage.apply("a", V).await?;
    stage.converges("a", V).await
}

pub(crate) async fn a_checkpoint_that_cannot_be_read_is_kept_all_the_same(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let checkpoint = "sealed-secrets-checkpoint-0";
    let refusal = refuse(503, "ServiceUnavailable", "the server is currently unable to handle the request");
    stage.proxy.add(Rule::next("get secrets", refusal).of(checkpoint));
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    ensure!(controller.end() == Some(0), "it does not end well");
    ensure!(scene.secret(checkpoint).await?.is_some(), "no checkpoint is kept");
    let again = stage.start().await?;
    ensure!(again.log()?.contains("msg=\"read the checkpoint\" objects=1"), "{}", again.log()?);
    stage.apply("a", W).await?;
    stage.converges("a", W).await
}

pub(crate) async fn secrets_that_cannot_be_listed_hold_up_no_object_after_a_restart(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let before = scene.secret("a").await?.unwrap_or_default();
    ensure!(controller.end() == Some(0), "it does not end well");
    stage.proxy.add(Rule::always("watch secrets", refuse(500, "InternalError", "not now")));
    let controller = stage.start().await?;
    let started = Instant::now();
    stage.apply("b", V).await?;
    stage.converges("b", V).await?;
    // A list that only is long would be waited for half a minute.
    ensure!(started.elapsed() < Duration::from_secs(25), "it took {:?}", started.elapsed());
    ensure!(controller.log()?.contains("cannot watch Secrets; trying again"), "nothing is logged");
    ensure!(scene.secret("a").await?.unwrap_or_default().resource_version() == before.resource_version());
    Ok(())
}

async fn set_rules(scene: &Scene, rules: &[Value]) -> Result<()> {
    let roles: Api<Role> = Api::namespaced(scene.client(), &scene.namespace);
    roles.patch("controller", &PatchParams::default(), &Patch::Merge(json!({ "rules": rules }))).await?;
    Ok(())
}

pub(crate) async fn rights_that_are_taken_away_are_named_and_waited_for(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let all = rules()?.as_array().cloned().context("there are no rules")?;
    let without_secrets: Vec<Value> =
        all.iter().filter(|rule| rule["resources"] != json!(["secrets"])).cloned().collect();
    set_rules(&scene, &without_secrets).await?;
    stage.apply("b", V).await?;
    is_told(&stage, &controller, "b", "is forbidden (403): the controller has no right to do that").await?;
    // Not even the status may be written; the log is all that is left.
    set_rules(&scene, &[]).await?;
    stage.apply("c", V).await?;
    let told = async || Ok(controller.log()?.contains("Error updating SealedSecret status").then_some(()));
    scene.eventually("a word on it", told).await?;
    set_rules(&scene, &all).await?;
    stage.converges("b", V).await?;
    stage.converges("c", V).await
}

pub(crate) async fn a_full_quota_is_named_and_others_go_on(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let quotas: Api<ResourceQuota> = Api::namespaced(scene.client(), &scene.namespace);
    let quota = json!({ "metadata": { "name": "full" }, "spec": { "hard": { "secrets": "1" } } });
    quotas.create(&PostParams::default(), &serde_json::from_value(quota)?).await?;
    // No controller of quotas runs here.
    let used = json!({ "status": { "hard": { "secrets": "1" }, "used": { "secrets": "1" } } });
    quotas.patch_status("full", &PatchParams::default(), &Patch::Merge(used)).await?;
    let refused = async || {
        let probe = json!({ "metadata": { "name": "probe" } });
        let made = scene.secrets().create(&PostParams::default(), &serde_json::from_value(probe)?).await;
        if made.is_ok() {
            scene.secrets().delete("probe", &DeleteParams::default()).await?;
        }
        Ok(made.is_err().then_some(()))
    };
    scene.eventually("a full quota", refused).await?;
    stage.apply("b", V).await?;
    is_told(&stage, &controller, "b", "exceeded quota: full").await?;
    stage.apply("a", W).await?;
    stage.converges("a", W).await?;
    quotas.delete("full", &DeleteParams::default()).await?;
    stage.converges("b", V).await
}

pub(crate) async fn what_a_policy_denies_comes_when_the_policy_goes(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let name = &scene.namespace;
    let policy = json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": { "name": name },
          "spec": {
            "matchConstraints": { "resourceRules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["secrets"] }] },
            "validations": [{ "expression": "!object.metadata.name.startsWith('denied')", "message": "not that name" }] } },
        { "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
          "metadata": { "name": name },
          "spec": { "policyName": name, "validationActions": ["Deny"],
            "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } } } }] });
    let file = scene.suite.plane.folder.path().join(format!("{name}.json"));
    std::fs::write(&file, policy.to_string())?;
    scene.shell().must(&format!("kubectl apply -f {}", file.display())).await?;
    let probe = format!("kubectl create secret generic denied-probe -n {name} --dry-run=server");
    let holds = async || Ok((scene.shell().run(&probe).await?.status != Some(0)).then_some(()));
    scene.eventually("a policy that holds", holds).await?;
    stage.apply("denied", V).await?;
    stage.apply("free", V).await?;
    stage.converges("free", V).await?;
    is_told(&stage, &controller, "denied", &format!("ValidatingAdmissionPolicy `{name}` denied the request")).await?;
    scene.shell().must(&format!("kubectl delete -f {}", file.display())).await?;
    stage.converges("denied", V).await
}

pub(crate) async fn an_immutable_secret_waits_until_somebody_deletes_it(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let mut object = stage.sealed("a", V)?;
    object["spec"]["template"]["immutable"] = json!(true);
    scene.apply(&object).await?;
    stage.converges("a", V).await?;
    stage.apply("a", W).await?;
    let message = scene.synced("a", "False").await?;
    ensure!(message.contains("field is immutable when `immutable` is set; delete the Secret"), "{message}");
    let calls = stage.proxy.count("update secrets");
    stage.apply("b", V).await?;
    stage.converges("b", V).await?;
    ensure!(stage.proxy.count("update secrets") == calls, "it is tried again although it cannot pass");
    ensure!(controller.log()?.contains("Error updating, giving up"), "nothing is logged");
    scene.secrets().delete("a", &DeleteParams::default()).await?;
    stage.converges("a", W).await
}

pub(crate) async fn an_immutable_secret_is_made_again_with_leave(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let _controller = stage.start().await?;
    let mut object = stage.sealed("a", W)?;
    object["spec"]["template"]["immutable"] = json!(true);
    scene.apply(&object).await?;
    stage.converges("a", W).await?;
    // Not before the cluster would take it.
    let mut object = stage.sealed("a", V)?;
    object["spec"]["template"]["immutable"] = json!(true);
    object["metadata"]["annotations"]["sealedsecrets.bitnami.com/replace-immutable"] = json!("true");
    let mut refused = object.clone();
    refused["spec"]["template"]["type"] = json!("kubernetes.io/dockerconfigjson");
    scene.apply(&refused).await?;
    scene.synced("a", "False").await?;
    scene.holds("a", W).await?;
    scene.apply(&object).await?;
    stage.converges("a", V).await
}

pub(crate) async fn leave_to_make_a_secret_again_counts_by_itself_and_once(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let _controller = stage.start().await?;
    // An annotation makes no new generation.
    let mut later = stage.sealed("later", V)?;
    later["spec"]["template"]["immutable"] = json!(true);
    scene.apply(&later).await?;
    stage.converges("later", V).await?;
    let other = stage.sealed("later", W)?;
    later["spec"]["encryptedData"] = other["spec"]["encryptedData"].clone();
    scene.apply(&later).await?;
    scene.synced("later", "False").await?;
    let leave = format!(
        "kubectl -n {} annotate sealedsecret later sealedsecrets.bitnami.com/replace-immutable=true",
        scene.namespace
    );
    scene.shell().must(&leave).await?;
    stage.converges("later", W).await?;
    // What a template makes anew each time is made once.
    let deletions = stage.proxy.count("delete secrets");
    later["metadata"]["annotations"]["sealedsecrets.bitnami.com/replace-immutable"] = json!("true");
    later["spec"]["template"]["data"] = json!({ "r": "{{ randAlphaNum 12 }}" });
    scene.apply(&later).await?;
    let made = async || {
        let secret = scene.secret("later").await?;
        Ok(secret.filter(|secret| secret.data.as_ref().is_some_and(|data| data.contains_key("r"))))
    };
    let secret = scene.eventually("a Secret with what the template makes", made).await?;
    scene.synced("later", "True").await?;
    stage.apply("c", V).await?;
    stage.converges("c", V).await?;
    ensure!(stage.proxy.count("delete secrets") == deletions + 1, "it is made again and again");
    ensure!(scene.secret("later").await?.and_then(|now| now.metadata.uid) == secret.metadata.uid);
    Ok(())
}

pub(crate) async fn a_namespace_that_ends_takes_nothing_else_along(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?.with_args(&["--additional-namespaces=ending-namespace"]);
    let namespaces: Api<Namespace> = Api::all(scene.client());
    let ending = Scene::new(scene.suite.clone(), "ending-namespace".to_owned()).await?;
    grant(&scene, &ending.namespace).await?;
    // It holds the namespace in its end for as long as the test looks.
    let holder = json!({ "metadata": { "name": "holder", "finalizers": ["example.com/hold"] } });
    let holders: Api<ConfigMap> = Api::namespaced(scene.client(), &ending.namespace);
    holders.create(&PostParams::default(), &serde_json::from_value(holder)?).await?;
    let controller = stage.start().await?;
    stage.proxy.add(Rule::always("create secrets", refuse(500, "InternalError", "not yet")).of("late"));
    let mut object = stage.sealed_with(stage::key()?.sealing_key(), &ending.namespace, "late", V)?;
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    ending.apply(&object).await?;
    ending.synced("late", "False").await?;
    namespaces.delete(&ending.namespace, &DeleteParams::default()).await?;
    let is_ending = async || {
        let namespace = namespaces.get(&ending.namespace).await?;
        Ok(namespace.metadata.deletion_timestamp.map(drop))
    };
    scene.eventually("the namespace's end", is_ending).await?;
    stage.proxy.heal();
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    release(scene.client(), &ending).await?;
    let gone = async || Ok(namespaces.get_opt(&ending.namespace).await?.is_none().then_some(()));
    scene.eventually("the namespace's last end", gone).await?;
    let settled = async || Ok(controller.metrics()?.contains("sealed_secrets_controller_queue_length 0").then_some(()));
    scene.eventually("an empty queue", settled).await?;
    stage.apply("b", V).await?;
    stage.converges("b", V).await
}

/// Takes away what holds the namespace.
async fn release(client: Client, ending: &Scene) -> Result<()> {
    let none = Patch::Merge(json!({ "metadata": { "finalizers": [] } }));
    let holders: Api<ConfigMap> = Api::namespaced(client, &ending.namespace);
    holders.patch("holder", &PatchParams::default(), &none).await?;
    if let Some(object) = ending.sealed_secrets().get_opt("late").await? {
        ending.sealed_secrets().patch(&object.name_any(), &PatchParams::default(), &none).await?;
    }
    Ok(())
}
