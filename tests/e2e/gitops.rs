//! Do the tools around a SealedSecret find what they look for: kubectl, Flux, Argo CD, kustomize, and who reads the Secret?

use std::fs;

use anyhow::{Context as _, Result, ensure};
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use sealer_core::{Label, Scope};
use serde_json::{Value, json};

use crate::health::{argo, flux, kstatus};
use crate::scene::Scene;

/// Writes an object where a shell finds it.
fn file(scene: &Scene, name: &str, object: &Value) -> Result<String> {
    let path = scene.suite.plane.folder.path().join(format!("{}-{name}.json", scene.namespace));
    fs::write(&path, object.to_string())?;
    Ok(path.display().to_string())
}

async fn live(scene: &Scene, name: &str) -> Result<Value> {
    Ok(serde_json::to_value(scene.sealed_secrets().get(name).await?)?)
}

pub(crate) async fn each_tool_reads_the_health_that_it_should(scene: Scene) -> Result<()> {
    let foreign = json!({ "metadata": { "name": "taken" }, "data": {} });
    scene.secrets().create(&kube::api::PostParams::default(), &serde_json::from_value(foreign)?).await?;
    for (name, label) in [("good", "good"), ("bad", "another"), ("taken", "taken")] {
        let label = Label::new_unchecked(Scope::Strict, &scene.namespace, label);
        let mut object = scene.sealed_for(&label, name, &[("k", "v")], Scope::Strict).await?;
        object["metadata"]["finalizers"] = json!(["example.com/hold"]);
        scene.apply(&object).await?;
    }
    for (name, status, word) in
        [("good", "True", "Healthy"), ("bad", "False", "Degraded"), ("taken", "False", "Degraded")]
    {
        let message = scene.synced(name, status).await?;
        let object = live(&scene, name).await?;
        ensure!(object["status"]["conditions"].as_array().is_some_and(|all| all.len() == 1), "{object}");
        let flux_word = if status == "True" { "Current" } else { "Failed" };
        ensure!((kstatus(&object), flux(&object)) == ("Current", flux_word), "{object}");
        ensure!(argo(&object) == (word, message), "{object}");
        // What follows is not seen yet: nobody may say that it failed, or that it is done.
        let mut edited = object.clone();
        edited["metadata"]["generation"] = json!(2);
        ensure!((kstatus(&edited), flux(&edited)) == ("InProgress", "InProgress"));
        let mut fresh = object;
        fresh["status"].take();
        ensure!((kstatus(&fresh), flux(&fresh), argo(&fresh).0) == ("Current", "not yet", "Progressing"));
    }
    scene.delete("bad").await?;
    let object = live(&scene, "bad").await?;
    ensure!(kstatus(&object) == "Terminating" && argo(&object) == ("Progressing", "Pending deletion".to_owned()));
    for name in ["good", "bad", "taken"] {
        let none = Patch::Merge(json!({ "metadata": { "finalizers": [] } }));
        scene.sealed_secrets().patch(name, &PatchParams::default(), &none).await?;
    }
    Ok(())
}

/// Who owns what of an object, as `manager operation subresource`.
fn managers(object: &Value) -> Vec<String> {
    let fields = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let line = |entry: &Value| {
        [text(entry, "manager"), text(entry, "operation"), text(entry, "subresource")].join(" ").trim_end().to_owned()
    };
    fields.map(line).collect()
}

