//! Expectations: the case's are met under a perturbation, too, unless its nature explains the miss by a named rule.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ending::{made_without_webhook, taken_by_the_cluster};
use super::money;
use super::violation::Violation;
use crate::sweep::journal::{Entry, Occurrence};
use crate::sweep::perturbation::Perturbation as P;
use crate::sweep::plan::Plan;
use crate::sweep::played::Played;

/// The time within which what failed is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// Words of the step that gives the account a balance, and of the one that waits until seconds of a pod are billed.
const BALANCE: &str = "the account has a balance of ";
const BILLED: &str = " has been billed for ";

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
    let unspent = unspent_balance(&played.entries);
    let mut unmade = BTreeSet::new();
    for (entry, index, why) in missed(&played.entries).filter(|(_, index, _)| !known.contains(index)) {
        let step = steps.get(&index).copied().unwrap_or("the world heals");
        let reference = reference.map_or(&[][..], |reference| reference.entries.as_slice());
        let entries = played.entries.as_slice();
        let is_unspent = unspent.is_some_and(|since| since < index);
        let miss = Miss { index, step, why, unmade: &unmade, is_unspent, entries, reference, plan };
        if miss.rule().is_none() {
            let words = format!("step {} `{step}` was not met: {why}", index + 1);
            found.push(Violation::new("expectations", entry.at, words));
        }
        let made = step.strip_prefix("run ").and_then(|pod| pod.split_whitespace().next());
        unmade.extend(made.map(str::to_owned));
    }
    found
}

/// The step that missed its wait until the account's balance is spent; `None` where it has none, or it was spent.
pub(super) fn unspent_balance(entries: &[Entry]) -> Option<usize> {
    let steps = |wanted: fn(&str) -> bool| {
        entries.iter().filter_map(move |entry| match &entry.what {
            Occurrence::Step(index, words) if wanted(words) => Some(*index),
            _ => None,
        })
    };
    steps(|words| words.starts_with(BALANCE)).next()?;
    let waits: BTreeSet<usize> = steps(|words| words.contains(BILLED)).collect();
    missed(entries).map(|(_, index, _)| index).find(|index| waits.contains(index))
}

fn missed(entries: &[Entry]) -> impl Iterator<Item = (&Entry, usize, &str)> {
    entries.iter().filter_map(|entry| match &entry.what {
        Occurrence::Missed(index, why) => Some((entry, *index, why.as_str())),
        _ => None,
    })
}

/// A step that was not met.
struct Miss<'a> {
    index: usize,
    step: &'a str,
    why: &'a str,
    /// The pods that earlier steps could not make.
    unmade: &'a BTreeSet<String>,
    /// True where an earlier step could not wait until the account's balance was spent.
    is_unspent: bool,
    entries: &'a [Entry],
    reference: &'a [Entry],
    plan: &'a Plan,
}

