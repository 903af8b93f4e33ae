//! The public half of a key: what sealing needs, and what the key is named by.

use std::fmt;
use std::sync::Arc;

use crate::key::fingerprint::Fingerprint;
use crate::primitives::{self, PublicBackend};

/// The public half of a key: all that sealing needs. Cheap to clone.
#[derive(Clone)]
pub struct SealingKey(Arc<PublicHalf>);

struct PublicHalf {
    modulus: Vec<u8>,
    #[cfg(feature = "unseal")]
    exponent: Vec<u8>,
    #[cfg(feature = "unseal")]
    spki: Vec<u8>,
    fingerprint: Fingerprint,
    backend: PublicBackend,
}

impl SealingKey {
    /// Takes the two big-endian integers of an RSA public key, and the key in DER, as certificates carry it.
    pub(crate) fn from_parts(modulus: &[u8], exponent: &[u8], spki: Vec<u8>) -> Self {
        let backend = PublicBackend::new(&spki, modulus, exponent);
        let fingerprint = Fingerprint::of(modulus, exponent);
        Self(Arc::new(PublicHalf {
            modulus: modulus.to_vec(),
            #[cfg(feature = "unseal")]
            exponent: exponent.to_vec(),
            #[cfg(feature = "unseal")]
            spki,
            fingerprint,
            backend,
        }))
    }

    /// The name of the key.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.0.fingerprint
    }

    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        primitives::bit_length(&self.0.modulus)
    }

    #[cfg(feature = "unseal")]
    pub(crate) fn modulus(&self) -> &[u8] {
        &self.0.modulus
    }

    #[cfg(feature = "unseal")]
    pub(crate) fn exponent(&self) -> &[u8] {
        &self.0.exponent
    }

    #[cfg(feature = "unseal")]
    /// The key in DER, as certificates carry it.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    pub(crate) fn backend(&self) -> &PublicBackend {
        &self.0.backend
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.fingerprint())
    }
}
