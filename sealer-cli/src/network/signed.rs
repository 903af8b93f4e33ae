//! What Go takes of a server's certificate and webpki does not: one that is marked as an authority itself, as
//! `openssl req -x509 -CA` makes them, and a star right before the last part of a name.

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_SERVER_AUTH};
use x509_cert::der::{Decode as _, Encode as _, Header, Reader as _, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage, NameConstraints, SubjectAltName};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// Whether one of the authorities signed it itself, for a server. Its dates and its names are the caller's to check.
pub(crate) fn is_signed(certificate: &CertificateDer<'_>, authorities: &[CertificateDer<'_>]) -> bool {
    authorities.iter().any(|authority| is_signed_by(certificate, authority).unwrap_or(false))
}

fn is_signed_by(certificate: &[u8], authority: &[u8]) -> Option<bool> {
    let parsed = CertificateInner::<Raw>::from_der(certificate).ok()?;
    let issuer = CertificateInner::<Raw>::from_der(authority).ok()?;
    if parsed.tbs_certificate().issuer() != issuer.tbs_certificate().subject() || !is_for_servers(&parsed) {
        return Some(false);
    }
    // An authority that is limited to some names: its limits are not looked at here.
    if !matches!(issuer.tbs_certificate().get_extension::<NameConstraints>(), Ok(None)) {
        return Some(false);
    }
    let key = issuer.tbs_certificate().subject_public_key_info();
    let (signed_with, key_is) = (content(parsed.signature_algorithm())?, content(&key.algorithm)?);
    let message = signed_part(certificate)?;
    let provider = CryptoProvider::get_default()?;
    let fits = |algorithm: &&&dyn rustls::pki_types::SignatureVerificationAlgorithm| {
        algorithm.signature_alg_id().as_ref() == signed_with && algorithm.public_key_alg_id().as_ref() == key_is
    };
    let mut algorithms = provider.signature_verification_algorithms.all.iter().filter(fits);
    let (key, signature) = (key.subject_public_key.raw_bytes(), parsed.signature().raw_bytes());
    Some(algorithms.any(|algorithm| algorithm.verify_signature(key, message, signature).is_ok()))
}

/// Whether a certificate may be a server's.
pub(crate) fn may_serve(certificate: &[u8]) -> bool {
    CertificateInner::<Raw>::from_der(certificate).is_ok_and(|certificate| is_for_servers(&certificate))
}

/// Go's `VerifyOptions.KeyUsages`: whatever it says about usages has to include servers.
fn is_for_servers(certificate: &CertificateInner<Raw>) -> bool {
    match certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>() {
        Ok(Some((_, usages))) => {
            usages.0.iter().any(|usage| [ID_KP_SERVER_AUTH, ANY_EXTENDED_KEY_USAGE].contains(usage))
        }
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Whether a name of it begins with a star in the place of the host's first part: Go's `matchHostnames`.
pub(crate) fn has_wildcard_for(certificate: &[u8], name: &ServerName<'_>) -> bool {
    let (ServerName::DnsName(name), Ok(parsed)) = (name, CertificateInner::<Raw>::from_der(certificate)) else {
        return false;
    };
    let name = name.as_ref().trim_end_matches('.').to_ascii_lowercase();
    let Some((_, rest)) = name.split_once('.').filter(|(first, rest)| !first.is_empty() && !rest.is_empty()) else {
        return false;
    };
    let Ok(Some((_, names))) = parsed.tbs_certificate().get_extension::<SubjectAltName>() else { return false };
    names.0.iter().any(|known| {
        let GeneralName::DnsName(known) = known else { return false };
        known.as_str().to_ascii_lowercase().strip_prefix("*.").is_some_and(|known| known == rest)
    })
}

/// The identifier without the sequence around it, as rustls names algorithms.
fn content(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let der = algorithm.to_der().ok()?;
    let mut reader = SliceReader::new(&der).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    reader.read_slice(header.length()).ok().map(<[u8]>::to_vec)
}

/// The bytes that the signature is made of, as they stand there.
fn signed_part(certificate: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(certificate).ok()?;
    Header::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()
}
