#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use super::*;
use crate::http::connection_limits::{HEAD, IDLE};
use crate::http::tests::context;

const LIMITS: Limits = Limits { total: 8, peer: 6, head: HEAD, idle: IDLE };

fn connections() -> Arc<Connections> {
    Connections::new(LIMITS, Port::Public, context(&[]))
}

fn peer(last: u8) -> Peer {
    Peer::from(SocketAddr::from(([10, 0, 0, last], 1)))
}

async fn is_evicted(place: &Place) -> bool {
    tokio::time::timeout(Duration::ZERO, place.activity.evicted()).await.is_ok()
}

async fn admit(connections: &Arc<Connections>, from: Peer) -> Place {
    tokio::time::advance(Duration::from_millis(1)).await;
    connections.admit(from).unwrap_or_else(|_| panic!("there is no room"))
}

/// Which of the places were evicted.
async fn evicted(places: &[Place]) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, place) in places.iter().enumerate() {
        if is_evicted(place).await {
            found.push(at);
        }
    }
    found
}

#[test]
fn peer_is_an_address_or_a_network() {
    let of = |text: &str| Peer::from(text.parse::<SocketAddr>().unwrap());
    assert_eq!(of("[::ffff:10.0.0.1]:1"), of("10.0.0.1:2"));
    assert_eq!(of("[fd00:1:2:3::1]:1"), of("[fd00:1:2:3:4::1]:1"));
    assert_ne!(of("[fd00:1:2:3::1]:1"), of("[fd00:1:2:4::1]:1"));
}

#[tokio::test(start_paused = true)]
async fn longest_waiting_connection_of_the_largest_peer_gives_way() {
    let connections = connections();
    let mut places = vec![admit(&connections, peer(2)).await];
    for _ in 0..6 {
        places.push(admit(&connections, peer(1)).await);
    }
    // The second of the large peer has just had an answer; the first is at work.
    places[2].activity.enter(Phase::Idle);
    places[1].activity.enter(Phase::Work);
    for _ in 0..2 {
        places.push(admit(&connections, peer(3)).await);
    }
    assert_eq!(
        evicted(&places).await,
        [3],
        "neither the oldest of a small peer, nor who is at work, nor who was active"
    );
}

