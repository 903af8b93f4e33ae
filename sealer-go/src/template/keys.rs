//! Private keys that a template can make, read and sign with.

pub(crate) mod certificate;
mod dsa;
mod rsa;

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use der::asn1::ObjectIdentifier;
use sealer_encoding::pem;
use zeroize::Zeroizing;

use self::rsa::RsaKey;

/// A private key, ready to sign.
pub(crate) enum PrivateKey {
    Rsa(Box<RsaKey>),
    Ecdsa { pair: EcdsaKeyPair, signature: ObjectIdentifier },
    Ed25519(Ed25519KeyPair),
}

/// A new key of a kind that templates name, as PEM; none for a kind that does not exist.
pub(crate) fn generate(kind: &str) -> Option<Result<Zeroizing<String>, String>> {
    let key = match kind {
        "" | "rsa" => PrivateKey::rsa(LARGE),
        "ecdsa" => PrivateKey::p256(),
        "ed25519" => Ed25519KeyPair::generate().map(PrivateKey::Ed25519).map_err(|_| GENERATION.to_owned()),
        "dsa" => return Some(Ok(dsa::generate())),
        _ => return None,
    };
    Some(key.and_then(|key| key.to_pem()))
}

impl PrivateKey {
    /// The key of a certificate that comes without one.
    pub(crate) fn for_certificate() -> Result<Self, String> {
        Self::rsa(SMALL)
    }

    fn rsa(size: KeySize) -> Result<Self, String> {
        RsaKey::generate(size).map(|key| Self::Rsa(Box::new(key))).ok_or_else(|| GENERATION.to_owned())
    }

    fn p256() -> Result<Self, String> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| GENERATION.to_owned())?;
        Ok(Self::Ecdsa { pair, signature: ECDSA_WITH_SHA256 })
    }

    /// Reads the first block of a PEM text; an error is Go's text, as far as it holds nothing of the key.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let block = pem::first(text).ok_or("no PEM data in input")?;
        let Some(kind) = block.label.strip_suffix("PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {}", block.label));
        };
        match kind {
            "" => Self::from_pkcs8(&block.der).ok_or_else(|| "decoding PEM as PKCS#8: malformed key".to_owned()),
            "RSA " => {
                Self::from_pkcs1(&block.der).ok_or_else(|| "parsing RSA private key from PEM: malformed key".to_owned())
            }
            "EC " => {
                Self::from_sec1(&block.der).ok_or_else(|| "parsing EC private key from PEM: malformed key".to_owned())
            }
            other => Err(format!("invalid private key type {}", other.trim_end())),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        RsaKey::from_pkcs1(der).map(|key| Self::Rsa(Box::new(key)))
    }

    fn from_sec1(der: &[u8]) -> Option<Self> {
        let curve = |(algorithm, signature): &(&'static EcdsaSigningAlgorithm, ObjectIdentifier)| {
            let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
            Some(Self::Ecdsa { pair, signature: *signature })
        };
        CURVES.iter().find_map(curve)
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Some(Self::Ed25519(pair));
        }
        Self::from_sec1(der).or_else(|| RsaKey::from_pkcs8(der).map(|key| Self::Rsa(Box::new(key))))
    }

    pub(crate) fn to_pem(&self) -> Result<Zeroizing<String>, String> {
        let unwritable = |_| "the key cannot be written".to_owned();
        match self {
            Self::Rsa(key) => Ok(key.to_pem()),
            Self::Ecdsa { pair, .. } => {
                let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().map_err(unwritable)?;
                Ok(pem::encode("EC PRIVATE KEY", der.as_ref()))
            }
            Self::Ed25519(pair) => Ok(pem::encode("PRIVATE KEY", pair.to_pkcs8v1().map_err(unwritable)?.as_ref())),
        }
    }

    /// The public half as SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> Option<Vec<u8>> {
        let der = |der: PublicKeyX509Der<'_>| der.as_ref().to_vec();
        match self {
            Self::Rsa(key) => Some(key.spki().to_vec()),
            Self::Ecdsa { pair, .. } => pair.public_key().as_der().ok().map(der),
            Self::Ed25519(pair) => pair.public_key().as_der().ok().map(der),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => key.sign(message),
            Self::Ecdsa { pair, .. } => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
        }
    }

    /// How it signs.
    pub(crate) fn signature(&self) -> ObjectIdentifier {
        match self {
            Self::Rsa(_) => RSA_WITH_SHA256,
            Self::Ecdsa { signature, .. } => *signature,
            Self::Ed25519(_) => ED25519,
        }
    }
}

static CURVES: [(&EcdsaSigningAlgorithm, ObjectIdentifier); 3] = [
    (&ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_WITH_SHA256),
    (&ECDSA_P384_SHA384_ASN1_SIGNING, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3")),
    (&ECDSA_P521_SHA512_ASN1_SIGNING, ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4")),
];

const GENERATION: &str = "no key could be generated";
/// The size of `genPrivateKey "rsa"`.
const LARGE: KeySize = KeySize::Rsa4096;
/// The size of the keys of certificates.
const SMALL: KeySize = KeySize::Rsa2048;
const RSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
