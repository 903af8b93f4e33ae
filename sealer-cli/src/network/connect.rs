//! Opens connections: directly or through a proxy, in the clear or in TLS.

use std::env;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Uri, header};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower::{Service, ServiceExt as _};

use crate::network::boxed_io::BoxedIo;
use crate::network::opening::Opening;
use crate::network::proxy::{self, Choice, Kind, Proxy};
use crate::network::tls::Configurations;
use crate::network::{address, reason, socks};

/// Why there is no connection, in the words of Go.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The proxy is to blame.
    #[error("{text}")]
    Proxy {
        text: String,
        /// Its address, and what named it.
        proxy: String,
    },
    /// The address of the proxy itself is wrong.
    #[error("{0}")]
    Choice(String),
    /// Nobody knows whom to trust.
    #[error("{0}")]
    Trust(String),
    /// A server without TLS.
    #[error("http: server gave HTTP response to HTTPS client")]
    PlainHttp,
    /// The name that the server's certificate is to have.
    #[error("tls: invalid server name \"{0}\"")]
    ServerName(String),
    /// Anything else.
    #[error(transparent)]
    Other(Failure),
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What connections need.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    tls: Arc<Configurations>,
    server_name: Option<String>,
    proxy: Arc<Choice>,
    user_agent: String,
}

