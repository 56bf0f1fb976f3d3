//! The API as kube-rs uses it, in process, under a paused clock.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use determinism::Clock;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube_sim::KubeSim;
use serde_json::{Value, json};

fn cluster() -> (KubeSim, kube::Client) {
    let clock = Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap());
    let sim = KubeSim::builder().clock(clock).build();
    let client = kube::Client::new(sim.service(), "default");
    (sim, client)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn pod(name: &str) -> Pod {
    read(
        json!({"metadata": {"name": name}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "nginx"}]}}),
    )
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_stored_with_its_defaults() {
    let (_, client) = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let made = pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let spec = made.spec.unwrap();
    assert_eq!(spec.restart_policy.as_deref(), Some("Always"));
    assert_eq!(spec.containers[0].image_pull_policy.as_deref(), Some("Always"));
    assert_eq!(spec.service_account_name.as_deref(), Some("default"));
    assert_eq!(made.status.unwrap().phase.as_deref(), Some("Pending"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_be_is_told_field_by_field() {
    let (_, client) = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let wrong = read(json!({"metadata": {"name": "A_b"}, "spec": {"containers": []}}));
    let kube::Error::Api(status) = pods.create(&PostParams::default(), &wrong).await.unwrap_err() else {
        panic!("an API error is expected")
    };
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    assert!(status.message.contains("spec.containers: Required value"), "{}", status.message);
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_of_a_name_is_refused() {
    let (_, client) = cluster();
    let namespaces: Api<Namespace> = Api::all(client);
    let vk: Namespace = read(json!({"metadata": {"name": "vk"}}));
    namespaces.create(&PostParams::default(), &vk).await.unwrap();
    let kube::Error::Api(status) = namespaces.create(&PostParams::default(), &vk).await.unwrap_err() else {
        panic!("an API error is expected")
    };
    assert_eq!(status.message, "namespaces \"vk\" already exists");
}

#[tokio::test(start_paused = true)]
async fn a_watch_over_three_hours_loses_nothing() {
    let (sim, client) = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut seen = watcher(pods.clone(), watcher::Config::default()).applied_objects().boxed();
    let watching = tokio::spawn(async move {
        let mut names = Vec::new();
        while names.len() < 4 {
            names.push(seen.try_next().await.unwrap().unwrap().metadata.name.unwrap());
        }
        names
    });
    for hour in 0..4 {
        pods.create(&PostParams::default(), &pod(&format!("p{hour}"))).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        if hour == 1 {
            sim.compact();
        }
    }
    let mut names = watching.await.unwrap();
    names.sort();
    names.dedup();
    assert!(names.contains(&"p0".to_owned()) && names.contains(&"p1".to_owned()), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_bound_enters_the_watch_of_its_node() {
    let (_, client) = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let mut events = pods
        .watch(&WatchParams::default().fields("spec.nodeName=n").timeout(200), "0")
        .await
        .unwrap()
        .boxed();
    let free: Pod =
        read(json!({"metadata": {"name": "free"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}));
    pods.create(&PostParams::default(), &free).await.unwrap();
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "free"},
        "target": {"kind": "Node", "name": "n"}});
    pods.create_subresource::<Value, Value>("binding", "free", &PostParams::default(), &binding)
        .await
        .unwrap();
    let WatchEvent::Added(pod) = events.try_next().await.unwrap().unwrap() else {
        panic!("it should be added")
    };
    assert_eq!(pod.metadata.name.as_deref(), Some("free"));
}

#[tokio::test(start_paused = true)]
async fn a_status_patch_for_another_uid_is_refused() {
    let (_, client) = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let patch = Patch::Strategic(json!({"metadata": {"uid": "other"}, "status": {"phase": "Running"}}));
    let kube::Error::Api(status) = pods.patch_status("a", &PatchParams::default(), &patch).await.unwrap_err()
    else {
        panic!("an API error is expected")
    };
    assert_eq!(status.code, 422);
    assert!(
        status.message.contains("metadata.uid: Invalid value: \"other\": field is immutable"),
        "{}",
        status.message
    );
}

#[tokio::test(start_paused = true)]
async fn a_placed_pod_goes_gracefully_and_its_node_ends_it() {
    let (_, client) = cluster();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let made = pods.create(&PostParams::default(), &pod("a")).await.unwrap();
    let going = pods.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(going.metadata.deletion_grace_period_seconds, Some(30));
    assert_eq!(going.metadata.generation, Some(2));
    let end = DeleteParams::default()
        .grace_period(0)
        .preconditions(kube::api::Preconditions { uid: made.metadata.uid, resource_version: None });
    pods.delete("a", &end).await.unwrap();
    assert!(pods.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_only_with_its_version() {
    let (_, client) = cluster();
    let leases: Api<Lease> = Api::namespaced(client, "kube-node-lease");
    let lease: Lease = read(
        json!({"metadata": {"name": "n"}, "spec": {"holderIdentity": "n", "renewTime": "2026-01-05T01:00:00.000000Z"}}),
    );
    let made = leases.create(&PostParams::default(), &lease).await.unwrap();
    leases.replace("n", &PostParams::default(), &made).await.unwrap();
    let kube::Error::Api(status) = leases.replace("n", &PostParams::default(), &lease).await.unwrap_err()
    else {
        panic!("an API error is expected")
    };
    assert_eq!(
        status.message,
        "leases.coordination.k8s.io \"n\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_of_one_snapshot() {
    let (_, client) = cluster();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for n in 0..5 {
        let map: ConfigMap = read(json!({"metadata": {"name": format!("c{n}")}}));
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    maps.delete("c2", &DeleteParams::default()).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let second = maps.list(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    let names: Vec<_> = second.items.into_iter().filter_map(|map| map.metadata.name).collect();
    assert_eq!(names, ["c2", "c3"]);
}

#[tokio::test(start_paused = true)]
async fn apply_creates_and_keeps_what_others_wrote() {
    let (_, client) = cluster();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let want = |key: &str| {
        Patch::Apply(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {key: "1"}}),
        )
    };
    maps.patch("c", &PatchParams::apply("one"), &want("a")).await.unwrap();
    let both = maps.patch("c", &PatchParams::apply("two"), &want("b")).await.unwrap();
    assert_eq!(both.data.unwrap().len(), 2);
}
