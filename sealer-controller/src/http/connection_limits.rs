//! How many connections a port has, and how long each may take.

use std::time::Duration;

use crate::metrics::labels::Port;

/// How many connections there may be, and how long each may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections of all peers.
    pub(crate) total: usize,
    /// Connections of one peer. The API server's proxy is one peer for all its users.
    pub(crate) peer: usize,
    /// Time for the head of a request.
    pub(crate) head: Duration,
    /// Time between two requests.
    pub(crate) idle: Duration,
}

impl Limits {
    /// A limit of zero on reading is none in the flags; heads and idle connections have one all the same.
    pub(crate) fn new(port: Port, read_timeout: Option<Duration>) -> Self {
        let (total, peer) = match port {
            Port::Public => (512, 256),
            Port::Admin => (128, 64),
        };
        let (head, idle) = (read_timeout.unwrap_or(HEAD).min(HEAD), read_timeout.unwrap_or(IDLE).min(IDLE));
        Self { total, peer, head, idle }
    }
}

/// An honest head arrives in one packet.
pub(super) const HEAD: Duration = Duration::from_secs(10);
/// Go's HTTP client keeps an idle connection for 90 seconds.
pub(super) const IDLE: Duration = Duration::from_secs(120);
