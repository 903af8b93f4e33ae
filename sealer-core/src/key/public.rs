//! The public half of a key: what sealing needs, and what the key is named by.

use std::fmt;
use std::sync::Arc;

use der::Encode as _;
use der::asn1::{BitString, UintRef};
use x509_cert::spki::SubjectPublicKeyInfo;

use crate::key::fingerprint::Fingerprint;
use crate::primitives::{self, PublicBackend};

/// The public half of a key: all that sealing needs. Cheap to clone.
#[derive(Clone)]
pub struct SealingKey(Arc<PublicHalf>);

struct PublicHalf {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    spki: Vec<u8>,
    fingerprint: Fingerprint,
    backend: PublicBackend,
}

impl SealingKey {
    /// Takes the two big-endian integers of an RSA public key.
    pub(crate) fn from_integers(modulus: &[u8], exponent: &[u8]) -> der::Result<Self> {
        let pkcs1 = pkcs1::RsaPublicKey { modulus: UintRef::new(modulus)?, public_exponent: UintRef::new(exponent)? };
        let key = BitString::from_bytes(&pkcs1.to_der()?)?;
        let spki = SubjectPublicKeyInfo { algorithm: pkcs1::ALGORITHM_ID, subject_public_key: key }.to_der()?;
        Ok(Self::assemble(modulus, exponent, spki))
    }

    pub(crate) fn assemble(modulus: &[u8], exponent: &[u8], spki: Vec<u8>) -> Self {
        let backend = PublicBackend::new(&spki, modulus, exponent);
        let fingerprint = Fingerprint::of(modulus, exponent);
        Self(Arc::new(PublicHalf {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
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

    pub(crate) fn modulus(&self) -> &[u8] {
        &self.0.modulus
    }

    #[cfg(test)]
    pub(crate) fn exponent(&self) -> &[u8] {
        &self.0.exponent
    }

    /// The key in DER, as certificates carry it.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    pub(crate) fn backend(&self) -> &PublicBackend {
        &self.0.backend
    }

    /// PKCS#1 DER of the key: what its subject key identifier is the hash of.
    pub(crate) fn pkcs1_der(&self) -> der::Result<Vec<u8>> {
        let modulus = UintRef::new(&self.0.modulus)?;
        pkcs1::RsaPublicKey { modulus, public_exponent: UintRef::new(&self.0.exponent)? }.to_der()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.fingerprint())
    }
}
