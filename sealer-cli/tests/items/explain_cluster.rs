//! `sealer explain` asks a cluster: here a server with fixed answers.

use serde_json::json;

use super::*;

fn answers(method: &str, path: &str, status: u64, body: &Value) -> Value {
    let headers = json!({ "Content-Type": "application/json" });
    json!({ "method": method, "path": path, "status": status, "headers": headers, "body": body.to_string() })
}

fn object(place: &Place, status: &Value) -> Value {
    let sealed = place.read("db.yaml");
    let item = |name: &str| sealed.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}: "))).unwrap();
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "shop", "generation": 2 },
        "spec": { "encryptedData": { "password": item("password"), "user": item("user") } },
        "status": status,
    })
}

fn status(generation: i64, synced: &str, message: &str) -> Value {
    let condition = json!({ "type": "Synced", "status": synced, "message": message });
    json!({ "observedGeneration": generation, "conditions": [condition] })
}

/// The controller's Service, and what it says to each value that it is asked for, in order.
fn controller(verdicts: &[u64]) -> Vec<Value> {
    let service =
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": { "ports": [{ "port": 8080 }] } });
    let mut routes = vec![answers("GET", SERVICE, 200, &service)];
    for verdict in verdicts {
        let mut route = answers("POST", &format!("{PROXY}/v1/verify"), *verdict, &json!({}));
        route["times"] = json!(1);
        routes.push(route);
    }
    routes
}

/// What is said, and what of the cluster was written.
fn asked(place: &Place, routes: &[Value]) -> String {
    let server = server::Server::start(&json!({ "routes": routes }));
    let address = format!("http://127.0.0.1:{}", server.port());
    let output = place.run(&["explain", "--server", &address, "db.yaml"], "");
    let asked = server.stop();
    assert!(asked.iter().all(|asked| asked.method == "GET" || asked.path.ends_with("/v1/verify")));
    let told = format!("{}{}", String::from_utf8(output.stdout.clone()).unwrap(), said(&output));
    format!("status {}\n{}", output.status.code().unwrap(), told.replace(&address, "http://SERVER"))
}

fn cases(place: &Place) -> Vec<(&'static str, Vec<Value>)> {
    let synced = |object: &Value| answers("GET", OBJECT, 200, object);
    let good = synced(&object(place, &status(2, "True", "")));
    let absent = answers("GET", OBJECT, 404, &not_found());
    let mut other = object(place, &status(2, "True", ""));
    other["spec"]["encryptedData"]["user"] = json!("AgOther");
    let keys = json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [key()] });
    let listed =
        answers("GET", &format!("{KEYS}?&labelSelector=sealedsecrets.bitnami.com%2Fsealed-secrets-key"), 200, &keys);
    let named = answers("GET", &format!("{KEYS}/sealed-secrets-key"), 404, &not_found());
    let pem = json!({ "method": "GET", "path": format!("{PROXY}/v1/cert.pem"), "body": fs::read_to_string(fixture("cert-expired.pem")).unwrap() });
    let with = |verdicts: &[u64], more: &[&Value]| {
        controller(verdicts).into_iter().chain(more.iter().map(|it| (*it).clone())).collect()
    };
    vec![
        ("all is well", with(&[200, 200], &[&good])),
        ("not applied", with(&[200, 200], &[&absent])),
        ("another version applied", with(&[200, 200], &[&synced(&other)])),
        ("not looked at", with(&[200, 200], &[&synced(&object(place, &status(1, "True", "")))])),
        (
            "not in sync",
            with(
                &[200, 200],
                &[&synced(&object(
                    place,
                    &status(2, "False", "Resource \"db\" already exists and is not managed by SealedSecret"),
                ))],
            ),
        ),
        ("sealed with another scope", with(&[409, 200, 200], &[&good])),
        ("sealed for something else", with(&[409, 409, 409, 200], &[&good])),
        ("no controller", vec![good.clone()]),
        ("an expired certificate", with(&[200, 200], &[&good, &pem])),
        ("keys that may be read", with(&[], &[&good, &listed, &named])),
    ]
}

fn not_found() -> Value {
    json!({ "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not found" })
}

fn key() -> Value {
    let secrets: Value = serde_json::from_str(&fs::read_to_string(fixture("keys-list.json")).unwrap()).unwrap();
    secrets["items"][1].clone()
}

/// The annotation counts on the Secret that is there.
#[test]
fn a_template_hands_no_secret_over() {
    let place = Place::new();
    let message = "failed update: Resource \"db\" already exists and is not managed by SealedSecret";
    let routes: Vec<Value> = controller(&[200, 200])
        .into_iter()
        .chain([answers("GET", OBJECT, 200, &object(&place, &status(2, "False", message)))])
        .collect();
    let hint = "the Secret that is there has to be handed over: kubectl annotate secret -n shop db";
    let told = asked(&place, &routes);
    assert!(told.contains(hint) && !told.contains("does not count"), "{told}");
    let annotated = "    metadata:\n      annotations:\n        sealedsecrets.bitnami.com/managed: \"true\"\n";
    place.write("db.yaml", &place.read("db.yaml").replacen("    metadata:\n", annotated, 1));
    let told = asked(&place, &routes);
    assert!(told.contains("sealedsecrets.bitnami.com/managed in spec.template does not count; "), "{told}");
}

/// `explain-cluster.txt` has what is said.
#[test]
fn the_cluster_is_asked_and_nothing_of_it_is_changed() {
    let place = Place::new();
    let told: Vec<String> =
        cases(&place).iter().map(|(case, routes)| format!("# {case}: {}", asked(&place, routes))).collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/items/explain-cluster.txt");
    if std::env::var_os("SEALER_REGENERATE").is_some() {
        fs::write(&golden, told.join("\n")).unwrap();
    }
    assert_eq!(told.join("\n"), fs::read_to_string(golden).unwrap());
}

const OBJECT: &str = "/apis/bitnami.com/v1alpha1/namespaces/shop/sealedsecrets/db";
const SERVICE: &str = "/api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const PROXY: &str = "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:/proxy";
const KEYS: &str = "/api/v1/namespaces/kube-system/secrets";
