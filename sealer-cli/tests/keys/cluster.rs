//! As much of an API server as the verbs of `sealer keys` talk to: Secrets that can be made, read and marked,
//! SealedSecrets in pages, and a controller that serves a certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// What the cluster holds.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) secrets: BTreeMap<String, Value>,
    pub(crate) sealed: Vec<Value>,
    /// In PEM; follows the newest key only if a test makes it.
    pub(crate) certificate: String,
    /// Verbs that the user lacks: `list secrets`, `patch secrets`.
    pub(crate) forbidden: BTreeSet<&'static str>,
    /// Whether a new key is served at once.
    pub(crate) follows: bool,
    version: u64,
}

/// A running cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cluster = Self { port, state: Arc::default() };
        let serving = cluster.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let cluster = serving.clone();
                thread::spawn(move || cluster.converse(stream));
            }
        });
        cluster
    }

    /// Looks at what it holds, or changes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    fn converse(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((method, path, body)) = request(&mut stream) {
            let (status, answer) = self.with(|state| state.answer(&method, &path, &body));
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            let written = stream.get_mut().write_all(&[head.as_bytes(), answer.as_bytes()].concat());
            if written.is_err() {
                return;
            }
        }
    }
}

fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, String, Value)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((method, path, serde_json::from_slice(&body).unwrap_or_default()))
}

impl State {
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path.ends_with("/services/sealed-secrets-controller") {
            return (
                200,
                json!({ "metadata": { "name": "sealed-secrets-controller" }, "spec": { "ports": [{ "port": 8080 }] } })
                    .to_string(),
            );
        }
        if path.ends_with("/v1/cert.pem") {
            return (200, self.certificate.clone());
        }
        let (resource, name) = if path.ends_with("/sealedsecrets") {
            ("sealedsecrets", None)
        } else {
            ("secrets", path.split_once("/secrets/").map(|(_, name)| name))
        };
        let verb = match (method, name) {
            ("GET", None) => "list",
            ("GET", _) => "get",
            ("POST", _) => "create",
            _ => "patch",
        };
        if self.forbidden.contains(format!("{verb} {resource}").as_str()) {
            return refusal(
                403,
                "Forbidden",
                &format!("{resource} is forbidden: User \"eve\" cannot {verb} resource \"{resource}\""),
            );
        }
        match (verb, name) {
            ("list", _) if resource == "sealedsecrets" => (200, self.page(query)),
            ("list", _) => (200, self.listed()),
            ("create", _) => self.create(body.clone()),
            ("get", Some(name)) => match self.secrets.get(name) {
                Some(secret) => (200, secret.to_string()),
                None => refusal(404, "NotFound", &format!("secrets \"{name}\" not found")),
            },
            (_, name) => self.mark(name.unwrap_or_default(), body),
        }
    }

    /// Pages of two, so that there are several.
    fn page(&self, query: &str) -> String {
        let start = query.split('&').find_map(|part| part.strip_prefix("continue=")).unwrap_or("0");
        let start: usize = start.parse().unwrap();
        let items: Vec<&Value> = self.sealed.iter().skip(start).take(2).collect();
        let more = if start + 2 < self.sealed.len() { (start + 2).to_string() } else { String::new() };
        json!({ "kind": "SealedSecretList", "apiVersion": "bitnami.com/v1alpha1", "metadata": { "continue": more }, "items": items }).to_string()
    }

    fn listed(&self) -> String {
        let label = "/metadata/labels/sealedsecrets.bitnami.com~1sealed-secrets-key";
        let items: Vec<&Value> = self.secrets.values().filter(|secret| secret.pointer(label).is_some()).collect();
        json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items }).to_string()
    }

    fn create(&mut self, mut secret: Value) -> (u16, String) {
        self.version += 1;
        if secret["metadata"]["name"].is_null() {
            let prefix = secret["metadata"]["generateName"].as_str().unwrap_or_default().to_owned();
            secret["metadata"]["name"] = json!(format!("{prefix}made{}", self.version));
        }
        let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
        if self.secrets.contains_key(&name) {
            return refusal(409, "AlreadyExists", "it exists");
        }
        secret["metadata"]["resourceVersion"] = json!(self.version.to_string());
        secret["metadata"]["creationTimestamp"] = json!(jiff::Timestamp::now().to_string());
        if self.follows {
            let pem = sealer_encoding::base64::decode(secret["data"]["tls.crt"].as_str().unwrap()).unwrap();
            self.certificate = String::from_utf8(pem).unwrap();
        }
        self.secrets.insert(name, secret.clone());
        (201, secret.to_string())
    }

    fn mark(&mut self, name: &str, change: &Value) -> (u16, String) {
        let Some(secret) = self.secrets.get_mut(name) else { return refusal(404, "NotFound", "it is gone") };
        if change["metadata"]["resourceVersion"] != secret["metadata"]["resourceVersion"] {
            return refusal(409, "Conflict", "the object has been modified");
        }
        for field in ["labels", "annotations"] {
            for (key, value) in change["metadata"][field].as_object().into_iter().flatten() {
                if secret["metadata"][field].is_null() {
                    secret["metadata"][field] = json!({});
                }
                match value.is_null() {
                    true => drop(secret["metadata"][field].as_object_mut().unwrap().remove(key)),
                    false => secret["metadata"][field][key] = value.clone(),
                }
            }
        }
        self.version += 1;
        secret["metadata"]["resourceVersion"] = json!(self.version.to_string());
        (200, secret.to_string())
    }
}

fn refusal(code: u16, reason: &str, message: &str) -> (u16, String) {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code });
    (code, status.to_string())
}
