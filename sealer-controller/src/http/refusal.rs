//! Why a request to open values is not carried out, and how that is answered. Nothing here depends on what a value is.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::http::empty;
pub(crate) use crate::metrics::labels::Refusal;

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge | Self::TooCostly => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Interrupted => StatusCode::BAD_REQUEST,
            Self::Malformed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Unverifiable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoToken | Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
        }
    }

    pub(crate) fn response(self) -> Response {
        let status = self.status();
        match self {
            Self::NoToken => (status, [(header::WWW_AUTHENTICATE, "Bearer")], NO_TOKEN).into_response(),
            Self::Unauthenticated => (status, [(header::WWW_AUTHENTICATE, "Bearer")], UNAUTHENTICATED).into_response(),
            Self::Forbidden => (status, FORBIDDEN).into_response(),
            Self::Unverifiable => (status, [(header::RETRY_AFTER, "5")], UNVERIFIABLE).into_response(),
            Self::Busy => (status, [(header::RETRY_AFTER, "1")], "busy; try again\n").into_response(),
            // The rest of such a body is not waited for.
            Self::TooSlow | Self::TooLarge => {
                let mut response = empty(status);
                response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
                response
            }
            Self::TooCostly | Self::Interrupted | Self::Malformed => empty(status),
        }
    }
}

const NO_TOKEN: &str = "no bearer token: this endpoint needs the token of somebody who may update SealedSecrets in the \
    object's namespace; the API server's service proxy does not pass tokens on, so call the Service itself, for example \
    through kubectl port-forward\n";
const UNAUTHENTICATED: &str = "the API server does not accept the bearer token: it is expired, revoked or of another cluster; get a new \
    one, for example with kubectl create token\n";
const FORBIDDEN: &str = "the owner of the token may not update sealedsecrets.bitnami.com in the object's namespace; have the \
    right granted there, or use another account\n";
const UNVERIFIABLE: &str = "the bearer token cannot be checked now; the controller's log says why\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_status_and_its_label() {
        for (refusal, status, label) in [
            (Refusal::TooLarge, 413, "too_large"),
            (Refusal::TooCostly, 413, "too_costly"),
            (Refusal::TooSlow, 408, "too_slow"),
            (Refusal::Interrupted, 400, "interrupted"),
            (Refusal::Malformed, 500, "malformed"),
            (Refusal::Busy, 503, "busy"),
            (Refusal::NoToken, 401, "no_token"),
            (Refusal::Unauthenticated, 401, "unauthenticated"),
            (Refusal::Forbidden, 403, "forbidden"),
            (Refusal::Unverifiable, 503, "unverifiable"),
        ] {
            let response = refusal.response();
            assert_eq!((response.status().as_u16(), refusal.as_str()), (status, label));
            let headers = response.headers();
            assert_eq!(headers.contains_key(header::WWW_AUTHENTICATE), status == 401, "{label}");
            assert_eq!(headers.contains_key(header::RETRY_AFTER), status == 503, "{label}");
            let is_cut_off = matches!(refusal, Refusal::TooLarge | Refusal::TooSlow);
            assert_eq!(headers.contains_key(header::CONNECTION), is_cut_off, "{label}");
        }
    }
}