pub(crate) async fn applied_again_and_again_nothing_drifts(scene: Scene) -> Result<()> {
    let mut object = scene.sealed("a", &[("k", "v"), ("l", "w")], Scope::Strict).await?;
    // An empty map is dropped by the API server, and is a change each time it is applied.
    object["metadata"].as_object_mut().context("there is no metadata")?.remove("annotations");
    let path = file(&scene, "a", &object)?;
    let apply = format!("kubectl apply --server-side --field-manager=kustomize-controller --force-conflicts -f {path}");
    let applied = "sealedsecret.bitnami.com/a serverside-applied\n";
    ensure!(scene.shell().must(&apply).await? == applied);
    scene.synced("a", "True").await?;
    let before = live(&scene, "a").await?;
    ensure!(scene.shell().must(&apply).await? == applied);
    let diff = format!("kubectl diff --server-side --field-manager=kustomize-controller -f {path}");
    ensure!(scene.shell().must(&diff).await?.is_empty(), "it drifts");
    let after = live(&scene, "a").await?;
    ensure!(before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"], "{before}\n{after}");
    ensure!(after["metadata"]["generation"] == 1, "{after}");
    ensure!(managers(&after) == ["kustomize-controller Apply", "controller Update status"], "{:?}", managers(&after));
    // One value changed in Git is one change here, and the other value stays as it was sealed.
    let other = scene.sealed("a", &[("k", "changed")], Scope::Strict).await?;
    let mut changed = object.clone();
    changed["spec"]["encryptedData"]["k"] = other["spec"]["encryptedData"]["k"].clone();
    fs::write(&path, changed.to_string())?;
    let shown = scene.shell().run(&diff).await?;
    let lines = |sign: char| {
        shown
            .stdout
            .lines()
            .filter(|line| line.starts_with(sign) && !line.starts_with(&[sign; 3].iter().collect::<String>()))
            .count()
    };
    ensure!(shown.status == Some(1) && lines('+') == 2 && lines('-') == 2, "{shown:?}");
    scene.shell().must(&apply).await?;
    scene.holds("a", &[("k", "changed"), ("l", "w")]).await?;
    Ok(())
}

pub(crate) async fn client_side_apply_says_created_unchanged_and_configured(scene: Scene) -> Result<()> {
    for (value, word) in [("v", "created"), ("v", "unchanged"), ("w", "configured")] {
        if word != "unchanged" {
            file(&scene, "a", &scene.sealed("a", &[("k", value)], Scope::Strict).await?)?;
        }
        let path = scene.suite.plane.folder.path().join(format!("{}-a.json", scene.namespace));
        let told = scene.shell().must(&format!("kubectl apply -f {}", path.display())).await?;
        ensure!(told == format!("sealedsecret.bitnami.com/a {word}\n"), "{told}");
        scene.holds("a", &[("k", value)]).await?;
        scene.synced("a", "True").await?;
    }
    let secret = scene.secret("a").await?.unwrap_or_default();
    ensure!(secret.annotations().is_empty(), "what kubectl notes on the SealedSecret is not the Secret's");
    let delete = format!("kubectl delete sealedsecrets.bitnami.com a -n {0}", scene.namespace);
    let told = scene.shell().must(&delete).await?;
    ensure!(told.starts_with("sealedsecret.bitnami.com \"a\" deleted"), "{told}");
    Ok(())
}

pub(crate) async fn what_is_pruned_goes_and_comes_again(scene: Scene) -> Result<()> {
    let object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    let gone = async || Ok(scene.secret("a").await?.is_none().then_some(()));
    scene.apply(&object).await?;
    scene.holds("a", &[("k", "v")]).await?;
    let delete = format!("kubectl delete sealedsecret a -n {} --cascade", scene.namespace);
    scene.shell().must(&format!("{delete}=background")).await?;
    scene.eventually("the end of its Secret", gone).await?;
    scene.apply(&object).await?;
    scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    scene.shell().must(&format!("{delete}=orphan")).await?;
    let orphaned = async || Ok(scene.secret("a").await?.filter(|secret| secret.owner_references().is_empty()));
    let orphan = scene.eventually("an orphan", orphaned).await?;
    // It is somebody else's now, until he hands it over.
    scene.apply(&object).await?;
    scene.synced("a", "False").await?;
    ensure!(scene.secret("a").await?.unwrap_or_default().resource_version() == orphan.resource_version());
    Ok(())
}

pub(crate) async fn without_an_owner_the_secret_outlives_its_object(scene: Scene) -> Result<()> {
    let mut object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    object["spec"]["template"]["metadata"]["annotations"] =
        json!({ "sealedsecrets.bitnami.com/skip-set-owner-references": "true" });
    scene.apply(&object).await?;
    let secret = scene.holds("a", &[("k", "v")]).await?;
    ensure!(secret.owner_references().is_empty());
    scene.synced("a", "True").await?;
    scene.delete("a").await?;
    // One that has an owner goes: then the collector has been there.
    scene.apply(&scene.sealed("b", &[("k", "v")], Scope::Strict).await?).await?;
    scene.holds("b", &[("k", "v")]).await?;
    scene.delete("b").await?;
    scene.eventually("the end of b", async || Ok(scene.secret("b").await?.is_none().then_some(()))).await?;
    ensure!(scene.secret("a").await?.unwrap_or_default().resource_version() == secret.resource_version());
    Ok(())
}

pub(crate) async fn who_waits_sees_every_change_observed(scene: Scene) -> Result<()> {
    let namespace = &scene.namespace;
    // Begun before there is anything, as something that depends on it would.
    let wait = format!(
        "kubectl wait -n {namespace} --for=create sealedsecret/a --timeout=110s && \
         kubectl wait -n {namespace} --for=condition=Synced sealedsecret/a --timeout=110s"
    );
    let waiting = scene.shell().must(&wait);
    let applying = async {
        scene.apply(&scene.sealed("a", &[("k", "1")], Scope::Strict).await?).await?;
        Ok(())
    };
    let (told, ()) = futures::future::try_join(waiting, applying).await?;
    ensure!(told.ends_with("sealedsecret.bitnami.com/a condition met\n"), "{told}");
    for round in 2..20 {
        let note = json!({ "metadata": { "annotations": { "round": round.to_string() } } });
        scene.sealed_secrets().patch("a", &PatchParams::default(), &Patch::Merge(note)).await?;
        scene.apply(&scene.sealed("a", &[("k", &round.to_string())], Scope::Strict).await?).await?;
    }
    let observed = format!(
        "kubectl wait -n {namespace} --for=jsonpath='{{.status.observedGeneration}}'=19 sealedsecret/a --timeout=110s"
    );
    scene.shell().must(&observed).await?;
    scene.holds("a", &[("k", "19")]).await?;
    // A generation that changes nothing is observed too, and a status that somebody removes comes back.
    let empty = json!({ "spec": { "template": { "metadata": { "creationTimestamp": "2020-01-01T00:00:00Z" } } } });
    scene.sealed_secrets().patch("a", &PatchParams::default(), &Patch::Merge(empty)).await?;
    scene.synced("a", "True").await?;
    let removed = Patch::Merge(json!({ "status": null }));
    scene.sealed_secrets().patch_status("a", &PatchParams::default(), &removed).await?;
    scene.synced("a", "True").await?;
    Ok(())
}

pub(crate) async fn marks_of_tools_stay_where_they_are(scene: Scene) -> Result<()> {
    let mut object = scene.sealed("a", &[("k", "v")], Scope::Strict).await?;
    let labels = json!({ "app.kubernetes.io/instance": "app1", "kustomize.toolkit.fluxcd.io/name": "apps" });
    let annotations = json!({ "argocd.argoproj.io/tracking-id": "app1:bitnami.com/SealedSecret:ns/a" });
    object["metadata"]["labels"] = labels.clone();
    object["metadata"]["annotations"] = annotations.clone();
    scene.apply(&object).await?;
    let secret = scene.holds("a", &[("k", "v")]).await?;
    scene.synced("a", "True").await?;
    ensure!(secret.labels().is_empty() && secret.annotations().is_empty(), "{:?}", secret.metadata);
    let after = live(&scene, "a").await?;
    ensure!(after["metadata"]["labels"] == labels && after["metadata"]["annotations"] == annotations, "{after}");
    ensure!(after["metadata"]["finalizers"].is_null());
    Ok(())
}

pub(crate) async fn documents_of_early_versions_are_taken_as_they_are(scene: Scene) -> Result<()> {
    let sealed = scene.sealed("a", &[("creds", "v")], Scope::Strict).await?;
    let value = sealed["spec"]["encryptedData"]["creds"].as_str().context("there is no value")?;
    let text = format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  creationTimestamp: null\n  name: a\n  \
         namespace: {0}\nspec:\n  encryptedData:\n    creds: {value}\n  template:\n    data: null\n    metadata:\n      \
         creationTimestamp: null\n      name: a\n      namespace: {0}\n",
        scene.namespace
    );
    let path = scene.suite.plane.folder.path().join(format!("{}.yaml", scene.namespace));
    fs::write(&path, text)?;
    let told = scene.shell().must(&format!("kubectl apply -f {}", path.display())).await?;
    ensure!(told == "sealedsecret.bitnami.com/a created\n", "{told}");
    scene.holds("a", &[("creds", "v")]).await?;
    scene.synced("a", "True").await?;
    Ok(())
}