impl Connector {
    pub(crate) fn new(tls: Configurations, proxy: Choice) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(DIAL_TIMEOUT));
        Self { tcp, tls: Arc::new(tls), server_name: None, proxy: Arc::new(proxy), user_agent: super::user_agent() }
    }

    /// The name that the server's certificate must have instead of the host's.
    #[must_use]
    pub(crate) fn with_server_name(mut self, name: Option<String>) -> Self {
        self.server_name = name;
        self
    }

    /// The proxy that an address is reached through.
    pub(crate) fn proxy_for(&self, target: &Uri) -> Result<Option<Proxy>, ConnectError> {
        match &*self.proxy {
            Choice::Fixed(proxy) => Ok(Some(proxy.clone())),
            Choice::Environment => {
                proxy::from_environment(target, &|name| env::var(name).ok()).map_err(ConnectError::Choice)
            }
        }
    }

    async fn open(mut self, target: Uri) -> Result<Stream, ConnectError> {
        let is_https = target.scheme_str() == Some("https");
        let (host, port) = (address::host(&target).to_owned(), address::port(&target));
        let Some(proxy) = self.proxy_for(&target)? else {
            let stream = self.dial(&host, port).await.map_err(ConnectError::Other)?;
            return if is_https { self.encrypt(stream, &host).await } else { Ok(Stream::new(stream)) };
        };
        let stream = self.dial_proxy(&proxy).await?;
        if proxy.kind == Kind::Socks {
            let tunnel = socks::tunnel(stream, &host, port, proxy.user()).await;
            let tunnel = tunnel.map_err(|error| {
                blamed(
                    &proxy,
                    &format!(
                        "socks connect tcp {}->{}: {error}",
                        address::joined(&proxy.host, proxy.port),
                        address::joined(&host, port)
                    ),
                )
            })?;
            return if is_https { self.encrypt(tunnel, &host).await } else { Ok(Stream::new(tunnel)) };
        }
        if !is_https {
            return Ok(Stream { is_proxied: true, ..Stream::new(stream) });
        }
        let tunnel = self.connect_method(stream, &proxy, &host, port).await?;
        self.encrypt(tunnel, &host).await
    }

    async fn dial(&mut self, host: &str, port: u16) -> Result<BoxedIo, Failure> {
        let uri = Uri::try_from(format!("tcp://{}", address::joined(host, port)))?;
        let stream = self.tcp.ready().await?.call(uri).await?;
        Ok(Box::new(stream.into_inner()))
    }

    async fn dial_proxy(&mut self, proxy: &Proxy) -> Result<BoxedIo, ConnectError> {
        let place = address::joined(&proxy.host, proxy.port);
        let stream = self.dial(&proxy.host, proxy.port).await;
        let failed = |error: Failure| {
            blamed(proxy, &format!("proxyconnect tcp: {}", reason(&format!("tcp://{place}"), &*error)))
        };
        let stream = stream.map_err(failed)?;
        if proxy.kind != Kind::Https {
            return Ok(stream);
        }
        let name =
            ServerName::try_from(proxy.host.clone()).map_err(|_| ConnectError::ServerName(proxy.host.clone()))?;
        let connected =
            TlsConnector::from(self.tls.to_proxy().map_err(ConnectError::Trust)?).connect(name, stream).await;
        Ok(Box::new(connected.map_err(|error| failed(error.into()))?))
    }

    /// Has an HTTP proxy make a tunnel (RFC 9110, section 9.3.6).
    async fn connect_method(
        &self,
        stream: BoxedIo,
        proxy: &Proxy,
        host: &str,
        port: u16,
    ) -> Result<BoxedIo, ConnectError> {
        let failed = |error: Failure| {
            let place = address::joined(&proxy.host, proxy.port);
            blamed(proxy, &format!("proxyconnect tcp: {}", reason(&format!("tcp://{place}"), &*error)))
        };
        let asked = async {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection.with_upgrades());
            let target = address::joined(host, port);
            let mut request = Request::connect(target.as_str())
                .header(header::HOST, target.as_str())
                .header(header::USER_AGENT, &self.user_agent);
            if let Some(authorization) = proxy.authorization() {
                request = request.header(header::PROXY_AUTHORIZATION, authorization);
            }
            let answer = sender.send_request(request.body(Body::empty())?).await?;
            let status = answer.status();
            if status.as_u16() != 200 {
                return Ok(Err(status));
            }
            Ok::<_, Failure>(Ok(hyper::upgrade::on(answer).await?))
        };
        let limited = tokio::time::timeout(CONNECT_TIMEOUT, asked)
            .await
            .map_err(|_| blamed(proxy, "proxyconnect tcp: i/o timeout"))?;
        match limited.map_err(failed)? {
            Ok(tunnel) => Ok(Box::new(TokioIo::new(tunnel))),
            // Go says the reason alone.
            Err(status) => Err(blamed(
                proxy,
                &format!("{} ({})", status.canonical_reason().unwrap_or("refused by the proxy"), status.as_u16()),
            )),
        }
    }

    async fn encrypt(&self, stream: BoxedIo, host: &str) -> Result<Stream, ConnectError> {
        let name = self.server_name.clone().unwrap_or_else(|| host.to_owned());
        let server_name = ServerName::try_from(name.clone()).map_err(|_| ConnectError::ServerName(name))?;
        let (stream, opening) = Opening::new(stream);
        let connected =
            TlsConnector::from(self.tls.to_server().map_err(ConnectError::Trust)?).connect(server_name, stream).await;
        let stream = connected.map_err(|error| {
            if opening.is_http() { ConnectError::PlainHttp } else { ConnectError::Other(error.into()) }
        })?;
        Ok(Stream::new(Box::new(stream)))
    }
}

fn blamed(proxy: &Proxy, text: &str) -> ConnectError {
    ConnectError::Proxy { text: text.to_owned(), proxy: format!("{} (from {})", proxy.shown(), proxy.named_by) }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        Box::pin(self.clone().open(target))
    }
}

/// A connection.
pub(crate) struct Stream {
    io: TokioIo<BoxedIo>,
    /// It ends at a proxy, which wants whole addresses.
    is_proxied: bool,
}

impl Stream {
    fn new(io: BoxedIo) -> Self {
        Self { io: TokioIo::new(io), is_proxied: false }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// Go's dialer (`net/http`, `DefaultTransport`).
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// Go gives a proxy as long to answer to `CONNECT`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
