//! Does the chart render the objects of the one it replaces? `golden/chart.json.gz` holds recorded renderings.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sealer_tests::control_plane::binaries;
use sealer_tests::product::repository;
use serde_json::{Value, json};

/// What is rendered otherwise on purpose: case, kind, path, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // An annotation `y` must stay a text; the API server refuses the truth value that it was turned into.
    ("ingress-tls", "Ingress", "/metadata/annotations"),
];

fn recorded() -> Vec<Value> {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/chart.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(document["cases"].take()).unwrap()
}

fn chart() -> PathBuf {
    repository().join("deploy/chart")
}

fn helm(args: &[&str], values: &Value) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.json");
    fs::write(&file, values.to_string()).unwrap();
    let mut command = Command::new(binaries::helm().unwrap());
    command.args(args).arg(chart()).arg("--values").arg(&file).env("HOME", folder.path());
    command.output().unwrap()
}

type Objects = BTreeMap<(String, String), Value>;

fn key(object: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, namespace) = (text(&object["metadata"]["name"]), text(&object["metadata"]["namespace"]));
    (format!("{}/{name}", text(&object["kind"])), namespace)
}

/// Without what names this chart and its image.
fn plain(mut object: Value) -> Value {
    if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("helm.sh/chart");
        labels.remove("app.kubernetes.io/version");
    }
    if let Some(image) = object.pointer_mut("/spec/template/spec/containers/0/image") {
        let standard = image.as_str().unwrap().starts_with("docker.io/");
        *image = if standard { json!("the standard image") } else { image.clone() };
    }
    object
}

fn objects(all: impl IntoIterator<Item = Value>) -> Objects {
    all.into_iter().map(|object| (key(&object), plain(object))).collect()
}

fn rendered(case: &Value) -> Result<Objects, String> {
    let mut args =
        vec!["template", case["release"].as_str().unwrap(), "--namespace", case["namespace"].as_str().unwrap()];
    for version in case["apiVersions"].as_array().unwrap() {
        args.extend(["--api-versions", version.as_str().unwrap()]);
    }
    let output = helm(&args, &case["values"]);
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    Ok(objects(all.into_iter().filter(|object| !object.is_null())))
}

