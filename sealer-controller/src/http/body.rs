//! Receiving a body: bounded in size, in time, and in what all bodies hold together.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::http::activity::{Phase, allowance};
use crate::http::connections::Place;
use crate::http::refusal::Refusal;

/// Receives all of a body. Requests that came over no connection, in tests, are bounded in size alone.
pub(crate) async fn receive(place: Option<&Arc<Place>>, mut body: Body) -> Result<Vec<u8>, Refusal> {
    if let Some(place) = place {
        place.begin_body().map_err(|_| Refusal::Busy)?;
        place.activity.enter(Phase::Body);
    }
    let (started, mut received) = (Instant::now(), Vec::new());
    loop {
        let next = timeout_at(started + allowance(received.len()), body.frame()).await;
        let Some(frame) = next.map_err(|_| Refusal::TooSlow)? else { break };
        let Ok(part) = frame.map_err(|_| Refusal::Interrupted)?.into_data() else { continue };
        append(place, &mut received, &part).await?;
    }
    if let Some(place) = place {
        place.activity.enter(Phase::Work);
    }
    Ok(received)
}

async fn append(place: Option<&Arc<Place>>, received: &mut Vec<u8>, part: &Bytes) -> Result<(), Refusal> {
    let length = received.len() + part.len();
    if length > LARGEST {
        return Err(Refusal::TooLarge);
    }
    if let Some(place) = place {
        place.grow_body(received.len(), length).await.map_err(|_| Refusal::Busy)?;
    }
    received.extend_from_slice(part);
    Ok(())
}

/// A Secret holds at most 1 MiB; sealed and in base64 that is less than twice as much.
pub(crate) const LARGEST: usize = 2 * 1024 * 1024;
