//! Key Secrets: between the cluster's form and the ring. Only the own namespace is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use sealer_core::error::CertificateError;
use sealer_core::key::stored::SMALLEST_SEALING_KEY;
use sealer_core::{Certificate, Fingerprint, KeyEntry, Keyring, UnsealingKey};
use sealer_resource::key_secret::{
    self, BACKED_UP_AT_ANNOTATION, BACKED_UP_FINGERPRINT_ANNOTATION, CERTIFICATE_ITEM, KEY_LABEL, KEY_LABEL_ACTIVE,
    KeySecretError, item,
};

use crate::args::KeyOrder;
use crate::error::KeysError;
use crate::keys::Keys;
use crate::keys::retry::{Loaded, Retry};
use crate::keys::{events, lock, lost, record, trust};
use crate::kube::secret::{Secrets, glance};
use crate::kube::stream::{Event, Source};
use crate::kube::unreadable::Unreadable;
use crate::kube::{rbac, stream};
use crate::metrics::labels::Kind;
use crate::readiness::progress::Watcher;

/// What a key Secret was found to hold at one of its versions; nothing if it cannot be used.
pub(crate) struct Parsed {
    version: String,
    created: Timestamp,
    entry: Option<KeyEntry>,
    /// When a backup was last proven to hold it.
    backed_up: Option<Timestamp>,
    /// Whether its Secret vouches for it.
    is_annotated: bool,
}

impl Parsed {
    fn unusable() -> Self {
        let (version, created) = (String::new(), Timestamp::UNIX_EPOCH);
        Self { version, created, entry: None, backed_up: None, is_annotated: false }
    }
}

/// What to do with a list of which a part cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Nothing is changed.
    Refuse,
    /// The others are used.
    Skip,
}

/// Lists the key Secrets and puts the ring in place. What cannot be read is passed over.
pub(crate) async fn load(keys: &Keys) -> Result<Loaded, KeysError> {
    load_with(keys, Unread::Skip).await
}

/// The same, with a choice for what cannot be read.
pub(crate) async fn load_with(keys: &Keys, unread: Unread) -> Result<Loaded, KeysError> {
    let held = keys.loading.lock().await;
    let (mut entries, mut broken, mut has_unreadable) = read_now(keys).await?;
    if entries.is_empty() || lost::lacks_any(keys, &entries) {
        // That there is no key, or none any longer that can be used, is believed when it is said twice.
        lock(&keys.parsed).retain(|_, parsed| parsed.entry.is_some());
        (entries, broken, has_unreadable) = read_now(keys).await?;
    }
    let loaded = if has_unreadable { Loaded::InPart } else { Loaded::Whole };
    keys.context.metrics.broken_keys.set(broken);
    if has_unreadable && (unread == Unread::Refuse || (entries.is_empty() && keys.ring().is_empty())) {
        // The API server stores no such Secret: the answer was changed on its way, and a key made now would be one too many.
        return Err(KeysError::Unreadable);
    }
    record::consult(keys, &entries).await?;
    let listed = trust::limited(keys, entries, &annotated(keys));
    let gone = lost::gone(keys, &listed);
    let foreign = install(keys, Keyring::new(lost::with_lost(keys, listed)));
    record::note_ring(keys).await;
    // Events may take long, and a new key need not wait for them.
    drop(held);
    for key in foreign {
        events::unknown_key(&keys.context, &key.name, key.key.fingerprint()).await;
    }
    for key in gone {
        events::key_gone(&keys.context, &key.name, key.key.fingerprint()).await;
    }
    Ok(loaded)
}

/// The keys that the cluster has now, how many of its key Secrets cannot be used, and whether any cannot even be read.
async fn read_now(keys: &Keys) -> Result<(Vec<KeyEntry>, i64, bool), KeysError> {
    let secrets = all(keys).await?;
    let has_unreadable = secrets.iter().any(Result::is_err);
    let (entries, broken) = read_all(secrets, keys).await;
    Ok((entries, broken, has_unreadable))
}

