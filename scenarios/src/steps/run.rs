//! `run: { pod: vk/nginx, image: nginx }`, the pod that `kubectl run` makes, with a few more words.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, PostParams};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::objects::{new_object, objects};
use crate::outcome::Miss;
use crate::scenario::names::PodName;
use crate::stage::World;

/// Runs one container in a pod.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Run {
    /// The pod: `vk/nginx`.
    pub(super) pod: PodName,
    /// The container's image.
    image: String,
    /// The command that is run instead of the image's own, word by word.
    #[serde(default)]
    command: Vec<String>,
    /// The restart policy: what happens when the container ends.
    #[serde(default)]
    restart: Restart,
    /// A CPU limit, as Kubernetes writes it: `2`, `250m`.
    cpu: Option<String>,
    /// A memory limit, as Kubernetes writes it: `4Gi`.
    memory: Option<String>,
    /// Labels, besides `run`.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// The annotations of the pod.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    /// The node, where the scheduler is not to be asked.
    node_name: Option<String>,
    /// The pod's grace period in seconds; 30, as Kubernetes has it, where nothing is said.
    grace: Option<i64>,
}

/// A pod's restart policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Restart {
    /// The container is started again.
    #[default]
    Always,
    /// The container is started again when it failed.
    OnFailure,
    /// The pod ends with its container.
    Never,
}

impl Run {
    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let values = self.labels.values_mut().chain(self.annotations.values_mut());
        values.chain(&mut self.command).chain([&mut self.image]).for_each(each);
    }

    pub(super) fn image(&self) -> &str {
        &self.image
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let pods = objects::<Pod>(world.kube(), Some(&self.pod.namespace));
        pods.create(&PostParams::default(), &self.manifest()).await?;
        Ok(())
    }

    fn manifest(&self) -> DynamicObject {
        let mut container = json!({ "name": self.pod.name, "image": self.image });
        if !self.command.is_empty() {
            container["command"] = json!(self.command);
        }
        for (name, quantity) in [("cpu", &self.cpu), ("memory", &self.memory)] {
            if let Some(quantity) = quantity {
                container["resources"]["limits"][name] = json!(quantity);
            }
        }
        let mut spec = json!({ "containers": [container], "restartPolicy": format!("{:?}", self.restart) });
        if let Some(node) = &self.node_name {
            spec["nodeName"] = json!(node);
        }
        if let Some(grace) = self.grace {
            spec["terminationGracePeriodSeconds"] = json!(grace);
        }
        let mut pod = new_object::<Pod>(&self.pod.name, json!({ "spec": spec }));
        let mut labels = BTreeMap::from([("run".to_owned(), self.pod.name.clone())]);
        labels.extend(self.labels.clone());
        pod.metadata.labels = Some(labels);
        pod.metadata.annotations = (!self.annotations.is_empty()).then(|| self.annotations.clone());
        pod
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} --image {}", self.pod, self.image)?;
        if let Some(node) = &self.node_name {
            write!(f, " on {node}")?;
        }
        if !self.command.is_empty() {
            write!(f, " -- {}", self.command.join(" "))?;
        }
        Ok(())
    }
}
