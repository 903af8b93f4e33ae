//! `/v1/verify`: does a SealedSecret open? Yes or no, and nothing else: every cause of a no is answered alike.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::open::Outcome;
use crate::http::{Shared, empty, request};

pub(crate) async fn verify(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (posted, opening) = match request::accept(&shared, request).await {
        Ok(accepted) => accepted,
        Err(refusal) => {
            tracing::error!(error = refusal.as_str(), "Error handling /v1/verify request");
            return refusal.response();
        }
    };
    match request::open(&shared, &opening, posted.sealed, posted.label, None).await {
        Outcome::Opened(_) => empty(StatusCode::OK),
        Outcome::Closed => empty(StatusCode::CONFLICT),
        Outcome::TooLong => empty(StatusCode::SERVICE_UNAVAILABLE),
        Outcome::Refused(refusal) => shared.refuse(refusal).response(),
    }
}
