//! What the API server accepts as a SealedSecret: the schema in `deploy/crd.yaml`.
//!
//! It is written out, not derived: a derived one would carry defaults, which the API server writes into stored
//! objects, and GitOps tools would then see drift.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::sealed_secret::{SealedSecretSpec, SealedSecretStatus};

impl JsonSchema for SealedSecretSpec {
    fn schema_name() -> Cow<'static, str> {
        "SealedSecretSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Sealed values, and the template of the Secret they become.",
            "type": "object",
            "required": ["encryptedData"],
            "properties": {
                "data": {
                    "description": "Deprecated: one sealed blob that holds a whole Secret.",
                    "type": "string",
                    "format": "byte",
                },
                "encryptedData": {
                    "description": "Item name to sealed value, in base64.",
                    "type": "object",
                    "additionalProperties": { "type": "string" },
                    "x-kubernetes-preserve-unknown-fields": true,
                },
                "template": template(),
            },
        })
    }
}

fn template() -> Value {
    json!({
        "description": "Shape of the Secret: metadata, type, and Go templates over the opened values.",
        "type": "object",
        "properties": {
            "data": {
                "description": "Item name to Go template over the opened values.",
                "type": "object",
                "nullable": true,
                "additionalProperties": { "type": "string" },
            },
            "immutable": { "description": "Whether the Secret may not be changed once it exists.", "type": "boolean" },
            "metadata": template_metadata(),
            "type": { "description": "Type of the Secret; none means `Opaque`.", "type": "string" },
        },
    })
}

fn template_metadata() -> Value {
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "description": "Metadata of the Secret; fields that are not listed survive.",
        "type": "object",
        "nullable": true,
        "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "annotations": texts,
            "finalizers": { "type": "array", "items": { "type": "string" } },
            "labels": texts,
            "name": { "type": "string" },
            "namespace": { "type": "string" },
        },
    })
}

impl JsonSchema for SealedSecretStatus {
    fn schema_name() -> Cow<'static, str> {
        "SealedSecretStatus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What the controller observed.",
            "type": "object",
            "properties": {
                "conditions": {
                    "description": "What can be said about the object; `Synced` comes first.",
                    "type": "array",
                    "items": condition(),
                },
                "observedGeneration": {
                    "description": "Generation of the spec that the conditions speak of.",
                    "type": "integer",
                    "format": "int64",
                },
            },
        })
    }
}

fn condition() -> Value {
    let time = |description: &str| json!({ "description": description, "type": "string", "format": "date-time" });
    json!({
        "type": "object",
        "required": ["status", "type"],
        "properties": {
            "lastTransitionTime": time("When the status last changed."),
            "lastUpdateTime": time("When the condition was last evaluated."),
            "message": { "description": "One sentence why.", "type": "string" },
            "reason": { "description": "One word why.", "type": "string" },
            "status": { "description": "`True`, `False` or `Unknown`.", "type": "string" },
            "type": { "description": "What the condition is about.", "type": "string" },
        },
    })
}
