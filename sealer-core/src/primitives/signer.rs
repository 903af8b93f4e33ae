//! Signs certificates: RSA PKCS#1 v1.5 with SHA-256, in aws-lc-rs where it takes the key.

use std::fmt;

use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::signature::{Error, Keypair, Signer};
use sha2::Sha256;
use x509_cert::spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, Result as SpkiResult};

use crate::error::KeyError;

/// What a signer makes.
pub(crate) type CertificateSignature = Signature;

/// Signs with one private key.
pub(crate) struct CertificateSigner {
    /// The key as the builder of certificates wants it; it signs where nothing else does.
    portable: SigningKey<Sha256>,
    native: Option<aws_lc_rs::rsa::KeyPair>,
}

impl CertificateSigner {
    /// Takes a key in PKCS#1 DER.
    pub(crate) fn new(pkcs1: &[u8]) -> Result<Self, KeyError> {
        let portable = PrivateKey::from_pkcs1_der(pkcs1).map_err(|_| KeyError::NotAKey)?;
        Ok(Self { portable: SigningKey::new(portable), native: aws_lc_rs::rsa::KeyPair::from_der(pkcs1).ok() })
    }
}

impl Signer<CertificateSignature> for CertificateSigner {
    fn try_sign(&self, message: &[u8]) -> Result<CertificateSignature, Error> {
        if let Some(key) = &self.native {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(
                &aws_lc_rs::signature::RSA_PKCS1_SHA256,
                &aws_lc_rs::rand::SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| Error::new())?;
            return signature.as_slice().try_into();
        }
        self.portable.try_sign(message)
    }
}

impl Keypair for CertificateSigner {
    type VerifyingKey = VerifyingKey<Sha256>;

    fn verifying_key(&self) -> Self::VerifyingKey {
        self.portable.verifying_key()
    }
}

impl DynSignatureAlgorithmIdentifier for CertificateSigner {
    fn signature_algorithm_identifier(&self) -> SpkiResult<AlgorithmIdentifierOwned> {
        self.portable.signature_algorithm_identifier()
    }
}

impl fmt::Debug for CertificateSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateSigner([redacted])")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use rsa::signature::Verifier as _;

    use super::*;
    use crate::key::private::UnsealingKey;

    /// PKCS#1 v1.5 has one signature for a message and a key, whoever makes it.
    #[test]
    fn both_backends_sign_alike_and_the_key_verifies() {
        for (bits, is_native) in [(1024, false), (2048, true)] {
            let key = UnsealingKey::generate(bits).unwrap();
            let signer = CertificateSigner::new(key.secret_pkcs1_der()).unwrap();
            assert_eq!(signer.native.is_some(), is_native, "{bits}");
            let signature = signer.try_sign(b"message").unwrap();
            assert_eq!(signature, signer.portable.try_sign(b"message").unwrap(), "{bits}");
            signer.verifying_key().verify(b"message", &signature).unwrap();
            assert!(signer.verifying_key().verify(b"Message", &signature).is_err());
        }
        assert_eq!(CertificateSigner::new(b"no key").unwrap_err(), KeyError::NotAKey);
        let key = UnsealingKey::generate(1024).unwrap();
        let signer = CertificateSigner::new(key.secret_pkcs1_der()).unwrap();
        assert_eq!(format!("{signer:?}"), "CertificateSigner([redacted])");
    }
}
