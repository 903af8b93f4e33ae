//! RSA keys of templates: made, read and written as PKCS#1, and what certificates are signed with.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use der::asn1::BitString;
use der::{Decode as _, Encode as _};
use pkcs8::PrivateKeyInfoRef;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use sealer_encoding::pem;
use sha2::Sha256;
use x509_cert::spki::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

/// A private RSA key.
pub(crate) struct RsaKey {
    pkcs1: Zeroizing<Vec<u8>>,
    spki: Vec<u8>,
    signer: Signer,
}

/// aws-lc-rs signs with keys of 2048 to 8192 bits; smaller ones exist in old clusters.
enum Signer {
    Native(KeyPair),
    Portable(Box<SigningKey<Sha256>>),
}

impl RsaKey {
    pub(crate) fn generate(size: KeySize) -> Option<Self> {
        let key = PrivateDecryptingKey::generate(size).ok()?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().ok()?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let info = PrivateKeyInfoRef::from_der(der).ok()?;
        if info.algorithm.oid != pkcs1::ALGORITHM_OID {
            return None;
        }
        Self::from_pkcs1(info.private_key.as_bytes())
    }

    /// Takes a key whose parts fit each other.
    pub(crate) fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let parsed = pkcs1::RsaPrivateKeyRef::from_der(der).ok()?;
        let public = BitString::from_bytes(&parsed.public_key().to_der().ok()?).ok()?;
        let spki = SubjectPublicKeyInfo { algorithm: pkcs1::ALGORITHM_ID, subject_public_key: public };
        let signer = match KeyPair::from_der(der) {
            Ok(pair) => Signer::Native(pair),
            Err(_) => Signer::Portable(Box::new(SigningKey::new(rsa::PrivateKey::from_pkcs1_der(der).ok()?))),
        };
        Some(Self { spki: spki.to_der().ok()?, signer, pkcs1: Zeroizing::new(der.to_vec()) })
    }

    pub(crate) fn to_pem(&self) -> Zeroizing<String> {
        pem::encode("RSA PRIVATE KEY", &self.pkcs1)
    }

    /// The public half as SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// A signature in PKCS#1 v1.5 with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.signer {
            Signer::Native(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
            Signer::Portable(key) => Some(key.try_sign(message).ok()?.to_vec()),
        }
    }
}
