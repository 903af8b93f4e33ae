//! The second port: metrics, and whether the controller is alive and ready.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use sealer_core::api;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::StartError;
use crate::http::{address, listen, server};
use crate::readiness::Check;

/// Serves until told to stop.
pub(crate) async fn serve(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let listener = listen(&context.config.listen_metrics).await?;
    tracing::info!(addr = address(&listener), "HTTP metrics server serving");
    let read_timeout = context.config.read_timeout;
    server::serve(listener, router(context), read_timeout, &stop).await;
    Ok(())
}

fn router(context: Arc<Context>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route(api::HEALTHZ, get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(context)
}

/// Older scrapers do not ask for OpenMetrics; to them the text is the format before it, which reads it as well.
async fn metrics(State(context): State<Arc<Context>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = if accept.contains("openmetrics") { OPEN_METRICS } else { PLAIN };
    ([(header::CONTENT_TYPE, media_type)], context.metrics.text()).into_response()
}

/// Ready while every check passes; otherwise each failing one is named.
async fn ready(State(context): State<Arc<Context>>) -> Response {
    if context.ring().active().is_some() {
        context.readiness.pass(Check::Keys);
    } else {
        context.readiness.fail(Check::Keys);
    }
    match context.readiness.failures().as_slice() {
        [] => "ok\n".into_response(),
        failures => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", failures.join("\n"))).into_response(),
    }
}

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
