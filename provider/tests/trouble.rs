//! Pods while the cloud, the provider or the key is in trouble: nothing is lost, nothing doubled.

use crate::test_bed::TestBed;
use eci_sim::Rule;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_cloud_that_cannot_be_reached_is_unknown_and_not_gone() {
    let bed = TestBed::start().await;
    let before = bed.running("web").await;
    bed.cut(true);
    for _ in 0..30 {
        bed.pass(60).await;
        assert_eq!(bed.phase("web").await, "Running");
    }
    assert_eq!(bed.node_condition("Ready").await, "Unknown");
    bed.cut(false);
    bed.pass(45).await;
    assert_eq!(bed.node_condition("Ready").await, "True", "the node says so as soon as the cloud is back");
    bed.until("the pod is ready again", async |bed| {
        let conditions = bed.pod("web").await.and_then(|pod| pod.status?.conditions).unwrap_or_default();
        conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
    })
    .await;
    let after = bed.pod("web").await.unwrap();
    assert_eq!(before.metadata.uid, after.metadata.uid);
    assert_eq!(after.status.unwrap().container_statuses.unwrap()[0].restart_count, 0);
    assert_eq!(bed.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_made_while_the_cloud_is_away_runs_when_it_is_back() {
    let bed = TestBed::start().await;
    bed.cut(true);
    bed.create("web", json!({})).await;
    bed.pass(40).await;
    assert_eq!(bed.phase("web").await, "Pending");
    bed.cut(false);
    bed.until_phase("web", "Running").await;
    assert_eq!(bed.group_states().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_does_not_make_a_second_group() {
    let bed = TestBed::start().await;
    bed.lose_answers(4);
    bed.running("web").await;
    bed.pass(300).await;
    assert_eq!(bed.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_the_cloud_does_not_hear_is_said_again() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.control().add_fault(Rule::refuse("ServiceUnavailable").on("DeleteContainerGroup"));
    bed.delete("web", None).await;
    bed.pass(60).await;
    assert!(bed.pod("web").await.unwrap().metadata.deletion_timestamp.is_some());
    assert_eq!(bed.group_states().len(), 1);
    bed.control().clear_faults();
    bed.until_gone("web").await;
    assert!(bed.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_stock_is_told_and_tried_again() {
    let bed = TestBed::start().await;
    bed.control().add_fault(Rule::refuse("OperationDenied.NoStock").on("CreateContainerGroup"));
    bed.create("web", json!({})).await;
    bed.pass(60).await;
    let status = bed.pod("web").await.unwrap().status.unwrap();
    assert_eq!(
        (status.phase.as_deref(), status.reason.as_deref()),
        (Some("Pending"), Some("ProviderFailed"))
    );
    assert!(status.message.unwrap().contains("NoStock"));
    bed.control().clear_faults();
    let status = bed.until_phase("web", "Running").await.status.unwrap();
    assert_eq!((status.reason, status.message), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_stopped_and_started_loses_nothing_and_doubles_nothing() {
    let mut bed = TestBed::start().await;
    bed.running("one").await;
    let before = bed.running("two").await;
    bed.stop_provider().await;
    bed.create("made-meanwhile", json!({})).await;
    bed.delete("one", Some(0)).await;
    bed.pass(20).await;
    assert_eq!(bed.group_states().len(), 2);
    bed.start_provider().await;
    bed.until_phase("made-meanwhile", "Running").await;
    bed.until("the orphan is gone", async |bed| bed.group_states().len() == 2).await;
    bed.pass(120).await;
    let after = bed.pod("two").await.unwrap();
    assert_eq!(before.status.as_ref().unwrap().start_time, after.status.as_ref().unwrap().start_time);
    assert_eq!(after.status.unwrap().container_statuses.unwrap()[0].restart_count, 0);
    assert_eq!(bed.group_states(), ["Running", "Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_leaving_when_the_provider_stopped_leaves_when_it_is_back() {
    let mut bed = TestBed::start().await;
    bed.running("web").await;
    bed.stop_provider().await;
    bed.delete("web", None).await;
    bed.pass(10).await;
    bed.start_provider().await;
    bed.until_gone("web").await;
    assert!(bed.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_taken_away_in_the_cloud_fails_its_pod() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.pass(120).await;
    let groups = eci_api::actions::describe_container_groups::DescribeContainerGroups::default();
    let id = bed.sim.act(&groups).unwrap().container_groups[0].container_group_id.clone();
    let delete = eci_api::actions::delete_container_group::DeleteContainerGroup {
        container_group_id: Some(id),
        force: Some(true),
        ..Default::default()
    };
    bed.sim.act(&delete).unwrap();
    let status = bed.until_phase("web", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NotFound"));
    bed.pass(120).await;
    assert!(bed.group_states().is_empty(), "it is not made again");
}

#[tokio::test(start_paused = true)]
async fn groups_of_others_are_never_touched() {
    use eci_api::actions::create_container_group::{Container, CreateContainerGroup, Tag};
    let bed = TestBed::without_provider().await;
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
        bed.sim.act(&group).unwrap();
    }
    let mut bed = bed;
    bed.start_provider().await;
    bed.pass(300).await;
    assert_eq!(bed.group_states(), ["Running", "Running"]);
}

#[tokio::test(start_paused = true)]
async fn the_node_tells_when_it_starts_and_when_it_is_ready() {
    let bed = TestBed::start().await;
    bed.pass(10).await;
    let told: Vec<_> = bed.node_events().await.into_iter().map(|(reason, _)| reason).collect();
    for wanted in ["Starting", "NodeReady"] {
        assert!(told.iter().any(|reason| reason == wanted), "{wanted}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_makes_the_node_not_ready_and_says_why() {
    let mut bed = TestBed::without_provider().await;
    bed.run(bed.provider("wrong"));
    bed.until("the node says why it is not ready", async |bed| {
        let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(bed.kube.clone());
        let node = nodes.get_opt("virtual-kubelet").await.unwrap();
        let conditions = node.and_then(|node| node.status?.conditions).unwrap_or_default();
        conditions.iter().any(|c| {
            c.type_ == "Ready" && c.message.as_deref().is_some_and(|m| m.contains("ECI serves no call"))
        })
    })
    .await;
    assert_eq!(bed.node_condition("Ready").await, "False");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_removed_is_registered_again() {
    let bed = TestBed::start().await;
    let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(bed.kube.clone());
    let first = bed.node().await.metadata.uid;
    nodes.delete("virtual-kubelet", &Default::default()).await.unwrap();
    bed.pass(15).await;
    bed.until("the node is ready again", async |bed| bed.node_condition("Ready").await == "True").await;
    assert_ne!(bed.node().await.metadata.uid, first);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_hour_costs_few_calls_and_no_writes_of_pods() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.pass(120).await;
    let version = bed.pod("web").await.unwrap().metadata.resource_version;
    let from = bed.calls_since(0).len();
    bed.pass(3600).await;
    let calls = bed.calls_since(from);
    assert!(calls.len() <= 200, "{} calls: {:?}", calls.len(), &calls[..20]);
    assert_eq!(bed.pod("web").await.unwrap().metadata.resource_version, version);
}
