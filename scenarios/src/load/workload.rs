//! The manifests of a load: bare pods, Deployments and Jobs whose pods go to the virtual node.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::DynamicObject;
use kube::{Api, Client};
use provider::webhook::injection::{TAINT_KEY, TYPE_LABEL, TYPE_VALUE};
use serde_json::{Value, json};

use super::plan::{Plan, Workload};
use super::watch::LABEL;
use crate::objects::{new_object, objects};

/// The label with a node's own name.
const HOST_NAME: &str = "kubernetes.io/hostname";

/// The API of the kind that the plan makes.
pub(super) fn api(plan: &Plan, client: Client, namespace: &str) -> Api<DynamicObject> {
    match plan.workload {
        Workload::Bare => objects::<Pod>(client, Some(namespace)),
        Workload::Deployments => objects::<Deployment>(client, Some(namespace)),
        Workload::Jobs => objects::<Job>(client, Some(namespace)),
    }
}

/// The name of the object of this number.
pub(super) fn name(plan: &Plan, number: u32) -> String {
    format!("{}-{number:06}", plan.prefix)
}

/// The object of this number, with so many pods.
pub(super) fn object(plan: &Plan, number: u32, pods: u32) -> DynamicObject {
    let name = name(plan, number);
    let labels = json!({ LABEL: name });
    let template = |policy: &str| json!({ "metadata": { "labels": labels }, "spec": pod_spec(plan, policy) });
    let mut object = match plan.workload {
        Workload::Bare => new_object::<Pod>(&name, json!({ "spec": pod_spec(plan, "Always") })),
        Workload::Deployments => {
            let selector = json!({ "matchLabels": labels });
            let spec = json!({ "replicas": pods, "selector": selector, "template": template("Always") });
            new_object::<Deployment>(&name, json!({ "spec": spec }))
        }
        Workload::Jobs => {
            let spec = json!({ "completions": pods, "parallelism": pods, "template": template("Never") });
            new_object::<Job>(&name, json!({ "spec": spec }))
        }
    };
    object.metadata.labels = Some([(LABEL.to_owned(), name)].into());
    object
}

/// The spec of a pod that runs until it is deleted, on the virtual node or the one that the plan names.
fn pod_spec(plan: &Plan, restart_policy: &str) -> Value {
    let size = json!({ "cpu": plan.cpu, "memory": plan.memory });
    let (selector, toleration) = match &plan.node {
        None => (json!({ TYPE_LABEL: TYPE_VALUE }), json!({ "key": TAINT_KEY, "operator": "Exists" })),
        Some(node) => (json!({ HOST_NAME: node }), json!({ "operator": "Exists", "effect": "NoSchedule" })),
    };
    json!({
        "restartPolicy": restart_policy,
        "nodeSelector": selector,
        "tolerations": [toleration],
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "containers": [{
            "name": "load",
            "image": plan.image,
            "command": ["sleep", "infinity"],
            "resources": { "requests": size, "limits": size },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_go_to_the_node_that_is_named_though_it_is_tainted() {
        let plan = Plan { node: Some("fake".to_owned()), ..Plan::bare(1) };
        let of = |plan: &Plan| object(plan, 0, 1).data["spec"].clone();
        assert_eq!(of(&plan)["nodeSelector"], json!({ "kubernetes.io/hostname": "fake" }));
        assert_eq!(of(&plan)["tolerations"], json!([{ "operator": "Exists", "effect": "NoSchedule" }]));
        assert_eq!(of(&Plan::bare(1))["nodeSelector"], json!({ "type": "virtual-kubelet" }));
    }
}
