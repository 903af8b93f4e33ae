//! The second port: metrics, and whether the controller is alive and ready.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use parking_lot::Mutex;
use sealer_resource::api;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::StartError;
use crate::http::connection_limits::Limits;
use crate::http::connections::Connections;
use crate::http::{address, listen, server};
use crate::metrics::ObjectCounts;
use crate::metrics::labels::Port;
use crate::readiness::{Check, Readiness};
use crate::ring::SharedRing;

/// Counts the SealedSecrets in view.
pub(crate) type Count = Box<dyn Fn() -> ObjectCounts + Send + Sync>;

/// Serves until told to stop.
pub(crate) async fn serve(
    context: Arc<Context>,
    ring: Arc<SharedRing>,
    readiness: Arc<Readiness>,
    count: Count,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let listener = listen(&context.config.listen_metrics).await?;
    tracing::info!(addr = address(&listener), "HTTP metrics server serving");
    let limits = Limits::new(Port::Admin, context.config.read_timeout);
    let connections = Connections::new(limits, Port::Admin, context.clone());
    server::serve(listener, router(context, ring, readiness, count), connections, &stop).await;
    Ok(())
}

fn router(context: Arc<Context>, ring: Arc<SharedRing>, readiness: Arc<Readiness>, count: Count) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route(api::HEALTHZ, get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Arc::new(Shared { context, ring, readiness, count, texts: Texts::default() }))
}

struct Shared {
    context: Arc<Context>,
    ring: Arc<SharedRing>,
    readiness: Arc<Readiness>,
    count: Count,
    texts: Texts,
}

/// Older scrapers do not ask for OpenMetrics; to them the text is the format before it, which reads it as well.
async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = if accept.contains("openmetrics") { OPEN_METRICS } else { PLAIN };
    let text = shared.texts.next(|| {
        shared.context.metrics.show_objects((shared.count)());
        shared.context.metrics.text()
    });
    ([(header::CONTENT_TYPE, media_type)], Bytes::from_owner(text)).into_response()
}

/// The texts of `/metrics` that are being written. Somebody who reads slowly holds one, and it has megabytes in a large
/// cluster: there are only so many, and then the newest is given out again.
#[derive(Default)]
struct Texts(Mutex<VecDeque<Weak<String>>>);

/// A text that several answers share.
struct Text(Arc<String>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Texts {
    fn next(&self, write: impl FnOnce() -> String) -> Text {
        // Nothing that could panic half way; a poisoned list is whole.
        let mut texts = self.0.lock();
        texts.retain(|text| text.strong_count() > 0);
        if texts.len() >= MOST_TEXTS
            && let Some(newest) = texts.back().and_then(Weak::upgrade)
        {
            return Text(newest);
        }
        let text = Arc::new(write());
        texts.push_back(Arc::downgrade(&text));
        Text(text)
    }
}

/// Ready while every check passes; otherwise each failing one is named.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let readiness = &shared.readiness;
    if shared.ring.load().active().is_some() {
        readiness.pass(Check::Keys);
    } else {
        readiness.fail(Check::Keys);
    }
    match readiness.failures().as_slice() {
        [] => "ok\n".into_response(),
        failures => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", failures.join("\n"))).into_response(),
    }
}

const MOST_TEXTS: usize = 3;
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_readers_share_the_newest_text() {
        let texts = Texts::default();
        let mut held: Vec<Text> = (0..10).map(|number| texts.next(|| number.to_string())).collect();
        let seen: Vec<&str> = held.iter().map(|text| text.0.as_str()).collect();
        assert_eq!(seen, ["0", "1", "2", "2", "2", "2", "2", "2", "2", "2"]);
        held.remove(0);
        assert_eq!(texts.next(|| "new".to_owned()).0.as_str(), "new");
    }
}
