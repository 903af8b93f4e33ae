//! The sealing keys that lie in a cluster: their order, their state, and what is recorded of their backups.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealer_core::{Fingerprint, KeyEntry, Keyring, StoredKey};
use sealer_resource::key_record::{KEY_RECORD_ITEM, KEY_RECORD_SECRET, KeyRecord};
use sealer_resource::key_secret::{
    self, BACKED_UP_AT_ANNOTATION, BACKED_UP_FINGERPRINT_ANNOTATION, DEFAULT_KEY_PREFIX, KEY_LABEL, KEY_LABEL_ACTIVE,
    KEY_LABEL_RETIRED, TRUSTED_KEY_ANNOTATION,
};

use crate::cluster::Cluster;
use crate::cluster::objects::Access;
use crate::diagnostics::CliError;
use crate::names;

/// A key Secret with the key in it.
#[derive(Debug)]
pub(crate) struct ClusterKey {
    pub(crate) secret: Secret,
    pub(crate) stored: StoredKey,
    ordered_at: Timestamp,
}

/// What a key is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Clients seal with it, and it opens.
    Active,
    /// It opens what was sealed with it.
    InUse,
    /// The controller does not use it.
    Retired,
    /// Its label has some other value; the controller does not use it.
    Unused,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::InUse => "in use",
            Self::Retired => "retired",
            Self::Unused => "not in use",
        }
    }
}

/// Why a controller seals with a key that is new to it, if it is told not to trust every one (`--trust-new-keys`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// A controller made it.
    Controller,
    /// Its Secret vouches for it.
    Annotation,
    /// Nothing does.
    None,
}

impl Trust {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Annotation => "annotation",
            Self::None => "-",
        }
    }
}

/// All of them, newest first.
#[derive(Debug)]
pub(crate) struct ClusterKeys {
    pub(crate) keys: Vec<ClusterKey>,
    /// What the controller recorded of them.
    record: KeyRecord,
    /// Key Secrets without a usable key, and why.
    pub(crate) broken: Vec<String>,
}

impl ClusterKey {
    pub(crate) fn name(&self) -> &str {
        &self.stored.name
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        self.stored.key.fingerprint()
    }

    /// Whether the controller loads it: by its label, or by the one name that needs no label.
    pub(crate) fn is_in_use(&self) -> bool {
        key_secret::is_labelled_active(&self.stored) || self.is_found_by_name()
    }

    pub(crate) fn is_found_by_name(&self) -> bool {
        self.name() == DEFAULT_KEY_PREFIX
    }

    /// The value of the label that marks keys.
    pub(crate) fn label(&self) -> &str {
        self.stored.labels.get(KEY_LABEL).map_or("", String::as_str)
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.secret.metadata.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// When this very key was last backed up.
    pub(crate) fn backed_up_at(&self) -> Option<&str> {
        let of = self.annotation(BACKED_UP_FINGERPRINT_ANNOTATION)?;
        self.annotation(BACKED_UP_AT_ANNOTATION).filter(|_| of == self.fingerprint().as_str())
    }

    fn entry(&self) -> KeyEntry {
        KeyEntry { ordered_at: self.ordered_at, ..self.stored.entry() }
    }
}

impl ClusterKeys {
    /// Reads the key Secrets, if the user may.
    pub(crate) fn load(cluster: &Cluster, now: Timestamp) -> Result<Access<Self>, CliError> {
        Ok(match cluster.key_secrets()? {
            Access::Granted(secrets) => {
                // Older controllers keep none, and Bitnami's neither.
                let found = cluster.secret(KEY_RECORD_SECRET).ok().flatten();
                let record = found.and_then(|secret| KeyRecord::from_json(&secret.data?.get(KEY_RECORD_ITEM)?.0));
                Access::Granted(Self::of(secrets, record.unwrap_or_default(), now))
            }
            Access::Forbidden(error) => Access::Forbidden(error),
        })
    }

    fn of(secrets: Vec<Secret>, record: KeyRecord, now: Timestamp) -> Self {
        let (mut keys, mut broken) = (Vec::new(), Vec::new());
        for secret in secrets {
            match key_secret::read(&secret) {
                Ok(stored) => keys.push(ClusterKey { ordered_at: stored.ordered_at_as_of(now), secret, stored }),
                Err(error) => broken.push(format!("{}: {error}", secret.metadata.name.unwrap_or_default())),
            }
        }
        // Among equals the older Secret wins, as in the controller.
        keys.sort_by_key(|key| (std::cmp::Reverse(key.ordered_at), key.stored.created));
        Self { keys, record, broken }
    }

    /// The key that clients are to seal with: the newest in use that has a certificate.
    pub(crate) fn active(&self) -> Option<&ClusterKey> {
        self.keys.iter().find(|key| key.is_in_use() && key.stored.certificate().is_some())
    }

    pub(crate) fn state(&self, key: &ClusterKey) -> State {
        let is_active = self.active().is_some_and(|active| active.name() == key.name());
        match key.label() {
            _ if is_active => State::Active,
            _ if key.is_in_use() => State::InUse,
            KEY_LABEL_RETIRED => State::Retired,
            _ => State::Unused,
        }
    }

    /// What speaks for sealing with the key.
    pub(crate) fn trust(&self, key: &ClusterKey) -> Trust {
        if self.record.is_made(key.fingerprint()) {
            Trust::Controller
        } else if key.annotation(TRUSTED_KEY_ANNOTATION) == Some(key.fingerprint().as_str()) {
            Trust::Annotation
        } else {
            Trust::None
        }
    }

    /// All keys as one ring, those that are not in use among them.
    pub(crate) fn ring(&self) -> Keyring {
        Keyring::new(self.keys.iter().map(ClusterKey::entry).collect())
    }

    /// The one key whose fingerprint begins so.
    pub(crate) fn beginning(&self, prefix: &str) -> Result<&ClusterKey, CliError> {
        let prefix = prefix.strip_prefix("SHA256:").unwrap_or(prefix);
        let begins = |key: &&ClusterKey| {
            key.fingerprint().as_str().strip_prefix("SHA256:").is_some_and(|rest| rest.starts_with(prefix))
        };
        let found: Vec<&ClusterKey> = self.keys.iter().filter(begins).collect();
        match found.as_slice() {
            [key] => Ok(key),
            [] => {
                Err(CliError::new(format!("no sealing key of the cluster begins with SHA256:{}", names::name(prefix)))
                    .hint("sealer keys list"))
            }
            [first, ..] if found.iter().all(|key| key.fingerprint() == first.fingerprint()) => {
                let names: Vec<&str> = found.iter().map(|key| key.name()).collect();
                Err(CliError::new(format!("{} is in several Secrets: {}", first.fingerprint(), names.join(", ")))
                    .hint("delete all of them but one; they hold the same key"))
            }
            _ => Err(CliError::new(format!("{} sealing keys begin with SHA256:{prefix}", found.len()))
                .hint("give more of the fingerprint")),
        }
    }
}

/// How a key Secret is marked as one in use.
pub(crate) fn in_use() -> serde_json::Value {
    serde_json::json!({ KEY_LABEL: KEY_LABEL_ACTIVE })
}
