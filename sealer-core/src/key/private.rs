//! Private keys: reading every PEM form that exists in clusters, writing the one that every reader knows.

use std::fmt;

use der::asn1::{BitString, UintRef};
use der::{Decode as _, Encode as _};
use pkcs8::PrivateKeyInfoRef;
use x509_cert::spki::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::key::fingerprint::Fingerprint;
use crate::key::public::SealingKey;
use crate::plaintext::SessionKey;
use crate::primitives::private::{self, PrivateBackend};
use crate::scope::Label;
use sealer_encoding::pem;

/// An RSA private key that opens sealed values. It can be neither copied nor printed.
pub struct UnsealingKey {
    pkcs1: Zeroizing<Vec<u8>>,
    backend: PrivateBackend,
    public: SealingKey,
}

impl UnsealingKey {
    /// Makes a new key of `bits` bits (1024 to 8192).
    ///
    /// # Errors
    /// A size outside that range, or no randomness.
    pub fn generate(bits: usize) -> Result<Self, KeyError> {
        Self::from_pkcs1(private::generate(bits)?)
    }

    /// Reads the first private key of a PEM text: PKCS#1, PKCS#8 or SEC1.
    ///
    /// # Errors
    /// No block that parses as a key, a key that is not RSA, or a text of more than 1 MiB or 100 blocks.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        pem::blocks(text, pem::Bounds::ITEM)?
            .into_iter()
            .find_map(|block| match block.label.as_str() {
                "RSA PRIVATE KEY" if !block.has_headers => skip_malformed(Self::from_pkcs1(block.der)),
                "PRIVATE KEY" => skip_malformed(Self::from_pkcs8(&block.der)),
                "EC PRIVATE KEY" => Some(Err(KeyError::NotRsa("*ecdsa.PrivateKey"))),
                _ => None,
            })
            .unwrap_or(Err(KeyError::NotAKey))
    }

    /// The key in PEM, PKCS#1: the form of `tls.key` in key Secrets.
    pub fn secret_pkcs1_pem(&self) -> Zeroizing<String> {
        pem::encode("RSA PRIVATE KEY", &self.pkcs1)
    }

    /// The public half.
    pub fn sealing_key(&self) -> &SealingKey {
        &self.public
    }

    /// The name of the key.
    pub fn fingerprint(&self) -> &Fingerprint {
        self.public.fingerprint()
    }

    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.public.bits()
    }

    /// The key as RFC 5958 has it, in DER.
    pub(crate) fn secret_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        to_pkcs8(&self.pkcs1)
    }

    pub(crate) fn secret_pkcs1_der(&self) -> &[u8] {
        &self.pkcs1
    }

    #[cfg(test)]
    pub(crate) fn backend(&self) -> &PrivateBackend {
        &self.backend
    }

    /// Whether a wrapped key can belong to this key, without an operation on it: RSA blocks are as long as the modulus
    /// (but some writers strip leading zero bytes) and below it as numbers.
    pub(crate) fn may_have_wrapped(&self, wrapped: &[u8]) -> bool {
        let modulus = self.public.modulus();
        let is_as_long = (modulus.len().saturating_sub(MOST_STRIPPED)..=modulus.len()).contains(&wrapped.len());
        is_as_long && (wrapped.len() < modulus.len() || wrapped < modulus)
    }

    /// One private-key operation, for a wrapped key that may belong to this key.
    pub(crate) fn unwrap_session_key(&self, wrapped: &[u8], label: &Label) -> Option<SessionKey> {
        let missing = self.public.modulus().len().checked_sub(wrapped.len())?;
        if missing == 0 {
            return self.backend.unwrap(wrapped, label);
        }
        let padded: Vec<u8> = std::iter::repeat_n(0, missing).chain(wrapped.iter().copied()).collect();
        self.backend.unwrap(&padded, label)
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::NotAKey)?;
        match info.algorithm.oid {
            oid if oid == pkcs1::ALGORITHM_OID => {
                Self::from_pkcs1(Zeroizing::new(info.private_key.as_bytes().to_vec()))
            }
            oid if oid == EC_PUBLIC_KEY => Err(KeyError::NotRsa("*ecdsa.PrivateKey")),
            oid if oid == ED25519 => Err(KeyError::NotRsa("ed25519.PrivateKey")),
            _ => Err(KeyError::NotAKey),
        }
    }

    fn from_pkcs1(pkcs1: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let parsed = pkcs1::RsaPrivateKeyRef::from_der(&pkcs1).map_err(|_| KeyError::NotAKey)?;
        let public =
            public_half(parsed.modulus.as_bytes(), parsed.public_exponent.as_bytes()).map_err(|_| KeyError::NotAKey)?;
        let pkcs8 = to_pkcs8(&pkcs1)?;
        let backend = PrivateBackend::new(&pkcs1, &pkcs8, public.bits())?;
        Ok(Self { pkcs1, backend, public })
    }
}

impl fmt::Debug for UnsealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnsealingKey({}, [redacted])", self.fingerprint())
    }
}

/// A malformed block is passed over; the next one may be the key.
fn skip_malformed(result: Result<UnsealingKey, KeyError>) -> Option<Result<UnsealingKey, KeyError>> {
    if matches!(result, Err(KeyError::NotAKey)) { None } else { Some(result) }
}

pub(crate) fn public_half(modulus: &[u8], exponent: &[u8]) -> der::Result<SealingKey> {
    let pkcs1 = pkcs1::RsaPublicKey { modulus: UintRef::new(modulus)?, public_exponent: UintRef::new(exponent)? };
    let key = BitString::from_bytes(&pkcs1.to_der()?)?;
    let spki = SubjectPublicKeyInfo { algorithm: pkcs1::ALGORITHM_ID, subject_public_key: key }.to_der()?;
    Ok(SealingKey::from_parts(modulus, exponent, spki))
}

/// Wraps a PKCS#1 key as RFC 5958 says.
fn to_pkcs8(pkcs1: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = der::asn1::OctetStringRef::new(pkcs1).map_err(|_| KeyError::NotAKey)?;
    let info = PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, key);
    info.to_der().map(Zeroizing::new).map_err(|_| KeyError::NotAKey)
}

/// Leading zero bytes a writer may have stripped: more happens once in 2^128.
const MOST_STRIPPED: usize = 16;
/// RFC 5480.
const EC_PUBLIC_KEY: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 8410.
const ED25519: der::asn1::ObjectIdentifier = der::asn1::ObjectIdentifier::new_unwrap("1.3.101.112");
