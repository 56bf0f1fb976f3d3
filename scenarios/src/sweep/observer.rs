//! The observer of the cluster's store: what becomes of pods, nodes and events stands in the journal, and Secrets do not.

use k8s_openapi::ByteString;
use kube_sim::KubeSim;
use kube_sim::store::{Change, GroupResource};
use serde_json::Value;

use super::journal::{Journal, Occurrence, PodWrite};

const PODS: GroupResource = ("", "pods");
const NODES: GroupResource = ("", "nodes");
const EVENTS: GroupResource = ("", "events");
const SECRETS: GroupResource = ("", "secrets");
/// The length below which a text may stand anywhere by chance.
const SECRET_LENGTH_MIN: usize = 8;

/// Follows until it is dropped. What is written at an instant is in the journal before time goes on.
pub(crate) async fn follow(sim: KubeSim, journal: Journal, node: &str) {
    let mut written = sim.store().written();
    let mut seen = 0;
    loop {
        let revision = written.see();
        let mut changes: Vec<(GroupResource, Change)> = Vec::new();
        for resource in [PODS, NODES, EVENTS, SECRETS] {
            // History is longer than what is written between two looks.
            let since = sim.store().since(resource, seen).unwrap_or_default();
            changes.extend(since.into_iter().map(|change| (resource, change)));
        }
        changes.sort_by_key(|(_, change)| change.revision);
        for (resource, change) in changes {
            seen = seen.max(change.revision);
            if resource == SECRETS {
                values(&change.after).into_iter().for_each(|value| journal.keep_secret(value));
            }
            if let Some(what) = occurrence_of(resource, change, node) {
                journal.write(what);
            }
        }
        seen = seen.max(revision);
        written.changed().await;
    }
}

/// The values of a Secret, as stored and as read, line by line; a certificate is none.
fn values(secret: &Value) -> Vec<String> {
    let data = secret["data"].as_object().into_iter().flatten();
    let mut values = Vec::new();
    for (_, encoded) in data.filter(|(key, _)| !key.ends_with(".crt")) {
        values.extend(encoded.as_str().map(str::to_owned));
        let ByteString(decoded) = serde_json::from_value(encoded.clone()).unwrap_or_default();
        values.extend(String::from_utf8_lossy(&decoded).lines().map(|line| line.trim().to_owned()));
    }
    values.retain(|value| value.len() >= SECRET_LENGTH_MIN && !value.starts_with("-----"));
    values
}

fn occurrence_of(resource: GroupResource, change: Change, node: &str) -> Option<Occurrence> {
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
            Some(Occurrence::KubeEvent(about, text("/reason").to_owned(), text("/message").to_owned()))
        }
        _ => None,
    }
}
