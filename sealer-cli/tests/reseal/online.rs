//! What the controller seals anew: is it taken as it is, left alone the next time, and never believed beyond that?

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use sealer_core::{Certificate, Keyring, Label, Scope, SealedValue, UnsealingKey, seal, unseal};
use sealer_encoding::base64;
use serde_json::{Value, json};

use crate::{finished, fixture, said, sealer, tree};

/// A controller behind an API server, as far as this command needs one.
#[derive(Clone)]
pub(crate) struct Controller {
    pub(crate) address: String,
    /// Names of the fixtures that it serves as its certificate, one after the other; the last one stays.
    certificates: Arc<Mutex<Vec<&'static str>>>,
    posts: Arc<Mutex<usize>>,
    /// Instead of what it would answer.
    answer: Arc<Mutex<Option<(u16, String)>>>,
    /// What it answers whoever asks for Secrets.
    pub(crate) secrets: Arc<Mutex<(u16, String)>>,
}

impl Controller {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let controller = Self {
            address,
            certificates: Arc::new(Mutex::new(vec!["cert2048.pem"])),
            posts: Arc::default(),
            answer: Arc::default(),
            secrets: Arc::new(Mutex::new((200, list(&json!([]))))),
        };
        let serving = controller.clone();
        thread::spawn(move || listener.incoming().for_each(|stream| serving.clone().serve(stream.unwrap())));
        controller
    }

    fn serve(self, stream: TcpStream) {
        thread::spawn(move || {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some((line, body)) = request(&mut reader) {
                let (status, text) = self.answered(&line, &body);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", text.len());
                (&stream).write_all((head + &text).as_bytes()).unwrap();
            }
        });
    }

    fn answered(&self, line: &str, body: &[u8]) -> (u16, String) {
        if line.contains("/v1/cert.pem") {
            let mut certificates = self.certificates.lock().unwrap();
            let name = if certificates.len() > 1 { certificates.remove(0) } else { certificates[0] };
            return (200, fs::read_to_string(fixture(name)).unwrap());
        }
        if line.contains("/secrets/") {
            return (404, json!({ "kind": "Status", "apiVersion": "v1", "code": 404, "reason": "NotFound", "message": "not found" }).to_string());
        }
        if line.contains("/secrets?") {
            return self.secrets.lock().unwrap().clone();
        }
        if line.contains("/v1/rotate") {
            *self.posts.lock().unwrap() += 1;
            return self.answer.lock().unwrap().clone().unwrap_or_else(|| rotated(body));
        }
        (
            200,
            json!({ "kind": "Service", "apiVersion": "v1", "metadata": {}, "spec": { "ports": [{ "port": 8080 }] } })
                .to_string(),
        )
    }

    /// Reseals through it, with a folder for what is written down.
    pub(crate) fn reseal(&self, cache: &Path, folder: &Path, args: &[&str]) -> (Option<i32>, String) {
        let args = [&["reseal", "--server", &self.address], args].concat();
        let output = finished(sealer(folder, &args).env("XDG_CACHE_HOME", cache), "");
        (output.status.code(), said(&output))
    }

    pub(crate) fn posts(&self) -> usize {
        std::mem::take(&mut self.posts.lock().unwrap())
    }
}

/// A list of Secrets as the API server sends it.
fn list(items: &Value) -> String {
    json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items }).to_string()
}

fn request(reader: &mut impl std::io::BufRead) -> Option<(String, Vec<u8>)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

/// Opens with either key and seals for the newer one.
fn rotated(body: &[u8]) -> (u16, String) {
    let key = |name: &str| UnsealingKey::from_pem(&fs::read(fixture(name)).unwrap()).unwrap();
    let ring = Keyring::from_keys(vec![key("key4096.pem"), key("key2048.pem")]);
    let target = Certificate::first_from_pem(&fs::read(fixture("cert2048.pem")).unwrap()).unwrap();
    let mut object: Value = serde_json::from_slice(body).unwrap();
    let text = |name: &str| object["metadata"][name].as_str().unwrap();
    let label = Label::new_unchecked(Scope::Strict, text("namespace"), text("name"));
    let mut items = BTreeMap::new();
    for (name, value) in object["spec"]["encryptedData"].as_object().unwrap() {
        let sealed = SealedValue::from_base64(value.as_str().unwrap()).unwrap();
        let Ok(opened) = unseal(&sealed, &label, &ring) else { return (409, String::new()) };
        items.insert(name.clone(), seal(&opened.plaintext, &label, target.key()).unwrap().to_base64());
    }
    object["spec"]["encryptedData"] = json!(items);
    (200, object.to_string())
}

