//! The only room that names a cryptographic backend: RSA-OAEP, RSA signatures and generation, AES-GCM, SHA-256,
//! randomness, and in `passphrase` what a passphrase protects.
//!
//! Private-key operations of 2048 to 8192 bits run in aws-lc-rs (constant-time, blinded): unsealing, signing, and the
//! generation of keys in its sizes. The `rsa` crate is the key model; it seals where aws-lc-rs is not built in or does not
//! take the size, and opens and signs only with keys of 1024 to 2047 bits, which exist in old clusters.

use std::fmt;

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead as _, KeyInit as _, Nonce, Payload};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use rand::TryRng;
use rand::rngs::SysRng;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::{Oaep, PrivateKey, PublicKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{KeyError, SealError};
use crate::plaintext::{Plaintext, SessionKey};
use crate::scope::Label;

pub(crate) mod passphrase;
pub(crate) mod signer;
#[cfg(all(test, feature = "native"))]
mod wycheproof;

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
    session_key_from(&mut SysRng)
}

fn session_key_from(source: &mut impl TryRng) -> Result<SessionKey, SealError> {
    let mut bytes = Zeroizing::new(vec![0; SESSION_KEY]);
    source.try_fill_bytes(&mut bytes).map_err(|_| SealError::Randomness)?;
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
    decrypt_with_nonce(key, &[0; NONCE], ciphertext.into()).map(Plaintext::new)
}

fn decrypt_with_nonce(key: &SessionKey, nonce: &[u8; NONCE], ciphertext: Payload<'_, '_>) -> Option<Vec<u8>> {
    match key.expose().len() {
        16 => Aes128Gcm::new_from_slice(key.expose()).ok()?.decrypt(nonce.into(), ciphertext).ok(),
        24 => AesGcm::<Aes192, U12>::new_from_slice(key.expose()).ok()?.decrypt(nonce.into(), ciphertext).ok(),
        32 => Aes256Gcm::new_from_slice(key.expose()).ok()?.decrypt(nonce.into(), ciphertext).ok(),
        _ => None,
    }
}

/// The public half, ready to wrap session keys.
pub(crate) enum PublicBackend {
    #[cfg(feature = "native")]
    Native(aws_lc_rs::rsa::OaepPublicEncryptingKey),
    Portable(Box<PublicKey>),
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

fn portable_public(modulus: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    let integer = |bytes: &[u8]| rsa::BoxedUint::from_be_slice_vartime(bytes);
    PublicKey::new_with_size_limits(integer(modulus), integer(exponent), SMALLEST_KEY..=LARGEST_KEY).ok()
}

fn oaep(label: &Label) -> Oaep<Sha256> {
    Oaep::<Sha256>::new_with_label(label.as_bytes())
}

/// The private half, ready to unwrap session keys.
pub(crate) enum PrivateBackend {
    #[cfg(feature = "native")]
    Native(aws_lc_rs::rsa::OaepPrivateDecryptingKey),
    Portable(Box<PrivateKey>),
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
        let key = PrivateKey::from_pkcs1_der(pkcs1).map_err(|_| KeyError::UnsupportedSize(bits))?;
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
    #[cfg(feature = "native")]
    if let Some(size) = native_size(bits) {
        return native_generate(size);
    }
    let key = PrivateKey::new(&mut rand::rng(), bits).map_err(|_| KeyError::Generation)?;
    let der = key.to_pkcs1_der().map_err(|_| KeyError::Generation)?;
    Ok(Zeroizing::new(der.as_bytes().to_vec()))
}

/// The sizes that aws-lc-rs makes keys of.
#[cfg(feature = "native")]
fn native_size(bits: usize) -> Option<aws_lc_rs::rsa::KeySize> {
    use aws_lc_rs::rsa::KeySize;
    match bits {
        2048 => Some(KeySize::Rsa2048),
        3072 => Some(KeySize::Rsa3072),
        4096 => Some(KeySize::Rsa4096),
        8192 => Some(KeySize::Rsa8192),
        _ => None,
    }
}

#[cfg(feature = "native")]
fn native_generate(size: aws_lc_rs::rsa::KeySize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use der::Decode as _;
    let key = aws_lc_rs::rsa::PrivateDecryptingKey::generate(size).map_err(|_| KeyError::Generation)?;
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Generation)?;
    let info = pkcs8::PrivateKeyInfoRef::from_der(pkcs8.as_ref()).map_err(|_| KeyError::Generation)?;
    Ok(Zeroizing::new(info.private_key.as_bytes().to_vec()))
}

/// Number of significant bits of a big-endian integer without leading zero bytes.
pub(crate) fn bit_length(modulus: &[u8]) -> usize {
    modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize)
}

