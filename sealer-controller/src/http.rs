//! The public endpoints: plain HTTP behind the API server's service proxy. Handlers may ask to open values; they never
//! hold a private key and never come near a template.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use sealer_resource::api;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::args::{ApiAccess, Config};
use crate::context::Context;
use crate::error::StartError;
use crate::http::authorize::Callers;
use crate::http::connections::{Connections, Place};
use crate::http::limit::Limits;
use crate::http::openings::Openings;
use crate::http::refusal::Refusal;
use crate::metrics::labels::Port;
use crate::ring::SharedRing;
use crate::threads::Threads;

mod activity;
mod authorize;
mod body;
mod certificate;
pub(crate) mod connection_limits;
pub(crate) mod connections;
mod limit;
mod observed;
mod open;
mod openings;
mod posted;
pub(crate) mod refusal;
mod request;
mod rotate;
pub(crate) mod server;
mod verify;
mod yaml;

/// Whether a body is read as a SealedSecret.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn reads_body(bytes: &[u8]) -> bool {
    posted::Posted::read(bytes).is_ok()
}

/// What handlers share.
pub(crate) struct Shared {
    context: Arc<Context>,
    ring: Arc<SharedRing>,
    threads: Threads,
    limits: Limits,
    openings: Arc<Openings>,
    callers: Callers,
}

impl Shared {
    fn new(context: Arc<Context>, ring: Arc<SharedRing>) -> Self {
        let limits = Limits::new(context.config.rate);
        Self {
            limits,
            context,
            ring,
            threads: Threads::half_the_cores(),
            openings: Openings::new(),
            callers: Callers::new(),
        }
    }

    /// Counts a refusal.
    fn refuse(&self, refusal: Refusal) -> Refusal {
        self.context.metrics.count_refused(refusal);
        refusal
    }
}

/// An endpoint that opens values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Verify,
    Rotate,
}

impl Endpoint {
    fn of(path: &str) -> Self {
        if path == api::VERIFY { Self::Verify } else { Self::Rotate }
    }

    fn access(self, config: &Config) -> ApiAccess {
        match self {
            Self::Verify => config.verify_api,
            Self::Rotate => config.rotate_api,
        }
    }
}

/// Serves until told to stop; requests under way are answered.
pub(crate) async fn serve(
    context: Arc<Context>,
    ring: Arc<SharedRing>,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let listener = listen(&context.config.listen).await?;
    tracing::info!(addr = address(&listener), "HTTP server serving");
    let limits = connection_limits::Limits::new(Port::Public, context.config.read_timeout);
    let connections = Connections::new(limits, Port::Public, context.clone());
    server::serve(listener, router(context, ring), connections, &stop).await;
    Ok(())
}

/// Binds an address in Go's form: `:8080` is every interface.
pub(crate) async fn listen(address: &str) -> Result<TcpListener, StartError> {
    let full = if address.starts_with(':') { format!("[::]{address}") } else { address.to_owned() };
    let refused = |error: std::io::Error| StartError::Listen { address: address.to_owned(), cause: error.to_string() };
    match TcpListener::bind(&full).await {
        // A machine without IPv6 has no such address.
        Err(error) if address.starts_with(':') && error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(format!("0.0.0.0{address}")).await.map_err(refused)
        }
        bound => bound.map_err(refused),
    }
}

/// The address that a listener really has.
pub(crate) fn address(listener: &TcpListener) -> String {
    listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
}

/// All routes. Any method is answered, as existing clients and probes expect.
fn router(context: Arc<Context>, ring: Arc<SharedRing>) -> Router {
    let timeout = context.config.request_timeout.unwrap_or(Duration::MAX);
    let shared = Arc::new(Shared::new(context, ring));
    let mut opening = Router::new();
    if Endpoint::Verify.access(&shared.context.config) != ApiAccess::Off {
        opening = opening.route(api::VERIFY, any(verify::verify));
    }
    if Endpoint::Rotate.access(&shared.context.config) != ApiAccess::Off {
        opening = opening.route(api::ROTATE, any(rotate::rotate));
    }
    let opening = opening.layer(from_fn_with_state(shared.clone(), limited));
    Router::new()
        .route(api::CERTIFICATE, any(certificate::certificate))
        .merge(opening)
        .layer(from_fn_with_state(shared.clone(), counted))
        .route(api::HEALTHZ, any(async || "ok\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "404 page not found\n"))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout))
        .layer(CatchPanicLayer::new())
        .with_state(shared)
}

async fn counted(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = match request.uri().path() {
        api::CERTIFICATE => api::CERTIFICATE,
        api::VERIFY => api::VERIFY,
        _ => api::ROTATE,
    };
    let method = method(&request);
    let response = next.run(request).await;
    shared.context.metrics.count_request(path, method, response.status().as_u16(), started.elapsed().as_secs_f64());
    response
}

fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "get",
        "POST" => "post",
        "PUT" => "put",
        "HEAD" => "head",
        "DELETE" => "delete",
        "PATCH" => "patch",
        "OPTIONS" => "options",
        _ => "unknown",
    }
}

/// The rate is bounded for everything that opens values, before its body is received.
async fn limited(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let caller = caller(request.headers());
    let peer = request.extensions().get::<Arc<Place>>().map(|place| place.peer);
    let admission = shared.limits.admit(request.uri().path(), &caller, peer);
    let mut response = if admission.is_accepted {
        next.run(request).await
    } else {
        let headers = [(header::RETRY_AFTER, admission.retry_after.to_string())];
        (StatusCode::TOO_MANY_REQUESTS, headers, "limit exceeded\n").into_response()
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", admission.limit.into());
    headers.insert("x-ratelimit-remaining", admission.remaining.into());
    headers.insert("x-ratelimit-reset", admission.reset.into());
    response
}

fn caller(headers: &HeaderMap) -> String {
    let forwarded = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    forwarded.unwrap_or_default().to_ascii_lowercase()
}

/// An answer without a body.
fn empty(status: StatusCode) -> Response {
    (status, Body::empty()).into_response()
}

#[cfg(test)]
mod tests;
