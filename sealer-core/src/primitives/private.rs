//! What private keys do: undo RSA-OAEP, and are made. With them goes AES-GCM in the direction that opens.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use rsa::PrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use zeroize::Zeroizing;

use super::{LARGEST_KEY, NATIVE_SIZES, SMALLEST_KEY, oaep};
use crate::error::KeyError;
use crate::plaintext::{Plaintext, SessionKey};
use crate::scope::Label;

/// AES-GCM with the zero nonce; the key's length picks AES-128, -192 or -256, as existing readers do.
pub(crate) fn decrypt(key: &SessionKey, ciphertext: &[u8]) -> Option<Plaintext> {
    decrypt_with_nonce(key, &[0; NONCE], ciphertext.into()).map(Plaintext::new)
}

pub(super) fn decrypt_with_nonce(
    key: &SessionKey,
    nonce: &[u8; NONCE],
    ciphertext: Payload<'_, '_>,
) -> Option<Vec<u8>> {
    match key.expose().len() {
        16 => Aes128Gcm::new_from_slice(key.expose()).ok()?.decrypt(nonce.into(), ciphertext).ok(),
        24 => AesGcm::<Aes192, U12>::new_from_slice(key.expose()).ok()?.decrypt(nonce.into(), ciphertext).ok(),
        32 => Aes256Gcm::new_from_slice(key.expose()).ok()?.decrypt(nonce.into(), ciphertext).ok(),
        _ => None,
    }
}

/// The private half, ready to unwrap session keys.
pub(crate) enum PrivateBackend {
    Native(aws_lc_rs::rsa::OaepPrivateDecryptingKey),
    Portable(Box<PrivateKey>),
}

impl PrivateBackend {
    /// Loads a key given as PKCS#1 and PKCS#8 DER; the parts are checked against each other.
    pub(crate) fn new(pkcs1: &[u8], pkcs8: &[u8], bits: usize) -> Result<Self, KeyError> {
        if NATIVE_SIZES.contains(&bits) {
            use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
            let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::NotAKey)?;
            return OaepPrivateDecryptingKey::new(key).map(Self::Native).map_err(|_| KeyError::NotAKey);
        }
        let key = PrivateKey::from_pkcs1_der(pkcs1).map_err(|_| KeyError::UnsupportedSize(bits))?;
        Ok(Self::Portable(Box::new(key)))
    }

    /// Undoes [`PublicBackend::wrap`](super::PublicBackend::wrap). `wrapped` is exactly as long as the modulus.
    pub(crate) fn unwrap(&self, wrapped: &[u8], label: &Label) -> Option<SessionKey> {
        let session = match self {
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
    if let Some(size) = native_size(bits) {
        return native_generate(size);
    }
    let key = PrivateKey::new(&mut rand::rng(), bits).map_err(|_| KeyError::Generation)?;
    let der = key.to_pkcs1_der().map_err(|_| KeyError::Generation)?;
    Ok(Zeroizing::new(der.as_bytes().to_vec()))
}

/// The sizes that aws-lc-rs makes keys of.
pub(super) fn native_size(bits: usize) -> Option<aws_lc_rs::rsa::KeySize> {
    use aws_lc_rs::rsa::KeySize;
    match bits {
        2048 => Some(KeySize::Rsa2048),
        3072 => Some(KeySize::Rsa3072),
        4096 => Some(KeySize::Rsa4096),
        8192 => Some(KeySize::Rsa8192),
        _ => None,
    }
}

fn native_generate(size: aws_lc_rs::rsa::KeySize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use der::Decode as _;
    let key = aws_lc_rs::rsa::PrivateDecryptingKey::generate(size).map_err(|_| KeyError::Generation)?;
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Generation)?;
    let info = pkcs8::PrivateKeyInfoRef::from_der(pkcs8.as_ref()).map_err(|_| KeyError::Generation)?;
    Ok(Zeroizing::new(info.private_key.as_bytes().to_vec()))
}

/// Bytes of GCM's nonce.
pub(super) const NONCE: usize = 12;
