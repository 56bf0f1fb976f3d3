//! `drain: { node: virtual-kubelet }`, as `kubectl drain` does: no new pods, and those that are there are evicted.

use std::fmt;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{EvictParams, ListParams, ObjectMeta, Patch, PatchParams};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::objects::objects;
use crate::outcome::Miss;
use crate::scenario::span::Span;
use crate::stage::World;

/// The longest time of a drain where the case does not say.
const DRAIN_TIMEOUT: Span = Span::seconds(300);
/// An eviction that a budget forbids for now.
const NOT_NOW: u16 = 429;
/// The pod is gone already.
const GONE: u16 = 404;

/// Empties a node.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Drain {
    /// The node: `virtual-kubelet`.
    node: String,
    /// The longest time of the drain; five minutes where nothing is said.
    within: Option<Span>,
}

impl Drain {
    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        let cordon = Patch::Merge(json!({ "spec": { "unschedulable": true } }));
        let nodes = objects::<Node>(world.kube(), None);
        nodes.patch(&self.node, &PatchParams::default(), &cordon).await?;
        world.within(self.within.unwrap_or(DRAIN_TIMEOUT).0, async || self.evict(world).await).await
    }

    /// Evicts what is there and was not asked to go; it is met when nothing is there any more.
    async fn evict(&self, world: &World) -> Result<(), Miss> {
        let of_node = ListParams::default().fields(&format!("spec.nodeName={}", self.node));
        let pods = objects::<Pod>(world.kube(), None).list_metadata(&of_node).await?.items;
        let stays = |of: &ObjectMeta| of.owner_references.iter().flatten().any(|o| o.kind == "DaemonSet");
        let mut left = Vec::new();
        for pod in pods.into_iter().filter(|pod| !stays(&pod.metadata)) {
            let (namespace, name) = (pod.metadata.namespace, pod.metadata.name.unwrap_or_default());
            let namespace = namespace.unwrap_or_default();
            if pod.metadata.deletion_timestamp.is_none() {
                let api: Api<Pod> = Api::namespaced(world.kube(), &namespace);
                match api.evict(&name, &EvictParams::default()).await {
                    Err(kube::Error::Api(status)) if matches!(status.code, GONE | NOT_NOW) => {}
                    other => drop(other?),
                }
            }
            left.push(format!("{namespace}/{name}"));
        }
        match left.is_empty() {
            true => Ok(()),
            false => Err(Miss::one("pods on the node", "none", left.join(", "))),
        }
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "drain node {}", self.node)
    }
}
