//! Key Secrets: between the cluster's form and the ring. Only the own namespace is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, PartialObjectMeta};
use kube::runtime::watcher;
use kube::{Api, ResourceExt as _};
use sealer_core::api::{KEY_LABEL, KEY_LABEL_ACTIVE};
use sealer_core::error::{CertificateError, KeyError};
use sealer_core::key::stored::{CERTIFICATE_ITEM, KEY_ITEM};
use sealer_core::{Certificate, KeyEntry, Keyring, UnsealingKey};

use crate::args::KeyOrder;
use crate::context::Context;
use crate::error::{KeysError, watch_answer};

/// Lists the key Secrets and puts the ring in place.
pub(crate) async fn load(context: &Context) -> Result<(), KeysError> {
    let api = context.secrets(&context.config.namespace);
    let mut secrets = api.list(&ListParams::default().labels(&selector())).await?.items;
    secrets.extend(legacy(&api, &context.config.keys.naming.prefix).await?);
    let before = context.ring();
    let (entries, broken) = read_all(secrets, context);
    context.metrics.broken_keys.set(broken);
    let ring = Keyring::new(entries);
    if ring.is_empty() && !before.is_empty() {
        tracing::error!("no sealing key is left in the cluster; the ones in memory stay in use until a restart");
        return Ok(());
    }
    announce(context, &before, &ring);
    context.metrics.keys.set(i64::try_from(ring.entries().len()).unwrap_or(i64::MAX));
    if context.keys.replace(ring) {
        context.index.requeue_unopened(&context.queue);
    }
    Ok(())
}

/// Follows the key Secrets for ever.
pub(crate) async fn follow(context: &Context) {
    let api: Api<PartialObjectMeta<Secret>> = Api::namespaced(context.client.clone(), &context.config.namespace);
    let config = watcher::Config::default().labels(&selector());
    let mut events = watcher(api, config).boxed();
    let mut warned = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => continue,
            Ok(_) => {}
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(
                        error = watch_answer(&error),
                        "cannot watch key Secrets; they are listed again every 15 seconds instead"
                    );
                }
                tokio::time::sleep(WITHOUT_WATCH).await;
            }
        }
        if let Err(error) = load(context).await {
            tracing::error!(error = error.to_string(), "cannot list key Secrets; the ones in memory stay in use");
        }
    }
}

fn selector() -> String {
    format!("{KEY_LABEL}={KEY_LABEL_ACTIVE}")
}

/// The key of installations from before labels: a Secret named exactly like the prefix.
async fn legacy(api: &Api<Secret>, prefix: &str) -> Result<Option<Secret>, kube::Error> {
    api.get_opt(prefix).await
}

/// Reads each Secret by itself: one that cannot be read does not keep the others from being used.
fn read_all(secrets: Vec<Secret>, context: &Context) -> (Vec<KeyEntry>, i64) {
    let mut entries = Vec::new();
    let mut broken = 0;
    let mut seen = BTreeSet::new();
    for secret in secrets.into_iter().filter(|secret| seen.insert(secret.name_any())) {
        match read(&secret, context.config.keys.order, context.now()) {
            Ok(entry) => entries.push(entry),
            Err(error) => {
                broken += 1;
                tracing::error!(secret = secret.name_any(), error = error.to_string(), "Error reading key");
            }
        }
    }
    (entries, broken)
}

/// A key Secret that cannot be used.
#[derive(Debug, thiserror::Error)]
enum BrokenKey {
    #[error("it is owned by a SealedSecret: a sealing key that can be opened with a sealing key protects nothing")]
    Owned,
    #[error("tls.key: {0}")]
    Key(KeyError),
    #[error("tls.crt: {0}")]
    Certificate(CertificateError),
}

fn read(secret: &Secret, order: KeyOrder, now: Timestamp) -> Result<KeyEntry, BrokenKey> {
    if secret.owner_references().iter().any(|owner| owner.kind == "SealedSecret") {
        return Err(BrokenKey::Owned);
    }
    let item = |name: &str| secret.data.as_ref().and_then(|data| data.get(name)).map_or(&[][..], |bytes| &bytes.0);
    let key = UnsealingKey::from_pem(item(KEY_ITEM)).map_err(BrokenKey::Key)?;
    let certificate = Certificate::first_from_pem(item(CERTIFICATE_ITEM)).map_err(BrokenKey::Certificate)?;
    let created = secret.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    let not_before = certificate.not_before();
    // A first day in the future would keep its key the newest until then.
    let in_future = not_before > now.saturating_add(CLOCK_SKEW).unwrap_or(now);
    let ordered_at = if order == KeyOrder::SecretCreationTimestamp || in_future { created } else { not_before };
    let certificate = may_seal(secret, &key, certificate, now);
    Ok(KeyEntry { name: secret.name_any(), key: Arc::new(key), certificate, ordered_at })
}

/// A certificate is served only if it belongs to its key and the key protects something; the key opens values anyway.
fn may_seal(secret: &Secret, key: &UnsealingKey, certificate: Certificate, now: Timestamp) -> Option<Certificate> {
    let secretname = secret.name_any();
    if certificate.key().fingerprint() != key.fingerprint() {
        tracing::error!(
            secretname,
            "certificate and private key do not belong together; the key opens values but is not sealed with"
        );
        return None;
    }
    if key.bits() < SMALLEST_SEALING_KEY {
        tracing::warn!(secretname, "key is below 2048 bits; it opens values but is not sealed with");
        return None;
    }
    if certificate.check_validity(now).is_err() {
        tracing::warn!(secretname, "certificate has expired; clients refuse to seal with it");
    }
    Some(certificate)
}

/// Says what is new in the ring, and what is gone.
fn announce(context: &Context, before: &Keyring, ring: &Keyring) {
    for entry in ring.entries().iter().rev().filter(|entry| before.get(entry.key.fingerprint()).is_none()) {
        tracing::info!(
            secretname = entry.name,
            fingerprint = entry.key.fingerprint().as_str(),
            "registered private key"
        );
        if !before.is_empty() && !context.keys.was_made_here(entry.key.fingerprint()) {
            context.metrics.foreign_keys.inc();
            tracing::warn!(secretname = entry.name, "a sealing key appeared that this controller did not make");
        }
    }
    for entry in before.entries().iter().filter(|entry| ring.get(entry.key.fingerprint()).is_none()) {
        tracing::warn!(secretname = entry.name, "sealing key is gone; values sealed with it do not open any longer");
    }
}

const WITHOUT_WATCH: Duration = Duration::from_secs(15);
/// How far the clock of whoever made a certificate may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
const SMALLEST_SEALING_KEY: usize = 2048;
