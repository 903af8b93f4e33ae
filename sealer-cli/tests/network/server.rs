//! A server and proxies that remember what they were asked.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    /// The certificate that the client showed.
    pub(crate) certificate: Option<Vec<u8>>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

type Answer = Arc<dyn Fn(&Asked, usize) -> Vec<u8> + Send + Sync>;

/// A running server.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers with what `answer` makes of a request and of how many came before. No answer keeps the client waiting.
    pub(crate) fn start(
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&Asked, usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, answer): (Arc<Mutex<Vec<Asked>>>, Answer) = (Arc::default(), Arc::new(answer));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, asked, answer) = (tls.clone(), Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    match tls {
                        Some(config) => {
                            let connection = rustls::ServerConnection::new(config).unwrap();
                            converse_tls(rustls::StreamOwned::new(connection, stream), &asked, &answer);
                        }
                        None => converse(stream, &asked, &answer, |_| None),
                    }
                });
            }
        });
        Self { port, asked }
    }

    /// An API server with the controller behind it.
    pub(crate) fn api(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self::start(tls, |asked, _| api(asked))
    }

    /// The same, which answers once on each connection, and closes it when the next request comes.
    pub(crate) fn closing() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    let (line, headers) = head(&mut stream)?;
                    let bytes = api(&Asked { line, headers, certificate: None });
                    stream.get_mut().write_all(&bytes).ok()?;
                    head(&mut stream)
                });
            }
        });
        Self { port, asked: Arc::default() }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn converse_tls(
    mut stream: rustls::StreamOwned<rustls::ServerConnection, TcpStream>,
    asked: &Mutex<Vec<Asked>>,
    answer: &Answer,
) {
    // The certificate is known once the first bytes came.
    if stream.conn.complete_io(&mut stream.sock).is_err() {
        return;
    }
    let certificate =
        stream.conn.peer_certificates().and_then(|chain| chain.first()).map(|certificate| certificate.to_vec());
    converse(stream, asked, answer, move |_| certificate.clone());
}

fn converse<S: Read + Write>(
    stream: S,
    asked: &Mutex<Vec<Asked>>,
    answer: &Answer,
    certificate: impl Fn(&S) -> Option<Vec<u8>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some((line, headers)) = head(&mut stream) {
        let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let one = Asked { line, headers, certificate: certificate(stream.get_ref()) };
        let before = {
            let mut all = asked.lock().unwrap();
            all.push(one.clone());
            all.len() - 1
        };
        let bytes = answer(&one, before);
        if stream.get_mut().write_all(&bytes).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

/// The first line and the headers of a request.
fn head(stream: &mut impl std::io::BufRead) -> Option<(String, BTreeMap<String, String>)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut next = String::new();
        stream.read_line(&mut next).ok()?;
        let Some((name, value)) = next.trim_end().split_once(':') else { break };
        let value = value.trim().to_owned();
        headers
            .entry(name.to_lowercase())
            .and_modify(|all: &mut String| *all += &format!("\n{value}"))
            .or_insert_with(|| value.clone());
    }
    Some((line.trim_end().to_owned(), headers))
}

/// What an API server with a controller answers.
pub(crate) fn api(asked: &Asked) -> Vec<u8> {
    if asked.line.contains("/proxy/v1/cert.pem") {
        return reply(200, "application/x-pem-file", &crate::stage::certificate());
    }
    let service = r#"{"kind":"Service","apiVersion":"v1","metadata":{"name":"x"},"spec":{"ports":[{"port":8080}]}}"#;
    reply(200, "application/json", service)
}

pub(crate) fn reply(status: u16, media_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Status\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// An HTTP proxy, which sends every tunnel to one port and asks for credentials if they are named.
pub(crate) fn proxy(
    target: u16,
    authorization: Option<&'static str>,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let seen = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (seen, tls) = (Arc::clone(&seen), tls.clone());
            thread::spawn(move || match tls {
                None => tunnel(stream, target, authorization, &seen),
                Some(config) => {
                    // TLS is taken off here; the tunnel itself runs between plain sockets.
                    let (inner, outer) = pair();
                    thread::spawn(move || tunnel(inner, target, authorization, &seen));
                    unwrap_tls(rustls::ServerConnection::new(config).unwrap(), stream, outer);
                }
            });
        }
    });
    Server { port, asked }
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (one, listener.accept().unwrap().0)
}

