//! The chart's release: whether it can be played on, started and ended as a case wishes, and what it last said.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, DynamicObject, ListParams, LogParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::cluster::error::{ClusterError, KubeconfigError, SharedClusterError, refused};
use crate::objects::{Fields, objects};

/// The namespace and the name under which the guide installs the chart.
const NAMESPACE: &str = "kube-system";
const NAME: &str = "ack-virtual-node";
const LABELS: &str = "app.kubernetes.io/name=ack-virtual-node,app.kubernetes.io/instance=ack-virtual-node";
/// The variable by which a provider follows a simulator's clock.
const CLOCK_URL: &str = "ECI_CLOCK_URL";
/// The number of lines of its log that an error quotes.
const QUOTED_LINES: i64 = 6;

/// The provider's Deployment and its pods.
#[derive(Clone)]
pub(super) struct Release {
    deployments: Api<DynamicObject>,
    pods: Api<DynamicObject>,
    /// The same pods, for their logs.
    logs: Api<Pod>,
}

impl Release {
    /// The release of this cluster, if it has one; it must live by a clock that can be moved.
    pub(super) async fn find(client: &Client) -> Result<Option<Self>, SharedClusterError> {
        let deployments = objects::<Deployment>(client.clone(), Some(NAMESPACE));
        let found =
            deployments.get_opt(NAME).await.map_err(refused("looking whether the chart is installed"))?;
        let Some(found) = found else { return Ok(None) };
        let containers = found.list("/spec/template/spec/containers").iter();
        let mut variables = containers.flat_map(|container| container.list("/env"));
        if !variables.any(|variable| variable.text("/name") == Some(CLOCK_URL)) {
            return Err(KubeconfigError::LivesByTheMachine.into());
        }
        Ok(Some(Self {
            deployments,
            pods: objects::<Pod>(client.clone(), Some(NAMESPACE)),
            logs: Api::namespaced(client.clone(), NAMESPACE),
        }))
    }

    /// Sets the number of pods of the Deployment.
    pub(super) async fn scale(&self, replicas: u32) -> Result<(), ClusterError> {
        let wanted = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        let scaled = self.deployments.patch_scale(NAME, &PatchParams::default(), &wanted).await;
        Ok(scaled.map(drop)?)
    }

    /// Ends the pods that there are in the middle of whatever they do.
    pub(super) async fn kill_pods(&self) -> Result<(), ClusterError> {
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        Ok(self.pods.delete_collection(&at_once, &selected()).await.map(drop)?)
    }

    /// True when the release has no pod any more.
    pub(super) async fn is_gone(&self) -> Result<bool, ClusterError> {
        Ok(self.pods.list_metadata(&selected()).await?.items.is_empty())
    }

    /// The end of the provider's log, with a line that says so; the reason where it cannot be read.
    pub(super) async fn last_lines(&self) -> String {
        match self.log().await {
            Ok(log) => format!("it last said:\n{}", log.trim_end()),
            Err(why) => format!("its log cannot be read: {why}"),
        }
    }

    async fn log(&self) -> Result<String, ClusterError> {
        let pods = self.pods.list_metadata(&selected()).await?;
        let name = pods.items.into_iter().find_map(|pod| pod.metadata.name).ok_or(ClusterError::NoPod)?;
        let last = LogParams { tail_lines: Some(QUOTED_LINES), ..LogParams::default() };
        Ok(self.logs.logs(&name, &last).await?)
    }
}

fn selected() -> ListParams {
    ListParams::default().labels(LABELS)
}
