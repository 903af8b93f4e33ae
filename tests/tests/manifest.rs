//! Is `deploy/controller.yaml` what the chart renders, under the names that plain manifests have always had?
//! `SEALER_REGENERATE=1 cargo test -p sealer-tests --test manifest` writes it anew.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::fs;
use std::process::Command;

use sealer_tests::control_plane::binaries;
use sealer_tests::product::repository;
use serde_json::{Map, Value, json};

const NAME: &str = "sealed-secrets-controller";
const HEADER: &str = "\
# The controller in kube-system, for `kubectl apply`. Names, selectors and rights are those of existing plain installations,
# so that it can be applied over one. Install crd.yaml first.
#
# Generated from deploy/chart; tests/tests/manifest.rs says how, and holds the two against each other.
";

/// Values that take no transformation.
fn values() -> Value {
    json!({
        "fullnameOverride": NAME,
        "namespace": "kube-system",
        "image": { "registry": "", "repository": "sealer-controller" },
        "revisionHistoryLimit": 10,
        // Of the whole Pod, as plain manifests have it.
        "podSecurityContext": { "runAsNonRoot": true, "runAsUser": 1001 },
        "containerSecurityContext": { "runAsNonRoot": null, "runAsUser": null },
    })
}

fn rendered() -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.json");
    fs::write(&file, values().to_string()).unwrap();
    let mut helm = Command::new(binaries::helm().unwrap());
    helm.args(["template", "sealed-secrets"]).arg(repository().join("deploy/chart")).arg("--values").arg(&file);
    let output = helm.env("HOME", folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(output.stdout).unwrap()).unwrap();
    all.into_iter().filter(|object| !object.is_null()).collect()
}

/// What plain manifests call what the chart calls otherwise. A binding's role can never be changed.
fn renamed(kind: &str, name: &str) -> &'static str {
    match (kind, name) {
        ("Role", "sealed-secrets-controller-key-admin") => "sealed-secrets-key-admin",
        ("RoleBinding", "sealed-secrets-controller-key-admin") => NAME,
        (_, "sealed-secrets-controller-service-proxier") => "sealed-secrets-service-proxier",
        ("ClusterRole", "secrets-unsealer") => "secrets-unsealer",
        ("Service", "sealed-secrets-controller-metrics") => "sealed-secrets-controller-metrics",
        (_, NAME) => NAME,
        _ => "an object that plain manifests have no name for",
    }
}

fn plain(mut object: Value) -> Value {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let name = renamed(&kind, object["metadata"]["name"].as_str().unwrap());
    object["metadata"]["name"] = json!(name);
    object["metadata"]["labels"] = json!({ "name": name.trim_end_matches("-metrics") });
    match kind.as_str() {
        "RoleBinding" => {
            let role = renamed("Role", object["roleRef"]["name"].as_str().unwrap());
            object["roleRef"]["name"] = json!(role);
        }
        "Service" => service(&mut object["spec"]),
        "Deployment" => deployment(&mut object["spec"]),
        _ => {}
    }
    without_empty(object)
}

/// Unnamed ports: clients put the name of the first port into the path that they ask for.
fn service(spec: &mut Value) {
    spec["selector"] = json!({ "name": NAME });
    let port = spec["ports"][0]["port"].clone();
    spec["ports"] = json!([{ "port": port, "targetPort": port }]);
}

fn deployment(spec: &mut Value) {
    spec["minReadySeconds"] = json!(30);
    spec["strategy"] =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } });
    // A selector can never be changed.
    spec["selector"]["matchLabels"] = json!({ "name": NAME });
    spec["template"]["metadata"]["labels"] = json!({ "name": NAME });
    let pod = &mut spec["template"]["spec"];
    pod["terminationGracePeriodSeconds"] = json!(30);
    let container = pod["containers"][0].as_object_mut().unwrap();
    container.insert("name".to_owned(), json!(NAME));
    // They say what holds anyway, and would win over variables that somebody set.
    container.remove("args");
}

/// Without what says nothing: empty maps, lists and texts, and the protocol that every port has.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let says_something = |(name, value): &(String, Value)| {
                let is_empty = value.is_null()
                    || value == ""
                    || value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(Map::is_empty);
                name == "emptyDir" || !(is_empty || name == "protocol" && value == "TCP")
            };
            let kept = fields.into_iter().map(|(name, value)| (name, without_empty(value))).filter(says_something);
            Value::Object(kept.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_empty).collect()),
        other => other,
    }
}

fn manifest() -> String {
    let objects = rendered().into_iter().map(plain);
    let documents: Vec<String> =
        objects.map(|object| format!("---\n{}", serde_saphyr::to_string(&object).unwrap())).collect();
    format!("{HEADER}{}", documents.concat())
}

#[test]
fn the_committed_manifest_is_what_the_chart_renders() {
    let (path, text) = (repository().join("deploy/controller.yaml"), manifest());
    if std::env::var_os("SEALER_REGENERATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert_eq!(committed, text, "deploy/controller.yaml is stale: run with SEALER_REGENERATE=1");
}

/// What the API server never lets anybody change, and what would be left behind under another name.
#[test]
fn it_can_be_applied_over_what_was_applied_before() {
    let before = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/controller.yaml")).unwrap();
    let fixed = |text: &str| {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
        let mut fixed: Vec<String> = objects
            .iter()
            .map(|object| {
                let metadata = &object["metadata"];
                let place = [&object["kind"], &metadata["namespace"], &metadata["name"]].map(ToString::to_string);
                format!("{} {} {}", place.join(" "), object["spec"]["selector"], object["roleRef"])
            })
            .collect();
        fixed.sort();
        fixed
    };
    assert_eq!(fixed(&manifest()), fixed(&before));
}

/// An image is built from nothing, or from what a digest names, and runs as a user that is a number and not root.
#[test]
fn the_image_has_no_base_that_can_change() {
    let text = fs::read_to_string(repository().join("deploy/Containerfile")).unwrap();
    let of = |word: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(word)).map(|rest| rest.trim().to_owned());
        lines.collect::<Vec<_>>()
    };
    let bases = of("FROM ");
    let is_fixed = |base: &String| !base.contains('$') && (base == "scratch" || base.contains("@sha256:"));
    assert!(!bases.is_empty() && bases.iter().all(is_fixed), "{bases:?}");
    let users = of("USER ");
    let is_plain_user = |user: &String| user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0));
    assert!(!users.is_empty() && users.iter().all(is_plain_user), "{users:?}");
}