/// Copies between a TLS connection and a plain one.
fn unwrap_tls(connection: rustls::ServerConnection, stream: TcpStream, plain: TcpStream) {
    let mut tls = rustls::StreamOwned::new(connection, stream);
    if tls.conn.complete_io(&mut tls.sock).is_err() {
        return;
    }
    tls.sock.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    plain.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut plain = plain;
    let mut part = [0; 16384];
    loop {
        match tls.read(&mut part) {
            Ok(0) => return,
            Ok(count) if plain.write_all(&part[..count]).is_err() => return,
            Err(error) if !is_pause(&error) => return,
            _ => {}
        }
        match plain.read(&mut part) {
            Ok(0) => return,
            Ok(count) if tls.write_all(&part[..count]).and_then(|()| tls.flush()).is_err() => return,
            Err(error) if !is_pause(&error) => return,
            _ => {}
        }
    }
}

fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn tunnel(client: TcpStream, target: u16, authorization: Option<&str>, seen: &Mutex<Vec<Asked>>) {
    let mut client = BufReader::new(client);
    let Some((line, headers)) = head(&mut client) else { return };
    let given = headers.get("proxy-authorization").cloned();
    seen.lock().unwrap().push(Asked { line: line.clone(), headers, certificate: None });
    let mut client = client.into_inner();
    if given.as_deref() != authorization {
        drop(client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
        return;
    }
    if !line.starts_with("CONNECT ") {
        drop(client.write_all(&api(&Asked { line, headers: BTreeMap::new(), certificate: None })));
        return;
    }
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    join(client, target);
}

/// Copies between a client and a port until one of them leaves.
fn join(client: TcpStream, target: u16) {
    let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        drop(std::io::copy(&mut from_client, &mut to_server));
        drop(to_server.shutdown(Shutdown::Both));
    });
    let (mut from_server, mut to_client) = (server, client);
    drop(std::io::copy(&mut from_server, &mut to_client));
    drop(to_client.shutdown(Shutdown::Both));
}

/// A SOCKS 5 proxy, which sends everything to one port and wants a user if one is named. It remembers what host was asked for.
pub(crate) fn socks(target: u16, user: Option<(&'static str, &'static str)>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let seen = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let seen = Arc::clone(&seen);
            thread::spawn(move || socks_client(client, target, user, &seen));
        }
    });
    Server { port, asked }
}

fn socks_client(
    mut client: TcpStream,
    target: u16,
    user: Option<(&str, &str)>,
    seen: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut two = [0; 2];
    client.read_exact(&mut two).ok()?;
    let mut methods = vec![0; usize::from(two[1])];
    client.read_exact(&mut methods).ok()?;
    let method = if user.is_some() { 2 } else { 0 };
    client.write_all(&[5, method]).ok()?;
    if let Some((name, password)) = user {
        let wanted = [
            &[1, u8::try_from(name.len()).unwrap()][..],
            name.as_bytes(),
            &[u8::try_from(password.len()).unwrap()],
            password.as_bytes(),
        ]
        .concat();
        let mut given = vec![0; wanted.len()];
        client.read_exact(&mut given).ok()?;
        client.write_all(&[1, u8::from(given != wanted)]).ok()?;
    }
    let mut head = [0; 4];
    client.read_exact(&mut head).ok()?;
    let host = match head[3] {
        1 => {
            let mut ip = [0; 4];
            client.read_exact(&mut ip).ok()?;
            std::net::Ipv4Addr::from(ip).to_string()
        }
        _ => {
            let mut length = [0];
            client.read_exact(&mut length).ok()?;
            let mut name = vec![0; usize::from(length[0])];
            client.read_exact(&mut name).ok()?;
            String::from_utf8(name).unwrap()
        }
    };
    let mut port = [0; 2];
    client.read_exact(&mut port).ok()?;
    seen.lock().unwrap().push(Asked { line: host, headers: BTreeMap::new(), certificate: None });
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    join(client, target);
    Some(())
}

/// The configuration of a TLS server, which asks for a client certificate and takes any.
pub(crate) fn tls(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Arc<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_client_cert_verifier(Arc::new(AnyClient));
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

/// As an API server of Go, it looks neither at the version nor at the form of the certificate here.
#[derive(Debug)]
struct AnyClient;

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
