//! From the ledger to the seconds that are billed: an instance is billed from Pending until it ends.

use std::collections::BTreeMap;
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

/// The usages up to `now`, in the order in which they began.
pub fn usages(entries: &[Entry], now: Timestamp) -> Vec<Usage> {
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    let mut usages: Vec<Usage> = Vec::new();
    let mut assets = OpenAssets::default();
    let begin =
        |group: &Arc<BillingRecord>, second| Usage { group: Arc::clone(group), from: second, to: second };
    for Entry { at, group, event } in entries {
        let second = at.as_second();
        match event {
            LedgerEvent::Moved { from, to } if !is_billed(*from) && is_billed(*to) => {
                open.insert(group.number, usages.len());
                usages.push(begin(group, second));
            }
            LedgerEvent::Moved { from, to } if is_billed(*from) && !is_billed(*to) => {
                if let Some(index) = open.remove(&group.number) {
                    usages[index].to = second;
                }
            }
            LedgerEvent::Changed => {
                let Some(index) = open.get_mut(&group.number) else { continue };
                usages[*index].to = second;
                *index = usages.len();
                usages.push(begin(group, second));
            }
            LedgerEvent::Made { ready, building } => {
                assets.end(group.number, second, &mut usages);
                assets.begin(group, (second, ready.as_second()), building.as_deref(), &mut usages);
            }
            LedgerEvent::Gone => assets.end(group.number, second, &mut usages),
            LedgerEvent::Created | LedgerEvent::Moved { .. } | LedgerEvent::ContainerEnded { .. } => {}
        }
    }
    let still: Vec<u64> = assets.0.keys().copied().collect();
    still.into_iter().for_each(|number| assets.end(number, now.as_second(), &mut usages));
    for index in open.into_values() {
        usages[index].to = now.as_second().max(usages[index].from);
    }
    usages.retain(|usage| usage.from < usage.to);
    usages
}

/// Caches and virtual nodes that exist: indexes of their usages, by number.
#[derive(Default)]
struct OpenAssets(BTreeMap<u64, Vec<usize>>);

impl OpenAssets {
    /// Begins the usages of a cache or virtual node: the price of its making until it is ready, and the price of
    /// keeping it from then on.
    fn begin(
        &mut self,
        record: &Arc<BillingRecord>,
        (from, ready): (i64, i64),
        building: Option<&PricingTerms>,
        usages: &mut Vec<Usage>,
    ) {
        let mut own = Vec::new();
        if let Some(terms) = building {
            let group = Arc::new(BillingRecord { terms: terms.clone(), ..(**record).clone() });
            own.push(usages.len());
            usages.push(Usage { group, from, to: ready });
        }
        own.push(usages.len());
        usages.push(Usage { group: Arc::clone(record), from: ready, to: i64::MAX });
        self.0.insert(record.number, own);
    }

    fn end(&mut self, number: u64, second: i64, usages: &mut [Usage]) {
        for index in self.0.remove(&number).unwrap_or_default() {
            usages[index].to = usages[index].to.min(second);
        }
    }
}
