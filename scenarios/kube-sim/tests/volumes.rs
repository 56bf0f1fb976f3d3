//! Volumes: claims bound to what fits them, or to what their class provisions.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, read, settle};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::{Value, json};

async fn claim(cluster: &Cluster, name: &str, more: Value) {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    cluster.make::<PersistentVolumeClaim>(json!({"metadata": {"name": name}, "spec": spec})).await;
    settle().await;
}

async fn volume(cluster: &Cluster, name: &str, size: &str) {
    let volumes: Api<PersistentVolume> = Api::all(cluster.client.clone());
    let volume = json!({"metadata": {"name": name}, "spec": {"capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "hostPath": {"path": "/data"}}});
    volumes.create(&PostParams::default(), &read(volume)).await.unwrap();
    settle().await;
}

async fn phase(cluster: &Cluster, name: &str) -> (String, String) {
    let claims: Api<PersistentVolumeClaim> = cluster.api();
    let claim = claims.get(name).await.unwrap();
    (claim.status.unwrap().phase.unwrap_or_default(), claim.spec.unwrap().volume_name.unwrap_or_default())
}

async fn volumes(cluster: &Cluster) -> Vec<(String, String)> {
    let volumes: Api<PersistentVolume> = Api::all(cluster.client.clone());
    let all = volumes.list(&ListParams::default()).await.unwrap().items.into_iter();
    all.map(|v| (v.metadata.name.unwrap(), v.status.unwrap().phase.unwrap_or_default())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_bound_to_the_smallest_volume_that_fits() {
    let cluster = Cluster::start();
    for (name, size) in [("small", "1Gi"), ("large", "100Gi"), ("right", "10Gi")] {
        volume(&cluster, name, size).await;
    }
    claim(&cluster, "data", json!({"storageClassName": "manual"})).await;
    assert_eq!(phase(&cluster, "data").await, ("Bound".to_owned(), "right".to_owned()));
    let claims: Api<PersistentVolumeClaim> = cluster.api();
    claims.delete("data", &DeleteParams::default()).await.unwrap();
    settle().await;
    let right = ("right".to_owned(), "Released".to_owned());
    assert!(volumes(&cluster).await.contains(&right));
}

#[tokio::test(start_paused = true)]
async fn the_default_class_provisions_a_volume_that_goes_with_its_claim() {
    let cluster = Cluster::start();
    claim(&cluster, "data", json!({})).await;
    assert_eq!(phase(&cluster, "data").await, ("Pending".to_owned(), String::new()));
    pass(5).await;
    let (phase, name) = phase(&cluster, "data").await;
    assert_eq!((phase.as_str(), &name[..4]), ("Bound", "pvc-"));
    assert_eq!(volumes(&cluster).await, [(name.clone(), "Bound".to_owned())]);
    let said = cluster.events("data").await;
    assert_eq!(
        said.last().unwrap(),
        &format!("ProvisioningSucceeded: Successfully provisioned volume {name}")
    );
    let claims: Api<PersistentVolumeClaim> = cluster.api();
    claims.delete("data", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert_eq!(volumes(&cluster).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_waits_for_its_first_consumer_is_bound_when_a_pod_comes() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let classes: Api<StorageClass> = Api::all(cluster.client.clone());
    let class = json!({"metadata": {"name": "late"}, "provisioner": "example.com/disk", "volumeBindingMode": "WaitForFirstConsumer"});
    classes.create(&PostParams::default(), &read(class)).await.unwrap();
    claim(&cluster, "data", json!({"storageClassName": "late"})).await;
    pass(20).await;
    assert_eq!(phase(&cluster, "data").await.0, "Pending");
    let said = cluster.events("data").await;
    assert_eq!(said, ["WaitForFirstConsumer: waiting for first consumer to be created before binding"]);
    cluster
        .pod("p", json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}))
        .await;
    pass(5).await;
    assert_eq!(phase(&cluster, "data").await.0, "Bound");
    assert_eq!(cluster.seen("p").await["spec"]["nodeName"], "n");
    let claims: Api<PersistentVolumeClaim> = cluster.api();
    claims.delete("data", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert!(claims.get_opt("data").await.unwrap().is_some(), "a pod uses it");
    cluster.pods().delete("p", &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
    assert!(claims.get_opt("data").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_claim_of_a_class_that_is_not_there_says_so() {
    let cluster = Cluster::start();
    claim(&cluster, "data", json!({"storageClassName": "none"})).await;
    let said = cluster.events("data").await;
    assert_eq!(said, ["ProvisioningFailed: storageclass.storage.k8s.io \"none\" not found"]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_of_a_class_that_provisions_nothing_says_what_it_waits_for() {
    let cluster = Cluster::start();
    let classes: Api<StorageClass> = Api::all(cluster.client.clone());
    for (name, mode) in [("late", "WaitForFirstConsumer"), ("now", "Immediate")] {
        let class = json!({"metadata": {"name": name}, "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": mode});
        classes.create(&PostParams::default(), &read(class)).await.unwrap();
        claim(&cluster, name, json!({"storageClassName": name})).await;
    }
    cluster
        .pod("p", json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "late"}}]}))
        .await;
    pass(5).await;
    assert_eq!(
        cluster.events("late").await,
        [
            "WaitForFirstConsumer: waiting for first consumer to be created before binding",
            "WaitForPodScheduled: waiting for pod p to be scheduled",
        ]
    );
    let said = "ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner";
    assert_eq!(cluster.events("now").await, [said]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_waits_for_its_first_consumer_takes_no_free_volume_before() {
    let cluster = Cluster::start();
    let classes: Api<StorageClass> = Api::all(cluster.client.clone());
    let class = json!({"metadata": {"name": "manual"}, "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer"});
    classes.create(&PostParams::default(), &read(class)).await.unwrap();
    volume(&cluster, "disk", "10Gi").await;
    claim(&cluster, "data", json!({"storageClassName": "manual"})).await;
    assert_eq!(phase(&cluster, "data").await.0, "Pending");
    cluster
        .pod("p", json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}))
        .await;
    settle().await;
    assert_eq!(phase(&cluster, "data").await, ("Bound".to_owned(), "disk".to_owned()));
}
