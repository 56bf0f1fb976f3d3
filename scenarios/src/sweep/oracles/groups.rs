//! Groups: one for a pod, none without a pod, none deleted without a reason.

use super::timeline::{GroupLife, after, first, groups, pods, works};
use super::violation::Violation;
use crate::sweep::journal::{CloudCall, Entry, Occurrence};

/// Seconds that a group may outlive its pod in a world that has healed.
const ORPHAN: i64 = 60;
/// Seconds of grace for a group whose node was away, told meanwhile.
const ORPHAN_OF_NODE: i64 = 600;

/// No pod has two working groups.
pub(super) fn one_group(entries: &[Entry]) -> Vec<Violation> {
    let groups = groups(entries);
    let mut found = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let older = |other: &&GroupLife<'_>| {
            other.uid == group.uid
                && !group.uid.is_empty()
                && other.stopped().is_none_or(|at| at > group.made())
        };
        if let Some(other) = groups[..index].iter().find(older) {
            let words = format!("{} is made for {} while {} works", group.id, group.uid, other.id);
            found.push(Violation::new("one-group", group.made(), words));
        }
    }
    found
}

/// Every group whose pod is gone goes, too, and one that is kept for a grace is told of in an event or in the log.
pub(super) fn no_orphan(entries: &[Entry], log: &str, node_was_away: bool) -> Vec<Violation> {
    // the last time: a perturbation may have struck in between
    let healed = entries.iter().rev().find(|entry| entry.what == Occurrence::Healed);
    let Some(healed) = healed.map(|entry| entry.at) else { return Vec::new() };
    let Some(end) = first(entries, |what| *what == Occurrence::End) else { return Vec::new() };
    let pods = pods(entries);
    let mut found = Vec::new();
    for group in groups(entries) {
        let orphaned = match pods.get(group.uid) {
            None => group.made(),
            Some(pod) => match pod.gone() {
                Some(gone) => gone.max(group.made()),
                None => continue,
            },
        };
        let outlives = |seconds| {
            let deadline = after(orphaned.max(healed), seconds);
            let late = deadline < end && group.gone().is_none_or(|gone| gone > deadline);
            late.then_some(deadline)
        };
        let Some(deadline) = outlives(ORPHAN) else { continue };
        let named = format!("{} of {} ({})", group.id, group.uid, group.last_state());
        if let Some(deadline) = outlives(ORPHAN + if node_was_away { ORPHAN_OF_NODE } else { 0 }) {
            let words = format!("{named} outlives its pod");
            found.push(Violation::new("no-orphan", deadline, words));
        } else if !is_reported(entries, log, group.id) {
            let words = format!("{named} outlives its pod within the grace, and nobody is told");
            found.push(Violation::new("no-orphan", deadline, words));
        }
    }
    found
}

/// True where an event, or a warning in the log, names the group as an orphan.
fn is_reported(entries: &[Entry], log: &str, id: &str) -> bool {
    let in_event = entries.iter().any(|entry| match &entry.what {
        Occurrence::KubeEvent(_, reason, message) => {
            reason == "OrphanedContainerGroup" && message.contains(id)
        }
        _ => false,
    });
    in_event || log.lines().any(|line| line.contains("WARN") && line.contains(id))
}

/// No working group of a wanted pod is deleted.
pub(super) fn reasoned_delete(entries: &[Entry]) -> Vec<Violation> {
    let (groups, pods) = (groups(entries), pods(entries));
    let mut found = Vec::new();
    for entry in entries {
        let Occurrence::Cloud(CloudCall { action, groups: named, life, .. }) = &entry.what else { continue };
        if !action.starts_with("DeleteContainerGroup") {
            continue;
        }
        for group in groups.iter().filter(|group| named.iter().any(|name| name.contains(group.id))) {
            let Some(pod) = pods.get(group.uid).and_then(|pod| pod.at(entry.at)) else { continue };
            let wanted = !pod.removed && !pod.is_leaving() && !matches!(pod.phase(), "Succeeded" | "Failed");
            let doubled = groups.iter().any(|other| {
                other.id != group.id && other.uid == group.uid && works(other.state_at(entry.at))
            });
            if wanted && works(group.state_at(entry.at)) && !doubled {
                let words = format!(
                    "provider {life} has {} deleted, which is {}, though pod {} is {}",
                    group.id,
                    group.state_at(entry.at),
                    pod.name(),
                    pod.phase()
                );
                found.push(Violation::new("reasoned-delete", entry.at, words));
            }
        }
    }
    found
}
