//! DaemonSets: a pod on each node that takes it.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, settle};
use k8s_openapi::api::apps::v1::DaemonSet;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

const VIRTUAL: &str = "virtual-kubelet.io/provider";

async fn begin(cluster: &Cluster, more: Value) {
    for name in ["a", "b"] {
        cluster.node(name, json!([])).await;
    }
    cluster.node("v", json!([{"key": VIRTUAL, "effect": "NoSchedule"}])).await;
    let mut pod = json!({"containers": [{"name": "c", "image": "i:1"}]});
    for (key, value) in more.as_object().unwrap() {
        pod[key] = value.clone();
    }
    let template = json!({"metadata": {"labels": {"app": "agent"}}, "spec": pod});
    let spec = json!({"selector": {"matchLabels": {"app": "agent"}}, "template": template});
    cluster.make::<DaemonSet>(json!({"metadata": {"name": "agent"}, "spec": spec})).await;
    settle().await;
}

/// The names of the set's pods, by node.
async fn pods(cluster: &Cluster) -> Vec<(String, String)> {
    let pods = cluster.pods().list(&ListParams::default()).await.unwrap().items.into_iter();
    let mut pods: Vec<_> = pods
        .map(|pod| (pod.spec.unwrap().node_name.unwrap_or_default(), pod.metadata.name.unwrap()))
        .collect();
    pods.sort();
    pods
}

async fn nodes(cluster: &Cluster) -> Vec<String> {
    pods(cluster).await.into_iter().map(|(node, _)| node).collect()
}

async fn status(cluster: &Cluster) -> Value {
    let sets: Api<DaemonSet> = cluster.api();
    json!(sets.get("agent").await.unwrap().status.unwrap())
}

async fn change(cluster: &Cluster, patch: Value) {
    let sets: Api<DaemonSet> = cluster.api();
    sets.patch("agent", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    settle().await;
}

async fn run_all(cluster: &Cluster) {
    for (_, pod) in pods(cluster).await {
        cluster.run(&pod).await;
    }
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_comes_on_each_node_whose_taints_it_tolerates() {
    let cluster = Cluster::start();
    begin(&cluster, json!({})).await;
    assert_eq!(nodes(&cluster).await, ["a", "b"]);
    run_all(&cluster).await;
    let seen = status(&cluster).await;
    for counter in [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "numberAvailable",
        "updatedNumberScheduled",
    ] {
        assert_eq!(seen[counter], 2, "{counter}");
    }
    cluster.node("c", json!([])).await;
    assert_eq!(nodes(&cluster).await, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_tolerates_the_virtual_node_runs_there_too() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"tolerations": [{"key": VIRTUAL, "operator": "Exists"}]})).await;
    assert_eq!(nodes(&cluster).await, ["a", "b", "v"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_template_goes_round_one_node_after_the_other() {
    let cluster = Cluster::start();
    begin(&cluster, json!({})).await;
    run_all(&cluster).await;
    change(
        &cluster,
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}}),
    )
    .await;
    for left in [1, 2] {
        let mut leaving = Vec::new();
        for (_, pod) in pods(&cluster).await {
            if cluster.seen(&pod).await["metadata"]["deletionTimestamp"].is_string() {
                leaving.push(pod);
            }
        }
        assert_eq!(leaving.len(), 1);
        cluster.pods().delete(&leaving[0], &DeleteParams::default().grace_period(0)).await.unwrap();
        settle().await;
        run_all(&cluster).await;
        assert_eq!(status(&cluster).await["updatedNumberScheduled"], left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_pod_is_replaced_later_each_time() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"nodeSelector": {"kubernetes.io/hostname": "a"}})).await;
    let mut seen = Vec::new();
    for wait in [0, 1, 2] {
        let (_, pod) = pods(&cluster).await.remove(0);
        cluster.report(&pod, json!({"phase": "Failed"})).await;
        pass(wait).await;
        settle().await;
        seen.push(pods(&cluster).await[0].1 != pod);
    }
    assert_eq!(seen, [true, true, true]);
    let said = cluster.events("agent").await;
    assert!(said.iter().any(|event| event.contains("on node a, will try to kill it")), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn the_template_generation_counts_templates_alone() {
    let cluster = Cluster::start();
    begin(&cluster, json!({})).await;
    let generation = async || {
        let sets: Api<DaemonSet> = cluster.api();
        let set = sets.get("agent").await.unwrap();
        set.metadata.annotations.unwrap()["deprecated.daemonset.template.generation"].clone()
    };
    assert_eq!(generation().await, "1");
    change(&cluster, json!({"spec": {"revisionHistoryLimit": 3}})).await;
    assert_eq!(generation().await, "1");
    change(&cluster, json!({"spec": {"template": {"spec": {"priority": 0, "hostNetwork": true}}}})).await;
    assert_eq!(generation().await, "2");
}
