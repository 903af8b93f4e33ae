//! A small HTTP or HTTPS server with fixed answers, which remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A running server.
pub(crate) struct Server {
    port: u16,
    state: Arc<State>,
}

struct State {
    routes: Mutex<Vec<Value>>,
    asked: Mutex<Vec<Asked>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    stopped: AtomicBool,
}

impl Server {
    pub(crate) fn start(settings: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let routes = settings["routes"].as_array().unwrap().iter().map(|route| fill(route, port)).collect();
        let state = Arc::new(State {
            routes: Mutex::new(routes),
            asked: Mutex::default(),
            tls: (settings["tls"] == true).then(tls),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let state = Arc::clone(&accepting);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends it and says what it was asked, in order.
    pub(crate) fn stop(self) -> Vec<Asked> {
        self.state.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.state.asked.lock().unwrap().clone()
    }
}

fn fill(route: &Value, port: u16) -> Value {
    let text = route.to_string().replace("<port>", &port.to_string());
    serde_json::from_str(&text).unwrap()
}

fn tls() -> Arc<rustls::ServerConfig> {
    let fixtures = crate::golden().join("fixtures");
    let certificate = CertificateDer::from_pem_file(fixtures.join("tls-cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixtures.join("tls-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

fn serve(stream: TcpStream, state: &State) {
    // A client that leaves must not keep the thread.
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    match &state.tls {
        Some(config) => {
            let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
            converse(rustls::StreamOwned::new(connection, stream), state);
        }
        None => converse(stream, state),
    }
}

fn converse(stream: impl Read + Write, state: &State) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read_request(&mut stream) {
        let answer = answer(&asked, state);
        state.asked.lock().unwrap().push(asked);
        if stream.get_mut().write_all(&answer).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn read_request(stream: &mut BufReader<impl Read>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    // A proxy is asked with the whole address.
    let path = target.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim().to_owned();
        // A header that comes again adds to a list.
        headers
            .entry(name.to_lowercase())
            .and_modify(|all: &mut String| *all += &format!("\n{value}"))
            .or_insert_with(|| value.clone());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body })
}

fn answer(asked: &Asked, state: &State) -> Vec<u8> {
    let mut routes = state.routes.lock().unwrap();
    let fits = |route: &&mut Value| {
        route["method"] == asked.method.as_str() && route["path"] == asked.path.as_str() && route["times"] != 0
    };
    let Some(route) = routes.iter_mut().find(fits) else {
        return response(404, &[("Content-Type".to_owned(), "text/plain".to_owned())], b"no such route\n");
    };
    if let Some(times) = route["times"].as_u64() {
        route["times"] = Value::from(times - 1);
    }
    let headers: Vec<(String, String)> = route["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let status = route["status"].as_u64().unwrap_or(200);
    response(status, &headers, route["body"].as_str().unwrap_or_default().as_bytes())
}

fn response(status: u64, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let reason = match status {
        200 => "OK",
        203 => "Non-Authoritative Information",
        302 => "Found",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    };
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut bytes = format!("HTTP/1.1 {status} {reason}\r\n{lines}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
