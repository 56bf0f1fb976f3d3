//! Views of the cloud that are wrong, and identities that are mixed up: no pod is failed, no group lost or doubled.

mod house;

use std::time::Duration;

use eci_api::actions::create_container_group::{Container, CreateContainerGroup, Tag};
use house::House;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use provider::Config;
use serde_json::json;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

async fn fleet() -> House {
    let house = House::start().await;
    for name in NAMES {
        house.running(name).await;
    }
    house.pass(120).await;
    house
}

async fn phases(house: &House) -> Vec<String> {
    let mut phases = Vec::new();
    for name in NAMES {
        phases.push(house.phase(name).await);
    }
    phases
}

async fn is_in_doubt(house: &House) -> bool {
    let events = house.node_events().await;
    events.iter().any(|(reason, _)| ["TooManyMissing", "IdentityChanged"].contains(&reason.as_str()))
}

#[tokio::test(start_paused = true)]
async fn a_wrong_cluster_id_after_an_upgrade_fails_no_pod_and_is_told_on_the_node() {
    let mut house = fleet().await;
    house.stop_provider().await;
    let config = Config { cluster_id: Some("another".into()), ..Config::new("vsw-1", "sg-1") };
    house.run(house.provider_with("local-secret", config));
    house.pass(3600).await;
    assert_eq!(phases(&house).await, ["Running"; 5]);
    assert_eq!(house.group_states(), ["Running"; 5]);
    assert!(is_in_doubt(&house).await);
    house.stop_provider().await;
    house.start_provider().await;
    house.pass(300).await;
    assert_eq!(phases(&house).await, ["Running"; 5]);
    assert_eq!(house.group_states(), ["Running"; 5]);
}

#[tokio::test(start_paused = true)]
async fn groups_that_vanish_all_at_once_fail_their_pods_only_after_five_minutes_of_doubt() {
    let house = fleet().await;
    for group in house.groups() {
        house.take_away_group(&group.container_group_id);
    }
    house.pass(240).await;
    assert_eq!(phases(&house).await, ["Running"; 5]);
    assert!(is_in_doubt(&house).await);
    for name in NAMES {
        let status = house.until_phase(name, "Failed").await.status.unwrap();
        assert_eq!(status.reason.as_deref(), Some("NotFound"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_accepts_the_loss_need_not_wait() {
    let mut house = fleet().await;
    house.stop_provider().await;
    for group in house.groups() {
        house.take_away_group(&group.container_group_id);
    }
    let config = Config { accept_loss: true, ..Config::new("vsw-1", "sg-1") };
    house.run(house.provider_with("local-secret", config));
    house.pass(150).await;
    assert_eq!(phases(&house).await, ["Failed"; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_deleted_with_its_pods_keeps_its_groups_for_the_grace_and_tells_of_them() {
    let mut house = House::start().await;
    house.running("web").await;
    house.stop_provider().await;
    let nodes: Api<Node> = Api::all(house.kube.clone());
    nodes.delete("virtual-kubelet", &Default::default()).await.unwrap();
    house.delete("web", Some(0)).await;
    house.start_provider().await;
    house.pass(540).await;
    assert_eq!(house.group_states(), ["Running"], "it is kept for ten minutes");
    let events = house.node_events().await;
    let told = events.iter().find(|(reason, _)| reason == "OrphanedContainerGroup");
    assert!(
        told.is_some_and(|(_, message)| message.contains("default/web") && message.contains("¥")),
        "{events:?}"
    );
    house.pass(180).await;
    assert!(house.group_states().is_empty(), "the grace is over");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_deleted_and_whose_pods_stand_is_adopted_whole() {
    let mut house = fleet().await;
    house.stop_provider().await;
    let nodes: Api<Node> = Api::all(house.kube.clone());
    nodes.delete("virtual-kubelet", &Default::default()).await.unwrap();
    let from = house.calls_since(0).len();
    house.start_provider().await;
    house.pass(900).await;
    assert_eq!(phases(&house).await, ["Running"; 5]);
    assert_eq!(
        (house.count_calls(from, "CreateContainerGroup"), house.count_calls(from, "DeleteContainerGroup")),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_younger_of_two_groups_of_one_pod_is_deleted_and_told_of() {
    let house = House::start().await;
    house.running("web").await;
    let elder = house.groups().remove(0);
    let tag = |tag: &eci_api::group::Tag| Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) };
    let container = Container { name: Some("c".into()), image: Some("nginx".into()), ..Default::default() };
    let twin = CreateContainerGroup {
        container_group_name: Some("twin".into()),
        container: vec![container],
        tag: elder.tags.iter().map(tag).collect(),
        ..Default::default()
    };
    house.sim.act(&twin).unwrap();
    house.pass(120).await;
    let left: Vec<_> = house.groups().into_iter().map(|group| group.container_group_id).collect();
    assert_eq!(left, [elder.container_group_id]);
    assert!(house.events("web").await.iter().any(|(reason, _)| reason == "DuplicateContainerGroup"));
    assert_eq!(house.phase("web").await, "Running");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_a_copied_identity_keeps_its_groups() {
    let house = House::start().await;
    let cluster = house.namespace_uid().await;
    let tags = [
        ("ManagedBy", "virtual-node-eci"),
        ("ClusterId", cluster.as_str()),
        ("NodeName", "virtual-kubelet"),
        ("UID", "u"),
        ("ClusterUid", "the-other-cluster"),
    ];
    let tag = tags.map(|(key, value)| Tag { key: Some(key.into()), value: Some(value.into()) });
    let container = Container { name: Some("c".into()), image: Some("nginx".into()), ..Default::default() };
    let theirs = CreateContainerGroup {
        container_group_name: Some("theirs".into()),
        container: vec![container],
        tag: tag.to_vec(),
        ..Default::default()
    };
    house.sim.act(&theirs).unwrap();
    house.pass(1800).await;
    assert_eq!(house.group_states(), ["Running"]);
    assert!(house.node_events().await.iter().any(|(reason, _)| reason == "CopiedIdentity"));
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_somebody_bent_while_the_provider_was_away_is_corrected() {
    let mut house = House::start().await;
    let pod = house.running("web").await;
    let id = pod.metadata.annotations.unwrap()["k8s.aliyun.com/eci-instance-id"].clone();
    house.stop_provider().await;
    let bent = json!({ "metadata": { "annotations": { "k8s.aliyun.com/eci-instance-id": "eci-bent" } } });
    house.pods().patch("web", &Default::default(), &kube::api::Patch::Merge(bent)).await.unwrap();
    house.start_provider().await;
    house
        .until("the annotation is right again", async |house| {
            let annotations = house.pod("web").await.unwrap().metadata.annotations.unwrap();
            annotations["k8s.aliyun.com/eci-instance-id"] == id
        })
        .await;
    assert_eq!(house.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn one_pod_that_the_cloud_refuses_for_good_does_not_disturb_the_others() {
    let house = House::start().await;
    house.control().lay(eci_sim::Rule::refuse("NoPermission").on("CreateContainerGroup"));
    house.create("bad", json!({})).await;
    house.pass(600).await;
    let calls = house.count_calls(0, "CreateContainerGroup");
    assert!(calls <= 12, "{calls} creations in ten minutes");
    assert_eq!(house.node_condition("Ready").await, "True");
    assert_eq!(Duration::from_secs(600), provider::pods::ORPHAN_GRACE);
}