/// An overlay over one SealedSecret, built by kustomize and applied.
async fn overlay(scene: &Scene, base: &Value, with: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("sealed.yaml"), base.to_string())?;
    fs::write(folder.path().join("kustomization.yaml"), format!("resources: [sealed.yaml]\n{with}\n"))?;
    scene.shell().must(&format!("kubectl apply -k {}", folder.path().display())).await.map(drop)
}

pub(crate) async fn overlays_open_where_their_scope_lets_them(scene: Scene) -> Result<()> {
    let namespace = &scene.namespace;
    let wide = scene.sealed("wide", &[("k", "v")], Scope::NamespaceWide).await?;
    overlay(&scene, &wide, "namePrefix: dev-").await?;
    scene.holds("dev-wide", &[("k", "v")]).await?;
    let mut elsewhere = wide.clone();
    elsewhere["metadata"]["namespace"] = json!("base");
    elsewhere["spec"]["template"]["metadata"]["namespace"] = json!("base");
    overlay(&scene, &elsewhere, &format!("namespace: {namespace}")).await?;
    scene.holds("wide", &[("k", "v")]).await?;
    let strict = scene.sealed("strict", &[("k", "v")], Scope::Strict).await?;
    overlay(&scene, &strict, "namePrefix: dev-").await?;
    let message = scene.synced("dev-strict", "False").await?;
    ensure!(message.starts_with("no key could decrypt secret (k): is sealed for the name `strict`"), "{message}");
    overlay(&scene, &strict, "commonAnnotations: {owner: team}\nlabels: [{pairs: {team: x}, includeTemplates: true}]")
        .await?;
    let secret = scene.holds("strict", &[("k", "v")]).await?;
    ensure!(secret.labels().is_empty() && secret.annotations().is_empty(), "{:?}", secret.metadata);
    Ok(())
}

