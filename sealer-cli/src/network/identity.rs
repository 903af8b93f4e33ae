//! A client certificate with its key, as Go's `tls.X509KeyPair` reads them: the certificate itself is the server's to
//! judge, so that one of X.509 version 1 is sent like any other.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::sign::{CertifiedKey, SigningKey};
use sealer_encoding::base64;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::{Decode as _, Encode as _};

/// What a client proves itself with.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    certified: Arc<CertifiedKey>,
    validity: Option<(Timestamp, Timestamp)>,
}

impl Identity {
    /// Reads PEM texts; certificate and key may stand in one file, among other blocks.
    pub(crate) fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, String> {
        let chain = certificates(certificate);
        let leaf = chain.first().ok_or("tls: failed to find any PEM data in certificate input")?;
        let parsed = CertificateInner::<Raw>::from_der(leaf);
        let is_short = parsed.as_ref().is_ok_and(has_short_rsa_key);
        let key = private_key(key).map_err(|reason| if is_short { SHORT_KEY.to_owned() } else { reason })?;
        let spki =
            parsed.as_ref().ok().and_then(|parsed| parsed.tbs_certificate().subject_public_key_info().to_der().ok());
        if let (Some(certified), Some(own)) = (spki, key.public_key())
            && !is_same_key(&certified, &own)
        {
            return Err("tls: private key does not match public key".to_owned());
        }
        let validity = parsed.ok().and_then(|parsed| {
            let validity = parsed.tbs_certificate().validity();
            Some((seconds(validity.not_before)?, seconds(validity.not_after)?))
        });
        Ok(Self { certified: Arc::new(CertifiedKey::new(chain, key)), validity })
    }

    /// Why the server cannot take it, as far as the clock of this machine says.
    pub(crate) fn wrong_at(&self, now: Timestamp) -> Option<String> {
        let (not_before, not_after) = self.validity?;
        if now > not_after {
            return Some(format!("the client certificate expired on {}", date(not_after)));
        }
        (now < not_before).then(|| format!("the client certificate is valid only from {}", date(not_before)))
    }
}

/// Whether its key is one of RSA with fewer than 2048 bits, of which TLS here makes no use: 256 bytes of modulus, and what
/// stands around them.
fn has_short_rsa_key(certificate: &CertificateInner<Raw>) -> bool {
    let key = certificate.tbs_certificate().subject_public_key_info();
    key.algorithm.oid == x509_cert::der::oid::db::rfc5912::RSA_ENCRYPTION
        && key.subject_public_key.raw_bytes().len() < 256
}

const SHORT_KEY: &str = "tls: the RSA key of the client certificate has fewer than 2048 bits";

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn seconds(time: x509_cert::time::Time) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
}

/// Curves and parameters may be written in more than one way; only the bits of the key count.
fn is_same_key(certified: &[u8], own: &SubjectPublicKeyInfoDer<'_>) -> bool {
    let bits = |der: &[u8]| {
        let spki = x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(der).ok()?;
        Some(spki.subject_public_key.raw_bytes().to_vec())
    };
    match (bits(certified), bits(own)) {
        (Some(certified), Some(own)) => certified == own,
        _ => true,
    }
}

/// The certificates of a PEM text, in their order.
pub(crate) fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    let blocks = blocks(pem).into_iter().filter(|block| block.label == "CERTIFICATE");
    blocks.map(|block| CertificateDer::from(block.der)).collect()
}

/// The first private key, in whichever of the three forms it is, whatever its label says.
fn private_key(pem: &[u8]) -> Result<Arc<dyn SigningKey>, String> {
    let blocks = blocks(pem);
    let Some(block) = blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")) else {
        return Err("tls: failed to find any PEM data in key input".to_owned());
    };
    if block.label.starts_with("ENCRYPTED") || block.is_encrypted {
        return Err("tls: the private key is encrypted, which no Kubernetes client reads".to_owned());
    }
    let provider = CryptoProvider::get_default().ok_or("tls: no provider")?;
    let forms = [
        PrivateKeyDer::Pkcs8(block.der.clone().into()),
        PrivateKeyDer::Pkcs1(block.der.clone().into()),
        PrivateKeyDer::Sec1(block.der.clone().into()),
    ];
    let loaded = forms.into_iter().find_map(|form| provider.key_provider.load_private_key(form).ok());
    loaded.ok_or_else(|| "tls: failed to parse private key".to_owned())
}

/// One block of a PEM text.
struct Block {
    label: String,
    der: Vec<u8>,
    is_encrypted: bool,
}

/// The blocks of a PEM text as Go's `pem.Decode` finds them: text around them and blocks that are broken are passed over.
fn blocks(pem: &[u8]) -> Vec<Block> {
    let text = String::from_utf8_lossy(pem);
    let mut found = Vec::new();
    let mut open: Option<(String, String, bool)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            open = Some((label.to_owned(), String::new(), false));
        } else if let Some(label) = line.strip_prefix("-----END ").and_then(|rest| rest.strip_suffix("-----")) {
            let Some((begun, body, is_encrypted)) = open.take().filter(|(begun, ..)| begun == label) else { continue };
            // What is encrypted is not read.
            let der = if is_encrypted { Ok(Vec::new()) } else { base64::decode(&body) };
            found.extend(der.ok().map(|der| Block { label: begun, der, is_encrypted }));
        } else if let Some((_, body, is_encrypted)) = &mut open {
            *is_encrypted |= line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
            if !line.contains(':') {
                body.push_str(line);
            }
        }
    }
    found
}

/// Hands the identity to whoever asks, without a look at what kind of authority is asked for: client-go does the same.
/// A credential plugin may replace it.
#[derive(Debug, Default)]
pub(crate) struct Identities(RwLock<Option<Identity>>);

impl Identities {
    pub(crate) fn new(identity: Option<Identity>) -> Self {
        Self(RwLock::new(identity))
    }

    pub(crate) fn replace(&self, identity: Identity) {
        *self.0.write() = Some(identity);
    }

    pub(crate) fn current(&self) -> Option<Identity> {
        self.0.read().clone()
    }
}

impl ResolvesClientCert for Identities {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.current().map(|identity| identity.certified)
    }

    fn has_certs(&self) -> bool {
        self.current().is_some()
    }
}
