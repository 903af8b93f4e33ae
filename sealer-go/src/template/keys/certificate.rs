//! What stands in a certificate that a template makes. `time`, `name` and `extension` stand in sealer-core's `key::issue`, too: the
//! crates do not know each other, and in sealer-encoding they would put the types of `x509-cert` into a public signature.

use std::net::IpAddr;
use std::time::Duration;

use der::asn1::{GeneralizedTime, Ia5String, ObjectIdentifier, OctetString, Utf8StringRef};
use der::{Decode as _, Encode as _};
use jiff::Timestamp;
use rand::RngExt as _;
use rsa::signature::{Error as SignatureError, Keypair, Signer};
use sealer_encoding::pem;
use sha2::{Digest as _, Sha256};
use x509_cert::attr::{AttributeTypeAndValue, AttributeValue};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificate};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, SubjectAltName};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, Document, DynSignatureAlgorithmIdentifier, EncodePublicKey,
    SignatureBitStringEncoding, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use super::PrivateKey;

/// What a certificate is to say.
pub(crate) struct Subject {
    pub(crate) common_name: String,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) names: Vec<String>,
    pub(crate) days: i64,
    pub(crate) authority: bool,
}

/// Who signs: the certificate's own key, or another certificate's.
pub(crate) struct Issuer<'a> {
    pub(crate) certificate: CertificateInner<Raw>,
    pub(crate) key: &'a PrivateKey,
}

/// Reads the first block of a PEM text as a certificate.
pub(crate) fn read(text: &[u8], what: &str) -> Result<CertificateInner<Raw>, String> {
    let block = pem::first(text).ok_or("unable to decode certificate")?;
    CertificateInner::from_der(&block.der)
        .map_err(|_| format!("error parsing certificate: {what}.Bytes: x509: malformed certificate"))
}

/// Makes a certificate of `key`, signed by `issuer` or by itself, as PEM.
pub(crate) fn make(
    subject: &Subject,
    key: &PrivateKey,
    issuer: Option<&Issuer<'_>>,
    now: Timestamp,
) -> Result<String, String> {
    let made = build(subject, key, issuer, now);
    let der = made.ok_or_else(|| "error creating certificate: a part of it cannot be written".to_owned())?;
    Ok(pem::encode("CERTIFICATE", &der).to_string())
}

fn build(subject: &Subject, key: &PrivateKey, issuer: Option<&Issuer<'_>>, now: Timestamp) -> Option<Vec<u8>> {
    let begin = now.as_second();
    let end = subject.days.checked_mul(SECONDS_OF_DAY).and_then(|seconds| begin.checked_add(seconds))?;
    let validity = Validity::new(time(begin)?, time(end)?);
    let mut serial: [u8; 16] = rand::rng().random();
    // A serial number is positive (RFC 5280, 4.1.2.2).
    serial[0] &= 0x7f;
    let spki = key.spki()?;
    let public = SubjectPublicKeyInfo::from_der(&spki).ok()?;
    let own_name = name(&subject.common_name).ok()?;
    let profile = Profile {
        issuer: issuer
            .map_or_else(|| own_name.clone(), |issuer| issuer.certificate.tbs_certificate().subject().clone()),
        authority_identifier: issuer.and_then(|issuer| subject_identifier(&issuer.certificate)),
        name: own_name,
        subject,
    };
    let builder = CertificateBuilder::new(profile, SerialNumber::new(&serial).ok()?, validity, public).ok()?;
    let signing = issuer.map_or(key, |issuer| issuer.key);
    let signer = CertificateSigner { key: signing, public: signing.spki()? };
    builder.build::<_, RawSignature>(&signer).ok()?.to_der().ok()
}

fn subject_identifier(certificate: &CertificateInner<Raw>) -> Option<OctetString> {
    let extensions = certificate.tbs_certificate().extensions()?;
    let found = extensions.iter().find(|extension| extension.extn_id == SUBJECT_KEY_IDENTIFIER)?;
    OctetString::from_der(found.extn_value.as_bytes()).ok()
}

fn time(unix_seconds: i64) -> Option<Time> {
    let since = Duration::from_secs(u64::try_from(unix_seconds).ok()?);
    GeneralizedTime::from_unix_duration(since).ok().map(Time::GeneralTime)
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

fn extension(extn_id: ObjectIdentifier, critical: bool, value: Vec<u8>) -> der::Result<Extension> {
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(value)? })
}

