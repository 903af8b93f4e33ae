//! `/v1/verify`: does a SealedSecret open? Yes or no, and nothing else: every cause of a no is answered alike.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use sealer_core::resource::assemble::Templates;

use crate::http::{Shared, body, empty};

pub(crate) async fn verify(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let posted = match body::read(body).await {
        Ok(posted) => posted,
        Err(status) => {
            tracing::error!(error = status.as_str(), "Error handling /v1/verify request");
            return empty(status);
        }
    };
    match shared.context.open(posted.label, posted.sealed.spec, Templates::Ignore).await {
        Some(Ok(_)) => empty(StatusCode::OK),
        Some(Err(_)) => empty(StatusCode::CONFLICT),
        None => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
