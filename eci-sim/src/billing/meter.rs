//! From the ledger to the seconds that are billed: an instance is billed from Pending until it ends.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ledger::{BillingRecord, Entry, LedgerEvent};
use crate::lifecycle::State;
use crate::terms::PricingTerms;

/// Whole seconds for which an instance is billed on unchanged terms and with unchanged tags; the end is not included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Identity of the instance, and the terms.
    pub group: Arc<BillingRecord>,
    /// First second, counted from 1970.
    pub from: i64,
    /// Second after the last.
    pub to: i64,
}

/// A usage as it is read off the ledger, without a share in its record: a bill reads it once, and keeps nothing of it.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// The record, as a usage that is kept shares it.
    shared: &'a Arc<BillingRecord>,
    /// Identity of the instance.
    pub group: &'a BillingRecord,
    /// Terms; those of the making of a cache are not those of its record.
    pub terms: &'a PricingTerms,
    /// First second, counted from 1970.
    pub from: i64,
    /// Second after the last.
    pub to: i64,
}

impl Usage {
    /// The usage, to be read.
    pub fn stretch(&self) -> Stretch<'_> {
        Stretch { from: self.from, to: self.to, ..Stretch::begin(&self.group, self.from) }
    }
}

impl<'a> Stretch<'a> {
    fn begin(shared: &'a Arc<BillingRecord>, second: i64) -> Self {
        Self { shared, group: shared, terms: &shared.terms, from: second, to: second }
    }

    /// What of it is within these seconds; it ends before it begins where nothing is.
    #[must_use]
    pub fn within(self, seconds: &Range<i64>) -> Self {
        Self { from: self.from.max(seconds.start), to: self.to.min(seconds.end), ..self }
    }

    /// The usage, to be kept.
    pub fn usage(&self) -> Usage {
        let group = match std::ptr::eq(self.terms, &self.group.terms) {
            true => Arc::clone(self.shared),
            false => Arc::new(BillingRecord { terms: self.terms.clone(), ..self.group.clone() }),
        };
        Usage { group, from: self.from, to: self.to }
    }
}

/// True if an instance is billed in this state (billing.md, section 4).
pub fn is_billed(state: State) -> bool {
    match state {
        State::Pending | State::Running | State::Restarting | State::Updating | State::Terminating => true,
        State::Scheduling
        | State::ScheduleFailed
        | State::Succeeded
        | State::Failed
        | State::Expired
        | State::Deleted => false,
    }
}

/// The usages up to `now`, in the order of their instances' numbers, then of their begins.
pub fn usages(entries: &[Entry], now: Timestamp) -> Vec<Usage> {
    stretches(entries, now).iter().map(Stretch::usage).collect()
}

/// The usages up to `now`, to be read: in the order of their instances' numbers, then of their begins.
pub fn stretches(entries: &[Entry], now: Timestamp) -> Vec<Stretch<'_>> {
    let metered = entries.iter().filter(|entry| is_metered(&entry.event));
    let mut sorted: Vec<(u64, &Entry)> = metered.map(|entry| (entry.group.number, entry)).collect();
    sorted.sort_by_key(|(number, _)| *number);
    let mut stretches = Vec::with_capacity(sorted.len());
    for instance in sorted.chunk_by(|(one, _), (next, _)| one == next) {
        let mut meter = Meter::default();
        instance.iter().for_each(|(_, entry)| meter.read(entry, &mut stretches));
        meter.stop(now.as_second(), &mut stretches);
    }
    stretches.retain(|stretch| stretch.from < stretch.to);
    stretches
}

/// True for an event with which a usage begins or ends.
fn is_metered(event: &LedgerEvent) -> bool {
    match event {
        LedgerEvent::Moved { from, to } => is_billed(*from) != is_billed(*to),
        LedgerEvent::Changed | LedgerEvent::Made { .. } | LedgerEvent::Gone => true,
        LedgerEvent::Created | LedgerEvent::ContainerEnded { .. } => false,
    }
}

/// The usages of one instance, cache or virtual node that have begun and not ended, by their indexes.
#[derive(Default)]
struct Meter {
    /// That of an instance.
    instance: Option<usize>,
    /// Those of a cache or virtual node: its making, where that costs anything, and its being kept.
    asset: Range<usize>,
}

impl Meter {
    fn read<'a>(&mut self, Entry { at, group, event }: &'a Entry, stretches: &mut Vec<Stretch<'a>>) {
        let second = at.as_second();
        match event {
            LedgerEvent::Moved { to, .. } if is_billed(*to) => {
                self.instance = Some(stretches.len());
                stretches.push(Stretch::begin(group, second));
            }
            LedgerEvent::Moved { .. } => {
                if let Some(index) = self.instance.take() {
                    stretches[index].to = second;
                }
            }
            LedgerEvent::Changed => {
                let Some(index) = &mut self.instance else { return };
                stretches[*index].to = second;
                *index = stretches.len();
                stretches.push(Stretch::begin(group, second));
            }
            LedgerEvent::Made { ready, building } => {
                self.end_asset(second, stretches);
                self.begin_asset(group, (second, ready.as_second()), building.as_deref(), stretches);
            }
            LedgerEvent::Gone => self.end_asset(second, stretches),
            LedgerEvent::Created | LedgerEvent::ContainerEnded { .. } => {}
        }
    }

    /// Ends what goes on at this second.
    fn stop(mut self, now: i64, stretches: &mut [Stretch<'_>]) {
        self.end_asset(now, stretches);
        if let Some(index) = self.instance {
            stretches[index].to = now.max(stretches[index].from);
        }
    }

    /// Begins the usages of a cache or virtual node: the price of its making until it is ready, and the price of
    /// keeping it from then on.
    fn begin_asset<'a>(
        &mut self,
        record: &'a Arc<BillingRecord>,
        (from, ready): (i64, i64),
        building: Option<&'a PricingTerms>,
        stretches: &mut Vec<Stretch<'a>>,
    ) {
        let first = stretches.len();
        if let Some(terms) = building {
            stretches.push(Stretch { terms, to: ready, ..Stretch::begin(record, from) });
        }
        stretches.push(Stretch { to: i64::MAX, ..Stretch::begin(record, ready) });
        self.asset = first..stretches.len();
    }

    fn end_asset(&mut self, second: i64, stretches: &mut [Stretch<'_>]) {
        for stretch in &mut stretches[std::mem::take(&mut self.asset)] {
            stretch.to = stretch.to.min(second);
        }
    }
}
