//! `/v1/cert.pem`: the certificate to seal with, of the newest key.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sealer_resource::api::PEM_MEDIA_TYPE;

use crate::http::Shared;

pub(crate) async fn certificate(State(shared): State<Arc<Shared>>) -> Response {
    let ring = shared.ring.load();
    let certificate = ring.active().and_then(|entry| entry.certificate.as_ref());
    match certificate {
        Some(certificate) => ([(header::CONTENT_TYPE, PEM_MEDIA_TYPE)], certificate.to_pem()).into_response(),
        None => {
            tracing::error!(error = "there is no key with a usable certificate", "cannot get certificates");
            (StatusCode::INTERNAL_SERVER_ERROR, "cannot get certificate\n").into_response()
        }
    }
}
