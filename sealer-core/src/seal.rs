//! Sealing one value: orchestration only; the bytes are `envelope`, the mathematics `primitives`.

use crate::envelope::SealedValue;
use crate::error::SealError;
use crate::key::public::SealingKey;
use crate::plaintext::Plaintext;
use crate::primitives;
use crate::scope::Label;

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
