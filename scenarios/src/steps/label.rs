//! `label: { namespace: vk, virtual-node-affinity-injection: enabled }`, as `kubectl label --overwrite` does.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::api::{Patch, PatchParams};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use crate::objects::objects;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::stage::World;

/// Puts labels on something; a label without a value is taken off.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "BTreeMap<String, Option<String>>")]
pub struct Label {
    on: Labelled,
    labels: BTreeMap<String, Option<String>>,
}

#[derive(Debug, Clone)]
enum Labelled {
    Namespace(String),
    Node(String),
    Pod(PodName),
}

impl TryFrom<BTreeMap<String, Option<String>>> for Label {
    type Error = CaseError;

    fn try_from(mut labels: BTreeMap<String, Option<String>>) -> Result<Self, CaseError> {
        let mut take = |kind: &str| labels.remove(kind).flatten();
        let on = match (take("namespace"), take("node"), take("pod")) {
            (Some(name), None, None) => Labelled::Namespace(name),
            (None, Some(name), None) => Labelled::Node(name),
            (None, None, Some(name)) => Labelled::Pod(name.parse()?),
            _ => {
                let lacking = "one of `namespace`, `node` and `pod`: what gets the labels";
                return Err(CaseError::Lacks { holder: "label", lacking });
            }
        };
        if labels.is_empty() {
            let lacking = "a label besides, such as `virtual-node-affinity-injection: enabled`";
            return Err(CaseError::Lacks { holder: "label", lacking });
        }
        Ok(Self { on, labels })
    }
}

impl Label {
    pub(super) fn pod(&mut self) -> Option<&mut PodName> {
        match &mut self.on {
            Labelled::Pod(pod) => Some(pod),
            Labelled::Namespace(_) | Labelled::Node(_) => None,
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.labels.values_mut().flatten().for_each(each);
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let patch = Patch::Merge(json!({ "metadata": { "labels": self.labels } }));
        let params = PatchParams::default();
        match &self.on {
            Labelled::Namespace(name) => {
                objects::<Namespace>(world.kube(), None).patch(name, &params, &patch).await?;
                // The label decides about the webhook, and the API server hears of it a moment later.
                world.settle().await;
            }
            Labelled::Node(name) => {
                objects::<Node>(world.kube(), None).patch(name, &params, &patch).await?;
            }
            Labelled::Pod(pod) => {
                objects::<Pod>(world.kube(), Some(&pod.namespace)).patch(&pod.name, &params, &patch).await?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.on {
            Labelled::Namespace(name) => write!(f, "label namespace {name}")?,
            Labelled::Node(name) => write!(f, "label node {name}")?,
            Labelled::Pod(pod) => write!(f, "label pod {pod}")?,
        }
        for (key, value) in &self.labels {
            match value {
                Some(value) => write!(f, " {key}={value}")?,
                None => write!(f, " {key}-")?,
            }
        }
        Ok(())
    }
}

impl JsonSchema for Label {
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "The object (namespace, node or pod) that gets the labels, and the labels themselves.",
            "properties": {
                "namespace": { "type": "string" },
                "node": { "type": "string" },
                "pod": { "type": "string" }
            },
            "minProperties": 2,
            "additionalProperties": { "type": ["string", "boolean", "number", "null"] }
        })
    }
}
