//! The ledger: lifecycle events of groups with their times, one line an entry. Once a thousand groups are gone, their
//! entries are taken out; their usage remains, or in the end their cost.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::lifecycle::State;
use crate::prices::Location;
use crate::terms::{PricingTerms, Size};

/// A group's identity and pricing terms, as of an entry in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingRecord {
    /// Number in the world, in order of creation.
    pub number: u64,
    /// Id, as `eci-bp1…`.
    pub id: Arc<str>,
    /// Name in the create call.
    pub name: Arc<str>,
    /// Account that owns the group.
    pub account: Arc<str>,
    /// Region id, as `cn-hangzhou`.
    pub region: Arc<str>,
    /// Zone id, as `cn-hangzhou-b`; empty for a cache.
    pub zone: Arc<str>,
    /// Tags in the order of the call.
    pub tags: Tags,
    /// vCPU and memory that the containers ask for; `None` where they ask for nothing that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Size>,
    /// Pricing terms.
    pub terms: PricingTerms,
}

impl BillingRecord {
    /// The location whose prices apply.
    pub fn location(&self) -> Location<'_> {
        Location { region: &self.region, zone: &self.zone }
    }
}

/// Keys and values, in the order given.
pub type Tags = Vec<(Box<str>, Box<str>)>;

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Time of the event.
    pub at: Timestamp,
    /// Group, on the terms of that time.
    pub group: Arc<BillingRecord>,
    /// Event.
    pub event: LedgerEvent,
}

/// An event of a group that is recorded in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LedgerEvent {
    /// The create call.
    Created,
    /// A change of state.
    Moved {
        /// State before.
        from: State,
        /// State after.
        to: State,
    },
    /// The end of a container.
    ContainerEnded {
        /// Name of the container.
        name: Arc<str>,
        /// Exit code.
        exit_code: i32,
    },
    /// New terms or tags.
    Changed,
    /// The start of making a cache or virtual node; the entry's record has the terms that apply once it is ready.
    Made {
        /// Time at which it is ready.
        ready: Timestamp,
        /// Terms until then, where it costs anything.
        building: Option<Box<PricingTerms>>,
    },
    /// The end of a cache or virtual node.
    Gone,
}

/// The entries, in order.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    /// Groups that are gone and still have entries.
    gone: BTreeSet<u64>,
    /// The one who follows the entries as they are written.
    follower: Option<UnboundedSender<Entry>>,
}

/// Number of groups that are gone from which on their entries are archived.
const ARCHIVE_FROM: usize = 1000;

impl Ledger {
    /// A ledger that was read from a snapshot.
    pub(crate) fn of(entries: Vec<Entry>, gone: BTreeSet<u64>) -> Self {
        Self { entries, gone, follower: None }
    }

    /// The groups that are gone and still have entries.
    pub(crate) fn gone(&self) -> &BTreeSet<u64> {
        &self.gone
    }

    /// Appends an entry.
    pub(crate) fn write(&mut self, at: Timestamp, group: &Arc<BillingRecord>, event: LedgerEvent) {
        let entry = Entry { at, group: Arc::clone(group), event };
        self.follower.take_if(|follower| follower.send(entry.clone()).is_err());
        self.entries.push(entry);
    }

    /// The entries from now on, as they are written; whoever followed before is told no more.
    pub(crate) fn follow(&mut self) -> UnboundedReceiver<Entry> {
        let (sender, receiver) = unbounded_channel();
        self.follower = Some(sender);
        receiver
    }

    /// Marks a group as gone. Once many are, and their entries are the greater part, takes these out and returns them.
    pub(crate) fn archive_group(&mut self, number: u64) -> Option<Vec<Entry>> {
        self.gone.insert(number);
        if self.gone.len() < ARCHIVE_FROM || self.gone.len() * 8 < self.entries.len() {
            return None;
        }
        let gone = std::mem::take(&mut self.gone);
        let entries = std::mem::take(&mut self.entries).into_iter();
        let (archived, remaining) = entries.partition(|entry| gone.contains(&entry.group.number));
        self.entries = remaining;
        Some(archived)
    }

    /// Deletes the entries whose account and region fit.
    pub(crate) fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        self.entries.retain(|entry| !fits(&entry.group.account, &entry.group.region));
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BillingRecord { id, name, region, terms, .. } = &*self.group;
        write!(f, "{:.3} {region} {id} {name} ", self.at)?;
        match &self.event {
            LedgerEvent::Created => write!(f, "created {terms}"),
            LedgerEvent::Moved { from, to } => write!(f, "{from} -> {to}"),
            LedgerEvent::ContainerEnded { name, exit_code } => {
                write!(f, "container {name} ended with {exit_code}")
            }
            LedgerEvent::Changed => write!(f, "changed {terms}"),
            LedgerEvent::Made { ready, .. } => write!(f, "ready at {ready:.3}"),
            LedgerEvent::Gone => write!(f, "gone"),
        }
    }
}
