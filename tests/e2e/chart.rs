//! Does the chart take a release of the other chart over, and give it back?

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use sealer_tests::control_plane::binaries;
use sealer_tests::product::repository;
use sealer_tests::report::say;
use serde_json::{Value, json};

use crate::scene::Scene;

/// The objects of a release of the other chart, as they stand in clusters.
const RECORDED: &str = include_str!("../golden/chart-2.19.1.json");
/// Names of its own: the suite's controller has the usual ones.
const NAME: &str = "taken-over";

pub(crate) async fn a_release_is_taken_over_upgraded_and_given_back(scene: Scene) -> Result<()> {
    scene.without_controller(async || take_over(&scene).await).await
}

/// Helm finds the API server's address where the cluster tells it, and the API server takes all that the preset renders.
pub(crate) async fn the_secure_preset_is_complete_or_says_what_is_missing(scene: Scene) -> Result<()> {
    let helm = tokio::task::spawn_blocking(binaries::helm).await??;
    let (namespace, chart) = (&scene.namespace, repository().join("deploy/chart"));
    let (helm, chart) = (helm.display(), chart.display());
    let own_role = "--set rbac.clusterRoleName=secured-unsealer";
    let preset = format!("--values {chart}/presets/secure.yaml {own_role} --namespace {namespace}");
    let render = format!("{helm} template secured {chart} {preset} --dry-run=server");
    let told = scene.shell().run(&render).await?;
    ensure!(told.status != Some(0) && told.stderr.contains("networkPolicy.egress.kubeapiCidr"), "{}", told.stderr);
    let file = |name: &str| scene.suite.plane.folder.path().join(format!("{namespace}-{name}.json"));
    // In this control plane nobody else writes it.
    let endpoints = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": "kubernetes", "namespace": "default", "labels": { "kubernetes.io/service-name": "kubernetes" } },
        "endpoints": [{ "addresses": ["10.1.2.3"] }], "ports": [{ "name": "https", "port": 6443 }],
    });
    let (endpoints_file, rendered_file) = (file("endpoints"), file("rendered"));
    fs::write(&endpoints_file, endpoints.to_string())?;
    scene.shell().must(&format!("kubectl apply -f {}", endpoints_file.display())).await?;
    let rendered = scene.shell().must(&render).await;
    scene.shell().must(&format!("kubectl delete -f {}", endpoints_file.display())).await?;
    let rendered = rendered?;
    ensure!(rendered.matches("cidr: 10.1.2.3/32").count() == 2 && rendered.contains("port: 6443"), "{rendered}");
    fs::write(&rendered_file, rendered)?;
    scene.shell().must(&format!("kubectl apply --dry-run=server -f {}", rendered_file.display())).await.map(drop)
}

async fn take_over(scene: &Scene) -> Result<()> {
    let helm = tokio::task::spawn_blocking(binaries::helm).await??;
    let (helm, namespace, chart) = (helm.display(), &scene.namespace, repository().join("deploy/chart"));
    let folder = tempfile::tempdir()?;
    write_other_chart(folder.path(), namespace)?;
    let values = folder.path().join("values.json");
    fs::write(&values, values_of_release().to_string())?;
    let run = async |what: &str, command: String| -> Result<String> {
        let told = scene.shell().must(&format!("{helm} {command} --namespace {namespace}")).await?;
        say(&format!("  helm: {what}"));
        Ok(told)
    };
    let wait = "--wait --timeout 100s";
    run("installed the other chart", format!("install sealed-secrets {} {wait}", folder.path().display())).await?;
    seal(scene, "before").await?;
    let before = state(scene).await?;

    let upgrade = format!("upgrade sealed-secrets {} --values {} {wait}", chart.display(), values.display());
    run("upgraded it to this chart", upgrade.clone()).await?;
    compare(&before, &state(scene).await?)?;
    seal(scene, "after").await?;

    let before = state(scene).await?;
    run("changed a value", format!("{upgrade} --set podAnnotations.changed=yes")).await?;
    compare(&before, &state(scene).await?)?;
    run("rolled back to the other chart", format!("rollback sealed-secrets 1 {wait}")).await?;
    compare(&before, &state(scene).await?)?;
    seal(scene, "back").await?;
    run("uninstalled", "uninstall sealed-secrets --wait".to_owned()).await?;
    compare(&State { identities: Vec::new(), ..before }, &state(scene).await?)?;
    let keys = "kubectl get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o name";
    ensure!(!scene.shell().must(&format!("{keys} -n {namespace}")).await?.is_empty(), "the keys are gone");
    Ok(())
}

