//! Follows the pods that are bound to this node, in all namespaces or in each that is named.

mod backoff;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use determinism::{Chance, Clock};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};

use super::store::PodStore;
use crate::kubernetes;

/// Tells `store` of every pod of `node` in `namespaces` (all when that is empty), for ever; a stream that breaks is begun
/// anew after a pause that is drawn from `chance`.
pub async fn pods(
    client: Client,
    node: &str,
    namespaces: &[String],
    store: &PodStore,
    clock: &Clock,
    chance: Chance,
) {
    let chance = Arc::new(Mutex::new(chance));
    let of_node = watcher::Config::default()
        .fields(&format!("spec.nodeName={node}"))
        .timeout(kubernetes::WATCH_TIMEOUT_SECONDS);
    let of = |scope: String| {
        let api: Api<Pod> = match scope.as_str() {
            "" => Api::all(client.clone()),
            namespace => Api::namespaced(client.clone(), namespace),
        };
        let events = watch(api, of_node.clone()).backoff(backoff::of(chance.clone()));
        events.map(move |event| (scope.clone(), event)).boxed()
    };
    let mut unlisted: BTreeSet<String> = namespaces.iter().cloned().collect();
    if unlisted.is_empty() {
        unlisted.insert(String::new());
    }
    let mut events = stream::select_all(unlisted.clone().into_iter().map(of));
    while let Some((scope, event)) = events.next().await {
        let now = clock.now();
        match event {
            Ok(Event::Apply(pod)) => store.watched(pod, now),
            Ok(Event::Delete(pod)) => store.removed(pod, now),
            Ok(Event::Init) => store.list_began(namespace(&scope)),
            Ok(Event::InitApply(pod)) => store.listed(pod, now),
            Ok(Event::InitDone) => {
                unlisted.remove(&scope);
                store.list_ended(namespace(&scope), unlisted.is_empty(), now);
            }
            Err(error) if scope.is_empty() => {
                tracing::warn!(%error, "the pods of the node cannot be followed; trying again");
            }
            Err(error) => {
                tracing::warn!(%error, "the node's pods in {scope} cannot be followed; trying again");
            }
        }
    }
}

/// The namespace that a stream is of; none for the stream of all.
fn namespace(scope: &str) -> Option<&str> {
    (!scope.is_empty()).then_some(scope)
}