#[test]
fn what_the_controller_sealed_is_left_alone_the_next_time() {
    let (folder, _) = tree();
    let (controller, cache) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = |args: &[&str]| controller.reseal(cache.path(), folder.path(), args);
    let summary = |text: &str| (Some(0), format!("{text}, 0 failed\n"));
    assert_eq!(run(&["--dry-run", "."]), summary("14 values in 7 files to be sealed anew, 0 current"));
    assert_eq!((run(&["."]), controller.posts()), (summary("14 values in 7 files sealed anew, 0 current"), 14));
    assert_eq!((run(&["."]), controller.posts()), (summary("0 values in 0 files sealed anew, 14 current"), 0));
    // One item that somebody else sealed is all that is sent.
    let one = folder.path().join("one.yaml");
    let text = fs::read_to_string(&one).unwrap();
    let old = fs::read_to_string(folder.path().join("ignored/one.yaml")).unwrap();
    let line = |text: &str| text.lines().find(|line| line.starts_with("    a: ")).unwrap().to_owned();
    fs::write(&one, text.replace(&line(&text), &line(&old))).unwrap();
    assert_eq!((run(&["."]), controller.posts()), (summary("1 values in 1 files sealed anew, 13 current"), 1));
    assert_eq!(
        (run(&["--no-cache", "."]), controller.posts()),
        (summary("14 values in 7 files sealed anew, 0 current"), 7)
    );
    // Another certificate: all of them.
    *controller.certificates.lock().unwrap() = vec!["cert4096b.pem"];
    assert_eq!(run(&["--dry-run", "."]), summary("14 values in 7 files to be sealed anew, 0 current"));
}

#[test]
fn a_key_that_changes_meanwhile_is_not_written_down() {
    let (folder, _) = tree();
    let (controller, cache) = (Controller::start(), tempfile::tempdir().unwrap());
    *controller.certificates.lock().unwrap() = vec!["cert4096b.pem", "cert2048.pem"];
    assert_eq!(controller.reseal(cache.path(), folder.path(), &["one.yaml"]).0, Some(0));
    assert_eq!(fs::metadata(cache.path().join("sealer/sealed-for")).unwrap().len(), 0);
}

#[test]
fn value_that_the_controller_refuses_stays_and_is_named() {
    let (folder, paths) = tree();
    let before = fs::read(&paths[0]).unwrap();
    let (controller, cache) = (Controller::start(), tempfile::tempdir().unwrap());
    let told = || {
        let (status, told) = controller.reseal(cache.path(), folder.path(), &["one.yaml"]);
        assert_eq!(status, Some(1));
        told.lines().next().unwrap_or_default().to_owned()
    };
    let answering = |items: Value| json!({ "spec": { "encryptedData": items } }).to_string();
    for (answer, reason) in [
        ((409, String::new()), "the controller cannot open it"),
        ((200, "no json".to_owned()), "the controller's answer is no SealedSecret"),
        ((200, answering(json!({}))), "the controller's answer lacks it"),
        (
            (200, answering(json!({ "a": "eA==", "b": "eA==" }))),
            "the controller's answer is no sealed value: sealed value is too short",
        ),
        ((429, String::new()), "the server has received too many requests and has asked us to try again later"),
    ] {
        *controller.answer.lock().unwrap() = Some(answer);
        assert!(told().starts_with(&format!("one.yaml: document 1, ns/x, item a: {reason}")), "{}", told());
    }
    assert_eq!(fs::read(&paths[0]).unwrap(), before);
}

#[test]
fn the_clusters_own_keys_open_where_they_may_be_read() {
    let (folder, _) = tree();
    let (controller, cache) = (Controller::start(), tempfile::tempdir().unwrap());
    let told = |args: &[&str]| {
        let (status, told) = controller.reseal(cache.path(), folder.path(), &[&["--keys-from-cluster"], args].concat());
        (status, told.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let none = "error: the cluster has no sealing key that can be read\nhint: name the controller's namespace with --controller-namespace";
    assert_eq!(told(&["."]), (Some(1), none.lines().map(str::to_owned).collect()));
    let forbidden = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
        "message": "secrets is forbidden" });
    *controller.secrets.lock().unwrap() = (403, forbidden.to_string());
    let (status, lines) = told(&["."]);
    assert_eq!((status, lines[0].as_str()), (Some(1), "error: cannot list secrets: secrets is forbidden"));
    assert_eq!(lines[1], "hint: you need the right to: kubectl auth can-i list secrets --namespace kube-system");
    let key = |key: &str| {
        json!({ "metadata": { "name": key, "labels": { "sealedsecrets.bitnami.com/sealed-secrets-key": "active" } },
            "data": { "tls.key": base64::encode(fs::read(fixture(key)).unwrap()) } })
    };
    // One that is broken keeps no other out.
    let broken = json!({ "metadata": { "name": "broken" }, "data": { "tls.key": "AAAA" } });
    let keys = json!([key("key4096.pem"), broken, key("key2048.pem")]);
    *controller.secrets.lock().unwrap() = (200, list(&keys));
    let summary = |text: &str| text.to_owned() + ", 0 failed";
    assert_eq!(told(&["--check", "."]).1[0], summary("14 values in 7 files to be sealed anew, 0 current"));
    assert_eq!(told(&["."]), (Some(0), vec![summary("14 values in 7 files sealed anew, 0 current")]));
    assert_eq!(
        told(&["--no-cache", "--check", "."]),
        (Some(0), vec![summary("0 values in 0 files to be sealed anew, 14 current")])
    );
    assert_eq!(controller.posts(), 0);
}
