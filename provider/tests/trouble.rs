//! Pods while the cloud, the provider or the key is in trouble: nothing is lost, nothing doubled.

mod house;

use eci_sim::Rule;
use house::House;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_cloud_that_cannot_be_reached_is_unknown_and_not_gone() {
    let house = House::start().await;
    let before = house.running("web").await;
    house.cut(true);
    for _ in 0..30 {
        house.pass(60).await;
        assert_eq!(house.phase("web").await, "Running");
    }
    assert_eq!(house.node_condition("Ready").await, "Unknown");
    house.cut(false);
    house.pass(45).await;
    assert_eq!(house.node_condition("Ready").await, "True", "the node says so as soon as the cloud is back");
    house
        .until("the pod is ready again", async |house| {
            let conditions =
                house.pod("web").await.and_then(|pod| pod.status?.conditions).unwrap_or_default();
            conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
        })
        .await;
    let after = house.pod("web").await.unwrap();
    assert_eq!(before.metadata.uid, after.metadata.uid);
    assert_eq!(after.status.unwrap().container_statuses.unwrap()[0].restart_count, 0);
    assert_eq!(house.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_made_while_the_cloud_is_away_runs_when_it_is_back() {
    let house = House::start().await;
    house.cut(true);
    house.create("web", json!({})).await;
    house.pass(40).await;
    assert_eq!(house.phase("web").await, "Pending");
    house.cut(false);
    house.until_phase("web", "Running").await;
    assert_eq!(house.group_states().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_does_not_make_a_second_group() {
    let house = House::start().await;
    house.lose_answers(4);
    house.running("web").await;
    house.pass(300).await;
    assert_eq!(house.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_the_cloud_does_not_hear_is_said_again() {
    let house = House::start().await;
    house.running("web").await;
    house.control().lay(Rule::refuse("ServiceUnavailable").on("DeleteContainerGroup"));
    house.delete("web", None).await;
    house.pass(60).await;
    assert!(house.pod("web").await.unwrap().metadata.deletion_timestamp.is_some());
    assert_eq!(house.group_states().len(), 1);
    house.control().clear_faults();
    house.until_gone("web").await;
    assert!(house.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_stock_is_told_and_tried_again() {
    let house = House::start().await;
    house.control().lay(Rule::refuse("OperationDenied.NoStock").on("CreateContainerGroup"));
    house.create("web", json!({})).await;
    house.pass(60).await;
    let status = house.pod("web").await.unwrap().status.unwrap();
    assert_eq!(
        (status.phase.as_deref(), status.reason.as_deref()),
        (Some("Pending"), Some("ProviderFailed"))
    );
    assert!(status.message.unwrap().contains("NoStock"));
    house.control().clear_faults();
    let status = house.until_phase("web", "Running").await.status.unwrap();
    assert_eq!((status.reason, status.message), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_stopped_and_started_loses_nothing_and_doubles_nothing() {
    let mut house = House::start().await;
    house.running("one").await;
    let before = house.running("two").await;
    house.stop_provider().await;
    house.create("made-meanwhile", json!({})).await;
    house.delete("one", Some(0)).await;
    house.pass(20).await;
    assert_eq!(house.group_states().len(), 2);
    house.start_provider().await;
    house.until_phase("made-meanwhile", "Running").await;
    house.until("the orphan is gone", async |house| house.group_states().len() == 2).await;
    house.pass(120).await;
    let after = house.pod("two").await.unwrap();
    assert_eq!(before.status.as_ref().unwrap().start_time, after.status.as_ref().unwrap().start_time);
    assert_eq!(after.status.unwrap().container_statuses.unwrap()[0].restart_count, 0);
    assert_eq!(house.group_states(), ["Running", "Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_leaving_when_the_provider_stopped_leaves_when_it_is_back() {
    let mut house = House::start().await;
    house.running("web").await;
    house.stop_provider().await;
    house.delete("web", None).await;
    house.pass(10).await;
    house.start_provider().await;
    house.until_gone("web").await;
    assert!(house.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_taken_away_in_the_cloud_fails_its_pod() {
    let house = House::start().await;
    house.running("web").await;
    house.pass(120).await;
    let groups = eci_api::actions::describe_container_groups::DescribeContainerGroups::default();
    let id = house.sim.act(&groups).unwrap().container_groups[0].container_group_id.clone();
    let delete = eci_api::actions::delete_container_group::DeleteContainerGroup {
        container_group_id: Some(id),
        force: Some(true),
        ..Default::default()
    };
    house.sim.act(&delete).unwrap();
    let status = house.until_phase("web", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NotFound"));
    house.pass(120).await;
    assert!(house.group_states().is_empty(), "it is not made again");
}

#[tokio::test(start_paused = true)]
async fn groups_of_others_are_never_touched() {
    use eci_api::actions::create_container_group::{Container, CreateContainerGroup, Tag};
    let house = House::without_provider().await;
    let tags = [
        ("ManagedBy", "virtual-node-eci"),
        ("ClusterId", "another"),
        ("NodeName", "virtual-kubelet"),
        ("UID", "u"),
    ];
    let tag = tags.map(|(key, value)| Tag { key: Some(key.into()), value: Some(value.into()) });
    for tag in [tag.to_vec(), Vec::new()] {
        let container =
            Container { name: Some("c".into()), image: Some("nginx".into()), ..Default::default() };
        let group = CreateContainerGroup {
            container_group_name: Some("theirs".into()),
            container: vec![container],
            tag,
            ..Default::default()
        };
        house.sim.act(&group).unwrap();
    }
    let mut house = house;
    house.start_provider().await;
    house.pass(300).await;
    assert_eq!(house.group_states(), ["Running", "Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_makes_the_node_not_ready_and_says_why() {
    let mut house = House::without_provider().await;
    house.run(house.provider("wrong"));
    house
        .until("the node says why it is not ready", async |house| {
            let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(house.kube.clone());
            let node = nodes.get_opt("virtual-kubelet").await.unwrap();
            let conditions = node.and_then(|node| node.status?.conditions).unwrap_or_default();
            conditions.iter().any(|c| {
                c.type_ == "Ready" && c.message.as_deref().is_some_and(|m| m.contains("ECI serves no call"))
            })
        })
        .await;
    assert_eq!(house.node_condition("Ready").await, "False");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_removed_is_registered_again() {
    let house = House::start().await;
    let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(house.kube.clone());
    let first = house.node().await.metadata.uid;
    nodes.delete("virtual-kubelet", &Default::default()).await.unwrap();
    house.pass(15).await;
    house.until("the node is ready again", async |house| house.node_condition("Ready").await == "True").await;
    assert_ne!(house.node().await.metadata.uid, first);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_hour_costs_few_calls_and_no_writes_of_pods() {
    let house = House::start().await;
    house.running("web").await;
    house.pass(120).await;
    let version = house.pod("web").await.unwrap().metadata.resource_version;
    let from = house.calls_since(0).len();
    house.pass(3600).await;
    let calls = house.calls_since(from);
    assert!(calls.len() <= 200, "{} calls: {:?}", calls.len(), &calls[..20]);
    assert_eq!(house.pod("web").await.unwrap().metadata.resource_version, version);
}
