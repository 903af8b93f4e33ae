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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_body_is_taken_up_to_its_limit_and_no_byte_beyond() {
        let whole = Bytes::from(vec![b'x'; LARGEST]);
        let mut received = Vec::new();
        append(None, &mut received, &whole).await.unwrap();
        assert_eq!(received.len(), LARGEST);
        assert_eq!(append(None, &mut received, &whole.slice(..1)).await, Err(Refusal::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_its_time_and_no_longer() {
        let late = |seconds: u64| {
            Body::from_stream(futures::stream::once(async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok::<_, std::io::Error>(Bytes::from_static(b"x"))
            }))
        };
        assert_eq!(receive(None, late(9)).await, Ok(b"x".to_vec()));
        assert_eq!(receive(None, late(11)).await, Err(Refusal::TooSlow));
    }

    /// A grace of ten seconds, and then 32 KiB a second.
    #[test]
    fn the_time_that_bytes_have_grows_with_them() {
        let times = [0, 32_768, 327_680].map(|bytes| allowance(bytes).as_millis());
        assert_eq!(times, [10_000, 11_024, 20_240]);
    }
}
