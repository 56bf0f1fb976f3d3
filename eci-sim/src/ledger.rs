//! What happened, to which group, at what instant; append-only, one line an entry. Of groups that are gone, only the
//! latest thousand have their lines; of the others stays what they have used, or in the end what it cost.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::catalog::{Category, Size};
use crate::group::lifecycle::State;
use crate::money::Currency;

/// What the ledger knows of a group: who it is, and on which terms it is billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its number in the world, in order of creation.
    pub number: u64,
    /// Its id.
    pub id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Whose it is.
    pub account: Arc<str>,
    /// Where it is.
    pub region: Arc<str>,
    /// Its tags, in the order given.
    pub tags: Tags,
    /// On which terms it is billed.
    pub terms: Terms,
}

/// Keys and values, in the order given.
pub type Tags = Vec<(Box<str>, Box<str>)>;

/// On which terms an instance is billed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// Its vCPU and memory.
    pub size: Size,
    /// The pool it comes from.
    pub category: Category,
    /// The ECS type whose price counts, where one was asked for.
    pub instance_type: Option<Box<str>>,
    /// GiB of ephemeral storage above the free ones.
    pub extra_storage: u32,
    /// What an hour costs as a spot instance.
    pub spot: Option<Decimal>,
    /// In which currency the price lists of spot instances are read.
    pub currency: Currency,
    /// GiB of disk that image and data caches bring with them.
    pub cache_disk: u32,
    /// GiB of snapshot in which a cache is kept.
    pub snapshot: u32,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// To whom; on the terms of that moment.
    pub group: Arc<Card>,
    /// What.
    pub what: What,
}

/// What can happen to a group, as far as the ledger is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// It was asked for.
    Created,
    /// It went from one state to the next.
    Moved {
        /// The state before.
        from: State,
        /// The state after.
        to: State,
    },
    /// One of its containers ended.
    ContainerEnded {
        /// Which.
        name: Arc<str>,
        /// With what.
        exit_code: i32,
    },
    /// Its terms or tags changed.
    Changed,
    /// A cache or virtual node begins to be made; its card says on which terms it is kept from then on.
    Made {
        /// When it is there.
        ready: Timestamp,
        /// On which terms it is made, where that costs anything.
        building: Option<Box<Terms>>,
    },
    /// A cache or virtual node is gone.
    Gone,
}

/// All that happened, in order.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: Vec<Entry>,
    /// Groups that are gone and still have entries.
    gone: BTreeSet<u64>,
}

/// From so many groups that are gone on, their entries become what they have used.
const FOLD_FROM: usize = 1000;

impl Ledger {
    /// One that was kept: what happened, and which groups are gone.
    pub(crate) fn of(entries: Vec<Entry>, gone: BTreeSet<u64>) -> Self {
        Self { entries, gone }
    }

    /// The groups that are gone and still have entries.
    pub(crate) fn gone(&self) -> &BTreeSet<u64> {
        &self.gone
    }

    /// Adds what happened last.
    pub(crate) fn write(&mut self, at: Timestamp, group: &Arc<Card>, what: What) {
        self.entries.push(Entry { at, group: Arc::clone(group), what });
    }

    /// A group is gone. When many are, and they are the greater part of it, their entries are taken out and given back.
    pub(crate) fn let_go(&mut self, number: u64) -> Option<Vec<Entry>> {
        self.gone.insert(number);
        if self.gone.len() < FOLD_FROM || self.gone.len() * 8 < self.entries.len() {
            return None;
        }
        let gone = std::mem::take(&mut self.gone);
        let entries = std::mem::take(&mut self.entries).into_iter();
        let (folded, kept) = entries.partition(|entry| gone.contains(&entry.group.number));
        self.entries = kept;
        Some(folded)
    }

    /// Forgets what happened where account and region fit.
    pub(crate) fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        self.entries.retain(|entry| !fits(&entry.group.account, &entry.group.region));
    }

    /// Everything, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Terms {
    /// What it is made of, as the cloud writes it: a size, or an ECS type.
    pub fn what(&self) -> String {
        self.instance_type.as_deref().map_or_else(|| self.size.to_string(), str::to_owned)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Card { id, name, region, terms, .. } = &*self.group;
        write!(f, "{:.3} {region} {id} {name} ", self.at)?;
        match &self.what {
            What::Created => write!(f, "created {terms}"),
            What::Moved { from, to } => write!(f, "{from} -> {to}"),
            What::ContainerEnded { name, exit_code } => write!(f, "container {name} ended with {exit_code}"),
            What::Changed => write!(f, "changed {terms}"),
            What::Made { ready, .. } => write!(f, "ready at {ready:.3}"),
            What::Gone => write!(f, "gone"),
        }
    }
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size)?;
        if self.category != Category::Default {
            write!(f, " {}", self.category.name())?;
        }
        if let Some(name) = &self.instance_type {
            write!(f, " {name}")?;
        }
        if self.extra_storage > 0 {
            write!(f, " +{} GiB storage", self.extra_storage)?;
        }
        if let Some(hourly) = self.spot {
            write!(f, " spot at {hourly} an hour")?;
        }
        if self.cache_disk > 0 {
            write!(f, " +{} GiB of caches", self.cache_disk)?;
        }
        Ok(())
    }
}
