//! Questions of the embedded scheduler.

use std::hint::black_box;

use anyhow::Result;
use determinism::Seed;
use kube_sim::scheduler::candidate::Cluster;
use kube_sim::scheduler::schedule;
use serde_json::{Value, json};

use crate::question::Ask;

/// A decision for one pod among so many nodes of three zones, each with a pod on it.
///
/// # Errors
/// When no node takes the pod.
pub fn schedule_among(count: usize) -> Result<Ask> {
    let nodes: Vec<Value> = (0..count).map(node).collect();
    let bound: Vec<Value> =
        (0..count).map(|n| pod(&format!("pod-{n}"), Some(&format!("node-{n}")))).collect();
    let pod = pod("web", None);
    let mut chance = Seed::DEFAULT.chance("scheduler");
    Ok(Box::new(move || {
        let cluster = Cluster::new(&nodes, &bound, []);
        black_box(schedule(&pod, &cluster, |_, _| true, &mut chance)?);
        Ok(())
    }))
}

fn node(number: usize) -> Value {
    let size = json!({ "cpu": "16", "memory": "64Gi", "pods": "110" });
    json!({
        "metadata": { "name": format!("node-{number}"), "labels": { "topology.kubernetes.io/zone": format!("zone-{}", number % 3) } },
        "spec": {}, "status": { "allocatable": size, "capacity": size },
    })
}

fn pod(name: &str, node: Option<&str>) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "default", "labels": { "app": "web" } },
        "spec": {
            "nodeName": node,
            "containers": [{ "name": "web", "resources": { "requests": { "cpu": "500m", "memory": "1Gi" } } }],
        },
        "status": {},
    })
}
