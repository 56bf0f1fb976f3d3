//! Expectations: the case's are met under a perturbation, too, unless its nature explains the miss by a named rule.

use std::collections::{BTreeMap, BTreeSet};

use super::ending::made_without_webhook;
use super::violation::Violation;
use crate::sweep::journal::{Entry, Occurrence};
use crate::sweep::perturbation::{Absence, Perturbation as P};
use crate::sweep::plan::Plan;
use crate::sweep::played::Played;

/// Each expectation of the case is met, as in the reference run.
pub(super) fn met(played: &Played, reference: Option<&Played>, plan: &Plan) -> Vec<Violation> {
    let known: BTreeSet<usize> = reference
        .iter()
        .flat_map(|reference| missed(&reference.entries))
        .map(|(_, index, _)| index)
        .collect();
    let mut steps: BTreeMap<usize, &str> = BTreeMap::new();
    for entry in &played.entries {
        if let Occurrence::Step(index, words) = &entry.what {
            steps.insert(*index, words);
        }
    }
    let mut found = Vec::new();
    for (entry, index, why) in missed(&played.entries).filter(|(_, index, _)| !known.contains(index)) {
        let step = steps.get(&index).copied().unwrap_or("the world heals");
        if rule(step, &played.entries, plan).is_none() {
            let words = format!("step {} `{step}` was not met: {why}", index + 1);
            found.push(Violation::new("expectations", entry.at, words));
        }
    }
    found
}

fn missed(entries: &[Entry]) -> impl Iterator<Item = (&Entry, usize, &str)> {
    entries.iter().filter_map(|entry| match &entry.what {
        Occurrence::Missed(index, why) => Some((entry, *index, why.as_str())),
        _ => None,
    })
}

/// The rule by which the perturbations explain that `step` was not met.
fn rule(step: &str, entries: &[Entry], plan: &Plan) -> Option<&'static str> {
    if plan.perturbations().is_empty() {
        return None;
    }
    let any = |is: fn(P) -> bool| plan.perturbations().iter().any(|(_, own)| is(*own));
    // A count of groups is one of all pods'.
    let is_named = |name: &String| {
        step.ends_with(" groups") || name.rsplit('/').next().is_some_and(|pod| step.contains(pod))
    };
    if any(P::costs_the_node) {
        return Some("the cluster takes the pods of a node that was silent for long, or is gone");
    }
    if any(|own| own == P::SameName) {
        return Some("somebody replaced the pod by another one of its name");
    }
    if step.starts_with("expect bill") {
        return Some("a perturbation moves the seconds that are billed, and the oracle `bill` sums them up");
    }
    let silent = any(|own| matches!(own, P::KillBefore(Absence::Lease) | P::KillAfter(Absence::Lease)));
    if silent && (step.starts_with("expect node") || step.contains(" ready")) {
        return Some("the node's lease ran out, and neither it nor its pods are ready without");
    }
    if made_without_webhook(entries).iter().any(is_named) {
        return Some("the pod was made while no webhook answered");
    }
    None
}
