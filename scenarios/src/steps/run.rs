//! `run: { pod: vk/nginx, image: nginx }`, the pod that `kubectl run` makes, with a few more words.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use schemars::JsonSchema;
use serde::Deserialize;

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

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let pods: Api<Pod> = Api::namespaced(world.kube(), &self.pod.namespace);
        pods.create(&PostParams::default(), &self.manifest()).await?;
        Ok(())
    }

    fn manifest(&self) -> Pod {
        let mut labels = BTreeMap::from([("run".to_owned(), self.pod.name.clone())]);
        labels.extend(self.labels.clone());
        let mut limits = BTreeMap::new();
        for (name, quantity) in [("cpu", &self.cpu), ("memory", &self.memory)] {
            if let Some(quantity) = quantity {
                limits.insert(name.to_owned(), Quantity(quantity.clone()));
            }
        }
        let resources = (!limits.is_empty())
            .then(|| ResourceRequirements { limits: Some(limits), ..ResourceRequirements::default() });
        let container = Container {
            name: self.pod.name.clone(),
            image: Some(self.image.clone()),
            command: (!self.command.is_empty()).then(|| self.command.clone()),
            resources,
            ..Container::default()
        };
        Pod {
            metadata: ObjectMeta {
                name: Some(self.pod.name.clone()),
                labels: Some(labels),
                annotations: (!self.annotations.is_empty()).then(|| self.annotations.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(PodSpec {
                containers: vec![container],
                restart_policy: Some(format!("{:?}", self.restart)),
                node_name: self.node_name.clone(),
                termination_grace_period_seconds: self.grace,
                ..PodSpec::default()
            }),
            ..Pod::default()
        }
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
