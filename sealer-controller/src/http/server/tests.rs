#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

use std::net::SocketAddr;

use sealer_core::Scope;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use super::*;
use crate::http::connection_limits::Limits;
use crate::http::tests::{context, router, sealed_object};
use crate::metrics::labels::Port;

/// A port in this process.
struct Served {
    address: SocketAddr,
    context: Arc<crate::context::Context>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Served {
    async fn start() -> Self {
        let context = context(&["--rate-limit=1000", "--rate-limit-burst=1000"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits::new(Port::Public, context.config.read_timeout);
        let connections = Connections::new(limits, Port::Public, context.clone());
        let stop = CancellationToken::new();
        let (router, ended) = (router(context.clone()), stop.clone());
        let task = tokio::spawn(async move { serve(listener, router, connections, &ended).await });
        Self { address, context, stop: stop.drop_guard(), task }
    }

    async fn connect(&self, first: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        stream
    }

    /// One request and its whole answer.
    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect(request.as_bytes()).await;
        let mut answer = Vec::new();
        timeout(TIMEOUT, stream.read_to_end(&mut answer)).await.expect("no answer").unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// What honest clients do meanwhile.
    async fn is_answered(&self) {
        let health = self.ask("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        assert!(health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("ok\n"), "{health}");
        let body = sealed_object(Scope::Strict, &json!({})).to_string();
        let verified = self.ask(&post("/v1/verify", &body)).await;
        assert!(verified.starts_with("HTTP/1.1 200 OK\r\n"), "{verified}");
    }

    fn closed(&self, reason: &str) -> usize {
        let text = self.context.metrics.text();
        let prefix =
            format!("sealed_secrets_controller_http_connections_closed_total{{port=\"http\",reason=\"{reason}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&prefix)?.parse().ok()).unwrap_or_default()
    }

    async fn eventually_closed(&self, reason: &str, count: usize) {
        // By the system's clock: the runtime's stands still in some tests.
        let deadline = std::time::Instant::now() + TIMEOUT;
        while self.closed(reason) < count {
            assert!(std::time::Instant::now() < deadline, "{} of {count} are {reason}", self.closed(reason));
            tokio::task::yield_now().await;
        }
    }
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // An end or a reset, whichever the system makes of it.
    let _ = timeout(TIMEOUT, stream.read_to_end(&mut rest)).await.expect("the connection is still open");
}

const HALF_HEAD: &[u8] = b"GET /healthz HTTP/1.1\r\nX: ";

#[tokio::test]
async fn half_sent_heads_do_not_keep_healthz_unanswered() {
    let served = Served::start().await;
    let mut halves = Vec::new();
    for _ in 0..513 {
        halves.push(served.connect(HALF_HEAD).await);
    }
    for _ in 0..10 {
        served.is_answered().await;
    }
    // One peer has half of all places, and its oldest connections went.
    served.eventually_closed("evicted", 513 - 256).await;
    is_closed(&mut halves[0]).await;
}

#[tokio::test]
async fn slow_bodies_keep_nobody_from_verify() {
    let served = Served::start().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let head = b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n{";
        slow.push(served.connect(head).await);
    }
    for _ in 0..10 {
        served.is_answered().await;
    }
    // Of 200 bodies 64 may be read at a time.
    assert!(served.closed("evicted") >= 200 - 64);
    // What is left is too slow before long.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    for stream in &mut slow {
        is_closed(stream).await;
    }
    let text = served.context.metrics.text();
    assert!(text.contains("http_requests_refused_total{reason=\"too_slow\"} "), "{text}");
}

#[tokio::test]
async fn half_a_head_is_waited_for_ten_seconds() {
    let served = Served::start().await;
    let mut half = served.connect(HALF_HEAD).await;
    let mut kept = served.connect(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut answer = [0; 128];
    while !answer.ends_with(b"ok\n") {
        let length = kept.read(&mut answer).await.unwrap();
        assert!(length > 0);
        if answer[..length].ends_with(b"ok\n") {
            break;
        }
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    is_closed(&mut half).await;
    assert_eq!((served.closed("slow_head"), served.closed("idle")), (1, 0));
    // Half of a second head counts from its beginning.
    kept.write_all(HALF_HEAD).await.unwrap();
    is_closed(&mut kept).await;
    assert_eq!(served.closed("slow_head") + served.closed("idle"), 2);
}

/// A client with small buffers, so that what it does not read fills up soon.
async fn lazy_reader(served: &Served) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    let mut reader = socket.connect(served.address).await.unwrap();
    let requests = b"GET /v1/cert.pem HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    while matches!(timeout(Duration::from_millis(300), reader.write_all(&requests)).await, Ok(Ok(()))) {}
    reader
}

#[tokio::test]
async fn reader_that_never_reads_is_closed_and_holds_up_nobody() {
    let served = Served::start().await;
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(lazy_reader(&served).await);
        served.is_answered().await;
    }
    tokio::time::pause();
    // Requests that are still on the way are answered meanwhile, and each answer has its own time.
    let deadline = std::time::Instant::now() + TIMEOUT;
    while served.closed("slow_reader") < 5 {
        assert!(std::time::Instant::now() < deadline, "{} are closed", served.closed("slow_reader"));
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    tokio::time::resume();
    served.is_answered().await;
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_order_one_at_a_time() {
    let served = Served::start().await;
    let body = sealed_object(Scope::Strict, &json!({})).to_string();
    let verify = format!("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let row = format!(
        "{verify}GET /other HTTP/1.1\r\nHost: x\r\n\r\n{verify}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    let answers = served.ask(&row).await;
    let statuses: Vec<&str> = answers.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).collect();
    assert_eq!(statuses, ["200 OK", "404 Not Found", "200 OK", "200 OK"]);
}

#[tokio::test]
async fn heads_are_bounded() {
    let served = Served::start().await;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
    for request in [long, many] {
        let answer = served.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    served.is_answered().await;
}

#[tokio::test]
async fn every_failure_to_open_has_one_answer_on_the_wire() {
    let served = Served::start().await;
    let good = sealed_object(Scope::Strict, &json!({}));
    let sealed = good["spec"]["encryptedData"]["k"].as_str().unwrap().to_owned();
    let bytes = sealer_encoding::base64::decode(&sealed).unwrap();
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        sealer_encoding::base64::encode(&bytes)
    };
    let other_key = sealer_core::UnsealingKey::generate(2048).unwrap();
    let label = sealer_core::Label::new(Scope::Strict, "ns", "name").unwrap();
    let value = sealer_core::Plaintext::new(b"value".to_vec());
    let unknown = sealer_core::seal(&value, &label, other_key.sealing_key()).unwrap().to_base64();
    let causes = [
        ("no base64", "no base64!".to_owned()),
        ("empty", String::new()),
        ("short", "AQ==".to_owned()),
        ("OAEP", changed(40)),
        ("GCM", changed(bytes.len() - 1)),
        ("another key", unknown),
    ];
    for (path, status) in
        [("/v1/verify", "HTTP/1.1 409 Conflict"), ("/v1/rotate", "HTTP/1.1 500 Internal Server Error")]
    {
        let mut answers = Vec::new();
        for (cause, value) in &causes {
            for field in ["encryptedData", "data"] {
                let mut object = good.clone();
                object["spec"] =
                    if field == "data" { json!({"data": value}) } else { json!({"encryptedData": {"k": value}}) };
                let body = object.to_string();
                let caller = format!("{cause}{field}");
                let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {caller}\r\nConnection: close");
                let answer = served.ask(&format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
                let without_date: Vec<&str> = answer.split("\r\n").filter(|line| !line.starts_with("date: ")).collect();
                answers.push((caller, without_date.join("\r\n")));
            }
        }
        let first = answers[0].1.clone();
        assert!(first.starts_with(status), "{first}");
        for (caller, answer) in answers {
            assert_eq!(answer, first, "{path} {caller}");
        }
    }
}

#[tokio::test]
async fn slow_connections_do_not_hold_up_the_end() {
    let served = Served::start().await;
    let mut half = served.connect(HALF_HEAD).await;
    served.is_answered().await;
    let Served { stop, task, .. } = served;
    drop(stop);
    timeout(TIMEOUT, task).await.expect("the server does not end").unwrap();
    is_closed(&mut half).await;
}

const TIMEOUT: Duration = Duration::from_secs(60);
