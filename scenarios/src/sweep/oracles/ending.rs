//! The end: that of the reference run, but for differences that have a name.

use std::collections::BTreeSet;

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
/// - a pod was made while the provider, and with it the webhook, was away, and so is not on the node.
pub(super) fn same_end(played: &Played, reference: &Played, plan: &Plan) -> Vec<Violation> {
    let Some(at) = first(&played.entries, |what| *what == Occurrence::End) else { return Vec::new() };
    let node = plan.perturbations().iter().any(|(_, own)| own.costs_the_node());
    let again = plan.perturbations().iter().any(|(_, own)| *own == Perturbation::SameName);
    let taken = taken_by_the_cluster(&played.entries);
    let unwebhooked = made_without_webhook(&played.entries);
    let excused = |difference: &Difference| {
        let whose = difference.whose.as_str();
        (node && taken.iter().any(|name| belongs(name, whose)))
            || again
            || unwebhooked.iter().any(|name| belongs(name, whose))
    };
    let differences = played.end.differences(&reference.end);
    let violations = differences.iter().filter(|difference| !excused(difference));
    violations.map(|difference| Violation::new("same-end", at, difference.to_string())).collect()
}

/// True of a pod's name that is counted under `whose`.
fn belongs(name: &str, whose: &str) -> bool {
    name == whose
        || whose.rsplit(' ').next().is_some_and(|beginning| {
            let (namespace, base) = name.split_once('/').unwrap_or(("", name));
            whose.starts_with(&format!("{namespace}/a pod of ")) && base.starts_with(beginning)
        })
}

/// The pods that left without the provider having asked for it.
fn taken_by_the_cluster(entries: &[Entry]) -> BTreeSet<String> {
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut taken = BTreeSet::new();
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
                    taken.insert(name);
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
    let mut made = BTreeSet::new();
    let known = pods(entries);
    for entry in entries {
        match &entry.what {
            Occurrence::Started(_) => running += 1,
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
