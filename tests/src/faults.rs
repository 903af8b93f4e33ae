//! A proxy between a controller and the API server: passes calls on, breaks those that it is told to, and counts all.
//!
//! A controller speaks plain HTTP to it, with its own token; who it is and what it may do is the API server's to say.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::request::Parts;
use http::{Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, BodyStream, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use parking_lot::{Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::control_plane::free_ports;
use crate::faults::call::Call;
use crate::faults::observed::Steady;
use crate::faults::rule::{Fault, Rule, Side};
use crate::faults::spoil::Spoil;

pub mod call;
pub mod canaries;
pub mod corruption;
pub mod observed;
pub mod rule;
pub mod spoil;

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    upstream: Client,
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
    /// Changes when all watches end.
    cut: watch::Sender<u64>,
    /// Calls that stand still.
    halted: watch::Sender<usize>,
    /// What happens to answers that no rule breaks.
    steady: Option<Arc<Steady>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Listens on a free port. `upstream` brings no identity of its own.
    ///
    /// # Errors
    /// Loopback cannot be bound.
    pub async fn start(upstream: Client) -> Result<Self> {
        Self::listen(upstream, None).await
    }

    /// The same, and corrupts every n-th answer of each kind for as long as it runs.
    ///
    /// # Errors
    /// Loopback cannot be bound.
    pub async fn corrupting(upstream: Client) -> Result<Self> {
        Self::listen(upstream, Some(Arc::default())).await
    }

    async fn listen(upstream: Client, steady: Option<Arc<Steady>>) -> Result<Self> {
        // No connection takes such a port while the proxy is away.
        let [port] = free_ports()?;
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let shared = Shared {
            upstream,
            rules: Mutex::default(),
            calls: Mutex::default(),
            cut: watch::Sender::new(0),
            halted: watch::Sender::new(0),
            steady,
        };
        let proxy = Self { port, shared: Arc::new(shared), task: Mutex::default() };
        proxy.serve(listener);
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it corrupts steadily, if it does.
    pub fn steady(&self) -> Option<&Steady> {
        self.shared.steady.as_deref()
    }

    /// Breaks calls from now on. Of several rules that fit, the first that is not used up holds.
    pub fn add(&self, rule: Rule) {
        lock(&self.shared.rules).push(rule);
    }

    /// Breaks nothing any longer.
    pub fn heal(&self) {
        lock(&self.shared.rules).clear();
    }

    /// Ends all watches, as an API server does when their time is up.
    pub fn cut_watches(&self) {
        self.shared.cut.send_modify(|count| *count += 1);
    }

    /// Refuses connections, and resets those that are open.
    pub fn go_away(&self) {
        if let Some(task) = &*lock(&self.task) {
            task.abort();
        }
    }

    /// Listens again where it did before.
    ///
    /// # Errors
    /// Somebody else took the port.
    pub async fn come_back(&self) -> Result<()> {
        let away = lock(&self.task).take();
        if let Some(task) = away {
            task.abort();
            // It listens until it has ended.
            let _ = task.await;
        }
        let address = ("127.0.0.1", self.port);
        self.serve(TcpListener::bind(address).await.context("the proxy's port is taken")?);
        Ok(())
    }

    /// Returns once a call stands still; each is told once.
    pub async fn halted(&self) {
        let mut halted = self.shared.halted.subscribe();
        // The sender lives as long as this proxy.
        let _ = halted.wait_for(|count| *count > 0).await;
        self.shared.halted.send_modify(|count| *count -= 1);
    }

    /// Everything that came in, whatever became of it.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// How often a call such as `create secrets` came in.
    pub fn count(&self, what: &str) -> usize {
        lock(&self.shared.calls).iter().filter(|call| call.what == what).count()
    }

    fn serve(&self, listener: TcpListener) {
        let task = tokio::spawn(accept(listener, self.shared.clone()));
        *lock(&self.task) = Some(task);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.go_away();
    }
}

impl Shared {
    /// Takes note of a call; says how to break it, if at all.
    fn note(&self, call: &Call) -> Option<Fault> {
        lock(&self.calls).push(call.clone());
        lock(&self.rules).iter_mut().find_map(|rule| rule.apply(call))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Aborted with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // What ends without an answer ends with a reset.
    let _ = stream.set_zero_linger();
    let service = service_fn(move |request| answer(shared.clone(), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A connection that ends in the middle of a call.
#[derive(Debug, thiserror::Error)]
#[error("broken on purpose")]
struct Broken;

type AnswerBody = UnsyncBoxBody<Bytes, Broken>;
type Answer = Response<AnswerBody>;

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Broken> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let call = Call::read(&head, &body);
    match shared.note(&call) {
        None => match shared.steady.clone() {
            Some(steady) => observed::answer(&shared, steady, call, head, body).await,
            None => pass(&shared, head, body).await,
        },
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            pass(&shared, head, body).await
        }
        Some(Fault::Answer(refusal)) => Ok(text(refusal.response())),
        Some(Fault::WatchError(refusal)) => Ok(text(refusal.event())),
        Some(Fault::Reset(Side::Before)) => Err(Broken),
        Some(Fault::Reset(Side::After)) => pass(&shared, head, body).await.and(Err(Broken)),
        Some(Fault::Spoil(spoil, seed)) => spoilt(&call, pass(&shared, head, body).await?, spoil, seed).await,
        Some(Fault::Halt(Side::Before)) => halt(&shared).await,
        Some(Fault::Halt(Side::After)) => {
            pass(&shared, head, body).await?;
            halt(&shared).await
        }
    }
}

/// What was answered, spoilt. A refusal stays as it is.
async fn spoilt(call: &Call, answer: Answer, spoil: Spoil, seed: usize) -> Result<Answer, Broken> {
    let (mut head, body) = answer.into_parts();
    if !head.status.is_success() {
        return Ok(Response::from_parts(head, body));
    }
    head.headers.remove(header::CONTENT_LENGTH);
    if call.what.starts_with("watch ") {
        return Ok(goes_on(head, spoil.lines(seed, parts(body))));
    }
    let whole = body.collect().await?.to_bytes();
    Ok(text(Response::from_parts(head, spoil.spoil(seed, &whole))))
}

/// The parts of a body as they come.
fn parts(body: AnswerBody) -> BoxStream<'static, Result<Bytes, Broken>> {
    let parts = BodyStream::new(body).filter_map(async |frame| frame.map(|frame| frame.into_data().ok()).transpose());
    parts.boxed()
}

fn goes_on(head: http::response::Parts, parts: BoxStream<'static, Result<Bytes, Broken>>) -> Answer {
    Response::from_parts(head, StreamBody::new(parts.map(|part| part.map(Frame::data))).boxed_unsync())
}

async fn halt(shared: &Shared) -> Result<Answer, Broken> {
    shared.halted.send_modify(|count| *count += 1);
    std::future::pending().await
}

fn text(response: Response<impl Into<Bytes>>) -> Answer {
    response.map(|body| Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync())
}

async fn pass(shared: &Shared, mut head: Parts, body: Bytes) -> Result<Answer, Broken> {
    // Compressed answers could be neither read nor spoilt.
    for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::ACCEPT_ENCODING] {
        head.headers.remove(name);
    }
    let mut cut = shared.cut.subscribe();
    let request = Request::from_parts(head, Body::from(body));
    let (mut head, body) = shared.upstream.send(request).await.map_err(|_| Broken)?.into_parts();
    for name in [header::TRANSFER_ENCODING, header::CONNECTION] {
        head.headers.remove(name);
    }
    let frames = BodyStream::new(body).map(|frame| frame.map_err(|_| Broken));
    let frames = frames.take_until(async move { cut.changed().await });
    Ok(Response::from_parts(head, StreamBody::new(frames).boxed_unsync()))
}
