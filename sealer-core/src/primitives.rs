//! The only room that names a cryptographic backend: RSA-OAEP, RSA signatures and generation, AES-GCM, SHA-256,
//! randomness, in `private` what private keys do, and in `passphrase` what a passphrase protects.
//!
//! Private-key operations of 2048 to 8192 bits run in aws-lc-rs (constant-time, blinded): unsealing, signing, and the
//! generation of keys in its sizes. The `rsa` crate is the key model; it seals where aws-lc-rs is not built in or does not
//! take the size, and opens and signs only with keys of 1024 to 2047 bits, which exist in old clusters. Without the feature
//! `unseal` there is no aws-lc-rs, and nothing here opens or signs.

use std::fmt;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Nonce};
use rand::TryRng;
use rand::rngs::SysRng;
use rsa::{Oaep, PublicKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::plaintext::SessionKey;
use crate::scope::Label;

#[cfg(feature = "unseal")]
pub(crate) mod passphrase;
#[cfg(feature = "unseal")]
pub(crate) mod private;
#[cfg(feature = "unseal")]
pub(crate) mod signer;
#[cfg(all(test, feature = "unseal"))]
mod wycheproof;

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Fills an array from the operating system.
#[cfg(feature = "unseal")]
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

/// The public half, ready to wrap session keys.
pub(crate) enum PublicBackend {
    #[cfg(feature = "unseal")]
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
        #[cfg(feature = "unseal")]
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
            #[cfg(feature = "unseal")]
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
            #[cfg(feature = "unseal")]
            Self::Native(_) => "Native",
            Self::Portable(_) => "Portable",
            Self::Refused(_) => "Refused",
        })
    }
}

#[cfg(feature = "unseal")]
fn native_public(spki: &[u8], bits: usize) -> Option<aws_lc_rs::rsa::OaepPublicEncryptingKey> {
    use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
    if !NATIVE_SIZES.contains(&bits) {
        return None;
    }
    OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(spki).ok()?).ok()
}

#[cfg(feature = "unseal")]
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
#[cfg(feature = "unseal")]
const NATIVE_SIZES: std::ops::RangeInclusive<usize> = 2048..=8192;

#[cfg(all(test, feature = "unseal"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use rsa::PrivateKey;
    use rsa::pkcs1::DecodeRsaPrivateKey as _;

    use super::private::{PrivateBackend, decrypt, generate, native_size};
    use super::*;
    use crate::error::KeyError;
    use crate::key::private::UnsealingKey;
    use crate::scope::Scope;

    /// Both backends for one key, held against each other in all four pairings.
    #[test]
    fn native_and_portable_open_each_other() {
        let key = UnsealingKey::generate(2048).unwrap();
        let portable_private =
            PrivateBackend::Portable(Box::new(PrivateKey::from_pkcs1_der(key.secret_pkcs1_der()).unwrap()));
        let public = key.sealing_key();
        let portable_public =
            PublicBackend::Portable(Box::new(portable_public(public.modulus(), public.exponent()).unwrap()));
        for scope in Scope::ALL {
            let label = Label::new_unchecked(scope, "ns", "name");
            for wrap in [public.backend(), &portable_public] {
                let session = fresh_session_key().unwrap();
                let wrapped = wrap.wrap(&session, &label).unwrap();
                for unwrap in [key.backend(), &portable_private] {
                    assert_eq!(unwrap.unwrap(&wrapped, &label).unwrap().expose(), session.expose());
                    assert!(unwrap.unwrap(&wrapped, &Label::new_unchecked(Scope::Strict, "ns", "other")).is_none());
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
        assert_eq!(format!("{:?}", UnsealingKey::generate(2048).unwrap().sealing_key().backend()), "Native");
    }
}
