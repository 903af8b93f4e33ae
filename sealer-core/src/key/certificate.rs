//! Certificates: what a client seals with, read leniently and written exactly as existing clients expect.

use std::time::Duration;

use der::asn1::{ObjectIdentifier, OctetString, Utf8StringRef};
use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use x509_cert::attr::{AttributeTypeAndValue, AttributeValue};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificate};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::error::CertificateError;
use crate::key::private::UnsealingKey;
use crate::key::public::SealingKey;
use crate::primitives;
use crate::primitives::signer::{CertificateSignature, CertificateSigner};
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

    /// Makes the certificate of a new sealing key: self-signed, for encryption only (docs/format.md, "Certificate").
    ///
    /// # Errors
    /// A validity beyond what X.509 can state, or a key that cannot sign.
    pub fn self_signed(
        key: &UnsealingKey,
        common_name: &str,
        not_before: Timestamp,
        validity: Duration,
    ) -> Result<Self, CertificateError> {
        let seconds = i64::try_from(validity.as_secs()).map_err(|_| CertificateError::Validity)?;
        let end = not_before.as_second().checked_add(seconds).ok_or(CertificateError::Validity)?;
        let validity = Validity::new(time(not_before.as_second())?, time(end)?);
        let der = sign(key, common_name, validity).ok_or(CertificateError::Signing)?;
        Self::from_inner(&parse(&der)?, der)
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

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::from_inner(&parse(der)?, der.to_vec())
    }

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
        let key = SealingKey::assemble(key.modulus.as_bytes(), key.public_exponent.as_bytes(), spki);
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

fn time(unix_seconds: i64) -> Result<Time, CertificateError> {
    let seconds = u64::try_from(unix_seconds).map_err(|_| CertificateError::Validity)?;
    let moment = der::asn1::GeneralizedTime::from_unix_duration(Duration::from_secs(seconds));
    moment.map(Time::GeneralTime).map_err(|_| CertificateError::Validity)
}

fn sign(key: &UnsealingKey, common_name: &str, validity: Validity) -> Option<Vec<u8>> {
    let mut serial: [u8; 16] = primitives::random().ok()?;
    // A serial number is positive (RFC 5280, 4.1.2.2).
    serial[0] &= 0x7f;
    let public = SubjectPublicKeyInfo::from_der(key.sealing_key().spki()).ok()?;
    let profile = SealingProfile { name: name(common_name).ok()?, key: key.sealing_key().clone() };
    let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial).ok()?, validity, public).ok()?;
    let signer = CertificateSigner::new(key.secret_pkcs1_der()).ok()?;
    builder.build::<_, CertificateSignature>(&signer).ok()?.to_der().ok()
}

/// `CN=<common name>`, or nothing at all.
fn name(common_name: &str) -> der::Result<Name> {
    if common_name.is_empty() {
        return Ok(Name::default());
    }
    let value = AttributeValue::from(Utf8StringRef::new(common_name)?);
    let part = RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid: COMMON_NAME, value }])?;
    Ok(Name::hazmat_from_rdn_sequence(RdnSequence::from(vec![part])))
}

struct SealingProfile {
    name: Name,
    key: SealingKey,
}

impl BuilderProfile for SealingProfile {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let constraints = BasicConstraints { ca: true, path_len_constraint: None };
        let hash = primitives::sha256(&self.key.pkcs1_der()?);
        let identifier = OctetString::new(hash.into_iter().take(KEY_IDENTIFIER).collect::<Vec<u8>>())?;
        Ok(vec![
            extension(KEY_USAGE, true, ENCIPHER_ONLY.to_vec())?,
            extension(BASIC_CONSTRAINTS, true, constraints.to_der()?)?,
            extension(SUBJECT_KEY_IDENTIFIER, false, identifier.to_der()?)?,
        ])
    }
}

fn extension(extn_id: ObjectIdentifier, critical: bool, value: Vec<u8>) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(value)? })
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
/// RFC 5280, 4.2.1.3: bit 7 alone, in the encoding that existing certificates carry.
const ENCIPHER_ONLY: [u8; 4] = [0x03, 0x02, 0x00, 0x01];
/// Bytes of SHA-256 that make the subject key identifier.
const KEY_IDENTIFIER: usize = 20;
