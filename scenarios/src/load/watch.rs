//! The watch on the load's pods: each change becomes an observation in the history, at the instant at which it came.

use std::time::Duration;

use futures::{StreamExt, pin_mut};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Object;
use kube::discovery::ApiResource;
use kube::{Api, Client};
use serde::{Deserialize, Serialize};

use super::history::PodObservation;
use super::recorder::Recorder;

/// The label whose value names the object of the load that a pod belongs to.
pub(super) const LABEL: &str = "virtual-node-load";
/// The pause before a watch that broke is begun again.
const RETRY_INTERVAL: Duration = Duration::from_millis(200);
/// Seconds after which the API server ends a watch by itself.
const WATCH_SECONDS: u32 = 290;

/// The fields of a pod's spec that a load looks at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    node_name: Option<String>,
}

/// The fields of a pod's status that a load looks at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    phase: Option<String>,
    reason: Option<String>,
}

/// A pod, as far as a load looks at it.
type SeenPod = Object<Spec, Status>;

/// Follows the pods with the label of this `prefix` in a namespace, until dropped.
pub(super) async fn follow(client: Client, namespace: String, prefix: String, recorder: Recorder) {
    let api: Api<SeenPod> = Api::namespaced_with(client, &namespace, &ApiResource::erase::<Pod>(&()));
    loop {
        if let Err(error) = follow_once(&api, &prefix, &recorder).await {
            tracing::debug!(%error, "the load's watch begins again");
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Lists the pods, then watches them until the watch ends.
async fn follow_once(api: &Api<SeenPod>, prefix: &str, recorder: &Recorder) -> kube::Result<()> {
    let listed = api.list(&ListParams::default().labels(LABEL)).await?;
    let shown: Vec<_> = listed.items.iter().filter_map(|pod| observation_of(pod, prefix)).collect();
    recorder.note(|history, at| history.see_only(&shown, at));
    let version = listed.metadata.resource_version.unwrap_or_default();
    let params = WatchParams::default().labels(LABEL).timeout(WATCH_SECONDS);
    let events = api.watch(&params, &version).await?;
    pin_mut!(events);
    while let Some(event) = events.next().await {
        match event? {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                if let Some(observation) = observation_of(&pod, prefix) {
                    recorder.note(|history, at| history.see(&observation, at));
                }
            }
            WatchEvent::Deleted(pod) => {
                if let Some(observation) = observation_of(&pod, prefix) {
                    recorder.note(|history, at| history.see_gone(&observation.pod, at));
                }
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        }
    }
    Ok(())
}

/// What a pod shows; `None` where it is of another load.
fn observation_of(pod: &SeenPod, prefix: &str) -> Option<PodObservation> {
    let ObjectMeta { name, labels, deletion_timestamp, .. } = &pod.metadata;
    let object = labels.as_ref()?.get(LABEL).filter(|object| object.starts_with(prefix))?.clone();
    let status = pod.status.clone().unwrap_or_default();
    Some(PodObservation {
        pod: name.clone()?,
        object,
        bound: pod.spec.node_name.is_some(),
        phase: status.phase.unwrap_or_default(),
        reason: status.reason.unwrap_or_default(),
        deleting: deletion_timestamp.is_some(),
    })
}
