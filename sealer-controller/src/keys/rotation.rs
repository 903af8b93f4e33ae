//! Making a key: generated, stored in the cluster, and only then served.

use std::sync::Arc;

use sealer_core::{Certificate, KeyEntry, UnsealingKey};
use sealer_encoding::base64;
use sealer_resource::key_secret;
use tokio::time::Instant;

use crate::args::KeyOrder;
use crate::error::KeysError;
use crate::keys::{Keys, lock, record, store};

/// A key that may not be stored yet.
pub(crate) struct PendingKey {
    pub(crate) key: Arc<UnsealingKey>,
    certificate: Certificate,
}

/// Generates a key and its certificate.
pub(crate) async fn generate(keys: &Keys) -> Result<PendingKey, KeysError> {
    let config = keys.context.config.keys.clone();
    let now = keys.context.now();
    let made = keys.threads.run_blocking(move || {
        let key = UnsealingKey::generate(config.bits).ok()?;
        let certificate = Certificate::self_signed(&key, &config.common_name, now, config.validity).ok()?;
        Some(PendingKey { key: Arc::new(key), certificate })
    });
    let fresh = made.await.flatten().ok_or(KeysError::Generation)?;
    // Known before it can be seen in the cluster, so that nobody takes it for a stranger's.
    lock(&keys.made).push((fresh.key.fingerprint().clone(), Instant::now()));
    Ok(fresh)
}

/// Stores a key in the cluster, and puts it into the ring once it is there.
pub(crate) async fn store(keys: &Keys, fresh: &PendingKey) -> Result<(), KeysError> {
    let _held = keys.loading.lock().await;
    record::note_made(keys, fresh.key.fingerprint()).await?;
    let secret = key_secret::new(&fresh.key, &fresh.certificate, &keys.context.config.keys.naming);
    let stored = keys.context.secrets(&keys.context.config.namespace).create(&keys.context.write(), &secret).await?;
    let name = stored.metadata.name.unwrap_or_default();
    let created = stored.metadata.creation_timestamp.map_or_else(|| keys.context.now(), |time| time.0);
    tracing::info!(namespace = keys.context.config.namespace, name, "New key written");
    let pem = fresh.certificate.to_pem();
    // In JSON it always stood as bytes.
    let certificate = if keys.context.config.log.json { base64::encode(pem) } else { pem };
    tracing::info!(certificate, "Certificate generated");
    let ordered_at = match keys.context.config.keys.order {
        KeyOrder::CertNotBefore => fresh.certificate.not_before(),
        KeyOrder::SecretCreationTimestamp => created,
    };
    let certificate = Some(fresh.certificate.clone());
    // A key of our own is no stranger's: there is nothing to tell.
    let _ = store::install(keys, keys.ring().with(KeyEntry { name, key: fresh.key.clone(), certificate, ordered_at }));
    Ok(())
}
