//! Certificates by URL: plain HTTP rules, the environment's proxies, redirects without a downgrade, a time limit.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io;
use std::time::Duration;

use http::{Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use kube::{Client, Config};
use tokio::net::TcpStream;

use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::network;

/// Fetches what a URL names; only an answer 200 counts.
pub(crate) fn fetch(url: &str) -> Result<Vec<u8>, CliError> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    match scheme.as_str() {
        "http" | "https" => {
            // kube takes the process's provider; installing it twice is harmless.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| CliError::new(format!("cannot start the runtime: {error}")))?;
            runtime.block_on(follow(url))
        }
        "file" => local(url),
        other => Err(CliError::new(format!("Get \"{url}\": unsupported protocol scheme \"{other}\""))
            .hint("use a file, http:// or https://")),
    }
}

/// `file://HOST/PATH`: the host is passed over.
fn local(url: &str) -> Result<Vec<u8>, CliError> {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    let missing = |_| CliError::new(format!("cannot fetch \"{url}\": 404 Not Found"));
    let file = File::open(unescape(path)).map_err(missing)?;
    if file.metadata().is_ok_and(|found| found.is_dir()) {
        return Err(missing(io::ErrorKind::IsADirectory.into()));
    }
    input::read_from(file, url, Input::Certificate)
}

/// Replaces `%41` by `A`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn follow(first: &str) -> Result<Vec<u8>, CliError> {
    let mut url = first.to_owned();
    for _ in 0..MOST_REDIRECTS {
        let answer = get(&url).await?;
        let status = answer.status();
        let next = answer.headers().get(header::LOCATION).and_then(|next| next.to_str().ok());
        match (status.as_u16(), next) {
            (200, _) => return body(&url, answer).await,
            (301 | 302 | 303 | 307 | 308, Some(next)) => url = resolve(&url, next)?,
            _ => {
                // RFC 9110 writes this one with a hyphen.
                let reason = if status == 203 {
                    "Non-Authoritative Information"
                } else {
                    status.canonical_reason().unwrap_or_default()
                };
                return Err(CliError::new(format!("cannot fetch \"{first}\": {} {reason}", status.as_u16())));
            }
        }
    }
    Err(CliError::new(format!("Get \"{url}\": stopped after {MOST_REDIRECTS} redirects")))
}

async fn get(url: &str) -> Result<Response<Body>, CliError> {
    let bad = |error: &dyn std::fmt::Display| CliError::new(format!("parse \"{url}\": {error}"));
    let uri: Uri = url.parse().map_err(|error| bad(&error))?;
    if let Some(proxy) =
        proxy(&uri).filter(|proxy| uri.scheme_str() == Some("http") && proxy.scheme_str() == Some("http"))
    {
        return through(&proxy, &uri).await.map_err(|error| CliError::new(network::unanswered("Get", url, &*error)));
    }
    let root = format!("{}://{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |it| it.as_str()));
    let mut config = Config::new(root.parse().map_err(|error| bad(&error))?);
    config.default_retry = false;
    config.connect_timeout = Some(PATIENCE);
    config.read_timeout = Some(PATIENCE);
    config.proxy_url = proxy(&uri);
    let client = Client::try_from(config).map_err(|error| CliError::new(network::unanswered("Get", url, &error)))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).body(Body::empty()).map_err(|error| bad(&error))?;
    client.send(request).await.map_err(|error| CliError::new(network::unanswered("Get", url, &error)))
}

/// Asks a proxy for a plain address: by its whole URL, where TLS would be tunnelled.
async fn through(proxy: &Uri, uri: &Uri) -> Result<Response<Body>, Box<dyn Error + Send + Sync>> {
    let address = (proxy.host().unwrap_or_default(), proxy.port_u16().unwrap_or(80));
    let asked = async {
        let stream = TokioIo::new(TcpStream::connect(address).await?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::get(uri).header(header::HOST, host).body(Body::empty())?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let bytes = Limited::new(body, MOST_BYTES).collect().await?.to_bytes();
        Ok(Response::from_parts(head, Body::from(bytes.to_vec())))
    };
    tokio::time::timeout(PATIENCE, asked).await?
}

async fn body(url: &str, answer: Response<Body>) -> Result<Vec<u8>, CliError> {
    let collected = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    let collected = collected.map_err(|error| CliError::new(network::unanswered("Get", url, &*error)))?;
    Ok(collected.to_bytes().to_vec())
}

/// Where a redirect leads. From https it may not lead back to http: the certificate would come from anybody.
pub(crate) fn resolve(url: &str, next: &str) -> Result<String, CliError> {
    if let Some((scheme, _)) = next.split_once("://") {
        let is_https = |scheme: &str| scheme.eq_ignore_ascii_case("https");
        if url.split_once("://").is_some_and(|(own, _)| is_https(own)) && !is_https(scheme) {
            return Err(CliError::new(format!("Get \"{next}\": redirected from https to {scheme}"))
                .hint("a certificate that travels in the clear can be replaced; use the https address of the file"));
        }
        return Ok(next.to_owned());
    }
    let path_at = url.find("://").and_then(|at| url.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
    let (root, path) = path_at.and_then(|at| url.split_at_checked(at)).unwrap_or((url, "/"));
    if next.starts_with('/') {
        return Ok(format!("{root}{next}"));
    }
    let folder = path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or("/");
    Ok(format!("{root}{folder}{next}"))
}

/// The environment's proxy for this address; never for this machine itself.
fn proxy(uri: &Uri) -> Option<Uri> {
    let host = uri.host().unwrap_or_default();
    let variable = |name: &str| env::var(name).or_else(|_| env::var(name.to_lowercase())).ok();
    let is_exempt = |entry: &str| {
        let entry = entry.trim().trim_start_matches('.');
        entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
    };
    if host == "localhost" || host.starts_with("127.") || host == "[::1]" {
        return None;
    }
    if variable("NO_PROXY").is_some_and(|list| list.split(',').any(is_exempt)) {
        return None;
    }
    let name = if uri.scheme_str() == Some("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let address = variable(name).filter(|address| !address.is_empty())?;
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    address.parse().ok()
}

const PATIENCE: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 10;
/// A bundle of certificates is some kilobytes.
const MOST_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn redirects_are_resolved_and_never_lose_tls() {
        assert_eq!(resolve("https://a/b/c", "/d").unwrap(), "https://a/d");
        assert_eq!(resolve("http://a:1/b/c", "d").unwrap(), "http://a:1/b/d");
        assert_eq!(resolve("http://a/b", "https://x/y").unwrap(), "https://x/y");
        for url in ["https://a/b", "HTTPS://a/b", "Https://a/b"] {
            assert!(resolve(url, "http://a/c").is_err(), "{url}");
            assert!(resolve(url, "HTTP://a/c").is_err(), "{url}");
        }
    }

    #[test]
    fn other_schemes_are_refused_and_escapes_are_undone() {
        let message = fetch("foo:bar.pem").unwrap_err().message().to_owned();
        assert_eq!(message, "Get \"foo:bar.pem\": unsupported protocol scheme \"foo\"");
        assert_eq!(unescape("/a%20b%zz"), "/a b%zz");
    }
}
