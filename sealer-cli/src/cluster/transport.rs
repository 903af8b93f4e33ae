//! The connection to the API server, where kube's own does not do what kubectl's does: a server certificate that is its
//! own authority, and a time limit that the server is told.

use std::sync::Arc;

use http::{Request, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::{Client, Config};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tower::ServiceBuilder;
use tower::timeout::TimeoutLayer;
use tower::util::MapRequestLayer;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The client of a configuration. `timeout` is the limit as the flag has it, to be told to the server.
pub(super) fn client(config: Config, timeout: Option<String>) -> Result<Client, Failure> {
    let tell = MapRequestLayer::new(move |request| with_timeout(request, timeout.as_deref()));
    let pinned = config.root_cert.as_ref().filter(|_| config.proxy_url.is_none() && !config.accept_invalid_certs);
    let Some(roots) = pinned.map(|roots| roots.iter().map(|der| CertificateDer::from(der.clone())).collect()) else {
        return Ok(ClientBuilder::try_from(config)?.with_layer(&tell).build());
    };
    let mut tls = config.rustls_client_config()?;
    tls.dangerous().set_certificate_verifier(Arc::new(Verifier::new(roots)?));
    let mut connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        connector = connector.with_server_name_resolver(FixedServerNameResolver::new(name.clone().try_into()?));
    }
    let http = HttpClient::builder(TokioExecutor::new()).build(connector.enable_http1().build());
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(tell)
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .option_layer(config.read_timeout.map(TimeoutLayer::new))
        .map_err(Failure::from)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace).build())
}

/// Adds `timeout=1m30s` to the query, as kubectl does with its flag.
fn with_timeout(mut request: Request<Body>, timeout: Option<&str>) -> Request<Body> {
    let Some(timeout) = timeout else { return request };
    let mut parts = request.uri().clone().into_parts();
    let path = parts.path_and_query.as_ref().map_or("/", |path| path.as_str()).trim_end_matches('?');
    let mark = if path.contains('?') { '&' } else { '?' };
    parts.path_and_query = format!("{path}{mark}timeout={timeout}").parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// Trusts what the given authorities signed, and one of them itself in the place of a server.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(roots: Vec<CertificateDer<'static>>) -> Result<Self, Failure> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        let usual = WebPkiServerVerifier::builder(Arc::new(store)).build()?;
        Ok(Self { usual, roots })
    }
}

impl ServerCertVerifier for Verifier {
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
            Err(error) if is_authority(&error) && self.roots.contains(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_is_added_to_any_query() {
        let told = |uri: &str| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = uri.parse().unwrap_or_default();
            with_timeout(request, Some("90s")).uri().to_string()
        };
        assert_eq!(told("/a"), "/a?timeout=90s");
        assert_eq!(told("https://x/a?b=c"), "https://x/a?b=c&timeout=90s");
    }
}
