//! Pods of a world with a virtual node.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ApiResource, DeleteParams, DynamicObject, PostParams};
use scenarios::World;
use serde_json::json;

/// Creates a pod on the virtual node, and waits until it runs.
///
/// # Errors
/// When it is refused, or does not run within a simulated minute.
pub async fn run_pod(world: &World, name: &str) -> Result<()> {
    let kind = ApiResource::erase::<Pod>(&());
    let pods: Api<DynamicObject> = Api::default_namespaced_with(world.kube(), &kind);
    let container = json!({ "name": "main", "image": "nginx" });
    let spec = json!({ "nodeName": "virtual-kubelet", "containers": [container] });
    let pod = DynamicObject::new(name, &kind).data(json!({ "spec": spec }));
    pods.create(&PostParams::default(), &pod).await?;
    for _ in 0..600 {
        world.advance(Duration::from_millis(100)).await;
        if pods.get(name).await?.data.pointer("/status/phase").is_some_and(|phase| phase == "Running") {
            return Ok(());
        }
    }
    anyhow::bail!("{name} does not run after a minute")
}

/// Deletes a pod at once.
///
/// # Errors
/// When it is refused.
pub async fn end_pod(world: &World, name: &str) -> Result<()> {
    let pods: Api<DynamicObject> =
        Api::default_namespaced_with(world.kube(), &ApiResource::erase::<Pod>(&()));
    pods.delete(name, &DeleteParams::default().grace_period(0)).await?;
    world.advance(Duration::from_secs(1)).await;
    Ok(())
}