struct Profile<'a> {
    issuer: Name,
    name: Name,
    authority_identifier: Option<OctetString>,
    subject: &'a Subject,
}

impl BuilderProfile for Profile<'_> {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        public: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let usage = if self.subject.authority { &USAGE_OF_AUTHORITY } else { &USAGE };
        let constraints = BasicConstraints { ca: self.subject.authority, path_len_constraint: None };
        let purposes = ExtendedKeyUsage(vec![SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION]);
        let mut extensions = vec![
            extension(KEY_USAGE, true, usage.to_vec())?,
            extension(EXTENDED_KEY_USAGE, false, purposes.to_der()?)?,
            extension(BASIC_CONSTRAINTS, true, constraints.to_der()?)?,
        ];
        if self.subject.authority {
            let hash = Sha256::digest(public.subject_public_key.raw_bytes());
            let identifier = OctetString::new(hash.into_iter().take(KEY_IDENTIFIER).collect::<Vec<u8>>())?;
            extensions.push(extension(SUBJECT_KEY_IDENTIFIER, false, identifier.to_der()?)?);
        }
        if let Some(identifier) = self.authority_identifier.clone().filter(|_| self.issuer != self.name) {
            let identifier = AuthorityKeyIdentifier { key_identifier: Some(identifier), ..Default::default() };
            extensions.push(extension(AUTHORITY_KEY_IDENTIFIER, false, identifier.to_der()?)?);
        }
        let names = self.alternative_names()?;
        if !names.is_empty() {
            let critical = self.subject.common_name.is_empty();
            extensions.push(extension(SUBJECT_ALTERNATIVE_NAME, critical, SubjectAltName(names).to_der()?)?);
        }
        Ok(extensions)
    }
}

impl Profile<'_> {
    fn alternative_names(&self) -> der::Result<Vec<GeneralName>> {
        let names = self.subject.names.iter().map(|name| Ia5String::new(name).map(GeneralName::DnsName));
        let addresses = self.subject.addresses.iter().map(|address| {
            let bytes = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            OctetString::new(bytes).map(GeneralName::IpAddress)
        });
        names.chain(addresses).collect()
    }
}

/// A key in the form that the builder takes.
struct CertificateSigner<'a> {
    key: &'a PrivateKey,
    public: Vec<u8>,
}

#[derive(Clone)]
struct PublicHalf(Vec<u8>);

struct RawSignature(Vec<u8>);

impl Keypair for CertificateSigner<'_> {
    type VerifyingKey = PublicHalf;

    fn verifying_key(&self) -> PublicHalf {
        PublicHalf(self.public.clone())
    }
}

impl EncodePublicKey for PublicHalf {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::try_from(self.0.as_slice())?)
    }
}

impl Signer<RawSignature> for CertificateSigner<'_> {
    fn try_sign(&self, message: &[u8]) -> Result<RawSignature, SignatureError> {
        self.key.sign(message).map(RawSignature).ok_or_else(SignatureError::new)
    }
}

impl SignatureBitStringEncoding for RawSignature {
    fn to_bitstring(&self) -> der::Result<der::asn1::BitString> {
        der::asn1::BitString::from_bytes(&self.0)
    }
}

impl DynSignatureAlgorithmIdentifier for CertificateSigner<'_> {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        // RSA's identifier has the parameter NULL, the others have none (RFC 4055, 5758, 8410).
        let parameters = matches!(self.key, PrivateKey::Rsa(_)).then(der::Any::null);
        Ok(AlgorithmIdentifierOwned { oid: self.key.signature(), parameters })
    }
}

const SECONDS_OF_DAY: i64 = 24 * 60 * 60;
/// Digital signature and key encipherment, as a DER bit string.
const USAGE: [u8; 4] = [0x03, 0x02, 0x05, 0xa0];
/// The same, and certificate signing.
const USAGE_OF_AUTHORITY: [u8; 4] = [0x03, 0x02, 0x02, 0xa4];
/// Bytes of SHA-256 that make the subject key identifier.
const KEY_IDENTIFIER: usize = 20;
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const SERVER_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTHENTICATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
