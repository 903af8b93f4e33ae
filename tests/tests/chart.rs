//! Does the chart render the objects of the one it replaces? `golden/chart.json` holds recorded renderings.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use sealer_tests::control_plane::binaries;
use sealer_tests::product::repository;
use serde_json::{Value, json};

/// What is rendered otherwise on purpose: case, kind, path, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // An annotation `y` must stay a text; the API server refuses the truth value that it was turned into.
    ("ingress-tls", "Ingress", "/metadata/annotations"),
];

/// A recorded object with what this chart does otherwise in every case (docs/differences.md, "The chart").
fn expected(mut object: Value) -> Value {
    match object["kind"].as_str().unwrap() {
        "ServiceAccount" => object["automountServiceAccountToken"] = json!(false),
        "Deployment" => {
            let pod = &mut object["spec"]["template"]["spec"];
            pod["automountServiceAccountToken"] = json!(true);
            // Probes go to the port of the metrics, and ask whether it is ready where that is the question.
            for (probe, path) in [("startupProbe", ""), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
                for (action, path) in [("tcpSocket", ""), ("httpGet", path)] {
                    let probe = pod["containers"][0].get_mut(probe).and_then(|probe| probe.get_mut(action));
                    let Some(action) = probe else { continue };
                    action["port"] = json!("metrics");
                    if let Some(old) = action.get_mut("path") {
                        *old = json!(path);
                    }
                }
            }
        }
        "ClusterRole" | "Role" if object["metadata"]["name"] != "sealed-secrets-key-admin" => {
            let rules = object["rules"].as_array_mut().unwrap();
            rules.retain(|rule| rule["resources"] != json!(["namespaces"]));
            for events in rules.iter_mut().filter(|rule| rule["resources"] == json!(["events"])) {
                events["verbs"] = json!(["create"]);
            }
        }
        _ => {}
    }
    object
}

