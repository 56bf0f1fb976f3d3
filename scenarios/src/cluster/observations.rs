//! Observations of any cluster: pods and events for a story, a node in use, a webhook that is asked, a kubectl.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::json;

use super::interface::NODE;
use crate::story::Gathering;

/// A labelled namespace in which nothing is ever made; it shows whether the webhook is asked.
pub(super) const PROBE_NAMESPACE: &str = "virtual-node-probe";

/// Tells which pods were made and what events there were, each at the world's time of its date.
pub(super) async fn tell(
    client: &kube::Client,
    gathering: &mut Gathering,
    world: impl Fn(Timestamp) -> Timestamp,
) -> kube::Result<()> {
    let pods: Api<Pod> = Api::all(client.clone());
    for pod in pods.list(&ListParams::default()).await?.items {
        let metadata = &pod.metadata;
        let name = |text: &Option<String>| text.clone().unwrap_or_default();
        if let Some(created) = &metadata.creation_timestamp {
            let whole = format!("{}/{}", name(&metadata.namespace), name(&metadata.name));
            gathering.add(world(created.0), "pod created", whole);
        }
    }
    let events: Api<Event> = Api::all(client.clone());
    for event in events.list(&ListParams::default()).await?.items {
        if event.involved_object.kind.as_deref() != Some("Pod") {
            continue;
        }
        let micro = event.event_time.as_ref().map(|time| time.0);
        let Some(at) = event.first_timestamp.as_ref().map(|time| time.0).or(micro) else { continue };
        let message = in_short(&event.message.unwrap_or_default());
        gathering.add(world(at), event.reason.unwrap_or_default(), message);
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
pub(crate) fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The taints of a node that a cluster does not know or has not heard of.
const TAKEN_OFF: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// True when the virtual node is ready, and the cluster has taken off the taints of a node that is not.
pub(super) async fn node_is_usable(client: &kube::Client) -> kube::Result<bool> {
    let node = Api::<Node>::all(client.clone()).get_opt(NODE).await?;
    Ok(node.is_some_and(|node| {
        let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
        is_ready(&node) && !taints.iter().any(|taint| TAKEN_OFF.contains(&taint.key.as_str()))
    }))
}

/// True when a pod in a labelled namespace would get its toleration from the provider; asked by a dry run.
pub(super) async fn webhook_is_called(client: &kube::Client) -> kube::Result<bool> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), PROBE_NAMESPACE);
    let pod = serde_json::from_value(json!({
        "metadata": { "name": "probe" },
        "spec": { "containers": [{ "name": "probe", "image": "probe" }] }
    }));
    let pod: Pod = pod.map_err(kube::Error::SerdeError)?;
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let tolerations = pods.create(&dry, &pod).await?.spec.and_then(|spec| spec.tolerations);
    let ours = |key: Option<&str>| key == Some("virtual-kubelet.io/provider");
    Ok(tolerations.unwrap_or_default().iter().any(|toleration| ours(toleration.key.as_deref())))
}

/// True when a `kubectl` is on the PATH.
pub(super) fn kubectl_is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("kubectl").is_file())
}
