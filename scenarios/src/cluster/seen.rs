//! What is looked at in any cluster: pods and events for a story, a node that is ready, a kubectl beside it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::Api;
use kube::api::ListParams;

use crate::story::Gathering;

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

/// Whether the node says that it is ready.
pub(super) fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Whether the real kubectl can be started.
pub(super) fn kubectl_is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("kubectl").is_file())
}