fn recorded() -> Vec<Value> {
    let mut document: Value = serde_json::from_str(include_str!("../golden/chart.json")).unwrap();
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
        wanted = wanted.into_iter().map(|(key, object)| (key, expected(object))).collect();
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
fn ingress_names_its_own_and_further_certificates() {
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
        json!({"rbac": {"serviceProxier": {"subjects": [{"kind": "Group", "name": "g"}]}}, "image": {"other": "x"}}),
        json!({"unknown": {"to": "this chart"}, "global": {"imageRegistry": "x"}}),
    ] {
        with(values.clone()).unwrap_or_else(|error| panic!("{values}: {error}"));
    }
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    for values in [json!({}), secure()] {
        let output = helm(&["lint", "--strict"], &values);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

fn args(values: Value) -> Vec<String> {
    let deployment = of_kind("Deployment", values).into_values().next().unwrap();
    serde_json::from_value(deployment["spec"]["template"]["spec"]["containers"][0]["args"].clone()).unwrap()
}

/// What YAML makes of an `off` without quotes counts as `off`.
#[test]
fn switches_are_read_with_and_without_quotes() {
    for (value, flag) in [
        (json!("off"), Some("off")),
        (json!(false), Some("off")),
        (json!("on"), Some("on")),
        (json!(true), Some("on")),
        (json!("authorized"), Some("authorized")),
        (json!(""), None),
        (json!(null), None),
    ] {
        for (name, option) in [("verifyApi", "--verify-api"), ("rotateApi", "--rotate-api")] {
            let args = args(json!({ name: value }));
            let found = args.iter().position(|arg| arg == option).map(|at| args[at + 1].as_str());
            assert_eq!(found, flag, "{name}: {value}");
            let bindings = of_kind("ClusterRoleBinding", json!({ name: value }));
            let delegator = bindings.get("s-sealed-secrets-auth-delegator");
            assert_eq!(delegator.is_some(), flag == Some("authorized"), "{name}: {value}");
            assert!(delegator.is_none_or(|binding| binding["roleRef"]["name"] == "system:auth-delegator"));
        }
    }
    assert!(args(json!({"trustNewKeys": "annotated"})).ends_with(&["--trust-new-keys".into(), "annotated".into()]));
    for (values, verbs) in [
        (json!({"trustNewKeys": "annotated"}), json!(["create", "list"])),
        (json!({"trustNewKeys": "always", "rbac": {"clusterRole": false}}), json!(["create", "list"])),
        // The record of own keys is a Secret that is read and written again.
        (json!({"trustNewKeys": "never", "rbac": {"clusterRole": false}}), json!(["create", "list", "get", "update"])),
    ] {
        assert_eq!(
            of_kind("Role", values.clone())["s-sealed-secrets-key-admin"]["rules"][1]["verbs"],
            verbs,
            "{values}"
        );
    }
}

#[test]
fn a_digest_wins_over_a_tag() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let image = json!({"registry": "r.example", "repository": "a/b", "tag": "1", "digest": digest});
    let found = of_kind("Deployment", json!({ "image": image })).into_values().next().unwrap();
    let container = &found["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], format!("r.example/a/b@{digest}"));
}

/// What a value asks for is rendered, or the rendering fails and names the value and what to do.
#[test]
fn what_cannot_be_rendered_as_asked_is_refused_by_name() {
    let restricted = json!({"enabled": true, "ingress": {"restricted": true}});
    for (values, name, remedy) in [
        (json!({"args": ["--a"], "verifyApi": false}), "verifyApi=off would have no effect", "leave args empty"),
        (json!({"args": ["--a"], "trustNewKeys": "never"}), "trustNewKeys=never", "leave args empty"),
        (json!({"networkPolicy": restricted}), "networkPolicy.egress.kubeapiCidr", "set it, such as 10.0.0.1/32"),
        (
            json!({"networkPolicy": {"enabled": true, "egress": {"enabled": true}, "ingress": {"restricted": true}}}),
            "networkPolicy.egress.kubeapiCidr",
            "kubectl get endpointslices",
        ),
        (
            json!({"networkPolicy": restricted, "hostNetwork": true}),
            "networkPolicy.ingress.restricted",
            "set hostNetwork=false",
        ),
        (
            json!({"admissionPolicies": {"enabled": true}, "kubeVersion": "1.29.9"}),
            "need Kubernetes 1.30 or newer, and this is 1.29.9",
            "set admissionPolicies.enabled=false",
        ),
    ] {
        let error = with(values.clone()).unwrap_err();
        assert!(error.contains(name) && error.contains(remedy), "{values}: {error}");
    }
}

#[test]
fn a_restricted_policy_lets_in_who_is_named_and_nobody_else() {
    let block = |cidr: &str| json!({"ipBlock": {"cidr": cidr}});
    let namespace = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}});
    let egress = json!({"enabled": true, "kubeapiCidr": ["10.0.0.1/32", "fd00::1/128"], "kubeapiPort": 6443});
    for (ingress, from, metrics) in [
        (json!({"restricted": true}), vec![], vec![]),
        (json!({"restricted": true, "from": [namespace]}), vec![namespace.clone()], vec![]),
        (json!({"restricted": true, "metricsFrom": [namespace]}), vec![], vec![namespace.clone()]),
    ] {
        let values = json!({"networkPolicy": {"enabled": true, "ingress": ingress, "egress": egress}});
        let found = of_kind("NetworkPolicy", values).into_values().next().unwrap();
        let servers = [block("10.0.0.1/32"), block("fd00::1/128")];
        let from = [&servers[..], &from[..]].concat();
        let mut rules = vec![json!({"from": from, "ports": [{"port": 8080}]})];
        rules.extend(metrics.first().map(|peer| json!({"from": [peer], "ports": [{"port": 8081}]})));
        assert_eq!(found["spec"]["ingress"], Value::from(rules), "{ingress}");
        let to = json!([{"to": servers, "ports": [{"port": 6443, "protocol": "TCP"}]}]);
        assert_eq!(found["spec"]["egress"], to, "{ingress}");
        assert_eq!(found["spec"]["policyTypes"], json!(["Egress", "Ingress"]), "{ingress}");
    }
}

