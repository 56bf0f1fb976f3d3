//! A cluster as it is: the pods that run there, put together by what made them.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use super::figures::plain;
use super::manifests::FileRow;
use super::workload::{self, Workload};
use crate::objects::objects;

/// The annotation of a pod that a node runs from a file of its own.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// The label that a Deployment gives its ReplicaSets, and with which their names end.
const HASH: &str = "pod-template-hash";
/// Pods that are asked for at once.
const PAGE: u32 = 500;

/// Errors of reading a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A kubeconfig that leads nowhere.
    #[error("the kubeconfig {file} cannot be used: {why}")]
    Kubeconfig {
        /// The file.
        file: String,
        /// The fault.
        why: String,
    },
    /// A cluster that does not answer, or forbids.
    #[error("the pods of the cluster cannot be listed: {0}")]
    List(String),
}

/// The pods of a cluster that count, and the number of each kind that do not.
#[derive(Debug, Clone, Default)]
pub struct ClusterPods {
    /// Workloads.
    pub workloads: Vec<Workload>,
    /// Pods of DaemonSets, of nodes' own files, and those that have ended, by what they are.
    pub passed_over: BTreeMap<String, usize>,
}

/// A client of the cluster that a kubeconfig names.
///
/// # Errors
/// [`ClusterError::Kubeconfig`].
pub async fn client(file: &Path, context: Option<&str>) -> Result<Client, ClusterError> {
    let unusable = |why: String| ClusterError::Kubeconfig { file: file.display().to_string(), why };
    let failed = |error: &(dyn std::error::Error + 'static)| unusable(provider::with_causes(error));
    let kubeconfig = Kubeconfig::read_from(file).map_err(|error| failed(&error))?;
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.map_err(|error| failed(&error))?).map_err(|error| failed(&error))
}

/// The pods of a cluster; with `node` only those on that node.
///
/// # Errors
/// [`ClusterError::List`].
pub async fn read(client: Client, node: Option<&str>) -> Result<ClusterPods, ClusterError> {
    let failed = |error: kube::Error| ClusterError::List(provider::with_causes(&error));
    let api = objects::<Pod>(client, None);
    let mut pods = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    if let Some(node) = node {
        page = page.fields(&format!("spec.nodeName={node}"));
    }
    loop {
        let list = api.list(&page).await.map_err(failed)?;
        for object in list.items {
            pods.push(serde_json::to_value(object).map_err(|error| ClusterError::List(error.to_string()))?);
        }
        match list.metadata.continue_.filter(|more| !more.is_empty()) {
            Some(more) => page = page.continue_token(&more),
            None => return grouped(&pods),
        }
    }
}

/// Puts pods together by what made them and what they ask for.
///
/// # Errors
/// [`ClusterError::List`] for a pod that cannot be read.
pub fn grouped(pods: &[Value]) -> Result<ClusterPods, ClusterError> {
    let mut found = ClusterPods::default();
    let mut workloads: BTreeMap<(String, String, String, String), Workload> = BTreeMap::new();
    for value in pods {
        let text =
            |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(plain).unwrap_or_default();
        if let Some(why) = passed_over(value) {
            *found.passed_over.entry(why.to_owned()).or_default() += 1;
            continue;
        }
        let (namespace, pod_name) = (text("/metadata/namespace"), text("/metadata/name"));
        let (kind, name) = maker(value).unwrap_or_else(|| ("Pod".to_owned(), pod_name.clone()));
        let unreadable =
            |error| ClusterError::List(format!("pod {namespace}/{pod_name} cannot be read: {error}"));
        let pod = workload::pod(value, &namespace, &name).map_err(unreadable)?;
        // Pods of one maker that ask for other things, as amid a rollout, stand apart.
        let asks = format!("{:?}", provider::pods::request::purchase::of_pod(&pod, Default::default()));
        let ends = kind == "Job";
        let place = FileRow { file: "cluster".to_owned(), row: 0 };
        let one = Workload {
            kind: kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
            place,
            replicas: 0,
            ends,
            pod,
        };
        workloads.entry((namespace, kind, name, asks)).or_insert(one).replicas += 1;
    }
    found.workloads = workloads.into_values().collect();
    Ok(found)
}

/// Why a pod does not count; `None` for one that does.
fn passed_over(pod: &Value) -> Option<&'static str> {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str);
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return Some("pods that have ended");
    }
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    if annotations.is_some_and(|annotations| annotations.contains_key(MIRROR)) {
        return Some("pods of nodes' own");
    }
    owner(pod).is_some_and(|owner| owner.kind == "DaemonSet").then_some("pods of DaemonSets")
}

fn owner(pod: &Value) -> Option<OwnerReference> {
    let owners = pod.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
    serde_json::from_value(owners.iter().find(controls)?.clone()).ok()
}

/// Kind and name of what made a pod; a Deployment where the ReplicaSet is one's.
fn maker(pod: &Value) -> Option<(String, String)> {
    let owner = owner(pod)?;
    let hash = pod.pointer("/metadata/labels").and_then(|labels| labels.get(HASH)).and_then(Value::as_str);
    let deployment = hash.and_then(|hash| owner.name.strip_suffix(&format!("-{hash}")));
    match deployment.filter(|_| owner.kind == "ReplicaSet") {
        Some(name) => Some(("Deployment".to_owned(), plain(name))),
        None => Some((plain(&owner.kind), plain(&owner.name))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, owner: Value, cpu: &str, phase: &str) -> Value {
        json!({
            "metadata": { "name": name, "namespace": "shop", "ownerReferences": owner, "labels": { "pod-template-hash": "5d9" } },
            "spec": { "containers": [{ "name": "c", "image": "a", "resources": { "limits": { "cpu": cpu } } }] },
            "status": { "phase": phase }
        })
    }

    #[test]
    fn pods_are_put_together_by_what_made_them() {
        let owner = |kind: &str, name: &str| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true }]);
        let web = || owner("ReplicaSet", "web-5d9");
        let pods = [
            pod("web-5d9-a", web(), "2", "Running"),
            pod("web-5d9-b", web(), "2", "Pending"),
            pod("web-5d9-c", web(), "4", "Running"),
            pod("db-0", owner("StatefulSet", "db"), "2", "Running"),
            pod("alone", json!([]), "2", "Running"),
            pod("done", owner("Job", "batch"), "2", "Succeeded"),
            pod("agent", owner("DaemonSet", "agent"), "2", "Running"),
        ];
        let found = grouped(&pods).unwrap();
        let all: Vec<_> = found
            .workloads
            .iter()
            .map(|one| format!("{} {} ×{}", one.kind, one.name, one.replicas))
            .collect();
        assert_eq!(all, ["Deployment web ×2", "Deployment web ×1", "Pod alone ×1", "StatefulSet db ×1"]);
        let passed: Vec<_> = found.passed_over.into_iter().collect();
        assert_eq!(passed, [("pods of DaemonSets".to_owned(), 1), ("pods that have ended".to_owned(), 1)]);
    }
}
