//! What a backup knows of its keys besides their bytes. It is encrypted like them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Backup;
use crate::error::BackupError;
use crate::key::certificate::Certificate;
use crate::key::private::UnsealingKey;
use crate::key::stored::StoredKey;

#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    made: Timestamp,
    keys: Vec<Entry>,
}

/// One key, in the order of the blocks.
#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    fingerprint: String,
    created: Option<Timestamp>,
    /// How many certificates follow its block.
    certificates: usize,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn of(made: Timestamp, keys: &[StoredKey]) -> Self {
        let entry = |stored: &StoredKey| Entry {
            name: stored.name.clone(),
            fingerprint: stored.key.fingerprint().as_str().to_owned(),
            created: stored.created,
            certificates: stored.certificates.len(),
            labels: stored.labels.clone(),
            annotations: stored.annotations.clone(),
        };
        Self { version: VERSION, made, keys: keys.iter().map(entry).collect() }
    }

    pub(super) fn write(&self) -> Option<Zeroizing<Vec<u8>>> {
        serde_json::to_vec(self).ok().map(Zeroizing::new)
    }

    /// Reads what is known to be authentic; only a later release can have written anything else.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, BackupError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(bytes).map_err(|_| BackupError::Changed)?;
        if version != VERSION {
            return Err(BackupError::Version(version));
        }
        serde_json::from_slice(bytes).map_err(|_| BackupError::Changed)
    }

    /// Gives each key what belongs to it.
    pub(super) fn join(self, keys: Vec<UnsealingKey>, certificates: Vec<Certificate>) -> Result<Backup, BackupError> {
        let (count, mut certificates) = (keys.len(), certificates.into_iter());
        let joined: Vec<StoredKey> = self
            .keys
            .into_iter()
            .zip(keys)
            .filter(|(entry, key)| entry.fingerprint == key.fingerprint().as_str())
            .map(|(entry, key)| StoredKey {
                name: entry.name,
                created: entry.created,
                labels: entry.labels,
                annotations: entry.annotations,
                key: Arc::new(key),
                certificates: certificates.by_ref().take(entry.certificates).collect(),
            })
            .collect();
        if joined.len() != count || certificates.next().is_some() {
            return Err(BackupError::Changed);
        }
        Ok(Backup { made: self.made, keys: joined })
    }
}

const VERSION: u32 = 1;
