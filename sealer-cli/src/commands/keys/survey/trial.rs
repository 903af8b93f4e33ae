//! Trying labels on a value: as many as are worth it, and no more in all than somebody waits for.

use std::sync::atomic::{AtomicU32, Ordering};

use sealer_core::seal::{Trials, unseal_counted};
use sealer_core::{Fingerprint, KeyEntry, Keyring, Label, SealedValue};

use super::Opener;
use crate::tree::loose;

/// Opens a value with one label.
pub(super) fn open(value: &str, label: &Label, keyring: &Keyring, trials: &mut Trials) -> Option<Fingerprint> {
    let sealed = SealedValue::from_base64(value).ok()?;
    Some(unseal_counted(&sealed, label, keyring, trials).ok()?.fingerprint)
}

/// What is known of a value by itself that no label opens. Nothing if it is none at all, but looks like one.
pub(super) fn unopened(value: &str, keyring: &Keyring) -> Option<Opener> {
    let sealed = SealedValue::from_base64(value).ok()?;
    let keys = may_have_sealed(&sealed, keyring);
    if keys.is_empty() {
        return loose::is_likely(&sealed).then_some(Opener::NoKey);
    }
    loose::has_no_structure(&sealed).then_some(Opener::Unbound(keys))
}

/// Keys that may have sealed a value, by their size; none of what is no sealed value.
pub(super) fn of_its_size(value: &str, keyring: &Keyring) -> Vec<Fingerprint> {
    SealedValue::from_base64(value).map(|sealed| may_have_sealed(&sealed, keyring)).unwrap_or_default()
}

fn may_have_sealed(sealed: &SealedValue, keyring: &Keyring) -> Vec<Fingerprint> {
    let may_be_of = |entry: &&KeyEntry| Keyring::new(vec![(*entry).clone()]).may_have_sealed(sealed);
    keyring.entries().iter().filter(may_be_of).map(|entry| entry.key.fingerprint().clone()).collect()
}

/// Private-key operations that may still be spent on values that do not open at once.
pub(super) struct Effort(AtomicU32);

impl Default for Effort {
    fn default() -> Self {
        Self(AtomicU32::new(MOST_IN_ALL))
    }
}

impl Effort {
    /// Opens a value with one of the labels; which one, and with which key.
    pub(super) fn open(
        &self,
        value: &str,
        labels: &[Label],
        keyring: &Keyring,
        trials: &mut Trials,
    ) -> Option<(Fingerprint, usize)> {
        let sealed = SealedValue::from_base64(value).ok().filter(|sealed| keyring.may_have_sealed(sealed))?;
        let start = trials.operations();
        for (at, label) in labels.iter().enumerate() {
            let before = trials.operations();
            if at >= LIKELIEST && (before.saturating_sub(start) > MOST_FOR_ONE || !self.has_left()) {
                return None;
            }
            if let Ok(opened) = unseal_counted(&sealed, label, keyring, trials) {
                return Some((opened.fingerprint, at));
            }
            self.spend(trials.operations().saturating_sub(before));
        }
        None
    }

    fn has_left(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn spend(&self, operations: u32) {
        let spent = |left: u32| Some(left.saturating_sub(operations));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent);
    }
}

/// Labels that are tried however much was tried before.
const LIKELIEST: usize = 8;
/// Some seconds of one core for RSA-4096.
const MOST_FOR_ONE: u32 = 1000;
/// Half a minute of one core.
const MOST_IN_ALL: u32 = 5000;
