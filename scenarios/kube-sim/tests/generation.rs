//! `metadata.generation`: it counts what is wanted otherwise, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, read, settle};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

async fn patched(pods: &Api<Pod>, patch: Value) -> Option<i64> {
    let done = pods.patch("p", &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    done.metadata.generation
}

#[tokio::test(start_paused = true)]
async fn a_pods_generation_counts_changes_of_its_specification_and_its_deletion() {
    let cluster = Cluster::start();
    cluster.pod("p", json!({})).await;
    let pods = cluster.pods();
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(patched(&pods, labels).await, Some(1));
    let image = json!({"spec": {"containers": [{"name": "c", "image": "other"}]}});
    assert_eq!(patched(&pods, image.clone()).await, Some(2));
    assert_eq!(patched(&pods, image).await, Some(2));
    cluster.node("n", json!([])).await;
    settle().await;
    cluster.run("p").await;
    assert_eq!(cluster.seen("p").await["metadata"]["generation"], 2, "neither bound nor reported on");
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    assert_eq!(cluster.seen("p").await["metadata"]["generation"], 3);
}

#[tokio::test(start_paused = true)]
async fn an_object_replaced_by_what_it_was_made_of_keeps_its_generation() {
    let cluster = Cluster::start();
    let deployments: Api<Deployment> = cluster.api();
    let made = json!({"metadata": {"name": "d"}, "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
    deployments.create(&PostParams::default(), &read(made.clone())).await.unwrap();
    settle().await;
    let replaced = deployments.replace("d", &PostParams::default(), &read(made.clone())).await.unwrap();
    assert_eq!(replaced.metadata.generation, Some(1));
    let mut more = made;
    more["spec"]["replicas"] = 1.into();
    let replaced = deployments.replace("d", &PostParams::default(), &read(more)).await.unwrap();
    assert_eq!(replaced.metadata.generation, Some(2));
}
