//! New certificates: self-signed, and written exactly as existing clients expect.

use std::time::Duration;

use der::asn1::{ObjectIdentifier, OctetString, UintRef, Utf8StringRef};
use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use x509_cert::attr::{AttributeTypeAndValue, AttributeValue};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::error::CertificateError;
use crate::key::certificate::Certificate;
use crate::key::private::UnsealingKey;
use crate::key::public::SealingKey;
use crate::primitives;
use crate::primitives::signer::{CertificateSignature, CertificateSigner};

impl Certificate {
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
        Self::from_der(&der)
    }
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
        let hash = primitives::sha256(&pkcs1_der(&self.key)?);
        let identifier = OctetString::new(hash.into_iter().take(KEY_IDENTIFIER).collect::<Vec<u8>>())?;
        Ok(vec![
            extension(KEY_USAGE, true, ENCIPHER_ONLY.to_vec())?,
            extension(BASIC_CONSTRAINTS, true, constraints.to_der()?)?,
            extension(SUBJECT_KEY_IDENTIFIER, false, identifier.to_der()?)?,
        ])
    }
}

/// PKCS#1 DER of a key: what its subject key identifier is the hash of.
pub(crate) fn pkcs1_der(key: &SealingKey) -> der::Result<Vec<u8>> {
    let (modulus, public_exponent) = (UintRef::new(key.modulus())?, UintRef::new(key.exponent())?);
    pkcs1::RsaPublicKey { modulus, public_exponent }.to_der()
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
