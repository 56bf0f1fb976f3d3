//! Money: the bill is the integral of unrounded usage.

use std::collections::BTreeMap;

use eci_sim::Bill;
use jiff::Timestamp;

use super::timeline::{first, groups};
use super::violation::Violation;
use crate::sweep::journal::{Entry, Occurrence};

/// The states that are billed.
const BILLED: [&str; 5] = ["Pending", "Running", "Restarting", "Updating", "Terminating"];

/// Each group is billed for its whole seconds from its machine to its end, and each line is the sum of its parts.
pub(super) fn bill(entries: &[Entry], bill: &Bill) -> Vec<Violation> {
    let Some(end) = first(entries, |what| *what == Occurrence::End) else { return Vec::new() };
    let mut billed: BTreeMap<&str, u64> = BTreeMap::new();
    for line in &bill.lines {
        *billed.entry(&line.group_id).or_default() += line.seconds;
    }
    let mut found = Vec::new();
    for group in groups(entries) {
        let mut seconds = 0;
        let mut since: Option<Timestamp> = None;
        for (at, state) in &group.states {
            match (since, BILLED.contains(state)) {
                (None, true) => since = Some(*at),
                (Some(from), false) => {
                    seconds += at.as_second() - from.as_second();
                    since = None;
                }
                _ => {}
            }
        }
        seconds += since.map_or(0, |from| end.as_second() - from.as_second());
        let on_bill = billed.get(group.id).copied().unwrap_or_default();
        if i64::try_from(on_bill).ok() != Some(seconds) {
            let words = format!("{} was had for {seconds} s and is billed for {on_bill} s", group.id);
            found.push(Violation::new("bill", end, words));
        }
    }
    let summed = Bill { total: bill.lines.iter().map(|line| line.amount).sum(), ..bill.clone() };
    if bill.total != summed.total {
        let words = format!("the total is {:?} and its lines are {:?}", bill.total, summed.total);
        found.push(Violation::new("bill", end, words));
    }
    found
}
