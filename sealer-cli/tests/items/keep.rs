//! `--keep-unchanged`, with private keys and with a cluster.

use serde_json::json;

use super::*;

/// A repository's Secrets, written as a kubectl pipe has them.
fn secrets(password: &str) -> String {
    format!("{}\n{}", SECRET.replace("hunter2", password), SECRET.replace("db", "web"))
}

fn seal(place: &Place, args: &[&str], secret: &str) -> (Option<i32>, String) {
    place.told(&[&["--cert", &fixture("cert4096.pem"), "--keep-unchanged"], args].concat(), secret)
}

fn differing(one: &str, other: &str) -> usize {
    assert_eq!(one.lines().count(), other.lines().count());
    one.lines().zip(other.lines()).filter(|(one, other)| one != other).count()
}

#[test]
fn an_output_that_is_there_changes_only_where_values_did() {
    let place = Place::new();
    let key = fixture("key4096.pem");
    let written = ["--private-key", &key, "-w", "all.yaml"];
    let done = (Some(0), String::new());
    assert_eq!(seal(&place, &written, &secrets("1")), done);
    let first = place.read("all.yaml");
    assert_eq!(seal(&place, &written, &secrets("1")), done);
    assert_eq!(place.read("all.yaml"), first);
    assert_eq!(seal(&place, &written, &secrets("2")), done);
    assert_eq!(differing(&place.read("all.yaml"), &first), 1);
    // Of another name or scope it is another sealed value.
    let before = place.read("all.yaml");
    assert_eq!(seal(&place, &written, &secrets("2").replace("web", "www")), done);
    assert_eq!(differing(&place.read("all.yaml"), &before), 4);
    place.write("all.yaml", "a: [\n");
    let warning = "warning: all.yaml cannot be read as it was; all values are sealed anew\n";
    assert_eq!(seal(&place, &written, SECRET), (Some(0), warning.to_owned()));
}

#[test]
fn merging_leaves_what_is_there_already() {
    let place = Place::new();
    let (key, before) = (fixture("key4096.pem"), place.read("db.yaml"));
    let merge = ["--private-key", &key, "-o", "yaml", "--merge-into", "db.yaml"];
    assert_eq!(seal(&place, &merge, SECRET), (Some(0), String::new()));
    assert_eq!(place.read("db.yaml"), before);
    assert_eq!(seal(&place, &merge, &SECRET.replace("hunter2", "3")), (Some(0), String::new()));
    assert_eq!(differing(&place.read("db.yaml"), &before), 1);
}

#[test]
fn there_has_to_be_a_file_that_was_sealed_before() {
    let place = Place::new();
    let told = "error: --keep-unchanged needs the file that was sealed before\n\
                hint: name it with -w FILE, which is written anew, or with --merge-into FILE\n";
    for args in [&[][..], &["--raw", "-w", "x"], &["--validate"]] {
        assert_eq!(seal(&place, args, SECRET), (Some(1), told.to_owned()));
    }
}

fn route(path: &str, body: &Value) -> Value {
    json!({ "method": "GET", "path": path, "headers": { "Content-Type": "application/json" }, "body": body.to_string() })
}

/// The object as a controller left it, and the Secret that it made.
fn live(place: &Place, generation: i64, data: &Value) -> [Value; 2] {
    let sealed = place.read("db.yaml");
    let item = |name: &str| sealed.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}: "))).unwrap();
    let condition = json!({ "type": "Synced", "status": "True" });
    let object = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": { "name": "db", "namespace": "shop", "generation": 2 },
        "spec": { "encryptedData": { "password": item("password"), "user": item("user") } },
        "status": { "observedGeneration": generation, "conditions": [condition] },
    });
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db", "namespace": "shop" }, "data": data });
    [
        route("/apis/bitnami.com/v1alpha1/namespaces/shop/sealedsecrets/db", &object),
        route("/api/v1/namespaces/shop/secrets/db", &secret),
    ]
}

#[test]
fn synced_secret_in_the_cluster_tells_what_is_unchanged() {
    let (root, other) = (json!({"user": "cm9vdA=="}), json!({"user": "dG9vcg=="}));
    let changed = "item `user` of shop/db changed\n";
    let kept = "item `user` of shop/db is that value already; nothing changed\n";
    for (generation, data, told) in [(2, &root, kept), (2, &other, changed), (1, &root, changed)] {
        let place = Place::new();
        let server = server::Server::start(&json!({ "routes": live(&place, generation, data) }));
        let address = format!("http://127.0.0.1:{}", server.port());
        let certificate = fixture("cert4096.pem");
        let set = ["set", "--server", &address, "--cert", &certificate, "--keep-unchanged", "db.yaml", "user"];
        assert_eq!(place.told(&set, "root"), (Some(0), told.to_owned()));
        server.stop();
    }
    // A value that was sealed and never applied is no value of the cluster.
    let place = Place::new();
    let server = server::Server::start(&json!({ "routes": live(&place, 2, &root) }));
    let address = format!("http://127.0.0.1:{}", server.port());
    let certificate = fixture("cert4096.pem");
    let set = ["set", "--cert", &certificate, "--server", &address, "db.yaml", "user"];
    place.told(&set, "never applied");
    assert_eq!(place.told(&[&set[..], &["--keep-unchanged"]].concat(), "root"), (Some(0), changed.to_owned()));
    server.stop();
}
