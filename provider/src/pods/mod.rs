//! The pods of the node: watched, judged, reconciled with their container groups.

mod admission;
pub mod annotations;
mod budget;
pub mod call_failure;
mod cloud_events;
pub mod conditions;
mod create;
pub mod decide;
mod delete;
pub mod dns;
pub mod events;
pub mod evidence;
pub mod fields;
mod file_notes;
pub mod group_state;
pub mod identity;
pub mod list_price;
mod made_from;
pub mod monotone;
pub mod on_node;
mod orphans;
pub mod phase;
pub mod poller;
pub mod provenance;
pub mod publish;
pub mod quantity;
pub mod queue;
pub mod reconcile;
pub mod request;
pub mod schedule;
pub mod sources;
mod spec_attempts;
pub mod specs;
mod stale_files;
pub mod startup_times;
pub mod status;
pub mod store;
pub mod tolerations;
mod view_reporter;
pub mod watch;

use std::sync::Arc;

use determinism::Chance;
use k8s_openapi::api::core::v1::Node;
use kube::api::ObjectMeta;

use crate::node::facts::NodeFound;
use poller::GroupPoller;
use reconcile::{Reconciler, Tools};
use view_reporter::ViewReporter;

/// Looks after the pods of a node until it is dropped, which ends all that it began.
///
/// In the beginning the API's list of pods and then the cloud's list of groups are read whole. What is found in both is
/// adopted, and only then is anything made or deleted. The pauses of a watch that fails are drawn from `watch_chance`.
pub async fn run(reconciler: Arc<Reconciler>, watch_chance: Chance) {
    let Tools { client, eci, store, scope, steady, facts, .. } = &**reconciler;
    let node = scope.config.node_name.clone();
    let reporter = ViewReporter::new(&reconciler);
    let poller = GroupPoller::new(eci.clone(), scope.owner.clone(), store.clone(), steady.clone(), reporter);
    let polling = async {
        if let NodeFound::IdentityChanged { what } = facts.wait_found().await {
            tracing::warn!(what, "nothing is concluded from groups that are missing");
            store.identity_changed();
        }
        while !store.are_pods_listed() {
            store.woken().await;
        }
        poller.run().await;
    };
    tokio::join!(
        watch::pods(client.clone(), &node, &scope.config.namespaces, store, steady, watch_chance),
        polling,
        reconciler.watch_files(),
        reconciler.clone().run()
    );
}

/// The node as events name it: the kubelet gives its name as its UID, by which kubectl finds them.
pub(crate) fn node_reference(name: &str) -> Node {
    let name = Some(name.to_owned());
    Node { metadata: ObjectMeta { uid: name.clone(), name, ..ObjectMeta::default() }, ..Node::default() }
}
