//! The second port: metrics, and whether the controller is alive and ready.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::StartError;
use crate::http::{address, listen};

/// Serves until told to stop.
pub(crate) async fn serve(context: Arc<Context>, stop: CancellationToken) -> Result<(), StartError> {
    let listener = listen(&context.config.listen_metrics).await?;
    tracing::info!(addr = address(&listener), "HTTP metrics server serving");
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(context);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    served.map_err(StartError::Runtime)
}

async fn metrics(State(context): State<Arc<Context>>) -> Response {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], context.metrics.text()).into_response()
}

/// Ready once there is a certificate to seal with.
async fn ready(State(context): State<Arc<Context>>) -> Response {
    if context.ring().active().is_some() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no sealing key\n").into_response()
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
