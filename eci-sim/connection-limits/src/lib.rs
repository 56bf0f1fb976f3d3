//! Limits on what peers that have not shown who they are can hold of a server: connections, bytes and time.
//!
//! One limiter serves all ports of a process. Where something is full, the peer that takes the most gives way, not the
//! one that comes last: of connections, the least recently used one of the address that has the most; of bytes, the
//! request that holds the most. Connections on which somebody was authenticated never give way to others.
//!
//! A connection that gives way, or is not done in time, has its task aborted, so that its memory and its socket are free
//! at once. Deadlines are counted in ticks of a second, so that a request costs a store each and no timer.

mod metered;
mod table;

pub use metered::{Meter, Metered};

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use table::Table;

/// The interval at which [`ConnectionLimiter::tick`] is to be called.
pub const TICK: Duration = Duration::from_secs(1);
/// The tick of a deadline that never comes.
const NEVER: u64 = u64::MAX;

/// Upper bounds; the same for every port of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unauthenticated connections at once.
    pub unauthenticated: usize,
    /// Unauthenticated connections at once from one IPv4 address or one IPv6 network of 64 bits.
    pub per_address: usize,
    /// Connections at once, authenticated ones included; one more is closed.
    pub connections: usize,
    /// Bytes of requests that are being read and not yet authenticated.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unauthenticated: 512, per_address: 256, connections: 4096, bytes: 32 << 20 }
    }
}

/// Admits connections and bytes within [`Limits`]; clones share them.
#[derive(Debug, Clone, Default)]
pub struct ConnectionLimiter(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    limits: Limits,
    ticks: AtomicU64,
    table: Mutex<Table>,
}

/// The budget for bytes is used up by requests that hold no more than this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many bytes of unauthenticated requests are in flight; try again")]
pub struct Overloaded;

/// One admitted connection; its place is free again when this is dropped.
#[derive(Debug)]
pub struct Connection {
    limiter: ConnectionLimiter,
    number: u64,
    /// The tick at which it is overdue.
    deadline: Arc<AtomicU64>,
    held: AtomicUsize,
    authenticated: AtomicBool,
}

impl ConnectionLimiter {
    /// A limiter of its own.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, ..Shared::default() }))
    }

    /// Serves a connection as a task of `tasks`, which is aborted when the connection has to give way or is overdue;
    /// false where every place is taken by authenticated ones.
    pub fn spawn<F>(&self, tasks: &mut JoinSet<()>, peer: IpAddr, serve: impl FnOnce(Connection) -> F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(connection) = self.admit(peer) else { return false };
        let number = connection.number;
        let task = tasks.spawn(serve(connection));
        self.table().attach(number, task);
        true
    }

    /// A place for a connection that no task serves yet, so that it is not ended by others; none where all are taken.
    pub fn admit(&self, peer: IpAddr) -> Option<Connection> {
        let deadline = Arc::new(AtomicU64::new(NEVER));
        let number = self.table().admit(&self.0.limits, network(peer), Arc::clone(&deadline))?;
        let limiter = self.clone();
        Some(Connection {
            limiter,
            number,
            deadline,
            held: AtomicUsize::new(0),
            authenticated: AtomicBool::new(false),
        })
    }

    /// Lets a second pass and ends what is overdue. Every listener calls this each [`TICK`]; of calls within less than
    /// half of it only the first counts, and so does a leap of the runtime's clock as one.
    pub fn tick(&self, now: Instant) {
        let mut table = self.table();
        if table.last_tick.is_some_and(|last| now.duration_since(last) < TICK / 2) {
            return;
        }
        table.last_tick = Some(now);
        let ticks = self.0.ticks.fetch_add(1, Relaxed) + 1;
        table.end_overdue(ticks);
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.table().connections()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Ends the connection unless something else is said within so many seconds, rounded up by one at most.
    pub fn within(&self, seconds: u64) {
        let now = self.limiter.0.ticks.load(Relaxed);
        self.deadline.store(now.saturating_add(seconds).saturating_add(1), Relaxed);
    }

    /// Takes the deadline back.
    pub fn without_deadline(&self) {
        self.deadline.store(NEVER, Relaxed);
    }

    /// Counts bytes that a request of this connection is about to take.
    ///
    /// # Errors
    /// [`Overloaded`] where there is no room for them, and nobody else takes more.
    pub fn hold(&self, bytes: usize) -> Result<(), Overloaded> {
        self.limiter.table().hold(self.limiter.0.limits.bytes, self.number, bytes)?;
        self.held.fetch_add(bytes, Relaxed);
        Ok(())
    }

    /// Gives back all bytes of the request; false when it held none.
    pub fn release(&self) -> bool {
        if self.held.load(Relaxed) == 0 {
            return false;
        }
        self.held.store(0, Relaxed);
        self.limiter.table().release(self.number);
        true
    }

    /// Whether somebody was authenticated on this connection.
    pub fn is_authenticated(&self) -> bool {
        self.authenticated.load(Relaxed)
    }

    /// Notes that somebody was authenticated on this connection: it gives way to nobody from now on.
    pub fn authenticate(&self) {
        if !self.is_authenticated() {
            self.authenticated.store(true, Relaxed);
            self.limiter.table().authenticate(self.number);
        }
    }

    /// Notes that a request was answered: of unauthenticated connections, one that is used gives way last.
    pub fn touch(&self) {
        self.limiter.table().touch(self.number);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.limiter.table().remove(self.number);
    }
}

/// The address, or the network, whose connections are counted together.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests;
