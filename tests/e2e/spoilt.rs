//! Objects and answers that no decoder expects: deep, huge, with times and types that cannot be. What is wrong fails
//! alone and is named; nothing of what the others hold is shown.

use anyhow::{Context as _, Result, ensure};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use sealer_encoding::base64;
use sealer_resource::key_secret::KEY_ITEM;
use sealer_tests::attack::very_many_values;
use sealer_tests::controller::Controller;
use sealer_tests::faults::rule::{Fault, Refusal, Rule, Times};
use sealer_tests::faults::spoil::Spoil;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::stage::Stage;

const V: &[(&str, &str)] = &[("k", "v")];

/// Calls whose answers are spoilt.
const CALLS: [&str; 8] = [
    "list secrets",
    "watch secrets",
    "get secrets",
    "create secrets",
    "update secrets",
    "list sealedsecrets",
    "watch sealedsecrets",
    "get sealedsecrets",
];

pub(crate) async fn answers_that_are_spoilt_show_nothing_and_stall_nothing_else(scene: Scene) -> Result<()> {
    let canary = "canary-7d1f9b3c55aa";
    let stage = Stage::new(&scene).await?.with_args(&["--log-level=DEBUG"]);
    let plain = json!({ "metadata": { "name": "plain" }, "stringData": { "k": canary } });
    scene.secrets().create(&PostParams::default(), &serde_json::from_value(plain)?).await?;
    let mut controller = stage.start().await?;
    stage.apply("changed", &[("k", canary)]).await?;
    stage.converges("changed", &[("k", canary)]).await?;
    let before = controller.certificate()?;
    for (seed, spoil) in Spoil::ALL.into_iter().enumerate() {
        for call in CALLS {
            stage.proxy.add(Rule { times: Times::First(2), ..Rule::always(call, Fault::Spoil(spoil, seed + 1)) });
        }
        stage.proxy.cut_watches();
        let name = format!("spoilt{seed}");
        let value = format!("{canary}-{seed}");
        stage.apply(&name, &[("k", canary)]).await?;
        stage.apply("changed", &[("k", &value)]).await?;
        // Nothing waits for the end of it.
        stage.converges(&name, &[("k", canary)]).await.with_context(|| format!("{spoil:?}"))?;
        stage.proxy.heal();
        stage.converges("changed", &[("k", &value)]).await.with_context(|| format!("{spoil:?}"))?;
        ensure!(!controller.has_ended(), "{spoil:?} ends it");
        ensure!(controller.certificate()? == before, "{spoil:?} changes the certificate");
    }
    // The same for a controller that starts: its first answers are spoilt.
    controller.kill();
    for (seed, spoil) in Spoil::ALL.into_iter().enumerate() {
        for call in CALLS {
            stage.proxy.add(Rule { times: Times::First(1), ..Rule::always(call, Fault::Spoil(spoil, seed + 1)) });
        }
        let mut again = stage.start().await.with_context(|| format!("{spoil:?}"))?;
        ensure!(again.certificate()? == before, "{spoil:?} makes another key at the start");
        stage.proxy.heal();
        stage.apply("changed", &[("k", "v"), ("seed", &seed.to_string())]).await?;
        // The shared controller, which does not have the stage's key, may be the last to write a status.
        scene.holds("changed", &[("k", "v"), ("seed", &seed.to_string())]).await?;
        ensure!(!again.has_ended(), "{spoil:?} ends it");
        shows_no_secret(&stage, &again, canary).await?;
    }
    ensure!(stage.keys().await?.len() == 1, "a key was made");
    Ok(())
}

/// Neither a value nor a key stands in what the stage's controllers logged, or in what can be read in the namespace.
async fn shows_no_secret(stage: &Stage, controller: &Controller, canary: &str) -> Result<()> {
    let scene = &stage.scene;
    let key = stage.keys().await?.into_iter().next().and_then(|key| key.data).context("there is no key")?;
    let pem = String::from_utf8(key.get(KEY_ITEM).context("the key has no text")?.0.clone())?;
    let line = pem.lines().nth(3).context("the key is short")?.to_owned();
    let encoded = base64::encode(&pem);
    let part = encoded.get(100..140).unwrap_or_default().to_owned();
    let events = scene.shell().must(&format!("kubectl get events -n {} -o json", scene.namespace)).await?;
    let statuses = scene
        .shell()
        .must(&format!("kubectl get sealedsecrets -n {} -o jsonpath='{{.items[*].status}}'", scene.namespace))
        .await?;
    let logs = scene.suite.each_log().concat();
    ensure!(logs.contains("cannot be read"), "nothing that was spoilt is told");
    let everything = [logs, events, statuses, controller.metrics()?].concat();
    for wanted in [canary, base64::encode(canary).trim_end_matches('='), &line, &part] {
        ensure!(
            everything.matches(wanted).count() == 0,
            "a secret is shown: {} hits",
            everything.matches(wanted).count()
        );
    }
    Ok(())
}

