//! Certificates: what a client seals with, read leniently, as existing clients do. New ones are made in `issue`.

use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::time::Time;

use crate::error::CertificateError;
use crate::key::public::SealingKey;
use sealer_encoding::pem;

/// A certificate with an RSA key.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    key: SealingKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads every certificate of a PEM text; other blocks and text between are passed over.
    ///
    /// # Errors
    /// None at all, a block that is no certificate, one whose key is not RSA, or a text of more than 1 MiB or 100 blocks.
    pub fn bundle_from_pem(text: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem::blocks(text, pem::Bounds::ITEM)?.into_iter();
        let ders: Vec<_> = blocks.filter(|block| block.label == "CERTIFICATE" && !block.has_headers).collect();
        if ders.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        // Every block must be a certificate before the first one's kind of key is judged.
        let parsed: Result<Vec<_>, _> = ders.iter().map(|block| parse(&block.der)).collect();
        parsed?.into_iter().zip(&ders).map(|(inner, block)| Self::from_inner(&inner, block.der.to_vec())).collect()
    }

    /// Reads the first certificate of a PEM text: the one that is sealed with.
    ///
    /// # Errors
    /// No certificate, a block that is none, a first one whose key is not RSA, or a text of more than 1 MiB or 100 blocks.
    pub fn first_from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let mut first = None;
        for block in pem::blocks(text, pem::Bounds::ITEM)? {
            if block.label == "CERTIFICATE" && !block.has_headers {
                let inner = parse(&block.der)?;
                first.get_or_insert_with(|| (inner, block.der.to_vec()));
            }
        }
        let (inner, der) = first.ok_or(CertificateError::NoCertificate)?;
        Self::from_inner(&inner, der)
    }

    /// The key to seal with.
    pub fn key(&self) -> &SealingKey {
        &self.key
    }

    /// First moment of validity.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Last moment of validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certificate in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der).to_string()
    }

    #[cfg(feature = "unseal")]
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::from_inner(&parse(der)?, der.to_vec())
    }

    #[cfg(feature = "unseal")]
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Refuses an expired certificate. The first day is not looked at, nor is any chain: it is self-signed.
    ///
    /// # Errors
    /// `now` is later than the last moment of validity.
    pub fn check_validity(&self, now: Timestamp) -> Result<(), CertificateError> {
        if now <= self.not_after {
            return Ok(());
        }
        Err(CertificateError::Expired(self.not_after.strftime("%B %-d, %Y").to_string()))
    }

    fn from_inner(inner: &CertificateInner<Raw>, der: Vec<u8>) -> Result<Self, CertificateError> {
        let tbs = inner.tbs_certificate();
        let spki = tbs.subject_public_key_info();
        if spki.algorithm.oid != pkcs1::ALGORITHM_OID {
            return Err(CertificateError::NotRsa(spki.algorithm.oid.to_string()));
        }
        let bits = spki.subject_public_key.raw_bytes();
        let key = pkcs1::RsaPublicKeyRef::from_der(bits).map_err(|_| CertificateError::Malformed)?;
        let spki = spki.to_der().map_err(|_| CertificateError::Malformed)?;
        let key = SealingKey::from_parts(key.modulus.as_bytes(), key.public_exponent.as_bytes(), spki);
        let validity = tbs.validity();
        Ok(Self { der, key, not_before: timestamp(validity.not_before)?, not_after: timestamp(validity.not_after)? })
    }
}

/// The `Raw` profile takes serial numbers of any length, as Go does.
fn parse(der: &[u8]) -> Result<CertificateInner<Raw>, CertificateError> {
    CertificateInner::from_der(der).map_err(|_| CertificateError::Malformed)
}

fn timestamp(time: Time) -> Result<Timestamp, CertificateError> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| CertificateError::Malformed)?;
    Timestamp::from_second(seconds).map_err(|_| CertificateError::Malformed)
}
