//! The connections of one port: what each is doing, and which one is closed when there are too many or too many bytes are
//! held for them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::context::Context;
use crate::http::activity::{Activity, Phase};
use crate::http::connection_limits::Limits;
use crate::metrics::labels::{ClosedConnection, Port};

/// Who is at the other end: an IPv4 address, or the /64 network of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self(match address.ip().to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// The connections of one port.
pub(crate) struct Connections {
    pub(crate) limits: Limits,
    port: Port,
    context: Arc<Context>,
    members: Mutex<Members>,
    /// Told when bytes are given back.
    freed: Notify,
}

#[derive(Default)]
struct Members {
    by_id: HashMap<u64, Member>,
    next: u64,
    /// Bytes held beyond [`SMALL`] for each body.
    large: usize,
}

struct Member {
    peer: Peer,
    activity: Arc<Activity>,
    /// Its share of [`Members::large`].
    large: usize,
    /// Whether it has a body that is read, worked on or answered.
    has_body: bool,
}

/// One connection's place. Dropping it makes room.
pub(crate) struct Place {
    connections: Arc<Connections>,
    id: u64,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<Activity>,
}

/// There is no room, and nobody who could give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Connections {
    pub(crate) fn new(limits: Limits, port: Port, context: Arc<Context>) -> Arc<Self> {
        let (members, freed) = (Mutex::default(), Notify::new());
        Arc::new(Self { limits, port, context, members, freed })
    }

    /// Gives a new connection a place. Where there is none, the connection that waits longest gives way: one of the peer
    /// that has the most, or of this peer if it has its share already.
    pub(crate) fn admit(self: &Arc<Self>, peer: Peer) -> Result<Place, Full> {
        let mut members = self.lock();
        let own = members.by_id.values().filter(|member| member.peer == peer).count();
        if own >= self.limits.peer || members.by_id.len() >= self.limits.total {
            let own_only = own >= self.limits.peer;
            let is_candidate =
                |member: &Member| (!own_only || member.peer == peer) && WAITING.contains(&member.activity.phase());
            if !self.evict(&mut members, is_candidate, |_| 1) {
                drop(members);
                self.count(ClosedConnection::Refused);
                return Err(Full);
            }
        }
        let id = members.next;
        members.next += 1;
        let activity = Arc::new(Activity::new(self.limits));
        members.by_id.insert(id, Member { peer, activity: activity.clone(), large: 0, has_body: false });
        drop(members);
        Ok(Place { connections: self.clone(), id, peer, activity })
    }

    /// Closes the connection that waits longest, if there is one: descriptors have run out.
    pub(crate) fn make_room(&self) {
        self.evict(&mut self.lock(), |member| WAITING.contains(&member.activity.phase()), |_| 1);
    }

    pub(crate) fn count(&self, reason: ClosedConnection) {
        self.context.metrics.count_closed(self.port, reason);
    }

    /// Begins a body of a connection. Where too many are in work already, the oldest that is still being read gives way.
    fn begin_body(&self, id: u64) -> Result<(), Full> {
        let mut members = self.lock();
        let bodies = members.by_id.values().filter(|member| member.has_body).count();
        if bodies >= BODIES {
            let is_read = |member: &Member| member.has_body && member.activity.phase() == Phase::Body;
            if !self.evict(&mut members, is_read, |_| 1) {
                return Err(Full);
            }
        }
        members.by_id.get_mut(&id).ok_or(Full)?.has_body = true;
        Ok(())
    }

    /// Takes bytes for a body. Where there are none left, the slowest large body, or the slowest reader of a large answer,
    /// gives way; if everything is in work, they are waited for a while.
    async fn take(&self, id: u64, bytes: usize) -> Result<(), Full> {
        let deadline = Instant::now() + WAIT_FOR_BYTES;
        loop {
            let freed = self.freed.notified();
            if self.try_take(id, bytes)? {
                return Ok(());
            }
            timeout_at(deadline, freed).await.map_err(|_| Full)?;
        }
    }

    fn try_take(&self, id: u64, bytes: usize) -> Result<bool, Full> {
        let mut members = self.lock();
        while members.large + bytes > LARGE_BYTES {
            let gives_way =
                |member: &Member| member.large > 0 && matches!(member.activity.phase(), Phase::Body | Phase::Write);
            if !self.evict(&mut members, gives_way, |member| member.large) {
                return Ok(false);
            }
        }
        // Evicted itself, perhaps just now.
        members.by_id.get_mut(&id).ok_or(Full)?.large += bytes;
        members.large += bytes;
        Ok(true)
    }

    fn end_body(&self, id: u64) {
        let mut members = self.lock();
        if let Some(member) = members.by_id.get_mut(&id) {
            member.has_body = false;
            let large = std::mem::take(&mut member.large);
            members.large = members.large.saturating_sub(large);
        }
        drop(members);
        self.freed.notify_waiters();
    }

    /// Closes the candidate that waits longest, of the peer whose candidates weigh most.
    fn evict(
        &self,
        members: &mut Members,
        is_candidate: impl Fn(&Member) -> bool,
        weight: impl Fn(&Member) -> usize,
    ) -> bool {
        let candidates = || members.by_id.iter().filter(|(_, member)| is_candidate(member));
        let mut weights: HashMap<Peer, usize> = HashMap::new();
        for (_, member) in candidates() {
            *weights.entry(member.peer).or_default() += weight(member);
        }
        let heaviest = weights.values().copied().max().unwrap_or_default();
        let of_heaviest = candidates().filter(|(_, member)| weights.get(&member.peer) == Some(&heaviest));
        let Some(id) = of_heaviest.min_by_key(|(id, member)| (member.activity.since(), **id)).map(|(id, _)| *id) else {
            return false;
        };
        if let Some(member) = members.by_id.remove(&id) {
            members.large = members.large.saturating_sub(member.large);
            member.activity.evict();
        }
        self.count(ClosedConnection::Evicted);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock()
    }
}

impl Place {
    /// Begins a body. It counts until the answer is written.
    pub(crate) fn begin_body(&self) -> Result<(), Full> {
        self.connections.end_body(self.id);
        self.connections.begin_body(self.id)
    }

    /// Has the body grow from `old` bytes to `new`. The first ones of each body are always there.
    pub(crate) async fn grow_body(&self, old: usize, new: usize) -> Result<(), Full> {
        let more = new.saturating_sub(SMALL).saturating_sub(old.saturating_sub(SMALL));
        if more > 0 { self.connections.take(self.id, more).await } else { Ok(()) }
    }

    pub(crate) fn end_body(&self) {
        self.connections.end_body(self.id);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut members = self.connections.lock();
        let large = members.by_id.remove(&self.id).map_or(0, |member| member.large);
        members.large = members.large.saturating_sub(large);
        drop(members);
        self.connections.freed.notify_waiters();
    }
}

/// Phases in which a connection waits for its peer and nothing is in work for it.
const WAITING: [Phase; 3] = [Phase::Head, Phase::Idle, Phase::Write];
/// Bodies that are read, worked on or answered at the same time.
const BODIES: usize = 64;
/// Bytes of each body that are always there: with [`BODIES`] of them 4 MiB.
const SMALL: usize = 64 * 1024;
/// Bytes beyond those, of all bodies together: six of the largest.
const LARGE_BYTES: usize = 12 * 1024 * 1024;
const WAIT_FOR_BYTES: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
