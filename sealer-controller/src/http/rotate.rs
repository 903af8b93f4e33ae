//! `/v1/rotate`: a SealedSecret sealed anew under the newest key, for the same label, with the same template. A deprecated
//! blob stays one: what it holds is its owner's affair.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sealer_core::Scope;
use sealer_resource::template_metadata::{announce, is_clear_text_copy, is_dropped_by_rotation};
use sealer_resource::{API_VERSION, KIND};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::http::open::Outcome;
use crate::http::openings::Opening;
use crate::http::posted::{Fields, Metadata, Posted, Sealed};
use crate::http::{Shared, empty, request};

pub(crate) async fn rotate(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (posted, opening) = match request::accept(&shared, request).await {
        Ok(accepted) => accepted,
        Err(refusal) => {
            tracing::error!(error = refusal.as_str(), "Error handling /v1/rotate request");
            return refusal.response();
        }
    };
    match seal_anew(&shared, posted, &opening).await {
        Ok(rotated) => ([(header::CONTENT_TYPE, "application/json")], rotated).into_response(),
        Err(Outcome::Refused(refusal)) => shared.refuse(refusal).response(),
        Err(_) => {
            tracing::error!("Error rotating secret");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Fields in the order of the alphabet, as Go writes maps.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: RotatedSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RotatedSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted_data: Option<BTreeMap<String, String>>,
    template: Box<RawValue>,
}

async fn seal_anew(shared: &Shared, posted: Posted, opening: &Opening) -> Result<Vec<u8>, Outcome> {
    let Posted { metadata, scope, label, template, sealed } = posted;
    let ring = shared.ring.load();
    let certificate = ring.active().and_then(|entry| entry.certificate.as_ref()).ok_or(Outcome::Closed)?;
    let key = certificate.key().clone();
    let is_blob = matches!(sealed, Sealed::Blob(_));
    let mut values = match request::open(shared, opening, sealed, label, Some(key)).await {
        Outcome::Opened(values) => values,
        other => return Err(other),
    };
    let data = if is_blob { values.pop_first().map(|(_, blob)| blob) } else { None };
    let template = cleaned(template.as_deref(), scope).ok_or(Outcome::Closed)?;
    let spec = RotatedSpec { encrypted_data: data.is_none().then_some(values), data, template };
    let metadata = outer(metadata);
    let rotated = Rotated { api_version: API_VERSION, kind: KIND, metadata, spec };
    serde_json::to_vec(&rotated).map_err(|_| Outcome::Closed)
}

/// The scope among the annotations is the one that opened the values.
fn outer(mut metadata: Metadata) -> Metadata {
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|name, _| !is_clear_text_copy(name));
    }
    metadata.annotations = metadata.annotations.filter(|annotations| !annotations.is_empty());
    metadata
}

/// The template as it came, but for what a server set, and with the scope that really holds: what it says of itself is
/// not authenticated.
fn cleaned(template: Option<&RawValue>, scope: Scope) -> Option<Box<RawValue>> {
    let is_object = |value: &&RawValue| value.get().starts_with('{');
    let fields = |value: Option<&'_ RawValue>| match value.filter(is_object) {
        Some(value) => serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(value.get()).ok(),
        None => Some(BTreeMap::new()),
    };
    let Some(template) = template.filter(is_object) else { return to_raw_value(&BTreeMap::<(), ()>::new()).ok() };
    let mut template: Fields<'_> = serde_json::from_str(template.get()).ok()?;
    let mut metadata = fields(template.get("metadata").copied())?;
    metadata.retain(|field, _| !is_dropped_by_rotation(field));
    let mut annotations = fields(metadata.remove("annotations").as_deref())?;
    annotations.retain(|name, _| !is_clear_text_copy(name));
    announce(&mut annotations, scope, to_raw_value("true").ok()?);
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), to_raw_value(&annotations).ok()?);
    }
    let metadata = to_raw_value(&metadata).ok()?;
    template.insert("metadata".to_owned(), &metadata);
    to_raw_value(&template).ok()
}
