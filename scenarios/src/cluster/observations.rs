//! Observations of any cluster: pods and events for a story, a node in use, a webhook that is asked, a kubectl.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::{DynamicObject, ListParams, PostParams};
use serde_json::json;

use super::interface::NODE;
use crate::objects::{Fields, new_object, objects};
use crate::story::Gathering;

/// A labelled namespace in which nothing is ever made; it shows whether the webhook is asked.
pub(super) const PROBE_NAMESPACE: &str = "virtual-node-probe";

/// Tells which pods were made and what events there were, each at the world's time of its date.
pub(super) async fn tell(
    client: &kube::Client,
    gathering: &mut Gathering,
    world: impl Fn(Timestamp) -> Timestamp,
) -> kube::Result<()> {
    let pods = objects::<Pod>(client.clone(), None);
    for pod in pods.list(&ListParams::default()).await?.items {
        let metadata = &pod.metadata;
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        if let Some(created) = &metadata.creation_timestamp {
            let whole = format!("{}/{}", name(&metadata.namespace), name(&metadata.name));
            gathering.add(world(created.0), "pod created", whole);
        }
    }
    let events = objects::<Event>(client.clone(), None);
    for event in events.list(&ListParams::default()).await?.items {
        if event.text("/involvedObject/kind") != Some("Pod") {
            continue;
        }
        let date = |pointer: &str| event.text(pointer)?.parse::<Timestamp>().ok();
        let Some(at) = date("/firstTimestamp").or_else(|| date("/eventTime")) else { continue };
        let message = in_short(event.text("/message").unwrap_or_default());
        gathering.add(world(at), event.text("/reason").unwrap_or_default(), message);
    }
    Ok(())
}

/// The first hundred characters.
fn in_short(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// True when the node's condition Ready is True.
pub(crate) fn is_ready(node: &DynamicObject) -> bool {
    let conditions = node.list("/status/conditions").iter();
    let mut ready = conditions.filter(|condition| condition.text("/type") == Some("Ready"));
    ready.any(|condition| condition.text("/status") == Some("True"))
}

/// The taints of a node that a cluster does not know or has not heard of.
const TAKEN_OFF: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// True when the virtual node is ready, and the cluster has taken off the taints of a node that is not.
pub(super) async fn node_is_usable(client: &kube::Client) -> kube::Result<bool> {
    let node = objects::<Node>(client.clone(), None).get_opt(NODE).await?;
    Ok(node.is_some_and(|node| {
        let mut keys = node.list("/spec/taints").iter().filter_map(|taint| taint.text("/key"));
        is_ready(&node) && !keys.any(|key| TAKEN_OFF.contains(&key))
    }))
}

/// True when a pod in a labelled namespace would get its toleration from the provider; asked by a dry run.
pub(super) async fn webhook_is_called(client: &kube::Client) -> kube::Result<bool> {
    let pods = objects::<Pod>(client.clone(), Some(PROBE_NAMESPACE));
    let container = json!({ "name": "probe", "image": "probe" });
    let pod = new_object::<Pod>("probe", json!({ "spec": { "containers": [container] } }));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let injected = pods.create(&dry, &pod).await?;
    let mut keys = injected.list("/spec/tolerations").iter().filter_map(|toleration| toleration.text("/key"));
    Ok(keys.any(|key| key == "virtual-kubelet.io/provider"))
}

/// True when a `kubectl` is on the PATH.
pub(super) fn kubectl_is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("kubectl").is_file())
}