/// Bytes of a fresh session key: AES-256.
const SESSION_KEY: usize = 32;
/// Bytes of GCM's nonce.
const NONCE: usize = 12;
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
            PrivateBackend::Portable(Box::new(PrivateKey::from_pkcs1_der(key.secret_pkcs1_der()).unwrap()));
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

    /// T-C9.
    #[test]
    fn without_randomness_there_is_no_session_key() {
        struct Failing;
        impl TryRng for Failing {
            type Error = std::io::Error;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Err(std::io::ErrorKind::Other.into())
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Err(std::io::ErrorKind::Other.into())
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
                Err(std::io::ErrorKind::Other.into())
            }
        }
        assert_eq!(session_key_from(&mut Failing).unwrap_err(), SealError::Randomness);
    }

    /// T-C9: what the source gives is the key, all of it, and every call asks anew.
    #[test]
    fn a_session_key_is_what_the_source_gives() {
        struct Counting(u8);
        impl TryRng for Counting {
            type Error = std::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                unreachable!("bytes are asked for")
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                unreachable!("bytes are asked for")
            }
            fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
                bytes.fill_with(|| {
                    self.0 += 1;
                    self.0
                });
                Ok(())
            }
        }
        let mut source = Counting(0);
        let first: Vec<u8> = (1..=32).collect();
        let second: Vec<u8> = (33..=64).collect();
        assert_eq!(session_key_from(&mut source).unwrap().expose(), first);
        assert_eq!(session_key_from(&mut source).unwrap().expose(), second);
        let fresh: std::collections::HashSet<Vec<u8>> =
            (0..1000).map(|_| fresh_session_key().unwrap().expose().to_vec()).collect();
        assert_eq!(fresh.len(), 1000);
        assert!((0..100).map(|_| random::<16>().unwrap()).collect::<std::collections::HashSet<_>>().len() == 100);
    }

    /// NIST's GCM test cases 13 and 14: the zero key and nonce.
    #[test]
    fn encryption_gives_the_known_answers() {
        let key = || SessionKey::new(Zeroizing::new(vec![0; 32]));
        let known = |hex: &str| -> Vec<u8> {
            hex.as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect()
        };
        for (plaintext, answer) in [
            (&[][..], "530f8afbc74536b9a963b4f1c4cb738b"),
            (&[0; 16][..], "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        ] {
            assert_eq!(encrypt(key(), plaintext).unwrap(), known(answer));
            assert_eq!(decrypt(&key(), &known(answer)).unwrap().expose(), plaintext);
        }
        for length in [0, 15, 17, 31, 33, 64] {
            let key = SessionKey::new(Zeroizing::new(vec![0; length]));
            assert!(decrypt(&key, &[0; 40]).is_none(), "{length}");
        }
    }

    #[test]
    fn new_keys_have_the_size_asked_for_and_the_usual_exponent() {
        for bits in [1024, 1056, 2048, 3072] {
            let der = generate(bits).unwrap();
            let key = PrivateKey::from_pkcs1_der(&der).unwrap();
            key.validate().unwrap();
            let public =
                UnsealingKey::from_pem(sealer_encoding::pem::encode("RSA PRIVATE KEY", &der).as_bytes()).unwrap();
            assert_eq!((public.bits(), public.sealing_key().exponent()), (bits, &[1, 0, 1][..]));
            assert_ne!(*generate(bits).unwrap(), *der);
        }
        for bits in [0, 1023, 8193] {
            assert_eq!(generate(bits).unwrap_err(), KeyError::UnsupportedSize(bits));
        }
        #[cfg(feature = "native")]
        for bits in [1024, 2048, 2049, 3072, 4096, 6144, 8192] {
            let expected = [2048, 3072, 4096, 8192].contains(&bits).then_some(bits);
            assert_eq!(native_size(bits).map(|size| size.len() * 8), expected);
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        for (modulus, bits) in [(&[][..], 0), (&[1], 1), (&[0x80], 8), (&[0x7f, 0xff], 15), (&[0x80; 256], 2048)] {
            assert_eq!(bit_length(modulus), bits, "{modulus:?}");
        }
    }

    #[test]
    fn what_backends_print_is_their_name() {
        let key = UnsealingKey::generate(1024).unwrap();
        assert_eq!(format!("{:?}", key.sealing_key().backend()), "Portable");
        let refused = PublicBackend::new(&[], &[0x80; 64], &[1, 0, 1]);
        assert_eq!(format!("{refused:?}"), "Refused");
        #[cfg(feature = "native")]
        assert_eq!(format!("{:?}", UnsealingKey::generate(2048).unwrap().sealing_key().backend()), "Native");
    }
}
