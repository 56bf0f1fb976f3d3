//! The end: that of the reference run, but for differences that have a name.

use std::collections::{BTreeMap, BTreeSet};

use super::expectations::unspent_balance;
use super::timeline::{first, pods};
use super::violation::Violation;
use crate::sweep::end::Difference;
use crate::sweep::journal::{Entry, KubeCall, Occurrence};
use crate::sweep::perturbation::Perturbation;
use crate::sweep::plan::Plan;
use crate::sweep::played::Played;

/// The end is that of the reference run. Named differences:
///
/// - a pod whose node was away or deleted was taken by the cluster, and the provider did not ask for it;
/// - a pod for which the node had no room in the reference run has the room of such a pod;
/// - an account's balance was to be spent, and is not;
/// - a pod was made while the provider, and with it the webhook, was away, and so is not on the node.
pub(super) fn same_end(played: &Played, reference: &Played, plan: &Plan) -> Vec<Violation> {
    let Some(at) = first(&played.entries, |what| *what == Occurrence::End) else { return Vec::new() };
    let node = plan.perturbations().iter().any(|(_, own)| own.costs_the_node());
    let again = plan.perturbations().iter().any(|(_, own)| *own == Perturbation::SameName);
    let taken = taken_by_the_cluster(&played.entries);
    let unwebhooked = made_without_webhook(&played.entries);
    let is_unspent = unspent_balance(&played.entries).is_some();
    let excused = |difference: &Difference| {
        let whose = difference.whose.as_str();
        (node && taken.values().any(|name| belongs(name, whose)))
            || node && !taken.is_empty() && had_no_room(&reference.entries, whose)
            || again
            || is_unspent
            || unwebhooked.iter().any(|name| belongs(name, whose))
    };
    let differences = played.end.differences(&reference.end);
    let violations = differences.iter().filter(|difference| !excused(difference));
    violations.map(|difference| Violation::new("same-end", at, difference.to_string())).collect()
}

/// True of a pod that was refused because the node had no room.
fn had_no_room(entries: &[Entry], name: &str) -> bool {
    entries.iter().any(|entry| match &entry.what {
        Occurrence::Pod(pod) => pod.name() == name && pod.text("/status/reason").starts_with("OutOf"),
        _ => false,
    })
}

/// True of a pod's name that is counted under `whose`: it is that pod, or one of the same Deployment, StatefulSet or Job. A
/// Deployment goes on with its next ReplicaSet only as the pods of it get ready.
fn belongs(name: &str, whose: &str) -> bool {
    let (namespace, base) = name.split_once('/').unwrap_or(("", name));
    let Some(own) = whose.strip_prefix(&format!("{namespace}/a pod of ")) else { return name == whose };
    let Some((kind, beginning)) = own.split_once(' ') else { return false };
    match kind {
        "ReplicaSet" => {
            let deployment =
                beginning.trim_end_matches('-').rsplit_once('-').map(|(deployment, _)| deployment);
            deployment.is_some_and(|deployment| base.starts_with(&format!("{deployment}-")))
        }
        _ => base.starts_with(beginning),
    }
}

/// The pods that left without the provider having asked for it: their UIDs and names.
pub(super) fn taken_by_the_cluster(entries: &[Entry]) -> BTreeMap<String, String> {
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut taken = BTreeMap::new();
    for entry in entries {
        match &entry.what {
            Occurrence::Kube(KubeCall { verb, path, .. }) if verb == "DELETE" => {
                asked.insert(path.clone());
            }
            Occurrence::Pod(pod) if pod.is_leaving() || pod.removed => {
                let name = pod.name();
                let (namespace, base) = name.split_once('/').unwrap_or(("", &name));
                let path = format!("/api/v1/namespaces/{namespace}/pods/{base}");
                if !asked.contains(&path) {
                    taken.insert(pod.uid().to_owned(), name);
                }
            }
            _ => {}
        }
    }
    taken
}

/// The pods that were made while no provider ran.
pub(super) fn made_without_webhook(entries: &[Entry]) -> BTreeSet<String> {
    let mut running = 0_u32;
    // A life that is perturbed to death is dead from then on, and ended within the same instant.
    let mut dying = 0_u32;
    let mut made = BTreeSet::new();
    let known = pods(entries);
    for entry in entries {
        match &entry.what {
            Occurrence::Started(_) => running += 1,
            Occurrence::Perturbed(_, own) if own.kills() => {
                running = running.saturating_sub(1);
                dying += 1;
            }
            Occurrence::Killed(_) if dying > 0 => dying -= 1,
            Occurrence::Killed(_) => running = running.saturating_sub(1),
            Occurrence::Pod(pod) if running == 0 => {
                let first = known.get(pod.uid()).and_then(|life| life.writes.first());
                // A pod that names its node needs no webhook.
                let needs_it = pod.text("/spec/nodeName").is_empty();
                if needs_it && first.is_some_and(|(at, _)| *at == entry.at) {
                    made.insert(pod.name());
                }
            }
            _ => {}
        }
    }
    made
}
