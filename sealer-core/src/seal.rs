//! Sealing and unsealing one value: orchestration only; the bytes are `envelope`, the mathematics `primitives`.

use crate::envelope::SealedValue;
use crate::error::{SealError, UnsealError};
use crate::key::fingerprint::Fingerprint;
use crate::key::keyring::Keyring;
use crate::key::private::UnsealingKey;
use crate::key::public::SealingKey;
use crate::plaintext::Plaintext;
use crate::primitives;
use crate::scope::Label;

/// A value that opened.
#[derive(Debug)]
pub struct Opened {
    /// The value.
    pub plaintext: Plaintext,
    /// The key that opened it.
    pub fingerprint: Fingerprint,
}

/// Seals a value for a label under a key. Every call uses a fresh session key.
///
/// # Errors
/// A key that no backend takes, or no randomness.
pub fn seal(value: &Plaintext, label: &Label, key: &SealingKey) -> Result<SealedValue, SealError> {
    let session = primitives::fresh_session_key()?;
    let wrapped = key.backend().wrap(&session, label)?;
    let ciphertext = primitives::encrypt(session, value.expose())?;
    Ok(SealedValue::new(wrapped, ciphertext))
}

/// Opens a value with whichever key of the ring fits, newest first.
///
/// # Errors
/// One answer for every cause: another label, another key, a damaged value.
pub fn unseal(value: &SealedValue, label: &Label, keyring: &Keyring) -> Result<Opened, UnsealError> {
    unseal_preferring(value, label, keyring, None)
}

/// Like [`unseal`], but tries one key before all others: the one that opened a neighbour.
///
/// # Errors
/// As [`unseal`].
pub fn unseal_preferring(
    value: &SealedValue,
    label: &Label,
    keyring: &Keyring,
    first: Option<&Fingerprint>,
) -> Result<Opened, UnsealError> {
    keyring.in_trial_order(first).find_map(|key| open_with(value, label, key)).ok_or(UnsealError)
}

fn open_with(value: &SealedValue, label: &Label, key: &UnsealingKey) -> Option<Opened> {
    let session = key.unwrap_session_key(value.wrapped_key(), label)?;
    let plaintext = primitives::decrypt(&session, value.ciphertext())?;
    Some(Opened { plaintext, fingerprint: key.fingerprint().clone() })
}
