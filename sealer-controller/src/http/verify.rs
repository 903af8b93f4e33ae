//! `/v1/verify`: does a SealedSecret open? Yes or no, and nothing else: every cause of a no is answered alike.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::open::Outcome;
use crate::http::{Shared, body, empty, open};

pub(crate) async fn verify(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let posted = match body::read(&shared.context, body).await {
        Ok(posted) => posted,
        Err(status) => {
            tracing::error!(error = status.as_str(), "Error handling /v1/verify request");
            return empty(status);
        }
    };
    empty(match open::posted(&shared.context, posted.label, posted.sealed.spec).await {
        Outcome::Opened(_) => StatusCode::OK,
        Outcome::Closed => StatusCode::CONFLICT,
        Outcome::TooLong => StatusCode::SERVICE_UNAVAILABLE,
    })
}
