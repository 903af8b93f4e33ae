//! The ring of keys: which one is active, which one to try first, and when the next one is due. All of it pure.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::envelope::SealedValue;
use crate::key::certificate::Certificate;
use crate::key::fingerprint::Fingerprint;
use crate::key::private::UnsealingKey;

/// A key with what is known about it.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Where it came from: the name of its Secret, or of a file.
    pub name: String,
    /// The private key.
    pub key: Arc<UnsealingKey>,
    /// Its certificate; without one it opens values but never seals.
    pub certificate: Option<Certificate>,
    /// Orders the ring: the certificate's first day, or the Secret's creation.
    pub ordered_at: Timestamp,
}

/// Keys in order, newest first. Cheap to clone; changes make a new ring.
#[derive(Clone, Debug, Default)]
pub struct Keyring(Arc<[KeyEntry]>);

impl Keyring {
    /// Orders keys newest first; among equals the earlier in the list wins. A key that is given twice is kept once.
    pub fn new(mut entries: Vec<KeyEntry>) -> Self {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.ordered_at));
        let mut known = HashSet::with_capacity(entries.len());
        entries.retain(|entry| known.insert(entry.key.fingerprint().clone()));
        Self(entries.into())
    }

    /// A ring of bare keys, tried in the order given.
    pub fn from_keys(keys: Vec<UnsealingKey>) -> Self {
        let entry = |key| KeyEntry {
            name: String::new(),
            key: Arc::new(key),
            certificate: None,
            ordered_at: Timestamp::UNIX_EPOCH,
        };
        Self::new(keys.into_iter().map(entry).collect())
    }

    /// The ring with one more key.
    #[must_use]
    pub fn with(&self, entry: KeyEntry) -> Self {
        Self::new(self.0.iter().cloned().chain(std::iter::once(entry)).collect())
    }

    /// The ring without the key that came from `name`.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|entry| entry.name != name).cloned().collect())
    }

    /// All keys, newest first.
    pub fn entries(&self) -> &[KeyEntry] {
        &self.0
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that clients seal with: the newest that has a certificate.
    pub fn active(&self) -> Option<&KeyEntry> {
        self.0.iter().find(|entry| entry.certificate.is_some())
    }

    /// The key of that name.
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&KeyEntry> {
        self.0.iter().find(|entry| entry.key.fingerprint() == fingerprint)
    }

    /// Keys in the order worth trying: the preferred ones, then newest first.
    pub fn in_trial_order<'a, 'b>(
        &'a self,
        first: &'b [Fingerprint],
    ) -> impl Iterator<Item = &'a UnsealingKey> + use<'a, 'b> {
        let preferred = first.iter().filter_map(|fingerprint| self.get(fingerprint));
        let others = self.0.iter().filter(move |entry| !first.contains(entry.key.fingerprint()));
        preferred.chain(others).map(|entry| &*entry.key)
    }

    /// Whether any key can have sealed the value, judged by the sizes alone. Where none can, its key is not here.
    pub fn may_have_sealed(&self, value: &SealedValue) -> bool {
        self.0.iter().any(|entry| entry.key.may_have_wrapped(value.wrapped_key()))
    }
}

/// When keys are renewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationPolicy {
    /// Age at which the newest key gets a successor; `None` never.
    pub period: Option<Duration>,
    /// The newest key must not be older than this moment.
    pub cutoff: Option<Timestamp>,
}

/// When the next key is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextKey {
    /// At once.
    Now,
    /// At that moment, unless keys change before.
    At(Timestamp),
    /// Not by the clock.
    Never,
}

/// Says when the next key is due.
pub fn next_key(keyring: &Keyring, now: Timestamp, policy: &RotationPolicy) -> NextKey {
    let Some(active) = keyring.active() else { return NextKey::Now };
    if policy.cutoff.is_some_and(|cutoff| active.ordered_at < cutoff) {
        return NextKey::Now;
    }
    let due = policy
        .period
        .and_then(|period| SignedDuration::try_from(period).ok())
        .and_then(|period| active.ordered_at.checked_add(period).ok());
    match due {
        Some(due) if due <= now => NextKey::Now,
        Some(due) => NextKey::At(due),
        None => NextKey::Never,
    }
}
