//! Accepting connections: bounded in number, in the time that a request's head may take, and in the time that the end may
//! take.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Serves until told to stop; then requests under way are answered, and what takes too long is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    read_timeout: Option<Duration>,
    stop: &CancellationToken,
) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listener, &free) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            // Out of descriptors, most likely: some will be free soon.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let connection = connection(stream, router.clone(), read_timeout, stop.clone());
        connections.spawn(async move {
            let _held = permit;
            connection.await;
        });
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = free.clone().acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await.ok()?;
    Some((stream, permit))
}

async fn connection(stream: TcpStream, router: Router, read_timeout: Option<Duration>, stop: CancellationToken) {
    let service = TowerToHyperService::new(router.map_request(|request: http::Request<_>| request.map(Body::new)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(read_timeout);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a connection ends is the peer's affair.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Connections at the same time; the API server's proxy needs a few.
const CONNECTIONS: usize = 512;
const PAUSE: Duration = Duration::from_millis(50);
/// Shorter than the time that a Pod has to end.
const DRAIN: Duration = Duration::from_secs(10);
