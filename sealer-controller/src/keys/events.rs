//! Events about sealing keys that come and go.

use k8s_openapi::api::core::v1::ObjectReference;
use sealer_core::Fingerprint;

use crate::context::Context;
use crate::kube::events::{self, Message};
use crate::kube::rbac;

/// Tells of a sealing key that appeared and that no controller of this program made.
pub(super) async fn unknown_key(context: &Context, secret: &str, key: &Fingerprint) {
    let message = format!("sealing key {key} appeared, which this controller did not make");
    about_key(context, secret, "UnknownSealingKey", &message).await;
}

/// Tells of a sealing key whose Secret was deleted or lost its label.
pub(super) async fn key_gone(context: &Context, secret: &str, key: &Fingerprint) {
    let message = format!(
        "sealing key {key} is gone from the cluster and is not sealed with any longer; restore its Secret to have what was \
         sealed with it opened"
    );
    about_key(context, secret, "SealingKeyGone", &message).await;
}

/// Charts that give roles in other namespaces alone do not allow it.
async fn about_key(context: &Context, secret: &str, reason: &str, text: &str) {
    let namespace = &context.config.namespace;
    if !rbac::can_create_events(&context.client, namespace).await {
        return;
    }
    let subject = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Secret".to_owned()),
        name: Some(secret.to_owned()),
        namespace: Some(namespace.clone()),
        ..ObjectReference::default()
    };
    events::write(&context.client, context.now(), subject, Message { type_: "Warning", reason, text }).await;
}
