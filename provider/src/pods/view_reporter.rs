//! The view of the cloud as a whole, told on the node and in the log: doubt about what is missing, copied identities.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::Node;

use super::events::{EventType, Recorder};
use super::evidence::Brake;
use super::node_reference;
use super::reconcile::Reconciler;
use super::store::{Conclusion, PodStore};
use crate::node::facts::{Doubt, NodeFacts, NodeFound};

/// Reports the view of the cloud as a whole.
pub struct ViewReporter {
    store: PodStore,
    facts: NodeFacts,
    recorder: Recorder,
    node: Node,
    copies: Mutex<BTreeSet<String>>,
}

impl ViewReporter {
    pub fn new(reconciler: &Reconciler) -> Self {
        Self {
            store: reconciler.store.clone(),
            facts: reconciler.facts.clone(),
            recorder: reconciler.recorder.clone(),
            node: node_reference(&reconciler.scope.config.node_name),
            copies: Mutex::default(),
        }
    }

    /// Shows or lifts the doubt.
    pub fn concluded(&self, conclusion: Conclusion) {
        let Conclusion { brake, missing, known, identity_confirmed } = conclusion;
        if identity_confirmed || self.store.accepts_loss() {
            self.facts.confirm_identity();
        }
        let doubt = match (brake, self.facts.found()) {
            (Brake::Free, _) => None,
            (Brake::Held, _) => Some(Doubt {
                reason: "TooManyMissing",
                message: "More than a tenth of the container groups are missing from the cloud's answers. Region, account, \
                          cluster id or the tags may be wrong; no pod is failed before three looks over five minutes \
                          agree."
                    .to_owned(),
            }),
            (Brake::Never, _) if missing == 0 => None,
            (Brake::Never, found) => {
                let what = match found {
                    Some(NodeFound::IdentityChanged { what }) => what,
                    _ => "the identity changed".to_owned(),
                };
                Some(Doubt {
                    reason: "IdentityChanged",
                    message: format!(
                        "Container groups are missing, and {what}: no pod is failed for a group that is missing. Set it \
                         back, or start the provider with --accept-loss."
                    ),
                })
            }
        };
        if let Some(doubt) = doubt.as_ref().filter(|doubt| self.facts.doubt().as_ref() != Some(*doubt)) {
            tracing::warn!(missing, known, "{}", doubt.message);
            // That the identity changed was said when the node was registered.
            if brake != Brake::Never {
                self.recorder.node(&self.node, EventType::Warning, doubt.reason, &doubt.message);
            }
        }
        self.facts.set_doubt(doubt);
    }

    /// Tells of a group with this cluster's marks that another cluster made, once a cluster.
    pub fn copied(&self, group: &ContainerGroup, cluster: &str) {
        let new = self.copies.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster.to_owned());
        if !new {
            return;
        }
        let id = &group.container_group_id;
        let message = format!(
            "container group {id} bears this node's marks but was made by the cluster {cluster}: two clusters share \
             ALIYUN_CLUSTERID and the node's name. Neither touches the other's groups; give each an id of its own."
        );
        tracing::warn!("{message}");
        self.recorder.node(&self.node, EventType::Warning, "CopiedIdentity", &message);
    }
}
