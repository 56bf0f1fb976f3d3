//! StatefulSets: numbered pods and their claims, made, replaced and taken away in their order.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, settle};
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

async fn begin(cluster: &Cluster, more: Value) {
    cluster.node("n", json!([])).await;
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}});
    let mut spec = json!({"replicas": 2, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}}, "template": template});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    cluster.make::<StatefulSet>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
    settle().await;
}

async fn change(cluster: &Cluster, spec: Value) {
    let sets: Api<StatefulSet> = cluster.api();
    let patch = Patch::Merge(json!({"spec": spec}));
    sets.patch("web", &PatchParams::default(), &patch).await.unwrap();
    settle().await;
}

async fn status(cluster: &Cluster) -> Value {
    let sets: Api<StatefulSet> = cluster.api();
    json!(sets.get("web").await.unwrap().status.unwrap())
}

async fn image(cluster: &Cluster, pod: &str) -> Value {
    cluster.seen(pod).await["spec"]["containers"][0]["image"].clone()
}

/// Ends a pod that is being deleted, as its node would.
async fn end(cluster: &Cluster, pod: &str) {
    assert!(cluster.seen(pod).await["metadata"]["deletionTimestamp"].is_string(), "{pod} stays");
    cluster.pods().delete(pod, &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
}

async fn run(cluster: &Cluster, pod: &str) {
    cluster.run(pod).await;
    settle().await;
}

async fn running(more: Value) -> Cluster {
    let cluster = Cluster::start();
    begin(&cluster, more).await;
    for pod in ["web-0", "web-1"] {
        run(&cluster, pod).await;
    }
    cluster
}

fn new_image() -> Value {
    json!({"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}})
}

#[tokio::test(start_paused = true)]
async fn the_next_pod_comes_when_the_one_before_it_is_ready() {
    let cluster = Cluster::start();
    begin(&cluster, json!({})).await;
    assert_eq!(cluster.pod_names().await, ["web-0"]);
    run(&cluster, "web-0").await;
    assert_eq!(cluster.pod_names().await, ["web-0", "web-1"]);
    let pod = cluster.seen("web-1").await;
    assert_eq!((&pod["spec"]["hostname"], &pod["spec"]["subdomain"]), (&json!("web-1"), &json!("web")));
    assert_eq!(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "1");
    run(&cluster, "web-1").await;
    let seen = status(&cluster).await;
    for counter in ["replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"] {
        assert_eq!(seen[counter], 2, "{counter}");
    }
    assert_eq!(seen["currentRevision"], seen["updateRevision"]);
    let said = cluster.events("web").await;
    assert_eq!(said[0], "SuccessfulCreate: create Pod web-0 in StatefulSet web successful");
}

#[tokio::test(start_paused = true)]
async fn a_parallel_set_makes_all_its_pods_at_once() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"podManagementPolicy": "Parallel", "replicas": 3})).await;
    assert_eq!(cluster.pod_names().await, ["web-0", "web-1", "web-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_scaled_in_loses_its_last_pod_first() {
    let cluster = running(json!({})).await;
    change(&cluster, json!({"replicas": 0})).await;
    end(&cluster, "web-1").await;
    end(&cluster, "web-0").await;
    assert_eq!(cluster.pod_names().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_update_goes_from_the_last_pod_to_the_first_and_can_be_undone() {
    let cluster = running(json!({})).await;
    change(&cluster, new_image()).await;
    assert_ne!(status(&cluster).await["currentRevision"], status(&cluster).await["updateRevision"]);
    for pod in ["web-1", "web-0"] {
        end(&cluster, pod).await;
        run(&cluster, pod).await;
        assert_eq!(image(&cluster, pod).await, "i:2");
    }
    let seen = status(&cluster).await;
    assert_eq!(seen["currentRevision"], seen["updateRevision"]);
    let revisions: Api<ControllerRevision> = cluster.api();
    let mut all = revisions.list(&ListParams::default()).await.unwrap().items;
    all.sort_by_key(|revision| revision.revision);
    // What `kubectl rollout undo` sends.
    let sets: Api<StatefulSet> = cluster.api();
    let patch = Patch::Strategic(json!(all[0].data.as_ref().unwrap().0));
    sets.patch("web", &PatchParams::default(), &patch).await.unwrap();
    settle().await;
    end(&cluster, "web-1").await;
    assert_eq!(image(&cluster, "web-1").await, "i:1");
    let numbers = revisions.list(&ListParams::default()).await.unwrap();
    let mut numbers: Vec<_> = numbers.items.iter().map(|revision| revision.revision).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn pods_below_the_partition_keep_their_template() {
    let cluster =
        running(json!({"updateStrategy": {"rollingUpdate": {"partition": 1}, "type": "RollingUpdate"}}))
            .await;
    change(&cluster, new_image()).await;
    end(&cluster, "web-1").await;
    run(&cluster, "web-1").await;
    assert_eq!(
        (image(&cluster, "web-0").await, image(&cluster, "web-1").await),
        (json!("i:1"), json!("i:2"))
    );
    cluster.pods().delete("web-0", &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
    assert_eq!(image(&cluster, "web-0").await, "i:1");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_updates_on_delete_waits_for_its_pods_to_be_deleted() {
    let cluster = running(json!({"updateStrategy": {"type": "OnDelete"}})).await;
    change(&cluster, new_image()).await;
    pass(20).await;
    assert_eq!(image(&cluster, "web-1").await, "i:1");
    cluster.pods().delete("web-1", &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
    assert_eq!(image(&cluster, "web-1").await, "i:2");
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_a_set_has_its_claim_which_stays_when_the_set_is_scaled_in() {
    let cluster = Cluster::start();
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    begin(&cluster, json!({"volumeClaimTemplates": [claim], "replicas": 1})).await;
    let pod = cluster.seen("web-0").await;
    assert_eq!(
        pod["spec"]["volumes"][0],
        json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}})
    );
    let claims: Api<PersistentVolumeClaim> = cluster.api();
    let made = claims.get("data-web-0").await.unwrap();
    assert_eq!(made.metadata.labels.unwrap()["app"], "web");
    pass(5).await;
    run(&cluster, "web-0").await;
    change(&cluster, json!({"replicas": 0})).await;
    end(&cluster, "web-0").await;
    assert!(claims.get_opt("data-web-0").await.unwrap().is_some());
    let said = cluster.events("web").await;
    assert_eq!(said[0], "SuccessfulCreate: create Claim data-web-0 Pod web-0 in StatefulSet web success");
}

#[tokio::test(start_paused = true)]
async fn claims_go_with_their_pod_or_their_set_where_the_set_says_so() {
    let cluster = Cluster::start();
    let claim = json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let policy = json!({"whenDeleted": "Delete", "whenScaled": "Delete"});
    begin(
        &cluster,
        json!({"volumeClaimTemplates": [claim], "persistentVolumeClaimRetentionPolicy": policy,
        "podManagementPolicy": "Parallel"}),
    )
    .await;
    pass(5).await;
    for pod in ["web-0", "web-1"] {
        run(&cluster, pod).await;
    }
    change(&cluster, json!({"replicas": 1})).await;
    end(&cluster, "web-1").await;
    let claims: Api<PersistentVolumeClaim> = cluster.api();
    assert!(claims.get_opt("data-web-1").await.unwrap().is_none());
    let sets: Api<StatefulSet> = cluster.api();
    sets.delete("web", &DeleteParams::default()).await.unwrap();
    settle().await;
    end(&cluster, "web-0").await;
    assert!(claims.get_opt("data-web-0").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_changed_is_refused_in_the_real_words() {
    let cluster = running(json!({})).await;
    let sets: Api<StatefulSet> = cluster.api();
    let patch = Patch::Merge(json!({"spec": {"serviceName": "other"}}));
    let error = sets.patch("web", &PatchParams::default(), &patch).await.unwrap_err().to_string();
    assert!(
        error.contains("updates to statefulset spec for fields other than 'replicas', 'ordinals'"),
        "{error}"
    );
}
