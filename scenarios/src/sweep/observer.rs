//! Follows what Kubernetes stores of pods, nodes and events, and writes it into the journal.

use kube_sim::KubeSim;
use kube_sim::store::{Change, GroupResource};
use serde_json::Value;

use super::journal::{Journal, Occurrence, PodWrite};

const PODS: GroupResource = ("", "pods");
const NODES: GroupResource = ("", "nodes");
const EVENTS: GroupResource = ("", "events");

/// Follows until it is dropped. What is written at an instant is in the journal before time goes on.
pub(crate) async fn follow(sim: KubeSim, journal: Journal, node: &str) {
    let mut written = sim.store().written();
    let mut seen = 0;
    loop {
        let revision = *written.borrow_and_update();
        let mut changes: Vec<(GroupResource, Change)> = Vec::new();
        for resource in [PODS, NODES, EVENTS] {
            // History is longer than what is written between two looks.
            let since = sim.store().since(resource, seen).unwrap_or_default();
            changes.extend(since.into_iter().map(|change| (resource, change)));
        }
        changes.sort_by_key(|(_, change)| change.revision);
        for (resource, change) in changes {
            seen = seen.max(change.revision);
            if let Some(what) = told(resource, change, node) {
                journal.write(what);
            }
        }
        seen = seen.max(revision);
        if written.changed().await.is_err() {
            return;
        }
    }
}

fn told(resource: GroupResource, change: Change, node: &str) -> Option<Occurrence> {
    let Change { before, after, removed, .. } = change;
    let text = |pointer: &str| after.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match resource {
        PODS => Some(Occurrence::Pod(PodWrite { object: after, removed })),
        NODES if text("/metadata/name") == node => match (before, removed) {
            (None, _) => Some(Occurrence::Node(true)),
            (_, true) => Some(Occurrence::Node(false)),
            _ => None,
        },
        EVENTS if !removed => {
            let (namespace, name) = (text("/involvedObject/namespace"), text("/involvedObject/name"));
            let about = format!("{}/{namespace}/{name}", text("/involvedObject/kind"));
            Some(Occurrence::Told(about, text("/reason").to_owned(), text("/message").to_owned()))
        }
        _ => None,
    }
}
