//! Money: the bill is the integral of unrounded usage.

use std::collections::{BTreeMap, BTreeSet};

use eci_sim::Bill;
use jiff::Timestamp;

use super::timeline::{first, groups, pods};
use super::violation::Violation;
use crate::sweep::journal::{Entry, Occurrence, PodWrite};

/// Each group is billed for its whole seconds from its machine to its end, and each line is the sum of its parts.
pub(super) fn bill(entries: &[Entry], bill: &Bill) -> Vec<Violation> {
    let Some(end) = first(entries, |what| *what == Occurrence::End) else { return Vec::new() };
    let mut billed: BTreeMap<&str, u64> = BTreeMap::new();
    for line in &bill.lines {
        *billed.entry(&line.group_id).or_default() += line.seconds;
    }
    let mut found = Vec::new();
    for group in groups(entries) {
        let seconds = group.billed_until(end);
        let on_bill = billed.get(group.id).copied().unwrap_or_default();
        if i64::try_from(on_bill).ok() != Some(seconds) {
            let words = format!("{} was had for {seconds} s and is billed for {on_bill} s", group.id);
            found.push(Violation::new("bill", end, words));
        }
    }
    let summed = Bill { total: bill.lines.iter().map(|line| line.amount.clone()).sum(), ..bill.clone() };
    if bill.total != summed.total {
        let words = format!("the total is {:?} and its lines are {:?}", bill.total, summed.total);
        found.push(Violation::new("bill", end, words));
    }
    found
}

/// True where each pod that `step` charges was had for as long as in the reference run, up to `most` seconds more or less for
/// each of its groups, from the world's beginning to the step of this index; nothing is charged that was not there.
pub(super) fn differs_at_most(
    most: i64,
    (index, step): (usize, &str),
    entries: &[Entry],
    reference: &[Entry],
) -> bool {
    let begins = |what: &Occurrence| matches!(what, Occurrence::Step(own, _) if *own == index);
    let (Some(here), Some(there)) = (first(entries, begins), first(reference, begins)) else { return false };
    let (here, there) = (had(entries, here), had(reference, there));
    let names: BTreeSet<_> = here.keys().chain(there.keys()).collect();
    let of = |all: &BTreeMap<String, (i64, i64)>, name: &String| all.get(name).copied().unwrap_or_default();
    let named = names.iter().any(|name| step.contains(&format!(" {name} ")));
    let charged = names.into_iter().filter(|name| !named || step.contains(&format!(" {name} ")));
    charged.into_iter().all(|name| {
        let ((seconds, groups), (wanted, of_old)) = (of(&here, name), of(&there, name));
        wanted > 0 && (seconds - wanted).abs() <= most * groups.max(of_old)
    })
}

/// The billed seconds of each pod's groups before `end`, and the number of these groups.
fn had(entries: &[Entry], end: Timestamp) -> BTreeMap<String, (i64, i64)> {
    let pods = pods(entries);
    let mut had: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for group in groups(entries) {
        let seconds = group.billed_until(end);
        let name = pods.get(group.uid).and_then(|pod| pod.last()).map(PodWrite::name).unwrap_or_default();
        if seconds > 0 {
            let of_pod = had.entry(name).or_default();
            *of_pod = (of_pod.0 + seconds, of_pod.1 + 1);
        }
    }
    had
}
