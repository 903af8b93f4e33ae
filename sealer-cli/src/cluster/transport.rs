//! Requests to the API server: kube's client makes them, and here they get what client-go gives them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use kube::Client;
use kube::client::{Body, ClientBuilder};

use crate::cluster::config::Target;
use crate::cluster::credentials::{Credentials, Headers};
use crate::network::connect::Connector;
use crate::network::identity::Identities;
use crate::network::send::Sender;
use crate::network::tls::Configurations;
use crate::network::trace::Trace;
use crate::network::{Failure, address, redirect, refusal, send};
use crate::ui;

/// What every request passes.
struct Transport {
    sender: Sender,
    server: Uri,
    credentials: Credentials,
    identities: Arc<Identities>,
    headers: Headers,
    told_timeout: Option<String>,
    advice: Advice,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What else is to be said about an answer that is an error.
pub(super) type Advice = Arc<parking_lot::Mutex<Vec<String>>>;

/// The client of a server and a user. What it learns about a refused request stands in the second part.
pub(super) fn client(target: Target, trace: Trace, namespace: &str) -> Result<(Client, Advice), String> {
    let identities = Arc::new(Identities::new(target.identity));
    let tls = Configurations::new(target.trust, Arc::clone(&identities))?;
    let connector = Connector::new(tls, target.proxy);
    let connector = connector.with_server_name(target.server_name);
    let advice = Advice::default();
    let transport = Arc::new(Transport {
        sender: Sender::new(connector, trace, target.timeout, MOST_BYTES),
        server: target.server,
        credentials: target.credentials,
        identities,
        headers: target.headers,
        told_timeout: target.told_timeout,
        advice: Arc::clone(&advice),
    });
    let service = tower::service_fn(move |request| {
        let transport = Arc::clone(&transport);
        let answer = async move { transport.send(request).await.map_err(|failure| -> AnyError { Box::new(failure) }) };
        Box::pin(answer) as Pin<Box<dyn Future<Output = Result<Response<Body>, AnyError>> + Send>>
    });
    Ok((ClientBuilder::new(service, namespace).build(), advice))
}

impl Transport {
    /// A server that says when to come back is asked again, and one that refuses the credentials of a plugin is asked once
    /// more with new ones.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let (head, body) = request.into_parts();
        let (mut is_renewed, mut anew) = (false, false);
        let (mut tries, mut redirects) = (0, 0);
        let mut target = self.address(&head.uri)?;
        loop {
            let mut again = Request::new(body.try_clone().unwrap_or_else(Body::empty));
            *again.method_mut() = head.method.clone();
            *again.uri_mut() = target.clone();
            *again.headers_mut() = head.headers.clone();
            let what = format!("{} \"{}\"", send::verb(&head.method), address::without_user(&target));
            let signed = self.sign(again.headers_mut(), std::mem::take(&mut anew)).await;
            signed.map_err(|failure| failure.beneath(&what))?;
            let answer = self.sender.send(again).await.map_err(|failure| self.dated(failure))?;
            let status = answer.status();
            let pause = super::retry_after(&answer).filter(|_| head.method == Method::GET);
            if status == StatusCode::UNAUTHORIZED && !is_renewed && self.credentials.can_be_renewed() {
                (is_renewed, anew) = (true, true);
            } else if status.is_redirection() && redirects < MOST_REDIRECTS {
                redirects += 1;
                target = redirected(&head.method, &target, &answer).map_err(|failure| failure.beneath(&what))?;
            } else if let Some(pause) = pause.filter(|_| tries < super::MOST_RETRIES) {
                tries += 1;
                tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            } else if status.is_success() && begins_as_page(answer.body()) {
                return Err(astray("the answer is a web page, perhaps of a login").beneath(&what));
            } else if status.is_redirection() {
                return Err(Failure::new(format!("stopped after {MOST_REDIRECTS} redirects")).beneath(&what));
            } else {
                self.advise(&answer);
                return Ok(answer.map(Body::from));
            }
        }
    }

    /// The server's address with the path behind its own, and the limit of time as kubectl tells it: `timeout=1m30s`.
    fn address(&self, asked: &Uri) -> Result<Uri, Failure> {
        let path = asked.path_and_query().map_or("/", |path| path.as_str()).trim_end_matches('?');
        let mut whole = format!("{}{path}", self.server.path().trim_end_matches('/'));
        if let Some(timeout) = &self.told_timeout {
            let mark = if whole.contains('?') { '&' } else { '?' };
            whole = format!("{whole}{mark}timeout={timeout}");
        }
        let mut parts = self.server.clone().into_parts();
        parts.path_and_query =
            Some(whole.parse().map_err(|_| Failure::new(format!("{whole} is no path of a request")))?);
        Uri::from_parts(parts).map_err(|error| Failure::new(error.to_string()))
    }

    async fn sign(&self, headers: &mut HeaderMap, anew: bool) -> Result<(), Failure> {
        let proof = self.credentials.proof(&self.identities, anew).await?;
        if proof.has_new_identity {
            self.sender.reconnect();
        }
        if let Some(header) = proof.header {
            headers.insert(header::AUTHORIZATION, header);
        }
        for (name, value) in self.headers.iter() {
            headers.append(name, value.clone());
        }
        Ok(())
    }

    /// Adds what the certificate's own dates say.
    fn dated(&self, failure: Failure) -> Failure {
        match self.identities.current().and_then(|identity| identity.wrong_at(ui::now())) {
            Some(wrong) => failure.hint(wrong),
            None => failure,
        }
    }

    /// Remembers why credentials may have been refused: their own dates, or this machine's clock.
    fn advise(&self, answer: &Response<Vec<u8>>) {
        if answer.status() != StatusCode::UNAUTHORIZED {
            return;
        }
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok());
        let skew = date.and_then(|date| refusal::skew(date, ui::now()));
        let expired = self.identities.current().and_then(|identity| identity.wrong_at(ui::now()));
        let mut advice = self.advice.lock();
        *advice = expired.into_iter().chain(skew).collect();
    }
}

/// Where an answer leads, if it stays with the same host: credentials are for nobody else. As in Go, only what reads is
/// asked again.
fn redirected(method: &Method, asked: &Uri, answer: &Response<Vec<u8>>) -> Result<Uri, Failure> {
    let location = answer.headers().get(header::LOCATION).and_then(|next| next.to_str().ok()).unwrap_or_default();
    let next = redirect::resolve(&asked.to_string(), location).ok().and_then(|next| next.parse::<Uri>().ok());
    match next {
        Some(next) if method == Method::GET && !location.is_empty() && address::host(&next) == address::host(asked) => {
            Ok(next)
        }
        _ => Err(astray(&format!("the server redirects to \"{}\"", address::without_password(location)))),
    }
}

fn begins_as_page(body: &[u8]) -> bool {
    refusal::is_page(&String::from_utf8_lossy(body.get(..PAGE_START).unwrap_or(body)))
}

/// An answer that no API server gives.
fn astray(what: &str) -> Failure {
    Failure::new(what).hint("is this the address of the API server, and no console or login page before it?")
}

/// As many as Go's client follows.
const MOST_REDIRECTS: usize = 10;
/// What tells a page stands in its first bytes.
const PAGE_START: usize = 64;
/// Pages of very large lists are smaller.
const MOST_BYTES: usize = 256 << 20;
/// Whatever a server says, nobody waits longer for one answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
