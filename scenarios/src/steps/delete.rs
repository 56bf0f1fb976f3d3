//! `delete: { pod: vk/nginx }`, as `kubectl delete --wait=false` does.

use std::fmt;

use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::api::DeleteParams;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::objects::objects;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Deletes one thing, and does not wait for its end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Delete {
    /// The pod to delete: `vk/nginx`.
    pub(super) pod: Option<PodName>,
    /// The namespace to delete.
    namespace: Option<String>,
    /// The node to delete.
    node: Option<String>,
    /// The pod's grace period; its own where nothing is said.
    grace: Option<Span>,
}

impl Delete {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let named = [self.pod.is_some(), self.namespace.is_some(), self.node.is_some()];
        match named.iter().filter(|is| **is).count() {
            1 => Ok(()),
            _ => Err(CaseError::Lacks { holder: "delete", lacking: "one of `pod`, `namespace` and `node`" }),
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let grace = self.grace.map(|span| u32::try_from(span.0.as_secs()).unwrap_or(u32::MAX));
        let params = DeleteParams { grace_period_seconds: grace, ..DeleteParams::default() };
        if let Some(pod) = &self.pod {
            objects::<Pod>(world.kube(), Some(&pod.namespace)).delete(&pod.name, &params).await?;
        } else if let Some(name) = &self.namespace {
            objects::<Namespace>(world.kube(), None).delete(name, &params).await?;
        } else if let Some(name) = &self.node {
            objects::<Node>(world.kube(), None).delete(name, &params).await?;
        }
        Ok(())
    }
}

impl fmt::Display for Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pod, &self.namespace, &self.node) {
            (Some(pod), _, _) => write!(f, "delete pod {pod}"),
            (_, Some(name), _) => write!(f, "delete namespace {name}"),
            (_, _, Some(name)) => write!(f, "delete node {name}"),
            _ => f.write_str("delete nothing"),
        }
    }
}
