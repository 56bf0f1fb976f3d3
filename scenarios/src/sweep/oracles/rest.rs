//! Rest: no storm of calls, and nothing is written in a world in which nothing happens.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::timeline::{first, groups, pods, works};
use super::violation::Violation;
use crate::sweep::journal::{Entry, Occurrence};

/// The calls of an idle provider within ten seconds, to the cloud and to Kubernetes, and those that each pod may add.
const STORM_OF_CLOUD: usize = 60;
const STORM_OF_KUBE: usize = 200;
const OF_A_POD: usize = 12;
const CREATION: &str = "CreateContainerGroup";
/// First words of the cloud's actions that only read.
const READS: [&str; 2] = ["Describe", "List"];
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Between two writes of the node's status at rest, and of the count of one event.
const STATUS_PERIOD: SignedDuration = SignedDuration::from_secs(290);

/// No ten seconds see a storm of calls.
pub(super) fn few_calls(entries: &[Entry]) -> Vec<Violation> {
    let side = |wanted: bool| {
        entries.iter().filter(move |entry| match entry.what {
            Occurrence::Cloud(_) => wanted,
            Occurrence::Kube(_) => !wanted,
            _ => false,
        })
    };
    let storm = |name: &str, calls: Vec<Timestamp>, most: usize| {
        let pair = calls.windows(most + 1).find(|calls| calls[0].duration_until(calls[most]) <= WINDOW)?;
        let words = format!("more than {most} calls to {name} within 10 s");
        Some(Violation::new("few-calls", pair[0], words))
    };
    let more = OF_A_POD * pods(entries).len();
    let times = |cloud: bool| side(cloud).map(|entry| entry.at).collect();
    let cloud = storm("the cloud", times(true), STORM_OF_CLOUD + more);
    cloud.into_iter().chain(storm("Kubernetes", times(false), STORM_OF_KUBE + more)).collect()
}

/// At rest only leases, and the node's status each five minutes, are written.
///
/// Three worlds are not at rest. Where a container is started again and again, each time a little later, its pod is written of.
/// Where an image is pulled again and again, its pod goes from ErrImagePull to ImagePullBackOff and back as the kubelet's does,
/// and its events are counted on. Where a group was refused, it is asked for again, with a new token for its pod, and the event
/// of that is counted on.
pub(super) fn quiet(entries: &[Entry]) -> Vec<Violation> {
    let Some(from) = first(entries, |what| *what == Occurrence::Quiet) else { return Vec::new() };
    let life = SignsOfLife::of(entries, from);
    let mut written: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for entry in entries {
        let words = match &entry.what {
            Occurrence::Kube(call) if call.writes() => {
                let path = call.path.as_str();
                let of_node = path.contains("/nodes/") && path.ends_with("/status");
                // The pauses of a back-off may have grown until now; those of the node's status never do.
                if entry.at <= from && !of_node {
                    continue;
                }
                let before = written.insert(path, entry.at);
                if entry.at <= from {
                    continue;
                }
                let early = before.is_some_and(|at| at.duration_until(entry.at) < STATUS_PERIOD);
                let of_event = path.contains("/events");
                let allowed = path.contains("/leases/")
                    || of_node && !early
                    || life.restarts && (of_event || path.contains("/pods/"))
                    || life.pulls && path.contains("/pods/") && path.ends_with("/status")
                    || (life.pulls || life.refused) && of_event && !early
                    || life.refused && path.ends_with("/token");
                (!allowed).then(|| format!("{} {path} in a world at rest: {}", call.verb, call.document()))
            }
            Occurrence::Cloud(call) if entry.at > from => {
                let allowed = life.restarts
                    || READS.iter().any(|prefix| call.action.starts_with(prefix))
                    || life.refused && call.action == CREATION;
                (!allowed).then(|| format!("{} in a world at rest", call.action))
            }
            _ => None,
        };
        if let Some(words) = words {
            return vec![Violation::new("quiet", entry.at, words)];
        }
    }
    Vec::new()
}

/// The reasons for which a world in which nobody does anything is not at rest.
struct SignsOfLife {
    /// A group comes to another state by itself, or a container of a working group has ended before.
    restarts: bool,
    /// A working group has never run.
    pulls: bool,
    /// The last group that was asked for was refused.
    refused: bool,
}

impl SignsOfLife {
    fn of(entries: &[Entry], from: Timestamp) -> Self {
        let groups = groups(entries);
        let working: Vec<_> = groups.iter().filter(|group| works(group.last_state())).collect();
        let of_working = |id: &str| working.iter().any(|group| group.id == id);
        let restarts = entries.iter().any(|entry| match &entry.what {
            Occurrence::Group(_) => entry.at > from,
            Occurrence::ContainerEnded(id) => of_working(id),
            _ => false,
        });
        let mut creations = entries.iter().filter_map(|entry| match &entry.what {
            Occurrence::Cloud(call) if call.action == CREATION && entry.at <= from => Some(call),
            _ => None,
        });
        let refused = creations.next_back().is_some_and(|call| !call.answer.is_good());
        Self { restarts, refused, pulls: working.iter().any(|group| group.last_state() == "Pending") }
    }
}
