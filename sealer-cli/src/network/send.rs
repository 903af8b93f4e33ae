//! One request and its whole answer, within a limit of time: every request of this program passes here.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use kube::client::Body;
use parking_lot::Mutex;

use crate::diagnostics;
use crate::network::connect::Connector;
use crate::network::proxy::Kind;
use crate::network::trace::Trace;
use crate::network::{Failure, address, unanswered, user_agent};

/// Sends requests over connections of its own.
pub(crate) struct Sender {
    connector: Connector,
    client: Mutex<Client<Connector, Body>>,
    trace: Trace,
    /// Time for a request and its answer.
    limit: Option<Duration>,
    /// Bytes of an answer.
    most: usize,
    /// Whether there may be a connection that was used before.
    was_used: AtomicBool,
}

impl Sender {
    pub(crate) fn new(connector: Connector, trace: Trace, limit: Option<Duration>, most: usize) -> Self {
        let client = Mutex::new(client(&connector));
        Self { connector, client, trace, limit, most, was_used: AtomicBool::new(false) }
    }

    /// Leaves the connections that there are: they were made with another certificate.
    pub(crate) fn reconnect(&self) {
        *self.client.lock() = client(&self.connector);
    }

    /// Sends a request to a whole address.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Result<Response<Vec<u8>>, Failure> {
        let (verb, url) = (verb(request.method()), request.uri().to_string());
        self.prepare(&mut request)
            .map_err(|failure| failure.beneath(&format!("{verb} \"{}\"", address::without_password(&url))))?;
        let started = tokio::time::Instant::now();
        let exchange = self.exchange(request, &verb, &url);
        tokio::pin!(exchange);
        // `None` is a limit that nobody reaches, and so is one beyond what a clock counts.
        let limit = self.limit.and_then(|limit| started.checked_add(limit)).unwrap_or(started + NEVER);
        let notice = tokio::time::sleep_until(started + SHOWN_AFTER);
        tokio::pin!(notice);
        let mut is_told = false;
        loop {
            tokio::select! {
                answer = &mut exchange => return answer,
                () = &mut notice, if !is_told => {
                    is_told = true;
                    diagnostics::notice(&format!("waiting for an answer of {}", origin(&url)));
                }
                () = tokio::time::sleep_until(limit) => return Err(self.too_slow(&verb, &url)),
            }
        }
    }

    async fn exchange(&self, request: Request<Body>, verb: &str, url: &str) -> Result<Response<Vec<u8>>, Failure> {
        let asked = self.trace.request(&request);
        let answer = self.answer(request).await;
        let answer = answer.map_err(|error| {
            asked.unanswered(&error);
            unanswered(verb, url, &error)
        })?;
        let (head, body) = answer.into_parts();
        let answered = asked.answered(&head);
        let body = Limited::new(body, self.most).collect().await.map_err(|error| unanswered(verb, url, &*error))?;
        let body = body.to_bytes().to_vec();
        answered.body(&body);
        Ok(Response::from_parts(head, body))
    }

    /// As Go's transport (`shouldRetryRequest`): a server may close a connection that waits for the next request just as
    /// that is sent. What only asks is asked once more, over a new connection.
    async fn answer(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        let again = (request.method() == Method::GET && self.was_used.load(Ordering::Relaxed)).then(|| copy(&request));
        let answer = self.client().request(request).await;
        let answer = match (answer, again) {
            (Err(error), Some(again)) if was_closed(&error) => {
                self.reconnect();
                self.client().request(again).await
            }
            (answer, _) => answer,
        };
        self.was_used.fetch_or(answer.is_ok(), Ordering::Relaxed);
        answer
    }

    fn client(&self) -> Client<Connector, Body> {
        self.client.lock().clone()
    }

    /// What Go's transport adds to a request.
    fn prepare(&self, request: &mut Request<Body>) -> Result<(), Failure> {
        let agent = HeaderValue::from_str(&user_agent()).map_err(|error| Failure::new(error.to_string()))?;
        request.headers_mut().insert(header::USER_AGENT, agent);
        if let Some(basic) = address::basic(request.uri()) {
            *request.uri_mut() = address::without_user(request.uri());
            let mut basic = HeaderValue::from_str(&basic).map_err(|error| Failure::new(error.to_string()))?;
            basic.set_sensitive(true);
            request.headers_mut().entry(header::AUTHORIZATION).or_insert(basic);
        }
        if request.uri().scheme_str() != Some("http") {
            return Ok(());
        }
        // A plain address is asked of the proxy by its whole URL.
        let proxy = self.connector.proxy_for(request.uri()).map_err(|error| Failure::new(error.to_string()))?;
        let authorization = proxy.filter(|proxy| proxy.kind != Kind::Socks).and_then(|proxy| proxy.authorization());
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(&authorization).map_err(|error| Failure::new(error.to_string()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, value);
        }
        Ok(())
    }

    fn too_slow(&self, verb: &str, url: &str) -> Failure {
        let limit = self.limit.unwrap_or(NEVER);
        Failure::new("context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
            .hint(format!("{} gave no answer within {limit:?}; --request-timeout sets the limit", origin(url)))
            .hint("is it reachable from here, and is a VPN or a proxy (HTTPS_PROXY, proxy-url) needed?")
            .beneath(&format!("{verb} \"{}\"", address::without_password(url)))
    }
}

fn client(connector: &Connector) -> Client<Connector, Body> {
    Client::builder(TokioExecutor::new()).build(connector.clone())
}

/// The same request, which has no body.
fn copy(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

/// Whether the connection ended before the answer began.
fn was_closed(error: &Error) -> bool {
    if error.is_connect() {
        return false;
    }
    let is_closed = |error: &(dyn std::error::Error + 'static)| {
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionAborted];
        error.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
            || error.downcast_ref::<io::Error>().is_some_and(|error| kinds.contains(&error.kind()))
    };
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source()).any(is_closed)
}

/// `Get` for `GET`, as Go's errors begin.
pub(crate) fn verb(method: &Method) -> String {
    let text = method.as_str();
    let (first, rest) = text.split_at_checked(1).unwrap_or((text, ""));
    format!("{first}{}", rest.to_ascii_lowercase())
}

/// Scheme, host and port.
fn origin(url: &str) -> String {
    let shown = address::without_password(url);
    shown.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// kubectl says nothing, and its users think that it hangs.
const SHOWN_AFTER: Duration = Duration::from_secs(3);
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
