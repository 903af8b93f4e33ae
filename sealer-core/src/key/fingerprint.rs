//! The name of a key: the SHA-256 of its public half, as `ssh-keygen -l` prints it.

use std::fmt;
use std::sync::Arc;

use crate::primitives::sha256;
use sealer_encoding::base64;

/// `SHA256:` and unpadded base64 of the hash over the ssh-rsa encoding of the public key. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// Names an RSA public key given as two big-endian integers without leading zeros (RFC 4253, section 6.6).
    pub(crate) fn of(modulus: &[u8], exponent: &[u8]) -> Self {
        let mut blob = Vec::with_capacity(modulus.len() + 32);
        put_string(&mut blob, b"ssh-rsa");
        put_mpint(&mut blob, exponent);
        put_mpint(&mut blob, modulus);
        Self(format!("SHA256:{}", base64::encode(sha256(&blob)).trim_end_matches('=')).into())
    }

    /// The printed form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn put_string(blob: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    blob.extend_from_slice(&length.to_be_bytes());
    blob.extend_from_slice(bytes);
}

/// RFC 4251, section 5: a positive number whose top bit is set gets a zero byte in front.
fn put_mpint(blob: &mut Vec<u8>, integer: &[u8]) {
    if integer.first().is_some_and(|first| first & 0x80 != 0) {
        let padded: Vec<u8> = std::iter::once(0).chain(integer.iter().copied()).collect();
        put_string(blob, &padded);
    } else {
        put_string(blob, integer);
    }
}
