//! A name for the fact that a value is sealed for a label under a key, made of what is public.

use std::fmt;

use crate::envelope::SealedValue;
use crate::key::fingerprint::Fingerprint;
use crate::primitives::sha256;
use crate::scope::Label;

/// The SHA-256 of a sealed value, its label and a key's fingerprint. Whoever has met it once knows without any key that
/// they belong together; it tells nothing of the value, and nothing that the sealed value does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealDigest([u8; Self::LENGTH]);

impl SealDigest {
    /// Bytes of one.
    pub const LENGTH: usize = 32;

    /// Names this value under this label and key.
    pub fn of(value: &SealedValue, label: &Label, key: &Fingerprint) -> Self {
        let parts = [key.as_str().as_bytes(), label.as_bytes(), value.wrapped_key(), value.ciphertext()];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            // No two different triples are the same bytes.
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self(sha256(&bytes))
    }

    /// As it was written down.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// To be written down.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for SealDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealDigest")
    }
}

#[cfg(all(test, feature = "unseal"))]
mod tests {
    use super::*;
    use crate::scope::Scope;

    #[test]
    fn another_value_label_or_key_gives_another_digest() {
        let label = |name: &str| Label::new_unchecked(Scope::Strict, "ns", name);
        let value = |wrapped: &[u8], text: &[u8]| SealedValue::new(wrapped.to_vec(), text.to_vec());
        let (one, two) = (Fingerprint::of(&[3], &[3]), Fingerprint::of(&[5], &[3]));
        let digest = SealDigest::of(&value(b"ab", b"c"), &label("a"), &one);
        assert_eq!(digest, SealDigest::of(&value(b"ab", b"c"), &label("a"), &one));
        assert_eq!(digest, SealDigest::from_bytes(*digest.as_bytes()));
        for other in [
            SealDigest::of(&value(b"a", b"bc"), &label("a"), &one),
            SealDigest::of(&value(b"ab", b"c"), &label("b"), &one),
            SealDigest::of(&value(b"ab", b"c"), &label("a"), &two),
            SealDigest::of(&value(b"ab", b"d"), &label("a"), &one),
        ] {
            assert_ne!(digest, other);
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", SealDigest::from_bytes([7; 32])), "SealDigest");
    }

    /// The format of the record that it is written to.
    #[test]
    fn digest_is_the_hash_of_its_parts_each_with_its_length() {
        let key = Fingerprint::of(&[3], &[3]);
        let value = SealedValue::new(b"wrapped".to_vec(), b"text".to_vec());
        let digest = SealDigest::of(&value, &Label::new_unchecked(Scope::Strict, "ns", "a"), &key);
        let mut bytes = Vec::new();
        for part in [key.as_str().as_bytes(), b"ns/a", b"wrapped", b"text"] {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(part);
        }
        assert_eq!(*digest.as_bytes(), sha256(&bytes));
    }
}
