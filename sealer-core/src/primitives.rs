//! The only room that names a cryptographic backend: RSA-OAEP, RSA signatures and generation, AES-GCM, SHA-256,
//! randomness, and in `passphrase` what a passphrase protects.
//!
//! Private-key operations of 2048 to 8192 bits run in aws-lc-rs (constant-time, blinded). The `rsa` crate is the key
//! model; it seals where aws-lc-rs is not built in or does not take the size, and opens only keys of 1024 to 2047 bits,
//! which exist in old clusters.

use std::fmt;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Nonce};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use rand::TryRng as _;
use rand::rngs::SysRng;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{KeyError, SealError};
use crate::plaintext::{Plaintext, SessionKey};
use crate::scope::Label;

pub(crate) mod passphrase;

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Fills an array from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| SealError::Randomness)?;
    Ok(bytes)
}

pub(crate) fn fresh_session_key() -> Result<SessionKey, SealError> {
    let mut bytes = Zeroizing::new(vec![0; SESSION_KEY]);
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| SealError::Randomness)?;
    Ok(SessionKey::new(bytes))
}

/// AES-256-GCM with the zero nonce. It consumes the key: no key meets that nonce twice.
pub(crate) fn encrypt(key: SessionKey, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let cipher = Aes256Gcm::new_from_slice(key.expose()).map_err(|_| SealError::Backend)?;
    drop(key);
    cipher.encrypt(&Nonce::<Aes256Gcm>::default(), plaintext).map_err(|_| SealError::Backend)
}

/// AES-GCM with the zero nonce; the key's length picks AES-128, -192 or -256, as existing readers do.
pub(crate) fn decrypt(key: &SessionKey, ciphertext: &[u8]) -> Option<Plaintext> {
    let opened = match key.expose().len() {
        16 => decrypt_with::<Aes128Gcm>(key, ciphertext),
        24 => decrypt_with::<AesGcm<Aes192, U12>>(key, ciphertext),
        32 => decrypt_with::<Aes256Gcm>(key, ciphertext),
        _ => None,
    };
    opened.map(Plaintext::new)
}

fn decrypt_with<C: KeyInit + Aead>(key: &SessionKey, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key.expose()).ok()?;
    cipher.decrypt(&Nonce::<C>::default(), ciphertext).ok()
}

/// The public half, ready to wrap session keys.
pub(crate) enum PublicBackend {
    #[cfg(feature = "native")]
    Native(aws_lc_rs::rsa::OaepPublicEncryptingKey),
    Portable(Box<RsaPublicKey>),
    Refused(SealError),
}

impl PublicBackend {
    /// Picks a backend for a key given as SubjectPublicKeyInfo and as its two integers.
    pub(crate) fn new(spki: &[u8], modulus: &[u8], exponent: &[u8]) -> Self {
        let bits = bit_length(modulus);
        if bits < SMALLEST_KEY {
            return Self::Refused(SealError::KeyTooSmall(bits));
        }
        #[cfg(feature = "native")]
        if let Some(native) = native_public(spki, bits) {
            return Self::Native(native);
        }
        let _ = spki;
        portable_public(modulus, exponent)
            .map_or(Self::Refused(SealError::UnsupportedKey(bits)), |key| Self::Portable(Box::new(key)))
    }

    /// RSA-OAEP-SHA256 of a session key under a label.
    pub(crate) fn wrap(&self, session: &SessionKey, label: &Label) -> Result<Vec<u8>, SealError> {
        match self {
            #[cfg(feature = "native")]
            Self::Native(key) => native_wrap(key, session, label),
            Self::Portable(key) => {
                key.encrypt(&mut rand::rng(), oaep(label), session.expose()).map_err(|_| SealError::Backend)
            }
            Self::Refused(error) => Err(error.clone()),
        }
    }
}

impl fmt::Debug for PublicBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "native")]
            Self::Native(_) => "Native",
            Self::Portable(_) => "Portable",
            Self::Refused(_) => "Refused",
        })
    }
}

#[cfg(feature = "native")]
fn native_public(spki: &[u8], bits: usize) -> Option<aws_lc_rs::rsa::OaepPublicEncryptingKey> {
    use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
    if !NATIVE_SIZES.contains(&bits) {
        return None;
    }
    OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(spki).ok()?).ok()
}

#[cfg(feature = "native")]
fn native_wrap(
    key: &aws_lc_rs::rsa::OaepPublicEncryptingKey,
    session: &SessionKey,
    label: &Label,
) -> Result<Vec<u8>, SealError> {
    let mut wrapped = vec![0; key.ciphertext_size()];
    key.encrypt(&aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256, session.expose(), &mut wrapped, Some(label.as_bytes()))
        .map_err(|_| SealError::Backend)?;
    Ok(wrapped)
}

fn portable_public(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    let integer = |bytes: &[u8]| rsa::BoxedUint::from_be_slice_vartime(bytes);
    RsaPublicKey::new_with_size_limits(integer(modulus), integer(exponent), SMALLEST_KEY..=LARGEST_KEY).ok()
}

fn oaep(label: &Label) -> Oaep<Sha256> {
    Oaep::<Sha256>::new_with_label(label.as_bytes())
}

