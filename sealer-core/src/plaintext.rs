//! Values that must not linger or show: plaintexts and session keys, wiped on drop and redacted in Debug.
//!
//! Neither type can be copied, printed or serialised:
//!
//! ```compile_fail
//! fn needs_clone<T: Clone>() {}
//! needs_clone::<sealer_core::Plaintext>();
//! ```
//! ```compile_fail
//! fn needs_display<T: std::fmt::Display>() {}
//! needs_display::<sealer_core::Plaintext>();
//! ```
//! ```compile_fail
//! fn needs_serialize<T: serde::Serialize>() {}
//! needs_serialize::<sealer_core::Plaintext>();
//! ```
//! ```compile_fail
//! fn needs_clone<T: Clone>() {}
//! needs_clone::<sealer_core::UnsealingKey>();
//! ```
//! ```compile_fail
//! fn needs_serialize<T: serde::Serialize>() {}
//! needs_serialize::<sealer_core::UnsealingKey>();
//! ```

use std::fmt;

use zeroize::Zeroizing;

/// A value before it is sealed or after it is opened.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    /// Takes over a value; the bytes are wiped when this is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The value itself. Every reader of a value goes through here.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext([redacted])")
    }
}

/// The AES key of one value. Sealing consumes it, so that no key can meet the zero nonce twice.
pub(crate) struct SessionKey(Zeroizing<Vec<u8>>);

impl SessionKey {
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Plaintext::new(b"hunter2".to_vec())), "Plaintext([redacted])");
    }

    #[test]
    fn a_session_key_shows_nothing_and_keeps_its_bytes() {
        let key = SessionKey::new(Zeroizing::new(vec![1, 2, 3]));
        assert_eq!((format!("{key:?}").as_str(), key.expose()), ("SessionKey([redacted])", &[1, 2, 3][..]));
        assert_eq!(Plaintext::new(vec![4]).expose(), [4]);
    }
}
