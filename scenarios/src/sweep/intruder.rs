//! Acts of somebody else on the cluster while the provider works.

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, DynamicObject, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::perturbation::Perturbation;
use crate::objects::objects;

/// Does it to the newest pod of `node`, or to the node.
///
/// # Errors
/// The API's refusal.
pub(crate) async fn act(client: &Client, node: &str, perturbation: Perturbation) -> kube::Result<()> {
    let params = PatchParams::default();
    match perturbation {
        Perturbation::NodeDeleted => {
            objects::<Node>(client.clone(), None).delete(node, &DeleteParams::default()).await?;
        }
        Perturbation::AlienLabels => {
            let patch = Patch::Merge(json!({ "metadata": { "labels": { "alien": "yes" } } }));
            objects::<Node>(client.clone(), None).patch(node, &params, &patch).await?;
            if let Some((pods, name, _)) = newest(client, node).await? {
                pods.patch(&name, &params, &patch).await?;
            }
        }
        Perturbation::AlienStatus => {
            let condition = json!({ "type": "example.com/gate", "status": "True" });
            let patch = json!({ "status": { "message": "alien", "conditions": [condition] } });
            if let Some((pods, name, _)) = newest(client, node).await? {
                pods.patch_status(&name, &params, &Patch::Strategic(patch)).await?;
            }
        }
        Perturbation::SameName => {
            if let Some((pods, name, pod)) = newest(client, node).await? {
                pods.delete(&name, &DeleteParams::default().grace_period(0)).await?;
                pods.create(&PostParams::default(), &again(pod)).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The pod of the node that was made last, of those that nobody controls.
async fn newest(
    client: &Client,
    node: &str,
) -> kube::Result<Option<(Api<DynamicObject>, String, DynamicObject)>> {
    let of_node = ListParams::default().fields(&format!("spec.nodeName={node}"));
    let all = objects::<Pod>(client.clone(), None).list(&of_node).await?.items;
    let newest = all
        .into_iter()
        .filter(|pod| pod.metadata.owner_references.is_none() && pod.metadata.deletion_timestamp.is_none())
        .max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0));
    Ok(newest.map(|pod| {
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let name = pod.metadata.name.clone().unwrap_or_default();
        (objects::<Pod>(client.clone(), Some(&namespace)), name, pod)
    }))
}

/// The manifest of a pod, made anew.
fn again(pod: DynamicObject) -> DynamicObject {
    let metadata = ObjectMeta {
        name: pod.metadata.name,
        namespace: pod.metadata.namespace,
        labels: pod.metadata.labels,
        ..ObjectMeta::default()
    };
    let spec = pod.data.get("spec").cloned().unwrap_or_default();
    DynamicObject { types: pod.types, metadata, data: json!({ "spec": spec }) }
}