pub(crate) async fn a_pod_reads_the_secret_byte_for_byte(scene: Scene) -> Result<()> {
    let credential = "{\n  \"type\": \"service_account\",\n  \"key\": \"-----BEGIN KEY-----\\nA=$w0rd'\"\n}";
    scene.suite.plane.node.provide("consumer", std::path::Path::new("/bin/sh"));
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "consumer", "namespace": scene.namespace },
        "spec": { "containers": [{ "name": "c", "image": "consumer:1",
            "command": ["sh", "-c", "printf '%s' \"$CREDS\"; exec sleep 600"],
            "env": [{ "name": "CREDS", "valueFrom": { "secretKeyRef": { "name": "gcp-creds", "key": "creds" } } }] }] } });
    let path = file(&scene, "pod", &pod)?;
    scene.shell().must(&format!("kubectl apply -f {path}")).await?;
    let waits = format!(
        "kubectl get pod consumer -n {} -o jsonpath='{{.status.containerStatuses[0].state.waiting.message}}'",
        scene.namespace
    );
    let told = async || Ok(scene.shell().must(&waits).await?.contains("secret gcp-creds not found").then_some(()));
    scene.eventually("a Pod that waits", told).await?;
    scene.apply(&scene.sealed("gcp-creds", &[("creds", credential)], Scope::Strict).await?).await?;
    let log = scene.suite.plane.folder.path().join(format!("pods/{}_consumer.log", scene.namespace));
    let read = async || Ok(fs::read_to_string(&log).ok().filter(|text| !text.is_empty()));
    let text = scene.eventually("what the Pod read", read).await?;
    ensure!(text == credential, "{text:?}");
    // Sealed anew it is the same Secret, written once.
    let before = scene.secret("gcp-creds").await?.unwrap_or_default();
    scene.apply(&scene.sealed("gcp-creds", &[("creds", "new")], Scope::Strict).await?).await?;
    let after = scene.holds("gcp-creds", &[("creds", "new")]).await?;
    ensure!(before.uid() == after.uid(), "it was made anew");
    Ok(())
}
