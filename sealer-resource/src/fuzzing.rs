//! What must hold of each reader whatever it reads: one function a fuzz target (`fuzz/`), which panics where it does not.
//! The tests replay what fuzzers start from and what they found.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealer_core::{Keyring, StoredKey};

use crate::unseal::{OpenOptions, open};
use crate::{SealedSecret, key_secret};

#[cfg(test)]
mod tests;

/// A key of a Secret in JSON is found again in the Secret that we would restore.
pub fn stored_key(json: &[u8]) {
    let Ok(secret) = serde_json::from_slice::<Secret>(json) else { return };
    let Ok(stored) = key_secret::read(&secret) else { return };
    let says = |of: &StoredKey| (of.key.fingerprint().clone(), of.name.clone(), of.certificates.len());
    let again = key_secret::read(&key_secret::restored(&stored));
    assert_eq!(again.ok().as_ref().map(says), Some(says(&stored)));
    let _ = (stored.entry(), stored.ordered_at_as_of(Timestamp::UNIX_EPOCH), key_secret::is_labelled_active(&stored));
}

/// A SealedSecret in JSON is written and read again unchanged, and opens without keys only if nothing is sealed.
pub fn sealed_secret(json: &[u8]) {
    let Ok(sealed) = serde_json::from_slice::<SealedSecret>(json) else { return };
    let written = serde_json::to_string(&sealed).unwrap_or_default();
    let again: Option<SealedSecret> = serde_json::from_str(&written).ok();
    assert_eq!(again.as_ref().and_then(|again| serde_json::to_string(again).ok()), Some(written));
    let Ok(label) = sealed.label() else { return };
    assert_eq!(again.and_then(|again| again.label().ok()).as_ref(), Some(&label));
    let options = OpenOptions { accept_v1_data: true, rendering: None };
    let opened = open(&label, &sealed.spec, &Keyring::default(), &options);
    assert!(opened.is_err() || sealed.spec.encrypted_data.is_empty(), "something opens without a key");
}
