//! Follows the pods that are bound to this node.

use std::collections::BTreeSet;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};

use super::book::Book;

/// Tells `book` of every pod of `node`, for ever; what breaks is begun anew, a little later.
pub async fn pods(client: Client, node: &str, book: &Book) {
    let api: Api<Pod> = Api::all(client);
    let of_node = watcher::Config::default().fields(&format!("spec.nodeName={node}"));
    let mut events = std::pin::pin!(watch(api, of_node).default_backoff());
    let mut listed = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod)) => book.saw_pod(pod),
            Ok(Event::Delete(pod)) => {
                let uid = pod.metadata.uid.clone().unwrap_or_default();
                // The last state says how it went: a grace of zero, a deletion that was forced.
                book.saw_pod(pod);
                book.lost_pod(&uid);
            }
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(pod)) => {
                listed.extend(pod.metadata.uid.clone());
                book.saw_pod(pod);
            }
            Ok(Event::InitDone) => book.listed_pods(&listed),
            Err(error) => tracing::warn!(%error, "the pods of the node cannot be followed; trying again"),
        }
    }
}
