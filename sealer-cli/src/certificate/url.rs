//! Certificates by URL: plain HTTP rules, the environment's proxies, redirects without a downgrade, a time limit.

use std::fs::File;
use std::io;
use std::sync::Arc;

use http::{Request, Response, Uri, header};
use kube::client::Body;

use crate::cluster::{self, Choice};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::network::connect::Connector;
use crate::network::identity::Identities;
use crate::network::redirect::resolve;
use crate::network::send::Sender;
use crate::network::tls::{Configurations, Trust};
use crate::network::trace::Trace;
use crate::network::{Failure, address, proxy};

/// Fetches what a URL names; only an answer 200 counts.
pub(crate) fn fetch(url: &str, choice: &Choice) -> Result<Vec<u8>, CliError> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    match scheme.as_str() {
        "http" | "https" => {
            cluster::install_provider();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| CliError::new(format!("cannot start the runtime: {error}")))?;
            let _inside = runtime.enter();
            let tls = Configurations::new(Trust::System, Arc::new(Identities::default())).map_err(CliError::new)?;
            let connector = Connector::new(tls, proxy::Choice::Environment);
            let limit = cluster::request_timeout(choice)?;
            let sender = Sender::new(connector, Trace(choice.verbosity), limit, MOST_BYTES);
            runtime.block_on(follow(&sender, url))
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
    let file = File::open(String::from_utf8_lossy(&address::unescape(path)).as_ref()).map_err(missing)?;
    if file.metadata().is_ok_and(|found| found.is_dir()) {
        return Err(missing(io::ErrorKind::IsADirectory.into()));
    }
    input::read_from(file, url, Input::Certificate)
}

async fn follow(sender: &Sender, first: &str) -> Result<Vec<u8>, CliError> {
    let mut url = first.to_owned();
    for _ in 0..MOST_REDIRECTS {
        let answer = get(sender, &url).await?;
        let status = answer.status();
        let next = answer.headers().get(header::LOCATION).and_then(|next| next.to_str().ok());
        match (status.as_u16(), next) {
            (200, _) => return Ok(answer.into_body()),
            (301 | 302 | 303 | 307 | 308, Some(next)) => url = resolve(&url, next)?,
            _ => {
                // RFC 9110 writes this one with a hyphen.
                let reason = if status == 203 {
                    "Non-Authoritative Information"
                } else {
                    status.canonical_reason().unwrap_or_default()
                };
                return Err(CliError::new(format!(
                    "cannot fetch \"{}\": {} {reason}",
                    address::without_password(first),
                    status.as_u16()
                )));
            }
        }
    }
    Err(CliError::new(format!("Get \"{url}\": stopped after {MOST_REDIRECTS} redirects")))
}

async fn get(sender: &Sender, url: &str) -> Result<Response<Vec<u8>>, CliError> {
    let bad = |reason: &str| CliError::new(format!("parse \"{}\": {reason}", address::without_password(url)));
    let uri: Uri = url.parse().map_err(|_| bad("invalid character in it"))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    address::authority(authority).map_err(|reason| bad(&reason))?;
    let request = Request::get(uri).body(Body::empty()).map_err(|error| bad(&error.to_string()))?;
    sender.send(request).await.map_err(Failure::into_error)
}

const MOST_REDIRECTS: usize = 10;
/// A bundle of certificates is some kilobytes.
const MOST_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn other_schemes_are_refused() {
        let message = fetch("foo:bar.pem", &Choice::default()).unwrap_err().message().to_owned();
        assert_eq!(message, "Get \"foo:bar.pem\": unsupported protocol scheme \"foo\"");
    }
}
