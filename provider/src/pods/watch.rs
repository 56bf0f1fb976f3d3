//! Follows the pods that are bound to this node.

use determinism::Clock;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};

use super::store::PodStore;

/// Tells `store` of every pod of `node`, for ever; a stream that breaks is begun anew, a little later.
pub async fn pods(client: Client, node: &str, store: &PodStore, clock: &Clock) {
    let api: Api<Pod> = Api::all(client);
    let of_node = watcher::Config::default().fields(&format!("spec.nodeName={node}"));
    let mut events = std::pin::pin!(watch(api, of_node).default_backoff());
    while let Some(event) = events.next().await {
        let now = clock.now();
        match event {
            Ok(Event::Apply(pod)) => store.watched(pod, now),
            Ok(Event::Delete(pod)) => store.removed(pod, now),
            Ok(Event::Init) => store.list_began(),
            Ok(Event::InitApply(pod)) => store.listed(pod, now),
            Ok(Event::InitDone) => store.list_ended(now),
            Err(error) => tracing::warn!(%error, "the pods of the node cannot be followed; trying again"),
        }
    }
}