/// Only its own namespace: what other tests left would not open with this release's keys.
fn arguments() -> Value {
    json!(["--update-status", "--key-prefix", "sealed-secrets-key", "--all-namespaces=false"])
}

fn values_of_release() -> Value {
    json!({
        "fullnameOverride": NAME,
        "rbac": { "clusterRoleName": format!("{NAME}-unsealer") },
        "args": arguments(),
        "resources": { "requests": { "cpu": "80m", "memory": "100Mi" } },
    })
}

/// A chart that renders the recorded objects under names of their own.
fn write_other_chart(folder: &Path, namespace: &str) -> Result<()> {
    let text = RECORDED.replace("sealed-secrets-controller\"", &format!("{NAME}\""));
    let text = text
        .replace("sealed-secrets-controller-", &format!("{NAME}-"))
        .replace("sealed-secrets-controller:h", &format!("{NAME}:h"));
    let text = text.replace("secrets-unsealer", &format!("{NAME}-unsealer")).replace("kube-system", namespace);
    let recorded: Value =
        serde_json::from_str(&text.replace("http:sealed-secrets-controller:", &format!("http:{NAME}:")))?;
    let objects = recorded["objects"].as_array().context("there are no objects")?;
    let mut manifest = String::new();
    for object in objects.iter().filter(|object| object["kind"] != "CustomResourceDefinition") {
        let mut object = object.clone();
        if let Some(container) = object.pointer_mut("/spec/template/spec/containers/0") {
            container["args"] = arguments();
        }
        manifest.push_str(&format!("---\n{object}\n"));
    }
    fs::create_dir_all(folder.join("templates"))?;
    fs::write(
        folder.join("Chart.yaml"),
        "apiVersion: v2\nname: sealed-secrets\nversion: 2.19.1\nappVersion: 0.38.4\n",
    )?;
    fs::write(folder.join("templates/all.yaml"), manifest)?;
    Ok(())
}

async fn seal(scene: &Scene, name: &str) -> Result<()> {
    let namespace = &scene.namespace;
    let pipe = format!(
        "kubectl create secret generic {name} -n {namespace} --dry-run=client --from-literal=k={name} -o yaml | sealer \
         --controller-name {NAME} --controller-namespace {namespace} -o yaml | kubectl apply -f -"
    );
    scene.shell().must(&pipe).await?;
    scene.holds(name, &[("k", name)]).await?;
    scene.synced(name, "True").await?;
    Ok(())
}

/// Versions of what must not be written again, and identities of what must not be made again.
struct State {
    versions: Vec<String>,
    identities: Vec<String>,
}

async fn state(scene: &Scene) -> Result<State> {
    let namespace = &scene.namespace;
    let lines = async |kinds: &str, field: &str| -> Result<Vec<String>> {
        let columns = format!("custom-columns=K:.kind,N:.metadata.name,V:.metadata.{field},T:.type");
        let told = scene.shell().must(&format!("kubectl get {kinds} -n {namespace} -o {columns} --no-headers")).await?;
        // Helm's own record, and the controller's.
        let own = |line: &&str| !line.contains("helm.sh/release") && !line.contains("/checkpoint");
        Ok(told.lines().filter(own).map(words).collect())
    };
    let versions = lines("sealedsecrets,secrets", "resourceVersion").await?;
    let identities = lines("deployments,services,serviceaccounts,roles,rolebindings", "uid").await?;
    Ok(State { versions, identities })
}

/// A line without the spaces that only align it.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All that was there is there, unchanged; there may be more.
fn compare(before: &State, now: &State) -> Result<()> {
    for (old, new) in [(&before.versions, &now.versions), (&before.identities, &now.identities)] {
        for line in old {
            ensure!(new.contains(line), "changed: {line}\nnow:\n{}", new.join("\n"));
        }
    }
    for (what, lines) in [("version", &before.versions), ("uid", &before.identities)] {
        for line in lines {
            say(&format!("        same {what}: {}", line.trim_end_matches(" <none>")));
        }
    }
    Ok(())
}