#[test]
fn recorded_renderings_are_rendered_as_recorded() {
    let cases = recorded();
    let default = objects(serde_json::from_value::<Vec<Value>>(cases[0]["objects"].clone()).unwrap());
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let mut wanted = objects(serde_json::from_value::<Vec<Value>>(case["objects"].clone()).unwrap());
        for name in case["same_as_default"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()) {
            let known = default.iter().find(|((known, _), _)| known == name).unwrap();
            wanted.insert(known.0.clone(), known.1.clone());
        }
        let mut found = match rendered(case) {
            Ok(found) => found,
            Err(_) if !case["error"].is_null() => continue,
            Err(error) => {
                wrong.push(format!("{id}: {error}"));
                continue;
            }
        };
        for (_, kind, path) in DIFFERENCES.iter().filter(|(case, ..)| *case == id) {
            for object in found.values_mut().chain(wanted.values_mut()).filter(|object| object["kind"] == *kind) {
                object.pointer_mut(path).map(Value::take);
            }
        }
        let names: Vec<_> = wanted.keys().chain(found.keys()).collect();
        for name in names.into_iter().filter(|name| wanted.get(name) != found.get(name)) {
            let shown = |object: Option<&Value>| object.map_or_else(|| "nothing".to_owned(), Value::to_string);
            wrong.push(format!("{id} {name:?}\n  want {}\n  got  {}", shown(wanted.get(name)), shown(found.get(name))));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn with(values: Value) -> Result<Objects, String> {
    rendered(&json!({ "release": "s", "namespace": "kube-system", "apiVersions": [], "values": values }))
}

/// The objects of a kind, by their names.
fn of_kind(kind: &str, values: Value) -> BTreeMap<String, Value> {
    let found = with(values.clone()).unwrap_or_else(|error| panic!("{values}: {error}"));
    let named = found.into_iter().filter(|(_, object)| object["kind"] == kind);
    named.map(|((name, _), object)| (name.split_once('/').unwrap().1.to_owned(), object)).collect()
}

#[test]
fn each_flag_is_there_where_its_value_is() {
    for (values, flags) in [
        (json!({"keyrenewperiod": 0}), "--key-renew-period 0"),
        (json!({"keyttl": "48h"}), "--key-ttl 48h"),
        (json!({"rateLimit": 5}), "--rate-limit 5"),
        // A limit of nothing is no limit that anybody asked for.
        (json!({"rateLimit": 0, "maxRetries": 0, "kubeClientQPS": 0}), ""),
        (json!({"maxRetries": "7"}), "--max-unseal-retries 7"),
        (
            json!({"kubeClientQPS": 2.5, "kubeClientBurst": 1_000_000}),
            "--kubeclient-qps 2.5 --kubeclient-burst 1000000",
        ),
        (json!({"privateKeyLabels": {"a": "b", "z": "y"}}), "--privatekey-labels z=y,a=b"),
        (json!({"keyrenewperiod": null, "rateLimit": null, "logLevel": null}), ""),
    ] {
        let deployment = of_kind("Deployment", values.clone()).into_values().next().unwrap();
        let args = deployment["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        let args = serde_json::from_value::<Vec<String>>(args).unwrap().join(" ");
        let standard = [
            "--update-status",
            "--key-prefix sealed-secrets-key",
            "--listen-addr :8080",
            "--listen-metrics-addr :8081",
        ];
        let rest = standard.iter().fold(args, |args, flag| args.replacen(flag, "", 1));
        assert_eq!(rest.split_whitespace().collect::<Vec<_>>().join(" "), flags, "{values}");
    }
}

#[test]
fn an_ingress_has_the_form_that_the_cluster_knows() {
    for (version, api, backend, has_type) in [
        ("1.17.0", "networking.k8s.io/v1beta1", "/serviceName", false),
        ("v1.18.3", "networking.k8s.io/v1beta1", "/serviceName", true),
        ("1.36.0", "networking.k8s.io/v1", "/service/name", true),
    ] {
        let ingress = json!({"enabled": true, "ingressClassName": "nginx", "extraHosts": [{"name": "other.example"}]});
        let found =
            of_kind("Ingress", json!({"kubeVersion": version, "ingress": ingress})).into_values().next().unwrap();
        assert_eq!(found["apiVersion"], api, "{version}");
        assert_eq!(found["spec"]["ingressClassName"].is_string(), has_type, "{version}");
        for rule in found["spec"]["rules"].as_array().unwrap() {
            let path = &rule["http"]["paths"][0];
            assert_eq!(path["backend"].pointer(backend), Some(&json!("s-sealed-secrets")), "{version}");
            assert_eq!(path["pathType"].is_string(), has_type, "{version}");
        }
    }
}

#[test]
fn a_certificate_of_its_own_and_more_of_them_are_named_in_the_ingress() {
    let ingress = json!({
        "enabled": true, "tls": true, "selfSigned": true, "hostname": "{{ .Release.Name }}.example",
        "extraTls": [{"hosts": ["b"], "secretName": "b-tls"}],
        "secrets": [{"name": "c", "key": "k", "certificate": "c"}],
    });
    let found = of_kind("Ingress", json!({"ingress": ingress.clone()})).into_values().next().unwrap();
    let own = json!({"hosts": ["s.example"], "secretName": "s.example-tls"});
    assert_eq!(found["spec"]["tls"], json!([own, {"hosts": ["b"], "secretName": "b-tls"}]));
    let secrets = of_kind("Secret", json!({"ingress": ingress}));
    assert_eq!(secrets.keys().collect::<Vec<_>>(), ["c", "s.example-tls"]);
    assert!(["tls.crt", "tls.key", "ca.crt"].iter().all(|item| secrets["s.example-tls"]["data"][item].is_string()));
}

#[test]
fn a_balanced_service_gets_its_node_port_from_the_cluster() {
    let service = json!({"type": "LoadBalancer", "loadBalancerClass": "x"});
    let found = of_kind("Service", json!({"service": service}));
    let spec = &found["s-sealed-secrets"]["spec"];
    assert_eq!(spec["loadBalancerClass"], "x");
    assert!(spec["ports"][0].get("nodePort").is_none(), "{spec}");
    assert_eq!(found["s-sealed-secrets-metrics"]["spec"]["ports"][0].get("nodePort"), Some(&Value::Null));
}

#[test]
fn values_may_be_unset_and_free_ones_may_be_texts() {
    for values in [
        json!({"resources": null, "podSecurityContext": null, "containerSecurityContext": null, "hostPorts": null}),
        json!({"livenessProbe": null, "readinessProbe": null, "startupProbe": null, "image": {"registry": null}}),
        json!({"podSecurityContext": {"fsGroup": null}, "containerSecurityContext": {"runAsUser": null}}),
        json!({"ingress": {"enabled": true, "tls": true, "annotations": null}}),
        json!({"ingress": {"enabled": true, "tls": true, "annotations": "cert-manager.io/issuer: '{{ .Release.Name }}'"}}),
        json!({"podAnnotations": "a: '1'", "podLabels": "b: '{{ .Release.Name }}'", "commonLabels": "c: d"}),
        json!({"containerPorts": {"http": "9000"}, "service": {"port": "80"}, "revisionHistoryLimit": "3"}),
        json!({"rbac": {"serviceProxier": {"subjects": [{"kind": "Group", "name": "g"}]}}, "image": {"digest": "x"}}),
        json!({"unknown": {"to": "this chart"}, "global": {"imageRegistry": "x"}}),
    ] {
        with(values.clone()).unwrap_or_else(|error| panic!("{values}: {error}"));
    }
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    let output = helm(&["lint", "--strict"], &json!({}));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn values_of_a_wrong_type_are_refused_by_their_name() {
    for (values, name) in [
        (json!({"createController": "yes"}), "/createController"),
        (json!({"image": {"pullPolicy": "Sometimes"}}), "/image/pullPolicy"),
        (json!({"service": {"type": "Nodeport"}}), "/service/type"),
        (json!({"containerPorts": {"http": 99999}}), "/containerPorts/http"),
        (json!({"privateKeyLabels": {"a": 5}}), "/privateKeyLabels/a"),
        (json!({"additionalNamespaces": "a,b"}), "/additionalNamespaces"),
        (json!({"livenessProbe": {"periodSeconds": "10s"}}), "/livenessProbe/periodSeconds"),
    ] {
        let output = helm(&["template", "x"], &values);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(name), "{values}: {told}");
    }
}

#[test]
fn the_secure_preset_gives_a_restricted_pod_and_nobody_else_a_right() {
    let preset = fs::read_to_string(chart().join("presets/secure.yaml")).unwrap();
    let case = json!({
        "release": "s", "namespace": "kube-system", "apiVersions": [],
        "values": serde_saphyr::from_str::<Value>(&preset).unwrap(),
    });
    let found = rendered(&case).unwrap();
    let of_kind = |kind: &str| found.values().filter(move |object| object["kind"] == kind).collect::<Vec<_>>();
    let pod = &of_kind("Deployment")[0]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(container["readOnlyRootFilesystem"], true);
    assert_eq!(container["allowPrivilegeEscalation"], false);
    assert_eq!(container["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(of_kind("NetworkPolicy").len(), 1);
    assert!(found.keys().all(|(name, _)| !name.contains("proxier")));
}

#[test]
fn the_chart_brings_the_definition_of_the_resource_as_it_is() {
    let own = fs::read_to_string(chart().join("crds/sealedsecrets.yaml")).unwrap();
    assert_eq!(own, fs::read_to_string(repository().join("deploy/crd.yaml")).unwrap());
}
