//! Reading a request: one SealedSecret, in JSON or YAML, of bounded size.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use http_body_util::LengthLimitError;
use kube::api::ObjectMeta;
use sealer_core::{Label, SealedSecret};
use serde_json::Value;

use crate::context::{Context, Pool};

/// A SealedSecret in the two forms that handlers need: as it came, and typed.
pub(crate) struct Posted {
    pub(crate) json: Value,
    pub(crate) sealed: SealedSecret,
    pub(crate) label: Label,
}

/// Reads it.
///
/// # Errors
/// The status to answer with: too large, cannot be received, or no SealedSecret.
pub(crate) async fn read(context: &Context, body: Body) -> Result<Posted, StatusCode> {
    let bytes = to_bytes(body, LARGEST).await.map_err(|error| {
        let too_large = std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
        if too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
    })?;
    // Two megabytes of YAML take a while.
    let parsed = context.compute(Pool::Http, move || parse(&bytes)).await;
    parsed.flatten().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn parse(bytes: &[u8]) -> Option<Posted> {
    let text = std::str::from_utf8(bytes).ok()?;
    let json: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()?
    } else {
        serde_saphyr::from_str(text).ok()?
    };
    let other_kind = json.get("kind").and_then(Value::as_str).is_some_and(|kind| kind != "SealedSecret");
    if other_kind || !json.is_object() {
        return None;
    }
    let spec = serde_json::from_value(json.get("spec").cloned().unwrap_or_default()).ok()?;
    let metadata: ObjectMeta = serde_json::from_value(json.get("metadata").cloned().unwrap_or_default()).ok()?;
    let sealed = SealedSecret { metadata, spec, status: None };
    let label = sealed.label().ok()?;
    Some(Posted { json, sealed, label })
}

/// A Secret holds at most 1 MiB; sealed and in base64 that is less than twice as much.
const LARGEST: usize = 2 * 1024 * 1024;
