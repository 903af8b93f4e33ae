//! A key with what goes along with it: its certificates, and the name, labels and annotations that it has where it is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::key::certificate::Certificate;
use crate::key::keyring::KeyEntry;
use crate::key::private::UnsealingKey;

/// A key as it lies in a cluster, or in a backup of one.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Name of its Secret.
    pub name: String,
    /// When the Secret was made.
    pub created: Option<Timestamp>,
    /// Labels of the Secret.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the Secret that a restored one should have, too.
    pub annotations: BTreeMap<String, String>,
    /// The private key.
    pub key: Arc<UnsealingKey>,
    /// What `tls.crt` holds; the first one is sealed with.
    pub certificates: Vec<Certificate>,
}

impl StoredKey {
    /// The certificate that clients may be given: one that belongs to the key, of a size that protects something.
    pub fn certificate(&self) -> Option<&Certificate> {
        let first = self.certificates.first()?;
        let belongs = first.key().fingerprint() == self.key.fingerprint();
        (belongs && self.key.bits() >= SMALLEST_SEALING_KEY).then_some(first)
    }

    /// What orders it among others: its certificate's first day, or the Secret's creation.
    pub fn ordered_at(&self) -> Timestamp {
        let first_day = self.certificates.first().map(Certificate::not_before);
        first_day.or(self.created).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The same as of now: a first day in the future would keep its key the newest until then.
    pub fn ordered_at_as_of(&self, now: Timestamp) -> Timestamp {
        let in_future = self.ordered_at() > now.saturating_add(CLOCK_SKEW).unwrap_or(now);
        if in_future { self.created.unwrap_or(now) } else { self.ordered_at() }
    }

    /// The key as part of a ring.
    pub fn entry(&self) -> KeyEntry {
        KeyEntry {
            name: self.name.clone(),
            key: self.key.clone(),
            certificate: self.certificate().cloned(),
            ordered_at: self.ordered_at(),
        }
    }
}

/// How far the clock of whoever made a certificate may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Below this many bits a key opens values, and nothing is sealed with it.
pub const SMALLEST_SEALING_KEY: usize = 2048;