/// The private half, ready to unwrap session keys.
pub(crate) enum PrivateBackend {
    #[cfg(feature = "native")]
    Native(aws_lc_rs::rsa::OaepPrivateDecryptingKey),
    Portable(Box<RsaPrivateKey>),
}

impl PrivateBackend {
    /// Loads a key given as PKCS#1 and PKCS#8 DER; the parts are checked against each other.
    pub(crate) fn new(pkcs1: &[u8], pkcs8: &[u8], bits: usize) -> Result<Self, KeyError> {
        #[cfg(feature = "native")]
        if NATIVE_SIZES.contains(&bits) {
            use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
            let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::NotAKey)?;
            return OaepPrivateDecryptingKey::new(key).map(Self::Native).map_err(|_| KeyError::NotAKey);
        }
        let _ = pkcs8;
        let key = RsaPrivateKey::from_pkcs1_der(pkcs1).map_err(|_| KeyError::UnsupportedSize(bits))?;
        Ok(Self::Portable(Box::new(key)))
    }

    /// Undoes [`PublicBackend::wrap`]. `wrapped` is exactly as long as the modulus.
    pub(crate) fn unwrap(&self, wrapped: &[u8], label: &Label) -> Option<SessionKey> {
        let session = match self {
            #[cfg(feature = "native")]
            Self::Native(key) => {
                let mut output = Zeroizing::new(vec![0; key.min_output_size()]);
                let session = key
                    .decrypt(&aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256, wrapped, &mut output, Some(label.as_bytes()))
                    .ok()?;
                session.to_vec()
            }
            Self::Portable(key) => key.decrypt_blinded(&mut rand::rng(), oaep(label), wrapped).ok()?,
        };
        Some(SessionKey::new(Zeroizing::new(session)))
    }
}

/// Makes an RSA key with exponent 65537; returns its PKCS#1 DER.
pub(crate) fn generate(bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if !(SMALLEST_KEY..=LARGEST_KEY).contains(&bits) {
        return Err(KeyError::UnsupportedSize(bits));
    }
    let key = RsaPrivateKey::new(&mut rand::rng(), bits).map_err(|_| KeyError::Generation)?;
    let der = key.to_pkcs1_der().map_err(|_| KeyError::Generation)?;
    Ok(Zeroizing::new(der.as_bytes().to_vec()))
}

/// What [`certificate_signer`] makes.
pub(crate) type CertificateSignature = rsa::pkcs1v15::Signature;

/// A signer for the key's own certificate: RSA PKCS#1 v1.5 with SHA-256.
pub(crate) fn certificate_signer(pkcs1: &[u8]) -> Result<rsa::pkcs1v15::SigningKey<Sha256>, KeyError> {
    RsaPrivateKey::from_pkcs1_der(pkcs1).map(rsa::pkcs1v15::SigningKey::new).map_err(|_| KeyError::NotAKey)
}

/// Number of significant bits of a big-endian integer without leading zero bytes.
pub(crate) fn bit_length(modulus: &[u8]) -> usize {
    modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize)
}

/// Bytes of a fresh session key: AES-256.
const SESSION_KEY: usize = 32;
/// Below this Go, and so every existing client, refuses to work.
const SMALLEST_KEY: usize = 1024;
/// Above this an operation takes seconds; no known installation uses one.
const LARGEST_KEY: usize = 8192;
/// What aws-lc-rs takes.
#[cfg(feature = "native")]
const NATIVE_SIZES: std::ops::RangeInclusive<usize> = 2048..=8192;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;
    use crate::key::private::UnsealingKey;
    use crate::scope::Scope;

    /// Both backends for one key, held against each other in all four pairings.
    #[cfg(feature = "native")]
    #[test]
    fn native_and_portable_open_each_other() {
        let key = UnsealingKey::generate(2048).unwrap();
        let portable_private =
            PrivateBackend::Portable(Box::new(RsaPrivateKey::from_pkcs1_der(key.secret_pkcs1_der()).unwrap()));
        let public = key.sealing_key();
        let portable_public =
            PublicBackend::Portable(Box::new(portable_public(public.modulus(), public.exponent()).unwrap()));
        for scope in Scope::ALL {
            let label = Label::as_given(scope, "ns", "name");
            for wrap in [public.backend(), &portable_public] {
                let session = fresh_session_key().unwrap();
                let wrapped = wrap.wrap(&session, &label).unwrap();
                for unwrap in [key.backend(), &portable_private] {
                    assert_eq!(unwrap.unwrap(&wrapped, &label).unwrap().expose(), session.expose());
                    assert!(unwrap.unwrap(&wrapped, &Label::as_given(Scope::Strict, "ns", "other")).is_none());
                }
            }
        }
    }

    #[test]
    fn small_keys_are_refused() {
        assert_eq!(generate(512).unwrap_err(), KeyError::UnsupportedSize(512));
        assert!(matches!(
            PublicBackend::new(&[], &[0x80; 64], &[1, 0, 1]),
            PublicBackend::Refused(SealError::KeyTooSmall(512))
        ));
    }
}
