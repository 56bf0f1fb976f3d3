//! From the ledger to the seconds that are billed: an instance costs from Pending until it ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::group::lifecycle::State;
use crate::ledger::{Card, Entry, What};

/// Whole seconds for which an instance is billed on unchanged terms; the end is not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// Who, and on which terms.
    pub group: Arc<Card>,
    /// The first second, counted from 1970.
    pub from: i64,
    /// The second after the last.
    pub to: i64,
}

/// Whether an instance is billed in this state (billing.md, section 4).
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

/// What was used up to `now`, in the order in which it began.
pub fn usages(entries: &[Entry], now: Timestamp) -> Vec<Usage> {
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    let mut usages: Vec<Usage> = Vec::new();
    let begin = |group: &Arc<Card>, second| Usage { group: Arc::clone(group), from: second, to: second };
    for Entry { at, group, what } in entries {
        let second = at.as_second();
        match what {
            What::Moved { from, to } if !is_billed(*from) && is_billed(*to) => {
                open.insert(group.number, usages.len());
                usages.push(begin(group, second));
            }
            What::Moved { from, to } if is_billed(*from) && !is_billed(*to) => {
                if let Some(index) = open.remove(&group.number) {
                    usages[index].to = second;
                }
            }
            What::Changed => {
                let Some(index) = open.get_mut(&group.number) else { continue };
                if usages[*index].group.terms == group.terms {
                    usages[*index].group = Arc::clone(group);
                    continue;
                }
                usages[*index].to = second;
                *index = usages.len();
                usages.push(begin(group, second));
            }
            What::Created | What::Moved { .. } | What::ContainerEnded { .. } => {}
        }
    }
    for index in open.into_values() {
        usages[index].to = now.as_second().max(usages[index].from);
    }
    usages.retain(|usage| usage.from < usage.to);
    usages
}
