//! Do the files of `deploy/` fit the program? Names, ports, probes and rights, and no right that older installations lack.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sealer_resource::api;
use serde_json::{Value, json};

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn objects() -> Vec<Value> {
    serde_saphyr::from_multiple(&file("deploy/controller.yaml")).unwrap()
}

fn object(kind: &str, name: &str) -> Value {
    let is_it = |object: &Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects().into_iter().find(is_it).unwrap()
}

/// Every right as `group/resource verb`, with the names it is limited to.
fn rights(kind: &str, name: &str) -> BTreeSet<String> {
    let texts = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap_or_default() };
    let mut rights = BTreeSet::new();
    for rule in object(kind, name)["rules"].as_array().unwrap() {
        let names = texts(&rule["resourceNames"]).join(",");
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let right = |verb: String| format!("{group}/{resource} {verb} {names}").trim_end().to_owned();
                rights.extend(texts(&rule["verbs"]).into_iter().map(right));
            }
        }
    }
    rights
}

fn set(rights: &[&str]) -> BTreeSet<String> {
    rights.iter().map(|right| (*right).to_owned()).collect()
}

#[test]
fn controller_has_the_rights_of_existing_installations_alone() {
    let cluster = set(&[
        "bitnami.com/sealedsecrets get",
        "bitnami.com/sealedsecrets list",
        "bitnami.com/sealedsecrets watch",
        "bitnami.com/sealedsecrets/status update",
        "/secrets get",
        "/secrets list",
        "/secrets watch",
        "/secrets create",
        "/secrets update",
        "/secrets delete",
        "/events create",
    ]);
    assert_eq!(rights("ClusterRole", "secrets-unsealer"), cluster);
    assert_eq!(
        rights("Role", "sealed-secrets-key-admin"),
        set(&["/secrets create", "/secrets get sealed-secrets-key", "/secrets list"])
    );
    let name = api::DEFAULT_CONTROLLER_NAME;
    let proxied = format!("http:{name}:,http:{name}:http,{name}");
    let proxier = [
        format!("/services get {name}"),
        format!("/services/proxy create {proxied}"),
        format!("/services/proxy get {proxied}"),
    ];
    assert_eq!(rights("Role", "sealed-secrets-service-proxier"), proxier.into_iter().collect());
}

#[test]
fn every_binding_finds_its_role_and_the_account_of_the_pod() {
    let account = object("ServiceAccount", api::DEFAULT_CONTROLLER_NAME);
    for binding in objects().iter().filter(|object| object["kind"].as_str().unwrap().ends_with("RoleBinding")) {
        let role = object(binding["roleRef"]["kind"].as_str().unwrap(), binding["roleRef"]["name"].as_str().unwrap());
        assert_eq!(role["metadata"]["namespace"], binding["metadata"]["namespace"]);
        for subject in binding["subjects"].as_array().unwrap().iter().filter(|s| s["kind"] == "ServiceAccount") {
            assert_eq!(subject["name"], account["metadata"]["name"]);
            assert_eq!(subject["namespace"], account["metadata"]["namespace"]);
        }
    }
    let pod = &object("Deployment", api::DEFAULT_CONTROLLER_NAME)["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
}

#[test]
fn services_lead_to_the_ports_that_the_program_listens_on() {
    let deployment = object("Deployment", api::DEFAULT_CONTROLLER_NAME);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let ports = json!([{ "name": "http", "containerPort": 8080 }, { "name": "metrics", "containerPort": 8081 }]);
    assert_eq!(container["ports"], ports);
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(labels, &json!({ "name": api::DEFAULT_CONTROLLER_NAME }), "a selector can never be changed");
    for (service, port) in [("", 8080), ("-metrics", 8081)] {
        let service = object("Service", &format!("{}{service}", api::DEFAULT_CONTROLLER_NAME));
        assert_eq!(&service["spec"]["selector"], labels);
        // Unnamed: clients put the name of the first port into the proxy's path.
        assert_eq!(service["spec"]["ports"], json!([{ "port": port, "targetPort": port }]));
    }
    let usage = file("sealer-controller/src/args.rs");
    assert!(usage.contains("\":8080\"") && usage.contains("\":8081\""), "the defaults of the listening flags");
}

#[test]
fn pod_is_probed_where_the_program_answers_and_is_restricted() {
    let pod = &object("Deployment", api::DEFAULT_CONTROLLER_NAME)["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    // On the admin port, where no client of the public one can keep the kubelet waiting.
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({ "path": path, "port": "metrics" }));
    }
    assert_eq!(container["command"], json!(["controller"]));
    let security = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] }, "readOnlyRootFilesystem": true });
    assert_eq!(container["securityContext"], security);
    assert_eq!(
        (&pod["securityContext"]["runAsNonRoot"], &pod["securityContext"]["runAsUser"]),
        (&json!(true), &json!(1001))
    );
    assert_eq!(container["volumeMounts"][0]["mountPath"], "/tmp");
    assert_eq!(pod["volumes"], json!([{ "name": "tmp", "emptyDir": {} }]));
    assert!(container["image"].as_str().unwrap().ends_with(concat!(":", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_image_runs_the_program_as_the_user_of_the_pod() {
    let image = file("deploy/Containerfile");
    for line in ["USER 1001:1001", "EXPOSE 8080 8081", "ENTRYPOINT [\"/usr/local/bin/controller\"]"] {
        assert!(image.lines().any(|own| own == line), "{line}");
    }
}
