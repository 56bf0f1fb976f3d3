//! Rest: no storm of calls, and nothing is written in a world in which nothing happens.

use jiff::{SignedDuration, Timestamp};

use super::Violation;
use super::timeline::{first, groups, works};
use crate::sweep::journal::{Entry, Occurrence};

/// The calls of a few pods' provider within ten seconds, to the cloud and to Kubernetes.
const STORM_OF_CLOUD: usize = 60;
const STORM_OF_KUBE: usize = 200;
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Between two writes of the node's status at rest.
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
    let times = |cloud: bool| side(cloud).map(|entry| entry.at).collect();
    let cloud = storm("the cloud", times(true), STORM_OF_CLOUD);
    cloud.into_iter().chain(storm("Kubernetes", times(false), STORM_OF_KUBE)).collect()
}

/// At rest only leases, and the node's status each five minutes, are written.
pub(super) fn quiet(entries: &[Entry]) -> Vec<Violation> {
    let Some(from) = first(entries, |what| *what == Occurrence::Quiet) else { return Vec::new() };
    let at_rest = || entries.iter().filter(move |entry| entry.at > from);
    // A cloud in which something happens by itself has something to tell.
    let working: Vec<_> =
        groups(entries).iter().filter(|group| works(group.last_state())).map(|group| group.id).collect();
    let restless = at_rest().any(|entry| matches!(entry.what, Occurrence::Group(_)))
        || entries.iter().any(|entry| {
            // Its container is started again and again, each time a little later.
            matches!(&entry.what, Occurrence::ContainerEnded(id) if working.contains(&id.as_str()))
        });
    let mut found = Vec::new();
    let mut status_at: Option<Timestamp> = None;
    for entry in at_rest() {
        let violation = match &entry.what {
            Occurrence::Kube(call) if call.writes() => {
                let path = call.path.as_str();
                let is_status = path.contains("/nodes/") && path.ends_with("/status");
                let early =
                    is_status && status_at.is_some_and(|at| at.duration_until(entry.at) < STATUS_PERIOD);
                if is_status {
                    status_at = Some(entry.at);
                }
                let own = path.contains("/leases/") || is_status && !early;
                let of_pods = restless && (path.contains("/pods/") || path.contains("/events"));
                (!own && !of_pods).then(|| format!("{} {path} in a world at rest: {}", call.verb, call.body))
            }
            Occurrence::Cloud(call) if !restless && !call.action.starts_with("Describe") => {
                Some(format!("{} in a world at rest", call.action))
            }
            _ => None,
        };
        found.extend(violation.map(|words| Violation::new("quiet", entry.at, words)));
    }
    found.truncate(1);
    found
}