/// Every key Secret that the cluster has now.
async fn all(keys: &Keys) -> Result<Vec<Result<Secret, Unreadable>>, KeysError> {
    let mut secrets = keys.context.secrets(&keys.context.config.namespace).list(&selector()).await?;
    secrets.extend(legacy(keys).await?);
    Ok(secrets)
}

/// The Secret that has the prefix as its name: the first versions stored their key so.
async fn legacy(keys: &Keys) -> Result<Option<Result<Secret, Unreadable>>, KeysError> {
    let prefix = &keys.context.config.keys.naming.prefix;
    let namespace = &keys.context.config.namespace;
    match keys.context.secrets(namespace).get_opt(prefix).await {
        Ok(found) => Ok(found.map(Ok)),
        Err(kube::Error::SerdeError(_)) => {
            Ok(Some(Err(Unreadable { namespace: namespace.clone(), name: prefix.clone() })))
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts a ring in place, and says and counts what that changes; returns the new keys that somebody else made.
pub(crate) fn install(keys: &Keys, ring: Keyring) -> Vec<KeyEntry> {
    let foreign = announce(keys, &keys.ring(), &ring);
    count(keys, &ring);
    if keys.ring.replace(ring) {
        (keys.on_new_key)();
    }
    foreign
}

/// The keys that their Secrets vouch for.
fn annotated(keys: &Keys) -> BTreeSet<Fingerprint> {
    let parsed = lock(&keys.parsed);
    let entries = parsed.values().filter(|parsed| parsed.is_annotated).filter_map(|parsed| parsed.entry.as_ref());
    entries.map(|entry| entry.key.fingerprint().clone()).collect()
}

/// Shows how many keys there are, how old the active one is, and which of them no backup holds.
fn count(keys: &Keys, ring: &Keyring) {
    let parsed = lock(&keys.parsed);
    let backed_up = |entry: &KeyEntry| parsed.get(&entry.name).and_then(|parsed| parsed.backed_up);
    let metrics = &keys.context.metrics;
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.keys.set(number(ring.entries().len()));
    metrics.keys_without_backup.set(number(ring.entries().iter().filter(|entry| backed_up(entry).is_none()).count()));
    let Some(active) = ring.active() else { return };
    let created = active.certificate.as_ref().map_or(active.ordered_at, Certificate::not_before);
    metrics.active_key_created.set(created.as_second());
    metrics.active_key_backup.set(backed_up(active).map_or(0, Timestamp::as_second));
}

/// Follows the key Secrets for ever.
pub(crate) async fn follow(keys: &Keys) {
    let mut warned = false;
    loop {
        if rbac::can_i(&keys.context.client, "watch", Some(&keys.context.config.namespace)).await {
            keys.progress.heard(Watcher::Keys, None);
            watch(keys).await;
            keys.progress.ended(Watcher::Keys, None);
        }
        if !std::mem::replace(&mut warned, true) {
            tracing::warn!("no right to watch key Secrets; they are listed again every 15 seconds instead");
        }
        for _ in 0..LISTS_BETWEEN_QUESTIONS {
            tokio::time::sleep(WITHOUT_WATCH).await;
            reload(keys).await;
        }
    }
}

/// Loads the keys whenever a key Secret changes, and again until all of them could be read: nobody tells of a change
/// twice. Ends when the right to watch them is gone.
async fn watch(keys: &Keys) {
    let mut events = stream::events(Source {
        collection: Secrets::of(keys.context.client.clone(), Some(&keys.context.config.namespace)).collection(),
        selector: Some(selector()),
        metadata_only: true,
        read: glance,
    });
    let mut retry = Retry::default();
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = retry.due() => {
                retry.note(reload(keys).await);
                continue;
            }
        };
        let Some(event) = event else { return };
        if let Ok(event) = &event {
            keys.progress.told(Watcher::Keys, None, event);
        }
        match event {
            Ok(Event::Begin | Event::Listed(_) | Event::Quiet) => {}
            Ok(_) => retry.note(reload(keys).await),
            Err(error) if error.is_forbidden() => return,
            Err(error) => tracing::error!(error = error.answer(), "cannot watch key Secrets; trying again"),
        }
    }
}

async fn reload(keys: &Keys) -> Loaded {
    load(keys).await.unwrap_or_else(|error| {
        tracing::error!(error = error.to_string(), "cannot list key Secrets; the ones in memory stay in use");
        Loaded::InPart
    })
}

fn selector() -> String {
    format!("{KEY_LABEL}={KEY_LABEL_ACTIVE}")
}

/// Reads each Secret by itself: one that cannot be read does not keep the others from being used. What was read before
/// is not read again, and stays in use where its Secret cannot be read any longer.
async fn read_all(secrets: Vec<Result<Secret, Unreadable>>, keys: &Keys) -> (Vec<KeyEntry>, i64) {
    let mut before = std::mem::take(&mut *lock(&keys.parsed));
    let mut parsed = BTreeMap::new();
    let (mut unnamed, mut unread) = (0, 0);
    // Of a legacy Secret that also carries the label there is one copy too many: the name decides.
    for secret in secrets {
        let secret = match secret {
            Ok(secret) => secret,
            Err(secret) => {
                keys.context.unreadable(Kind::Key, &secret);
                unnamed += usize::from(secret.name.is_empty());
                if let Some(known) = before.remove(&secret.name) {
                    // Its version is not known: it is read again.
                    unread += usize::from(known.entry.is_some());
                    parsed.entry(secret.name).or_insert(Parsed { version: String::new(), ..known });
                } else if !secret.name.is_empty() {
                    parsed.entry(secret.name).or_insert_with(Parsed::unusable);
                }
                continue;
            }
        };
        let name = secret.name_any();
        let version = secret.resource_version().unwrap_or_default();
        let known = before.remove(&name).filter(|known| known.version == version && !version.is_empty());
        let found = match known {
            Some(known) => known,
            None if parsed.contains_key(&name) => continue,
            None => read_one(secret, version, keys).await,
        };
        parsed.insert(name, found);
    }
    if unnamed > 0 {
        // One of these may be what has no readable name.
        parsed.extend(before);
    }
    // Among keys of equal rank the older Secret wins.
    let mut usable: Vec<(Timestamp, KeyEntry)> =
        parsed.values().filter_map(|parsed| Some((parsed.created, parsed.entry.clone()?))).collect();
    usable.sort_by_key(|(created, _)| *created);
    let broken = parsed.len() - usable.len() + unnamed + unread;
    *lock(&keys.parsed) = parsed;
    (usable.into_iter().map(|(_, entry)| entry).collect(), i64::try_from(broken).unwrap_or(i64::MAX))
}

/// Reading checks the key's arithmetic, which takes milliseconds.
async fn read_one(secret: Secret, version: String, keys: &Keys) -> Parsed {
    let name = secret.name_any();
    let (order, now) = (keys.context.config.keys.order, keys.context.now());
    let (created, recorded, vouched) = (created(&secret), recorded_backup(&secret), trust::vouched_for(&secret));
    let error = match keys.threads.run_blocking(move || read(&secret, order, now)).await {
        Some(Ok(entry)) => {
            let later = entry.certificate.as_ref().is_some_and(|certificate| certificate.not_before() > now);
            // What is not valid yet has another rank once it is: it is read again.
            let version = if later { String::new() } else { version };
            let held = |(fingerprint, at): (String, _)| (fingerprint == entry.key.fingerprint().as_str()).then_some(at);
            let backed_up = recorded.and_then(held);
            let is_annotated = vouched.as_deref() == Some(entry.key.fingerprint().as_str());
            return Parsed { version, created, entry: Some(entry), backed_up, is_annotated };
        }
        Some(Err(error)) => error.to_string(),
        None => "internal error".to_owned(),
    };
    tracing::error!(secret = name, error, "Error reading key");
    Parsed { version, created, entry: None, backed_up: None, is_annotated: false }
}

/// Which key a backup held under this Secret's name, and when that was proven.
fn recorded_backup(secret: &Secret) -> Option<(String, Timestamp)> {
    let fingerprint = secret.annotations().get(BACKED_UP_FINGERPRINT_ANNOTATION)?;
    let at = secret.annotations().get(BACKED_UP_AT_ANNOTATION)?.parse().ok()?;
    Some((fingerprint.clone(), at))
}

/// One whose time cannot be read counts as the oldest.
fn created(secret: &Secret) -> Timestamp {
    secret.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// A key Secret that cannot be used.
#[derive(Debug, thiserror::Error)]
enum BrokenKey {
    #[error(transparent)]
    Stored(#[from] KeySecretError),
    #[error("tls.crt: {0}")]
    Certificate(CertificateError),
}

fn read(secret: &Secret, order: KeyOrder, now: Timestamp) -> Result<KeyEntry, BrokenKey> {
    let stored = key_secret::read(secret)?;
    let certificate = Certificate::first_from_pem(item(secret, CERTIFICATE_ITEM)).map_err(BrokenKey::Certificate)?;
    let ordered_at = match order {
        KeyOrder::SecretCreationTimestamp => created(secret),
        KeyOrder::CertNotBefore => stored.ordered_at_as_of(now),
    };
    let certificate = may_seal(&stored.name, &stored.key, certificate, now);
    Ok(KeyEntry { name: stored.name, key: stored.key, certificate, ordered_at })
}

/// A certificate is served only if it belongs to its key and the key protects something; the key opens values anyway.
fn may_seal(secretname: &str, key: &UnsealingKey, certificate: Certificate, now: Timestamp) -> Option<Certificate> {
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

/// Says what is new in the ring, and what is gone; returns the new keys that somebody else made.
fn announce(keys: &Keys, before: &Keyring, ring: &Keyring) -> Vec<KeyEntry> {
    let new: Vec<&KeyEntry> = ring.entries().iter().rev().filter(|entry| is_missing(before, entry)).collect();
    for entry in &new {
        tracing::info!(
            secretname = entry.name,
            fingerprint = entry.key.fingerprint().as_str(),
            "registered private key"
        );
    }
    for entry in before.entries().iter().filter(|entry| is_missing(ring, entry)) {
        tracing::warn!(secretname = entry.name, "sealing key is gone; values sealed with it do not open any longer");
    }
    let unknown = new.into_iter().filter(|entry| !keys.is_known(entry.key.fingerprint())).cloned().collect();
    foreign(keys, before, unknown)
}

/// Counts and tells of new keys of others. Without a record of earlier keys, those that are there at start count as
/// known.
fn foreign(keys: &Keys, before: &Keyring, unknown: Vec<KeyEntry>) -> Vec<KeyEntry> {
    if unknown.is_empty() {
        return unknown;
    }
    if before.is_empty() && !lock(&keys.record).exists() {
        tracing::info!(keys = unknown.len(), "no record of earlier sealing keys; those that are there count as known");
        return Vec::new();
    }
    for entry in &unknown {
        let fingerprint = entry.key.fingerprint().as_str();
        keys.context.metrics.foreign_keys.inc();
        tracing::warn!(
            secretname = entry.name,
            fingerprint,
            "a sealing key appeared that this controller did not make"
        );
    }
    unknown
}

fn is_missing(ring: &Keyring, entry: &KeyEntry) -> bool {
    ring.get(entry.key.fingerprint()).is_none()
}

const WITHOUT_WATCH: Duration = Duration::from_secs(15);
/// Ten minutes: rights are seldom given later.
const LISTS_BETWEEN_QUESTIONS: u32 = 40;
