//! `/v1/rotate`: a SealedSecret sealed anew under the newest key, for the same label, with the same template.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sealer_core::resource::assemble::UnsealedSecret;
use sealer_core::resource::disassemble::template_metadata;
use sealer_core::scope::{CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION};
use sealer_core::{Label, Scope, SealingKey, seal};
use serde_json::{Map, Value, json};

use crate::context::Pool;
use crate::http::body::Posted;
use crate::http::open::Outcome;
use crate::http::{Shared, body, empty, open};

pub(crate) async fn rotate(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let posted = match body::read(&shared.context, body).await {
        Ok(posted) => posted,
        Err(status) => {
            tracing::error!(error = status.as_str(), "Error handling /v1/rotate request");
            return empty(status);
        }
    };
    let Some(rotated) = seal_anew(&shared, posted).await else {
        tracing::error!("Error rotating secret");
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    ([(header::CONTENT_TYPE, "application/json")], rotated.to_string()).into_response()
}

async fn seal_anew(shared: &Shared, posted: Posted) -> Option<Value> {
    let Posted { json, sealed, label } = posted;
    let scope = sealed.scope();
    let ring = shared.context.ring();
    let key = ring.active()?.certificate.as_ref()?.key().clone();
    let from_blob = sealed.spec.data.is_some();
    let Outcome::Opened(unsealed) = open::posted(&shared.context, label.clone(), sealed.spec).await else {
        return None;
    };
    let template =
        if from_blob { blob_template(&unsealed) } else { json.pointer("/spec/template").cloned().unwrap_or_default() };
    let items = shared.context.compute(Pool::Http, move || seal_items(&unsealed, &label, &key)).await??;
    Some(json!({
        "kind": "SealedSecret",
        "apiVersion": "bitnami.com/v1alpha1",
        "metadata": outer_metadata(&json),
        "spec": { "template": cleaned(template, scope), "encryptedData": items },
    }))
}

fn seal_items(unsealed: &UnsealedSecret, label: &Label, key: &SealingKey) -> Option<BTreeMap<String, String>> {
    let items = unsealed.data.iter();
    items.map(|(item, value)| Some((item.clone(), seal(value, label, key).ok()?.to_base64()))).collect()
}

/// Name, namespace, labels and annotations as they came: the scope among them is the one that opened the values.
fn outer_metadata(json: &Value) -> Value {
    let metadata = json.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut metadata = template_metadata(&metadata);
    metadata.retain(|field, value| KEPT.contains(&field.as_str()) && !value.is_null());
    Value::Object(metadata)
}

/// The template as it came, but for what a server set, and with the scope that really holds: what it says of itself is
/// not authenticated.
fn cleaned(template: Value, scope: Scope) -> Value {
    let Value::Object(mut template) = template else { return json!({}) };
    let metadata = template.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut metadata = template_metadata(&metadata);
    metadata.remove("managedFields");
    let mut annotations = metadata.remove("annotations").and_then(|all| all.as_object().cloned()).unwrap_or_default();
    annotations.remove(CLUSTER_WIDE_ANNOTATION);
    annotations.remove(NAMESPACE_WIDE_ANNOTATION);
    if let Some(annotation) = scope.annotation() {
        annotations.insert(annotation.to_owned(), json!("true"));
    }
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    template.insert("metadata".to_owned(), Value::Object(metadata));
    Value::Object(template)
}

/// The template of a deprecated blob is the Secret inside it.
fn blob_template(unsealed: &UnsealedSecret) -> Value {
    let mut template = Map::new();
    template.insert("metadata".to_owned(), Value::Object(unsealed.metadata.clone()));
    template.extend(unsealed.type_.clone().map(|type_| ("type".to_owned(), Value::String(type_))));
    template.extend(unsealed.immutable.map(|immutable| ("immutable".to_owned(), Value::Bool(immutable))));
    Value::Object(template)
}

/// What of an object's metadata is its author's.
const KEPT: [&str; 4] = ["name", "namespace", "labels", "annotations"];
