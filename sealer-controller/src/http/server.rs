//! Serving the connections of a port: bounded in number and in time, and closed when others need the room.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::http::activity::{Activity, Phase};
use crate::http::connections::{Connections, Peer, Place};
use crate::http::observed::Observed;

/// Serves until told to stop; then requests under way are answered, and what takes too long is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    stop: &CancellationToken,
) {
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            _ = tasks.join_next(), if !tasks.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            // Out of descriptors, most likely: some will be free soon.
            connections.make_room();
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if let Ok(place) = connections.admit(Peer::from(address)) {
            tasks.spawn(connection(stream, router.clone(), Arc::new(place), connections.clone(), stop.clone()));
        }
    }
    drop(listener);
    let drained = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    place: Arc<Place>,
    connections: Arc<Connections>,
    stop: CancellationToken,
) {
    let activity = place.activity.clone();
    let service = service_fn(|request| answer(router.clone(), place.clone(), request));
    let mut builder = http1::Builder::new();
    // Time is watched here: hyper knows the head's alone, and logs whatever a peer does with it.
    builder.header_read_timeout(None).max_buf_size(LONGEST_HEAD).max_header_size(LONGEST_HEAD);
    let serving = builder.serve_connection(TokioIo::new(Observed::new(stream, &place)), service);
    let (mut serving, mut evicted, mut stopped) = (pin!(serving), pin!(activity.evicted()), pin!(stop.cancelled()));
    let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
    let mut is_stopping = false;
    let closed = poll_fn(|cx| {
        if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            serving.as_mut().graceful_shutdown();
        }
        // How a connection ends by itself is the peer's affair; evictions are counted where they are decided.
        if serving.as_mut().poll(cx).is_ready() || evicted.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        let Some((deadline, reason)) = activity.deadline() else { return Poll::Pending };
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(cx).map(|()| Some(reason))
    });
    if let Some(reason) = closed.await {
        connections.count(reason);
    }
}

async fn answer(
    router: Router,
    place: Arc<Place>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Answer>, Infallible> {
    let activity = place.activity.clone();
    // Requests may come in a row without a look at the answers: these would pile up.
    activity.written().await;
    activity.enter(Phase::Work);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(place);
    let response = router.oneshot(request).await?;
    activity.enter(Phase::Write);
    Ok(response.map(|body| Answer { body, activity }))
}

/// An answer's body, which says when hyper has taken all of it.
struct Answer {
    body: Body,
    activity: Arc<Activity>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.activity.complete_answer();
    }
}

const PAUSE: Duration = Duration::from_millis(50);
/// Shorter than the time that a Pod has to end.
const DRAIN: Duration = Duration::from_secs(10);
/// A token and what proxies add; with all connections in their heads this is 16 MiB.
const LONGEST_HEAD: usize = 32 * 1024;

#[cfg(test)]
mod tests;
