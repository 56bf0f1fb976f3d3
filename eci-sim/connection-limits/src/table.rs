//! The connections of a process: who has to give way when something is full.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::{Limits, Overloaded};

/// Connections by number, in the order in which they were admitted.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub last_tick: Option<Instant>,
    entries: BTreeMap<u64, Entry>,
    next: u64,
    unauthenticated: usize,
    authenticated: usize,
    /// Bytes of requests that are being read.
    held: usize,
    /// Bytes of connections that have to give way and are not dropped yet.
    let_go: usize,
}

#[derive(Debug)]
struct Entry {
    network: IpAddr,
    authenticated: bool,
    /// The number that a new connection would have had when this one was used last.
    used: u64,
    /// Bytes.
    held: usize,
    deadline: Arc<AtomicU64>,
    task: Option<AbortHandle>,
    /// Set where it has to give way, until it has.
    ended: bool,
}

impl Table {
    /// Connections that have not had to give way.
    pub fn connections(&self) -> usize {
        self.unauthenticated + self.authenticated
    }

    /// A place for a connection from `network`, if need be that of another.
    pub fn admit(&mut self, limits: &Limits, network: IpAddr, deadline: Arc<AtomicU64>) -> Option<u64> {
        if self.count_of(network) >= limits.per_address {
            self.displace_of(network);
        }
        while self.unauthenticated > 0
            && (self.unauthenticated >= limits.unauthenticated || self.connections() >= limits.connections)
        {
            self.displace_of(self.busiest()?);
        }
        if self.connections() >= limits.connections {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.unauthenticated += 1;
        let entry = Entry {
            network,
            authenticated: false,
            used: number,
            held: 0,
            deadline,
            task: None,
            ended: false,
        };
        self.entries.insert(number, entry);
        Some(number)
    }

    /// The task that serves a connection, which may have to give way already, or be over.
    pub fn attach(&mut self, number: u64, task: AbortHandle) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        if entry.ended {
            task.abort();
        } else {
            entry.task = Some(task);
        }
    }

    pub fn authenticate(&mut self, number: u64) {
        if let Some(entry) =
            self.entries.get_mut(&number).filter(|entry| !entry.authenticated && !entry.ended)
        {
            entry.authenticated = true;
            self.unauthenticated -= 1;
            self.authenticated += 1;
        }
    }

    pub fn touch(&mut self, number: u64) {
        let used = self.next;
        self.next += 1;
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.used = used;
        }
    }

    /// Room for bytes of one request, if need be that of those that hold more; authenticated ones come before others.
    /// What others have to give is there only when their tasks have let go of it, so they are asked for it early: what
    /// is in use fills half of the limit at most, and all of it together with what is not let go of yet.
    pub fn hold(&mut self, limit: usize, number: u64, bytes: usize) -> Result<(), Overloaded> {
        loop {
            let own = self.entries.get(&number).filter(|entry| !entry.ended).ok_or(Overloaded)?;
            let wanted = own.held.saturating_add(bytes);
            if self.held.saturating_add(bytes) <= limit / 2 {
                break;
            }
            let weight = (!own.authenticated, wanted);
            let holds = |other: u64, entry: &Entry| other != number && !entry.ended && entry.held > 0;
            let others = self.entries.iter().filter(|(other, entry)| holds(**other, entry));
            let largest = others.max_by_key(|(_, entry)| (!entry.authenticated, entry.held));
            let (other, _) =
                largest.filter(|(_, entry)| (!entry.authenticated, entry.held) > weight).ok_or(Overloaded)?;
            self.end(*other);
        }
        if self.held.saturating_add(self.let_go).saturating_add(bytes) > limit {
            return Err(Overloaded);
        }
        if let Some(own) = self.entries.get_mut(&number) {
            own.held += bytes;
            self.held += bytes;
        }
        Ok(())
    }

    pub fn release(&mut self, number: u64) {
        if let Some(entry) = self.entries.get_mut(&number) {
            let held = std::mem::take(&mut entry.held);
            if entry.ended {
                self.let_go -= held;
            } else {
                self.held -= held;
            }
        }
    }

    /// Forgets a connection that is over.
    pub fn remove(&mut self, number: u64) {
        let Some(entry) = self.entries.remove(&number) else { return };
        if entry.ended {
            self.let_go -= entry.held;
            return;
        }
        self.held -= entry.held;
        let counted = if entry.authenticated { &mut self.authenticated } else { &mut self.unauthenticated };
        *counted -= 1;
    }

    /// Ends the connections whose deadline is this tick or an earlier one.
    pub fn end_overdue(&mut self, ticks: u64) {
        let overdue = |entry: &Entry| !entry.ended && entry.deadline.load(Relaxed) <= ticks;
        let numbers: Vec<u64> =
            self.entries.iter().filter(|(_, entry)| overdue(entry)).map(|(number, _)| *number).collect();
        numbers.into_iter().for_each(|number| self.end(number));
    }

    fn count_of(&self, network: IpAddr) -> usize {
        self.displaceable().filter(|(_, entry)| entry.network == network).count()
    }

    /// Connections that would give way.
    fn displaceable(&self) -> impl Iterator<Item = (&u64, &Entry)> {
        self.entries.iter().filter(|(_, entry)| !entry.authenticated && !entry.ended)
    }

    /// The network with the most connections that would give way.
    fn busiest(&self) -> Option<IpAddr> {
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        self.displaceable().for_each(|(_, entry)| *counts.entry(entry.network).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(network, _)| network)
    }

    fn displace_of(&mut self, network: IpAddr) {
        let of_network = self.displaceable().filter(|(_, entry)| entry.network == network);
        if let Some(number) = of_network.min_by_key(|(_, entry)| entry.used).map(|(number, _)| *number) {
            self.end(number);
        }
    }

    /// Has a connection give way; it is forgotten when its task has dropped it.
    fn end(&mut self, number: u64) {
        let Some(entry) = self.entries.get_mut(&number).filter(|entry| !entry.ended) else { return };
        entry.ended = true;
        self.held -= entry.held;
        self.let_go += entry.held;
        let counted = if entry.authenticated { &mut self.authenticated } else { &mut self.unauthenticated };
        *counted -= 1;
        if let Some(task) = entry.task.take() {
            task.abort();
        }
    }
}
