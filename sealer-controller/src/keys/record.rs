//! The record of keys in the cluster: a Secret beside the checkpoint that says which keys controllers made and which
//! were there otherwise, so that a key which appears while nobody runs is noticed too.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::ObjectMeta;
use sealer_core::{Fingerprint, KeyEntry};
use sealer_resource::key_record::{KEY_RECORD_ITEM, KEY_RECORD_SECRET, KeyRecord};

use crate::error::KeysError;
use crate::keys::{Keys, lock};
use crate::kube::rbac;
use crate::reserved::{CHECKPOINT_TYPE, comes_from_sealed_secret};

/// What is known of the record.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    state: State,
    /// Of the Secret; none if there is no Secret.
    version: Option<String>,
    pub(super) record: KeyRecord,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unread,
    Kept,
    /// RBAC does not allow it, or something else has its name.
    NotKept,
}

impl Recorded {
    /// Whether it says anything: without it all keys are as good as known.
    pub(super) fn exists(&self) -> bool {
        self.state == State::Kept && self.version.is_some()
    }
}

/// Reads the record where it may say more about these keys than is known.
pub(super) async fn consult(keys: &Keys, entries: &[KeyEntry]) -> Result<(), KeysError> {
    let has_news = entries.iter().any(|entry| !keys.is_known(entry.key.fingerprint()));
    let state = lock(&keys.record).state;
    // Another controller may have made the key, and says so here first.
    if state == State::NotKept || (state == State::Kept && !has_news) {
        return Ok(());
    }
    bounded(keys, "cannot read the record of sealing keys; going on without", read_again(keys)).await
}

/// Reads the record; an answer that was lost or changed on its way is asked for again. Without the record a key that
/// came while nobody looked would count as known.
async fn read_again(keys: &Keys) -> Result<(), KeysError> {
    for _ in 1..ATTEMPTS {
        match read(keys, Malformed::Refuse).await {
            Err(error) if error.may_pass() => tokio::time::sleep(BETWEEN_ATTEMPTS).await,
            done => return done,
        }
    }
    read(keys, Malformed::Empty).await
}

/// What a record is taken for that holds none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Malformed {
    /// An answer that was changed on its way.
    Refuse,
    /// What is stored: all keys count as new, and it is written over.
    Empty,
}

/// Takes note of a key before it can be seen in the cluster.
pub(super) async fn note_made(keys: &Keys, key: &Fingerprint) -> Result<(), KeysError> {
    let noted = write(keys, |record| record.add_made(key));
    bounded(keys, "cannot record that this controller makes a sealing key", noted).await
}

/// Takes note of the ring.
pub(super) async fn note_ring(keys: &Keys) {
    let ring = keys.ring();
    let noted = write(keys, |record| record.set_ring(ring.entries().iter().map(|entry| entry.key.fingerprint())));
    let noted = tokio::time::timeout(REQUEST_TIMEOUT, noted).await.unwrap_or(Err(KeysError::Unanswered));
    if let Err(error) = noted {
        tracing::warn!(error = error.to_string(), "cannot record which sealing keys there are");
    }
}

/// Where trust depends on the record there is no going on without it; elsewhere nobody waits for it.
async fn bounded(
    keys: &Keys,
    trouble: &'static str,
    work: impl Future<Output = Result<(), KeysError>>,
) -> Result<(), KeysError> {
    if keys.context.config.keys.trust.is_strict() {
        return work.await;
    }
    let done = tokio::time::timeout(REQUEST_TIMEOUT, work).await.unwrap_or(Err(KeysError::Unanswered));
    if let Err(error) = done {
        tracing::warn!(error = error.to_string(), "{trouble}");
    }
    Ok(())
}

async fn read(keys: &Keys, malformed: Malformed) -> Result<(), KeysError> {
    let state = lock(&keys.record).state;
    if state == State::Unread && !may_be_kept(keys).await {
        return not_kept(keys, KeysError::NoRecord);
    }
    let found = keys.context.secrets(&keys.context.config.namespace).get_opt(KEY_RECORD_SECRET).await?;
    if found.as_ref().is_some_and(|secret| secret.type_.as_deref() != Some(CHECKPOINT_TYPE)) {
        tracing::warn!(secret = KEY_RECORD_SECRET, "a Secret of this name is no record of sealing keys");
        return not_kept(keys, KeysError::NoRecord);
    }
    let version = found.as_ref().and_then(kube::ResourceExt::resource_version);
    // What a SealedSecret made is not what we wrote; it is written over.
    let written = found.filter(|secret| !comes_from_sealed_secret(&secret.metadata));
    let parse = |secret: Secret| KeyRecord::from_json(&secret.data?.remove(KEY_RECORD_ITEM)?.0);
    let stored = match written.map(parse) {
        Some(None) if malformed == Malformed::Refuse => return Err(KeysError::Unreadable),
        stored => stored.flatten(),
    };
    let mut recorded = lock(&keys.record);
    recorded.state = State::Kept;
    recorded.version = version;
    recorded.record.merge(stored.unwrap_or_default());
    Ok(())
}

/// Without a record every key of before a restart would be a stranger's.
fn not_kept(keys: &Keys, cause: KeysError) -> Result<(), KeysError> {
    if keys.context.config.keys.trust.is_strict() {
        return Err(cause);
    }
    lock(&keys.record).state = State::NotKept;
    Ok(())
}

async fn may_be_kept(keys: &Keys) -> bool {
    let namespace = Some(keys.context.config.namespace.as_str());
    for verb in ["get", "create", "update"] {
        if !rbac::can_i(&keys.context.client, verb, namespace).await {
            return false;
        }
    }
    true
}

/// Writes what `change` makes of the record, if that is something new; on a conflict, of what another controller wrote.
async fn write(keys: &Keys, change: impl Fn(&mut KeyRecord)) -> Result<(), KeysError> {
    let api = keys.context.secrets(&keys.context.config.namespace);
    for _ in 0..CONFLICTS {
        let Recorded { state, version, record } = lock(&keys.record).clone();
        let mut next = record.clone();
        change(&mut next);
        if state != State::Kept || (next == record && version.is_some()) {
            return Ok(());
        }
        let secret = secret(&next, version.as_deref());
        let attempt = match version {
            Some(_) => api.replace(KEY_RECORD_SECRET, &keys.context.write(), &secret).await,
            None => api.create(&keys.context.write(), &secret).await,
        };
        match attempt {
            Ok(stored) => {
                let mut recorded = lock(&keys.record);
                recorded.version = stored.resource_version();
                recorded.record = next;
                return Ok(());
            }
            Err(kube::Error::Api(status))
                if status.is_conflict() || status.is_already_exists() || status.is_not_found() =>
            {
                read(keys, Malformed::Refuse).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(KeysError::Unanswered)
}

fn secret(record: &KeyRecord, version: Option<&str>) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(KEY_RECORD_SECRET.to_owned()),
            resource_version: version.map(str::to_owned),
            ..ObjectMeta::default()
        },
        type_: Some(CHECKPOINT_TYPE.to_owned()),
        data: Some(BTreeMap::from([(KEY_RECORD_ITEM.to_owned(), ByteString(record.to_json()))])),
        ..Secret::default()
    }
}

/// Two answers in a row may be lost; a server in trouble for longer is waited for by whoever loads the keys.
const ATTEMPTS: u32 = 3;
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
/// More than that many writers in a row means that something is wrong.
const CONFLICTS: usize = 8;
/// Nothing is served before it is read.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
