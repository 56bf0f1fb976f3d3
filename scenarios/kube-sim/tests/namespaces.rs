//! Namespaces: what each has from the beginning, and in which order its content goes.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, read, settle};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn of_a_namespace_the_pods_go_first_and_all_else_when_they_have_gone() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    namespaces.create(&PostParams::default(), &read(json!({"metadata": {"name": "vk"}}))).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), "vk");
    let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}});
    pods.create(&PostParams::default(), &read(pod)).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), "vk");
    maps.create(&PostParams::default(), &read(json!({"metadata": {"name": "settings"}}))).await.unwrap();
    namespaces.delete("vk", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert!(pods.get("p").await.unwrap().metadata.deletion_timestamp.is_some());
    assert!(maps.get_opt("settings").await.unwrap().is_some());
    pods.delete("p", &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
    assert!(maps.get_opt("settings").await.unwrap().is_none());
    assert!(namespaces.get_opt("vk").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_root_certificate_is_put_back_when_it_was_deleted_or_changed() {
    let cluster = Cluster::started(kube_sim::KubeSim::builder().root_certificate("PEM"));
    let maps: Api<ConfigMap> = cluster.api();
    let known = "kube-root-ca.crt";
    settle().await;
    let first = maps.get(known).await.unwrap();
    let changes = [
        json!({"data": {"ca.crt": "forged", "more": "of it"}}),
        json!({"data": null}),
        json!({"metadata": {"annotations": null}}),
    ];
    for change in changes {
        maps.patch(known, &PatchParams::default(), &Patch::Merge(change.clone())).await.unwrap();
        settle().await;
        let now = maps.get(known).await.unwrap();
        assert_eq!(
            (&now.data, &now.metadata.annotations),
            (&first.data, &first.metadata.annotations),
            "{change}"
        );
    }
    maps.delete(known, &DeleteParams::default()).await.unwrap();
    settle().await;
    assert_eq!(maps.get(known).await.unwrap().data, first.data);
}
