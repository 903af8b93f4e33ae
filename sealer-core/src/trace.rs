//! A name for the fact that a value is sealed for a label under a key, made of what is public.

use std::fmt;

use crate::envelope::SealedValue;
use crate::key::fingerprint::Fingerprint;
use crate::primitives::sha256;
use crate::scope::Label;

/// The SHA-256 of a sealed value, its label and a key's fingerprint. Whoever has met it once knows without any key that
/// they belong together; it tells nothing of the value, and nothing that the sealed value does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trace([u8; Self::LENGTH]);

impl Trace {
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

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

#[cfg(all(test, feature = "unseal"))]
mod tests {
    use super::*;
    use crate::scope::Scope;

    #[test]
    fn another_value_label_or_key_leaves_another_trace() {
        let label = |name: &str| Label::as_given(Scope::Strict, "ns", name);
        let value = |wrapped: &[u8], text: &[u8]| SealedValue::new(wrapped.to_vec(), text.to_vec());
        let (one, two) = (Fingerprint::of(&[3], &[3]), Fingerprint::of(&[5], &[3]));
        let trace = Trace::of(&value(b"ab", b"c"), &label("a"), &one);
        assert_eq!(trace, Trace::of(&value(b"ab", b"c"), &label("a"), &one));
        assert_eq!(trace, Trace::from_bytes(*trace.as_bytes()));
        for other in [
            Trace::of(&value(b"a", b"bc"), &label("a"), &one),
            Trace::of(&value(b"ab", b"c"), &label("b"), &one),
            Trace::of(&value(b"ab", b"c"), &label("a"), &two),
            Trace::of(&value(b"ab", b"d"), &label("a"), &one),
        ] {
            assert_ne!(trace, other);
        }
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Trace::from_bytes([7; 32])), "Trace");
    }

    /// The format of the record that it is written to.
    #[test]
    fn a_trace_is_the_hash_of_its_parts_each_with_its_length() {
        let key = Fingerprint::of(&[3], &[3]);
        let value = SealedValue::new(b"wrapped".to_vec(), b"text".to_vec());
        let trace = Trace::of(&value, &Label::as_given(Scope::Strict, "ns", "a"), &key);
        let mut bytes = Vec::new();
        for part in [key.as_str().as_bytes(), b"ns/a", b"wrapped", b"text"] {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or_default().to_be_bytes());
            bytes.extend_from_slice(part);
        }
        assert_eq!(*trace.as_bytes(), sha256(&bytes));
    }
}