/// Three policies, each with its binding, none of them unless asked for.
#[test]
fn admission_policies_are_there_where_they_are_switched_on() {
    let kinds = |values: Value| {
        let kind = |kind: &str| of_kind(kind, values.clone()).into_keys().collect::<Vec<_>>();
        [kind("ValidatingAdmissionPolicy"), kind("ValidatingAdmissionPolicyBinding")]
    };
    assert_eq!(kinds(json!({})), [Vec::<String>::new(), Vec::new()]);
    let names = ["bounds", "own-namespace", "rights"].map(|name| format!("{name}.s-sealed-secrets.kube-system"));
    assert_eq!(kinds(json!({"admissionPolicies": {"enabled": true}})), [names.to_vec(), names.to_vec()]);
    let without = json!({"admissionPolicies": {"enabled": true, "ownNamespace": {"enabled": false}}});
    assert_eq!(kinds(without)[0].len(), 2);
    let warn = json!({"admissionPolicies": {"enabled": true, "actions": ["Warn", "Audit"]}});
    for binding in of_kind("ValidatingAdmissionPolicyBinding", warn).into_values() {
        assert_eq!(binding["spec"]["validationActions"], json!(["Warn", "Audit"]));
    }
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
        (json!({"image": {"digest": "latest"}}), "/image/digest"),
        (json!({"verifyApi": "never"}), "/verifyApi"),
        (json!({"trustNewKeys": false}), "/trustNewKeys"),
        (json!({"networkPolicy": {"ingress": {"restrict": true}}}), "/networkPolicy/ingress"),
        (json!({"networkPolicy": {"egress": {"kubeapiCidr": "10.0.0.1"}}}), "/networkPolicy/egress/kubeapiCidr"),
        (json!({"admissionPolicies": {"enable": true}}), "/admissionPolicies"),
        (json!({"admissionPolicies": {"actions": []}}), "/admissionPolicies/actions"),
        (json!({"admissionPolicies": {"limits": {"items": 0}}}), "/admissionPolicies/limits/items"),
        (json!({"admissionPolicies": {"limits": {"itmes": 5}}}), "/admissionPolicies/limits"),
    ] {
        let output = helm(&["template", "x"], &values);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(name), "{values}: {told}");
    }
}

/// The preset, and the one value that it cannot know.
fn secure() -> Value {
    let preset = fs::read_to_string(chart().join("presets/secure.yaml")).unwrap();
    let mut values = serde_saphyr::from_str::<Value>(&preset).unwrap();
    values["networkPolicy"]["egress"]["kubeapiCidr"] = json!("10.0.0.1/32");
    values
}

#[test]
fn secure_preset_restricts_the_pod_and_grants_no_other_rights() {
    let found = with(secure()).unwrap();
    let of_kind = |kind: &str| found.values().filter(move |object| object["kind"] == kind).collect::<Vec<_>>();
    let pod = &of_kind("Deployment")[0]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    let context = &container["securityContext"];
    assert_eq!(context["readOnlyRootFilesystem"], true);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(container["resources"]["limits"]["memory"], "256Mi");
    let args = serde_json::from_value::<Vec<String>>(container["args"].clone()).unwrap().join(" ");
    assert!(args.ends_with("--verify-api off --rotate-api off --trust-new-keys annotated"), "{args}");
    let from = json!([{"ipBlock": {"cidr": "10.0.0.1/32"}}]);
    let policy = &of_kind("NetworkPolicy")[0]["spec"];
    assert_eq!(policy["ingress"], json!([{"from": from, "ports": [{"port": 8080}]}]));
    assert_eq!(policy["egress"], json!([{"to": from}]));
    assert_eq!(of_kind("ValidatingAdmissionPolicyBinding").len(), 3);
    assert_eq!(of_kind("ServiceAccount")[0]["automountServiceAccountToken"], false);
    assert!(found.keys().all(|(name, _)| !name.contains("proxier")));
}

/// Nothing half open: without the API server's address it is an error.
#[test]
fn the_secure_preset_asks_for_the_address_that_it_cannot_know() {
    let mut values = secure();
    values["networkPolicy"]["egress"]["kubeapiCidr"] = json!("");
    let error = with(values).unwrap_err();
    assert!(error.contains("networkPolicy.egress.kubeapiCidr"), "{error}");
}

#[test]
fn the_chart_brings_the_definition_of_the_resource_as_it_is() {
    let own = fs::read_to_string(chart().join("crds/sealedsecrets.yaml")).unwrap();
    assert_eq!(own, fs::read_to_string(repository().join("deploy/crd.yaml")).unwrap());
}