impl Miss<'_> {
    /// The rule by which the perturbations explain that the step was not met.
    fn rule(&self) -> Option<&'static str> {
        let Self { step, entries, plan, .. } = *self;
        if plan.perturbations().is_empty() {
            return None;
        }
        let any = |is: fn(P) -> bool| plan.perturbations().iter().any(|(_, own)| is(*own));
        if any(|own| own == P::SameName) {
            return Some("somebody replaced the pod by another one of its name");
        }
        let silent = any(P::silences_the_node);
        if silent && (step.starts_with("expect node") || step.contains(" ready")) {
            return Some("the node's lease ran out, and neither it nor its pods are ready without");
        }
        if silent && step.contains(" on none") && step.contains(" with a message") {
            return Some("the scheduler has other words for a node that is not ready");
        }
        if any(P::costs_the_node) && self.names_one_of(&self.taken()) {
            return Some("the cluster takes the pods of a node that was silent for long, or is gone");
        }
        if any(P::costs_the_node) && step.contains(" because of OutOf") && !self.taken().is_empty() {
            return Some("the cluster took a pod, and its room is free");
        }
        if self.names_one_of(&made_without_webhook(entries)) {
            return Some("the pod was made while no webhook answered");
        }
        if self.names_one_of(self.unmade) {
            return Some("an earlier step, which was missed itself, was to make the pod");
        }
        if self.is_unspent {
            return Some("an earlier step, which was missed itself, was to spend the account's balance");
        }
        if any(P::kills) && self.was_passed_by() {
            return Some("the pod went through the state while nobody looked");
        }
        let of_money = step.starts_with("expect the bill") || step.contains(BILLED);
        if of_money && self.moves_the_bill() {
            return Some(
                "a pod's group began or ended later, by no more than perturbations and missed steps last, and a minute",
            );
        }
        None
    }

    /// True where the step speaks of one of these pods, of what made them, or of all there are.
    fn names_one_of(&self, pods: &BTreeSet<String>) -> bool {
        // A budget selects its pods by their labels, and an orphan is told of on the node.
        let all = [
            "expect the bill to ",
            "expect pods ",
            "expect poddisruptionbudget ",
            "expect event OrphanedContainerGroup ",
        ];
        let of_all = self.step.contains(" groups") || all.iter().any(|all| self.step.starts_with(all));
        let is_named = |name: &String| {
            let words = self.step.split_whitespace().chain(self.why.split_whitespace());
            let mut words = words.filter(|word| word.contains('/'));
            words.any(|word| name == word || name.starts_with(&format!("{word}-")))
        };
        pods.iter().any(|name| of_all || is_named(name))
    }

    /// The names of the pods that the cluster has taken so far, and not or later in the reference run.
    fn taken(&self) -> BTreeSet<String> {
        let (of_old, taken) = (taken_in_steps(self.reference), taken_in_steps(self.entries));
        let early = |(name, steps): &(String, Vec<usize>)| {
            let of_old = of_old.get(name).map(Vec::as_slice).unwrap_or_default();
            let mut so_far = steps.iter().enumerate().filter(|(_, step)| **step <= self.index);
            so_far.any(|(at, step)| of_old.get(at).is_none_or(|of_old| step < of_old))
        };
        taken.into_iter().filter(early).map(|(name, _)| name).collect()
    }

    /// True where the step wants a pod Running or restarted so often, and the pod has come further: to the end that it has in
    /// the reference run, too, or to more restarts.
    fn was_passed_by(&self) -> bool {
        let words: Vec<&str> = self.step.split_whitespace().collect();
        let ["expect", "pod", name, wanted @ ..] = words.as_slice() else { return false };
        let missed =
            |entry: &Entry| matches!(entry.what, Occurrence::Missed(index, _) if index == self.index);
        let end = self.entries.iter().position(missed).unwrap_or(self.entries.len());
        let of_pod = |entries: &'_ [Entry]| {
            let writes = entries.iter().filter_map(|entry| match &entry.what {
                Occurrence::Pod(pod) if pod.name() == **name => Some(pod.clone()),
                _ => None,
            });
            writes.collect::<Vec<_>>()
        };
        let Some(pod) = of_pod(&self.entries[..end]).pop() else { return false };
        let ended = matches!(pod.phase(), "Succeeded" | "Failed")
            && of_pod(self.reference).iter().any(|old| old.phase() == pod.phase());
        let restarted = wanted.iter().position(|word| *word == "restarted");
        let times = restarted.and_then(|at| wanted.get(at + 1)?.parse::<i64>().ok());
        let more =
            times.is_some_and(|times| super::statuses::restarts(&pod).values().any(|count| *count > times));
        wanted.contains(&"Running") && ended || more
    }

    fn moves_the_bill(&self) -> bool {
        let lasts: Duration = self.plan.perturbations().iter().map(|(_, own)| own.lasts()).sum();
        let most = i64::try_from((lasts + RETRY).as_secs())
            .unwrap_or(i64::MAX)
            .saturating_add(waited_before(self.index, self.entries));
        money::differs_at_most(most, (self.index, self.step), self.entries, self.reference)
    }
}

/// The seconds that a run's missed steps before the step of this index waited.
fn waited_before(index: usize, entries: &[Entry]) -> i64 {
    let mut begun = BTreeMap::new();
    let mut seconds = 0;
    for entry in entries {
        match &entry.what {
            Occurrence::Step(own, _) => drop(begun.insert(*own, entry.at)),
            Occurrence::Missed(own, _) if *own < index => {
                let since = begun.get(own).map_or(0, |at| entry.at.duration_since(*at).as_secs());
                seconds += since;
            }
            _ => {}
        }
    }
    seconds
}

/// The steps during which the cluster took pods, by the pods' names.
fn taken_in_steps(entries: &[Entry]) -> BTreeMap<String, Vec<usize>> {
    let taken = taken_by_the_cluster(entries);
    let (mut step, mut seen) = (0, BTreeSet::new());
    let mut steps: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for entry in entries {
        match &entry.what {
            Occurrence::Step(index, _) => step = *index,
            Occurrence::Pod(pod)
                if (pod.is_leaving() || pod.removed)
                    && taken.contains_key(pod.uid())
                    && seen.insert(pod.uid().to_owned()) =>
            {
                steps.entry(pod.name()).or_default().push(step);
            }
            _ => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests;