/// A server that does not stream lists.
fn without_streams(stage: &Stage) {
    let refusal = Refusal::new(422, "Invalid", "sendInitialEvents: Forbidden");
    // Secrets are watched twice: the keys by themselves.
    for (call, watches) in [("watch sealedsecrets", 1), ("watch secrets", 2)] {
        let rule = Rule::always(call, Fault::Answer(refusal));
        stage.proxy.add(Rule { times: Times::First(watches), ..rule });
    }
}

async fn create(scene: &Scene, name: &str, spec: Value) -> Result<DynamicObject> {
    let object = json!({ "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": name, "namespace": scene.namespace }, "spec": spec });
    Ok(scene.sealed_secrets().create(&PostParams::default(), &serde_json::from_value(object)?).await?)
}

pub(crate) async fn an_object_that_is_too_deep_fails_alone_however_it_is_listed(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    // As text: our own decoders do not read it.
    let deep = format!("{}{}", "[".repeat(150), "]".repeat(150));
    let body = format!(
        r#"{{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{{"name":"deep"}},"spec":{{"encryptedData":{{}},"template":{{"metadata":{{"a":{deep}}}}}}}}}"#
    );
    let path = format!("/apis/bitnami.com/v1alpha1/namespaces/{}/sealedsecrets", scene.namespace);
    let request = http::Request::post(&path).header("Content-Type", "application/json");
    scene.client().request_text(request.body(body.into_bytes())?).await?;
    for (name, streams) in [("streamed", true), ("paged", false)] {
        if !streams {
            without_streams(&stage);
        }
        let controller = stage.start().await?;
        stage.apply(name, V).await?;
        stage.converges(name, V).await?;
        let status = async || {
            let text =
                scene.client().request_text(http::Request::get(format!("{path}/deep")).body(Vec::new())?).await?;
            let told = text.contains("the spec is nested 153 levels deep; at most 64 are read");
            Ok((told && text.contains(r#""status":"False""#)).then_some(()))
        };
        scene.eventually("the status of the deep object", status).await?;
        ensure!(streams || stage.proxy.count("list sealedsecrets") > 0, "it is not listed in pages");
        controller.kill();
    }
    scene.delete("deep").await
}

/// Puts a time into an object's `managedFields` that no calendar has, as the API server takes it.
async fn with_odd_time(scene: &Scene, path: &str, name: &str) -> Result<()> {
    let path = format!("{path}/{name}");
    let text = scene.client().request_text(http::Request::get(&path).body(Vec::new())?).await?;
    let mut object: Value = serde_json::from_str(&text)?;
    // The entry of whoever made it: one that owns no field, or that changes something, is the server's to write.
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    let first = entries.and_then(|entries| entries.first_mut()).context("the object has no managedFields")?;
    first["time"] = json!("9999-12-31T23:59:59Z");
    // Where nothing but a time changes the server takes nothing.
    object["metadata"]["annotations"]["odd"] = json!("x");
    // As another writer: the server sets the time of the one who writes.
    let request = http::Request::put(format!("{path}?fieldManager=other")).header("Content-Type", "application/json");
    let stored = scene.client().request_text(request.body(object.to_string().into_bytes())?).await?;
    ensure!(stored.contains("9999-12-31T23:59:59Z"), "the API server does not keep the time of {name}");
    Ok(())
}

pub(crate) async fn times_that_no_calendar_has_stall_nothing(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let certificate = {
        let controller = stage.start().await?;
        stage.apply("a", V).await?;
        stage.converges("a", V).await?;
        controller.certificate()?
    };
    let secrets = format!("/api/v1/namespaces/{}/secrets", scene.namespace);
    let objects = format!("/apis/bitnami.com/v1alpha1/namespaces/{}/sealedsecrets", scene.namespace);
    let foreign = json!({ "metadata": { "name": "foreign" }, "stringData": { "k": "v" } });
    scene.secrets().create(&PostParams::default(), &serde_json::from_value(foreign)?).await?;
    let key = stage.keys().await?.into_iter().next().and_then(|key| key.metadata.name).context("there is no key")?;
    for (path, name) in [(&secrets, "foreign"), (&secrets, "a"), (&secrets, key.as_str()), (&objects, "a")] {
        with_odd_time(&scene, path, name).await?;
    }
    for (at, streams) in [true, false].into_iter().enumerate() {
        if !streams {
            without_streams(&stage);
        }
        let controller = stage.start().await?;
        ensure!(controller.certificate()? == certificate, "another certificate is served");
        let metrics = controller.metrics()?;
        ensure!(metrics.contains("sealed_secrets_controller_keys 1\n"), "the key is not in use:\n{metrics}");
        let name = format!("b{at}");
        stage.apply(&name, V).await?;
        stage.converges(&name, V).await?;
        let changed = &[("k", if streams { "w" } else { "x" })];
        // Its Secret is read, planned on and written with the time on it.
        let object = stage.sealed("a", changed)?;
        let patch = Patch::Merge(json!({ "spec": object["spec"] }));
        let patched = scene.sealed_secrets().patch_metadata("a", &PatchParams::default(), &patch).await;
        ensure!(patched.is_ok() || patched.is_err_and(|error| matches!(error, kube::Error::SerdeError(_))));
        let holds = async || {
            let text =
                scene.client().request_text(http::Request::get(format!("{secrets}/a")).body(Vec::new())?).await?;
            Ok(text.contains(&base64::encode(changed[0].1)).then_some(()))
        };
        scene.eventually("the changed Secret", holds).await?;
        // A Secret that somebody takes away comes back: the watch goes on.
        scene.shell().must(&format!("kubectl delete secret {name} -n {} --wait=false", scene.namespace)).await?;
        stage.converges(&name, V).await?;
        controller.kill();
    }
    // Others read the namespace with decoders that do not take it.
    for (path, name) in [(&secrets, "foreign"), (&secrets, "a"), (&secrets, key.as_str()), (&objects, "a")] {
        let request = http::Request::delete(format!("{path}/{name}")).body(Vec::new())?;
        scene.client().request_text(request).await?;
    }
    Ok(())
}

pub(crate) async fn objects_of_very_many_values_take_little_memory(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    stage.apply("a", V).await?;
    stage.converges("a", V).await?;
    let idle = controller.peak_memory()?;
    let spec = very_many_values();
    for at in 0..6 {
        let name = format!("many{at}");
        create(&scene, &name, spec.clone()).await?;
        let honest = format!("honest{at}");
        stage.apply(&honest, V).await?;
        stage.converges(&honest, V).await?;
    }
    // An event tells of each; a write of its status would keep the API server busy for seconds.
    for at in 0..6 {
        let events = format!(
            "kubectl get events -n {} --field-selector involvedObject.name=many{at} -o jsonpath='{{.items[*].message}}'",
            scene.namespace
        );
        let told = async || Ok(Some(scene.shell().must(&events).await?).filter(|told| !told.is_empty()));
        let told = scene.eventually("an event", told).await?;
        ensure!(
            told.starts_with("Failed to unseal: the spec holds ") && told.contains("at most 10000 are read"),
            "{told}"
        );
    }
    let more = controller.peak_memory()?.saturating_sub(idle);
    sealer_tests::report::say(&format!(
        "six objects of 190,000 maps: {} KiB above idle ({} KiB)",
        more >> 10,
        idle >> 10
    ));
    ensure!(more <= 100 << 20, "{more} bytes above idle");
    // The same for a start with all of them there, in a list by pages.
    controller.kill();
    without_streams(&stage);
    let again = stage.start().await?;
    stage.apply("b", V).await?;
    stage.converges("b", V).await?;
    let more = again.peak_memory()?.saturating_sub(idle);
    sealer_tests::report::say(&format!("the same listed in pages: {} KiB above idle", more >> 10));
    ensure!(more <= 100 << 20, "{more} bytes above idle");
    for at in 0..6 {
        scene.delete(&format!("many{at}")).await?;
    }
    Ok(())
}

pub(crate) async fn what_the_api_server_says_of_a_value_is_not_repeated(scene: Scene) -> Result<()> {
    let stage = Stage::new(&scene).await?;
    let controller = stage.start().await?;
    let mut object = stage.sealed("a", &[("password", "Trustno1")])?;
    object["spec"]["template"] = json!({ "type": "kubernetes.io/dockerconfigjson",
        "data": { ".dockerconfigjson": "{{ substr 0 1 .password }}" } });
    scene.apply(&object).await?;
    // Not even which item is wrong: a template made it of a value.
    let told = "template execution error (.dockerconfigjson)";
    // The shared controller, which does not have the stage's key, tells something else before.
    let status = async || Ok(scene.synced("a", "False").await?.starts_with(told).then_some(()));
    scene.eventually("the status in our own words", status).await?;
    let events = scene.shell().must(&format!("kubectl get events -n {} -o json", scene.namespace)).await?;
    let everything = [events, controller.log()?, controller.metrics()?].concat();
    ensure!(everything.contains(told), "neither event nor log says what is wrong");
    for word in ["invalid character", "looking for", "'T'", "invalid value"] {
        ensure!(!everything.contains(word), "{word}");
    }
    Ok(())
}