#[tokio::test(start_paused = true)]
async fn peer_beyond_its_share_gives_way_itself() {
    let connections = connections();
    let mut places = vec![admit(&connections, peer(2)).await];
    for _ in 0..8 {
        places.push(admit(&connections, peer(1)).await);
    }
    assert_eq!(evicted(&places).await, [1, 2]);
    for place in &places {
        place.activity.enter(Phase::Work);
    }
    assert_eq!(connections.admit(peer(1)).err(), Some(Full));
    assert!(connections.admit(peer(3)).is_ok());
    let text = connections.context.metrics.text();
    for line in ["reason=\"evicted\"} 2\n", "reason=\"refused\"} 1\n"] {
        assert!(text.contains(&format!("http_connections_closed_total{{port=\"http\",{line}")), "{line} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn slowest_large_body_gives_way_and_small_ones_keep_theirs() {
    let limits = Limits { total: 100, peer: 100, ..LIMITS };
    let connections = Connections::new(limits, Port::Public, context(&[]));
    let mut places = Vec::new();
    for from in [1, 1, 1, 1, 1, 1, 2] {
        let place = admit(&connections, peer(from)).await;
        place.begin_body().unwrap();
        place.activity.enter(Phase::Body);
        place.grow_body(0, 2 << 20).await.unwrap();
        places.push(place);
    }
    assert_eq!(evicted(&places).await, [0], "six of the largest fit beside each other");
    // All are worked on now: nobody can give way, and what is large is refused after a while.
    for place in &places {
        place.activity.enter(Phase::Work);
    }
    let late = admit(&connections, peer(3)).await;
    late.begin_body().unwrap();
    late.grow_body(0, SMALL).await.unwrap();
    assert_eq!(late.grow_body(SMALL, 2 << 20).await, Err(Full));
    // One is answered, and there is room.
    places[1].end_body();
    late.grow_body(SMALL, 2 << 20).await.unwrap();
    assert!(connections.lock().large <= LARGE_BYTES);
    drop((places, late));
    let members = connections.lock();
    assert_eq!((members.large, members.by_id.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn oldest_body_that_is_read_gives_way_to_a_new_one() {
    let limits = Limits { total: 200, peer: 200, ..LIMITS };
    let connections = Connections::new(limits, Port::Public, context(&[]));
    let mut places = Vec::new();
    for at in 0..=BODIES {
        let place = admit(&connections, peer(1)).await;
        place.begin_body().unwrap();
        place.activity.enter(if at == 0 { Phase::Work } else { Phase::Body });
        places.push(place);
    }
    assert_eq!(evicted(&places).await, [1]);
    for place in &places {
        place.activity.enter(Phase::Work);
    }
    assert_eq!(admit(&connections, peer(2)).await.begin_body(), Err(Full));
}

/// As many as there may be bodies, and one more.
async fn with_bodies() -> (Arc<Connections>, Vec<Place>) {
    let limits = Limits { total: 1000, peer: 1000, head: HEAD, idle: IDLE };
    let connections = Connections::new(limits, Port::Public, context(&[]));
    let mut places = Vec::new();
    for _ in 0..=BODIES {
        let place = admit(&connections, peer(1)).await;
        place.activity.enter(Phase::Work);
        places.push(place);
    }
    for place in &places[..BODIES] {
        assert!(place.begin_body().is_ok());
    }
    (connections, places)
}

#[tokio::test(start_paused = true)]
async fn body_still_read_gives_way_and_work_does_not() {
    let (connections, places) = with_bodies().await;
    let last = places.last().unwrap();
    assert!(last.begin_body().is_err(), "all others are at work");
    // One that reads a head, or has no body, is of no use here.
    let idle = admit(&connections, peer(2)).await;
    idle.activity.enter(Phase::Body);
    assert!(last.begin_body().is_err());
    places[7].activity.enter(Phase::Body);
    assert!(last.begin_body().is_ok());
    assert_eq!(evicted(&places).await, [7]);
    assert!(!is_evicted(&idle).await);
    assert!(idle.begin_body().is_err(), "there are as many as before");
    places[0].end_body();
    assert!(idle.begin_body().is_ok());
}

#[tokio::test(start_paused = true)]
async fn room_is_made_of_a_connection_that_waits() {
    let connections = connections();
    let places =
        [admit(&connections, peer(1)).await, admit(&connections, peer(1)).await, admit(&connections, peer(1)).await];
    places[0].activity.enter(Phase::Work);
    connections.make_room();
    assert_eq!(evicted(&places).await, [1]);
    connections.make_room();
    connections.make_room();
    assert_eq!(evicted(&places).await, [1, 2], "work goes on");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_given_to_the_last_one_and_waited_for_a_while() {
    let connections = connections();
    let (one, other) = (admit(&connections, peer(1)).await, admit(&connections, peer(2)).await);
    one.activity.enter(Phase::Work);
    other.activity.enter(Phase::Work);
    assert!(one.grow_body(0, SMALL + LARGE_BYTES).await.is_ok(), "all there are");
    assert!(other.grow_body(0, SMALL).await.is_ok(), "the first ones are always there");
    let began = Instant::now();
    assert!(other.grow_body(SMALL, SMALL + 1).await.is_err());
    assert!(began.elapsed() >= WAIT_FOR_BYTES);
    let free = async {
        tokio::time::sleep(WAIT_FOR_BYTES / 2).await;
        one.end_body();
    };
    let (taken, ()) = tokio::join!(other.grow_body(SMALL, SMALL + 1), free);
    assert!(taken.is_ok());
    assert!(!is_evicted(&one).await && !is_evicted(&other).await);
}
