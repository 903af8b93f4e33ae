//! Making a key: generated, stored in the cluster, and only then served.

use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use sealer_core::key::stored::to_secret;
use sealer_core::{Certificate, UnsealingKey};

use super::store;
use crate::context::Context;
use crate::error::KeysError;

/// Makes a key, stores it, and loads the ring anew. A key that could not be stored is forgotten.
pub(crate) async fn make(context: &Context) -> Result<(), KeysError> {
    let config = context.config.keys.clone();
    let now = context.now();
    let secret = context
        .compute(move || {
            let key = UnsealingKey::generate(config.bits).ok()?;
            let certificate = Certificate::self_signed(&key, &config.common_name, now, config.validity).ok()?;
            Some((to_secret(&key, &certificate, &config.naming), certificate))
        })
        .await;
    let (secret, certificate) = secret.flatten().ok_or(KeysError::Generation)?;
    context.keys.note_made(certificate.key().fingerprint().clone());
    let stored = store_secret(context, &secret).await?;
    let name = stored.metadata.name.unwrap_or_default();
    tracing::info!(namespace = context.config.namespace, name, "New key written");
    tracing::info!(certificate = certificate.to_pem(), "Certificate generated");
    store::load(context).await
}

async fn store_secret(context: &Context, secret: &Secret) -> Result<Secret, kube::Error> {
    context.secrets(&context.config.namespace).create(&PostParams::default(), secret).await
}
