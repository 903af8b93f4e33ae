//! A call under steady corruption: what it carries is taken note of, and its answer is corrupted if it is its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::request::Parts;
use http::{Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;

use crate::faults::call::Call;
use crate::faults::canaries::Canaries;
use crate::faults::corruption::{AnswerKind, Corruption};
use crate::faults::rule::Refusal;
use crate::faults::spoil::lines;
use crate::faults::{Answer, Broken, Shared, goes_on, parts, pass, text};

/// Steady corruption, and the values that were seen meanwhile.
#[derive(Debug, Default)]
pub struct Steady {
    /// What is corrupted.
    pub corruption: Corruption,
    /// Values that must show nowhere.
    pub canaries: Canaries,
    /// Lists that were asked for as streams.
    streams: AtomicUsize,
}

/// Passes a call on.
pub(super) async fn answer(
    shared: &Shared,
    steady: Arc<Steady>,
    call: Call,
    head: Parts,
    body: Bytes,
) -> Result<Answer, Broken> {
    let concerns_secrets = call.what.ends_with(" secrets");
    let token = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    token.and_then(|value| value.strip_prefix("Bearer ")).into_iter().for_each(|token| steady.canaries.take(token));
    if concerns_secrets {
        steady.canaries.read(&body);
    }
    let streams_list = head.uri.query().is_some_and(|query| query.contains("sendInitialEvents=true"));
    if streams_list && (steady.streams.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(PAGED) {
        return Ok(text(Refusal::new(422, "Invalid", "sendInitialEvents: Forbidden").response()));
    }
    let (mut head, body) = pass(shared, head, body).await?.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    if call.what.starts_with("watch ") && head.status.is_success() {
        return Ok(goes_on(head, corrupted(steady, call.what, streams_list, parts(body))));
    }
    let whole = body.collect().await?.to_bytes();
    if concerns_secrets {
        steady.canaries.read(&whole);
    }
    let kind = if head.status.is_success() { AnswerKind::of(&call) } else { AnswerKind::Refusal };
    Ok(text(Response::from_parts(head, steady.corruption.pass(&call.what, kind, &whole))))
}

/// An answer that goes on, line by line.
fn corrupted(
    steady: Arc<Steady>,
    what: String,
    streams_list: bool,
    parts: BoxStream<'static, Result<Bytes, Broken>>,
) -> BoxStream<'static, Result<Bytes, Broken>> {
    let mut streamed = streams_list.then_some(0);
    let lines = lines(parts).map(move |line| {
        let changed = steady.corruption.line(&what, &mut streamed, &line?);
        Ok(Bytes::from([&changed[..], b"\n"].concat()))
    });
    lines.boxed()
}

/// Of how many lists one is refused as a stream: that watch lists in pages from then on.
const PAGED: usize = 7;
