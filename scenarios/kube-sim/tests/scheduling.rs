//! The scheduler as a user sees it: where pods land, and what they are told while they wait.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, settle};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

fn taint() -> Value {
    json!([{"key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule"}])
}

const UNTOLERATED: &str = "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, \
                           preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

#[tokio::test(start_paused = true)]
async fn a_pod_lands_on_the_node_that_is_there() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.pod("p", json!({})).await;
    settle().await;
    let pod = cluster.seen("p").await;
    assert_eq!(pod["spec"]["nodeName"], "n");
    assert_eq!(pod["status"]["conditions"][0]["type"], "PodScheduled");
    assert_eq!(pod["status"]["conditions"][0]["status"], "True");
    assert_eq!(cluster.events("p").await, ["Scheduled: Successfully assigned default/p to n"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_waits_for_a_node_is_placed_when_one_comes() {
    let cluster = Cluster::start();
    cluster.pod("p", json!({})).await;
    settle().await;
    assert_eq!(cluster.events("p").await, ["FailedScheduling: no nodes available to schedule pods"]);
    cluster.node("n", json!([])).await;
    settle().await;
    assert_eq!(cluster.seen("p").await["spec"]["nodeName"], "n");
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_the_toleration_is_told_so_once_and_in_its_condition_too() {
    let cluster = Cluster::start();
    cluster.node("virtual-kubelet", taint()).await;
    cluster.pod("p", json!({})).await;
    settle().await;
    cluster.pod("q", json!({})).await;
    settle().await;
    assert_eq!(cluster.events("p").await, [format!("FailedScheduling: {UNTOLERATED}")]);
    let condition = &cluster.seen("p").await["status"]["conditions"][0];
    assert_eq!((&condition["reason"], &condition["message"]), (&json!("Unschedulable"), &json!(UNTOLERATED)));
}

#[tokio::test(start_paused = true)]
async fn a_toleration_that_is_added_lets_the_pod_in() {
    let cluster = Cluster::start();
    cluster.node("virtual-kubelet", taint()).await;
    cluster.pod("p", json!({})).await;
    settle().await;
    let mut tolerations = cluster.seen("p").await["spec"]["tolerations"].clone();
    tolerations
        .as_array_mut()
        .unwrap()
        .push(json!({"key": "virtual-kubelet.io/provider", "operator": "Exists"}));
    let patch = Patch::Merge(json!({"spec": {"tolerations": tolerations}}));
    cluster.pods().patch("p", &PatchParams::default(), &patch).await.unwrap();
    settle().await;
    assert_eq!(cluster.seen("p").await["spec"]["nodeName"], "virtual-kubelet");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_goes_makes_room_for_one_that_waits() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let all = json!({"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "4"}}}]});
    cluster.pod("first", all.clone()).await;
    settle().await;
    cluster.pod("second", all).await;
    settle().await;
    assert_eq!(cluster.seen("second").await["spec"].get("nodeName"), None);
    cluster.pods().delete("first", &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
    assert_eq!(cluster.seen("second").await["spec"]["nodeName"], "n");
}

#[tokio::test(start_paused = true)]
async fn a_gated_pod_waits_for_its_gates() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.pod("p", json!({"schedulingGates": [{"name": "example.com/hold"}]})).await;
    settle().await;
    let condition = &cluster.seen("p").await["status"]["conditions"][0];
    assert_eq!(condition["reason"], "SchedulingGated");
    assert_eq!(condition["message"], "Scheduling is blocked due to non-empty scheduling gates");
    let patch = Patch::Merge(json!({"spec": {"schedulingGates": []}}));
    cluster.pods().patch("p", &PatchParams::default(), &patch).await.unwrap();
    settle().await;
    assert_eq!(cluster.seen("p").await["spec"]["nodeName"], "n");
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_another_scheduler_is_left_alone() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.pod("p", json!({"schedulerName": "other"})).await;
    settle().await;
    assert_eq!(cluster.seen("p").await["spec"].get("nodeName"), None);
    assert_eq!(cluster.events("p").await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_cordoned_node_takes_no_pods_until_it_is_uncordoned() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let cordon = |on: bool| Patch::Merge(json!({"spec": {"unschedulable": on}}));
    cluster.nodes().patch("n", &PatchParams::default(), &cordon(true)).await.unwrap();
    settle().await;
    cluster.pod("p", json!({})).await;
    settle().await;
    let said = cluster.events("p").await;
    assert!(
        said[0].starts_with("FailedScheduling: 0/1 nodes are available: 1 node(s) were unschedulable."),
        "{said:?}"
    );
    cluster.nodes().patch("n", &PatchParams::default(), &cordon(false)).await.unwrap();
    settle().await;
    assert_eq!(cluster.seen("p").await["spec"]["nodeName"], "n");
}

#[tokio::test(start_paused = true)]
async fn among_equal_nodes_the_seed_decides_and_decides_the_same_again() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let cluster = Cluster::start();
        for name in ["a", "b", "c"] {
            cluster.node(name, json!([])).await;
        }
        let mut story = Vec::new();
        for i in 0..6 {
            cluster.pod(&format!("p{i}"), json!({})).await;
            settle().await;
            story.push(cluster.seen(&format!("p{i}")).await["spec"]["nodeName"].clone());
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_with_a_node_of_its_own_is_never_told_anything() {
    let cluster = Cluster::start();
    cluster.pod("p", json!({"nodeName": "nowhere"})).await;
    pass(5).await;
    assert_eq!(cluster.events("p").await, Vec::<String>::new());
}
