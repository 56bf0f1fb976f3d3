//! The chart's release: whether it can be played on, started and ended as a case wishes, and what it last said.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, LogParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::cluster::found::NotFound;
use crate::cluster::site::{SiteError, refused};

/// The namespace and the name under which the guide installs the chart.
const NAMESPACE: &str = "kube-system";
const NAME: &str = "ack-virtual-node";
const LABELS: &str = "app.kubernetes.io/name=ack-virtual-node,app.kubernetes.io/instance=ack-virtual-node";
/// The variable by which a provider follows a simulator's clock.
const CLOCK_URL: &str = "ECI_CLOCK_URL";
/// With how many of its last lines it is quoted.
const QUOTED: i64 = 6;

/// The provider's Deployment and its pods.
#[derive(Clone)]
pub(super) struct Release {
    deployments: Api<Deployment>,
    pods: Api<Pod>,
}

impl Release {
    /// The release of this cluster, if it has one; it must live by a clock that can be moved.
    pub(super) async fn find(client: &Client) -> Result<Option<Self>, SiteError> {
        let deployments: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
        let found =
            deployments.get_opt(NAME).await.map_err(refused("looking whether the chart is installed"))?;
        let Some(found) = found else { return Ok(None) };
        let pod = found.spec.and_then(|spec| spec.template.spec).unwrap_or_default();
        let mut variables =
            pod.containers.into_iter().flat_map(|container| container.env.unwrap_or_default());
        if !variables.any(|variable| variable.name == CLOCK_URL) {
            return Err(NotFound::LivesByTheMachine.into());
        }
        Ok(Some(Self { deployments, pods: Api::namespaced(client.clone(), NAMESPACE) }))
    }

    /// Wants so many pods.
    pub(super) async fn scale(&self, replicas: u32) -> Result<(), String> {
        let wanted = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        let scaled = self.deployments.patch_scale(NAME, &PatchParams::default(), &wanted).await;
        scaled.map(drop).map_err(told)
    }

    /// Ends the pods that there are in the middle of whatever they do.
    pub(super) async fn kill_pods(&self) -> Result<(), String> {
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        self.pods.delete_collection(&at_once, &selected()).await.map(drop).map_err(told)
    }

    /// True when the release has no pod any more.
    pub(super) async fn is_gone(&self) -> Result<bool, String> {
        Ok(self.pods.list_metadata(&selected()).await.map_err(told)?.items.is_empty())
    }

    /// The end of the provider's log.
    pub(super) async fn last_words(&self) -> String {
        match self.log().await {
            Ok(log) => format!("it last said:\n{}", log.trim_end()),
            Err(why) => format!("its log cannot be read: {why}"),
        }
    }

    async fn log(&self) -> Result<String, String> {
        let pods = self.pods.list_metadata(&selected()).await.map_err(told)?;
        let name = pods.items.into_iter().find_map(|pod| pod.metadata.name).ok_or("it has no pod")?;
        let last = LogParams { tail_lines: Some(QUOTED), ..LogParams::default() };
        self.pods.logs(&name, &last).await.map_err(told)
    }
}

fn selected() -> ListParams {
    ListParams::default().labels(LABELS)
}

fn told(error: kube::Error) -> String {
    provider::with_causes(&error)
}
