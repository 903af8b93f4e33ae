//! Which servers are trusted: what the given authorities signed, one of them itself in the place of a server, or what the
//! system trusts.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::network::identity::Identities;
use crate::network::signed;

/// Whom a client trusts.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// These authorities.
    Roots(Vec<CertificateDer<'static>>),
    /// What the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other files.
    System,
    /// Anybody: `insecure-skip-tls-verify`.
    Anybody,
}

/// The configurations of connections, each made when it is first wanted: what the system trusts takes long to read.
pub(crate) struct Configurations {
    trust: Trust,
    identities: Arc<Identities>,
    to_server: OnceLock<Result<Arc<ClientConfig>, String>>,
    to_proxy: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Configurations {
    /// Authorities that cannot be read are told at once.
    pub(crate) fn new(trust: Trust, identities: Arc<Identities>) -> Result<Self, String> {
        let made = Self { trust, identities, to_server: OnceLock::new(), to_proxy: OnceLock::new() };
        if !matches!(made.trust, Trust::System) {
            made.to_server()?;
        }
        Ok(made)
    }

    /// For connections to a server.
    pub(crate) fn to_server(&self) -> Result<Arc<ClientConfig>, String> {
        let make = || {
            let builder = ClientConfig::builder().dangerous();
            let builder = builder.with_custom_certificate_verifier(verifier(&self.trust)?);
            let mut config = builder.with_client_cert_resolver(Arc::clone(&self.identities) as Arc<_>);
            // A session that is resumed would keep the certificate that a plugin has replaced.
            config.resumption = Resumption::disabled();
            Ok(Arc::new(config))
        };
        self.to_server.get_or_init(make).clone()
    }

    /// For connections to a proxy. Go trusts the server's authorities there; those of the system are as good. The client's
    /// identity is not for it.
    pub(crate) fn to_proxy(&self) -> Result<Arc<ClientConfig>, String> {
        let make = || {
            let mut trusted = vec![verifier(&self.trust)?];
            // An image without authorities of a system has the cluster's at least.
            let system = Some(Trust::System).filter(|_| matches!(self.trust, Trust::Roots(_)));
            trusted.extend(system.and_then(|system| verifier(&system).ok()));
            let builder = ClientConfig::builder().dangerous();
            Ok(Arc::new(builder.with_custom_certificate_verifier(Arc::new(Either(trusted))).with_no_client_auth()))
        };
        self.to_proxy.get_or_init(make).clone()
    }
}

fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let provider = CryptoProvider::get_default().ok_or("tls: no provider")?;
    match trust {
        Trust::Anybody => Ok(Arc::new(Unchecked(Arc::clone(provider)))),
        Trust::System => rustls_platform_verifier::Verifier::new(Arc::clone(provider))
            .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
            .map_err(|error| format!("the authorities that the system trusts cannot be read: {error}")),
        Trust::Roots(roots) => Ok(Arc::new(Pinned::new(roots.clone())?)),
    }
}

/// Trusts what the given authorities signed, and one of them itself in the place of a server.
#[derive(Debug)]
struct Pinned {
    usual: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
}

impl Pinned {
    fn new(roots: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        // Those that cannot be read are passed over, as Go's `AppendCertsFromPEM` does.
        store.add_parsable_certificates(roots.iter().cloned());
        let usual = WebPkiServerVerifier::builder(Arc::new(store)).build();
        let usual =
            usual.map_err(|_| "unable to load root certificates: no certificate in it can be read".to_owned())?;
        Ok(Self { usual, roots })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.usual.verify_server_cert(certificate, between, name, ocsp, now) {
            // The validity was looked at before; what is left is whose certificate it is.
            Err(error) if is_authority(&error) => {
                let is_pinned = self.roots.contains(certificate) && signed::may_serve(certificate);
                if !is_pinned && !signed::is_signed(certificate, &self.roots) {
                    return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
                }
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            // The chain was looked at before. Go takes `*.internal`, where webpki wants another dot.
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
                if signed::has_wildcard_for(certificate, name) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether all that is wrong is that an authority stands where a server should.
fn is_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if format!("{other:?}").contains("CaUsedAsEndEntity"))
}

/// Trusts what one of several trusts.
#[derive(Debug)]
struct Either(Vec<Arc<dyn ServerCertVerifier>>);

impl Either {
    fn first<T>(&self, ask: impl Fn(&dyn ServerCertVerifier) -> Result<T, Error>) -> Result<T, Error> {
        let mut answer = Err(Error::General("nobody to ask".to_owned()));
        for verifier in &self.0 {
            answer = ask(&**verifier);
            if answer.is_ok() {
                break;
            }
        }
        answer
    }
}

impl ServerCertVerifier for Either {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.first(|verifier| verifier.verify_server_cert(certificate, between, name, ocsp, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first(|verifier| verifier.verify_tls12_signature(message, certificate, signature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first(|verifier| verifier.verify_tls13_signature(message, certificate, signature))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.first().map(|verifier| verifier.supported_verify_schemes()).unwrap_or_default()
    }
}

/// Trusts whatever certificate there is; its form does not matter either.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
