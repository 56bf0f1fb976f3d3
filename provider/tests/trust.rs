//! Views of the cloud that are wrong, and identities that are mixed up: no pod is failed, no group lost or doubled.

use std::time::Duration;

use crate::test_bed::{Bend, TestBed};
use eci_api::actions::create_container_group::{Container, CreateContainerGroup, Tag};
use eci_sim::Script;
use k8s_openapi::api::core::v1::Node;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt};
use provider::Config;
use serde_json::{Value, json};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

async fn fleet() -> TestBed {
    let bed = TestBed::start().await;
    for name in NAMES {
        bed.running(name).await;
    }
    bed.pass(120).await;
    bed
}

async fn phases(bed: &TestBed) -> Vec<String> {
    let mut phases = Vec::new();
    for name in NAMES {
        phases.push(bed.phase(name).await);
    }
    phases
}

fn running() -> Vec<String> {
    vec!["Running".to_owned(); NAMES.len()]
}

async fn is_in_doubt(bed: &TestBed) -> bool {
    let events = bed.node_events().await;
    events.iter().any(|(reason, _)| ["TooManyMissing", "IdentityChanged"].contains(&reason.as_str()))
}

#[tokio::test(start_paused = true)]
async fn a_wrong_cluster_id_after_an_upgrade_fails_no_pod_and_is_told_on_the_node() {
    let mut bed = fleet().await;
    bed.stop_provider().await;
    let config = Config { cluster_id: Some("another".into()), ..Config::new("vsw-1", "sg-1") };
    bed.run(bed.provider_with("local-secret", config));
    bed.pass(3600).await;
    assert_eq!(phases(&bed).await, ["Running"; 5]);
    assert_eq!(bed.group_states(), ["Running"; 5]);
    assert!(is_in_doubt(&bed).await);
    bed.stop_provider().await;
    bed.start_provider().await;
    bed.pass(300).await;
    assert_eq!(phases(&bed).await, ["Running"; 5]);
    assert_eq!(bed.group_states(), ["Running"; 5]);
}

#[tokio::test(start_paused = true)]
async fn groups_that_vanish_all_at_once_fail_their_pods_only_after_five_minutes_of_doubt() {
    let bed = fleet().await;
    for group in bed.groups() {
        bed.take_away_group(&group.container_group_id);
    }
    bed.pass(240).await;
    assert_eq!(phases(&bed).await, ["Running"; 5]);
    assert!(is_in_doubt(&bed).await);
    for name in NAMES {
        let status = bed.until_phase(name, "Failed").await.status.unwrap();
        assert_eq!(status.reason.as_deref(), Some("NotFound"));
    }
}

/// No group at all, as from a cache that lost them.
fn without_groups(_by_id: bool, answer: &mut Value) {
    answer["ContainerGroups"] = json!([]);
    answer["NextToken"] = json!("");
}

/// Lists without groups; asked for by id, short pages without end that have none of them either.
fn short_pages(by_id: bool, answer: &mut Value) {
    without_groups(by_id, answer);
    if by_id {
        answer["NextToken"] = json!("more");
    }
}

/// Lists without groups; asked for by id, a short page that has one of them, and a next token that is refused.
fn first_page_only(by_id: bool, answer: &mut Value) {
    if !by_id {
        return without_groups(by_id, answer);
    }
    if let Some(groups) = answer["ContainerGroups"].as_array_mut() {
        groups.truncate(1);
    }
    answer["NextToken"] = json!("no token of the cloud's");
}

async fn view_condition(bed: &TestBed) -> Option<(String, String)> {
    let conditions = bed.node().await.status.and_then(|status| status.conditions).unwrap_or_default();
    let condition = conditions.into_iter().find(|condition| condition.type_ == "CloudViewComplete")?;
    Some((condition.status, condition.reason.unwrap_or_default()))
}

#[tokio::test(start_paused = true)]
async fn a_doubt_stands_on_the_node_while_it_lasts_and_is_struck_out_when_the_groups_are_seen_again() {
    let bed = fleet().await;
    bed.bend(Some(without_groups));
    bed.pass(120).await;
    assert_eq!(view_condition(&bed).await, Some(("False".to_owned(), "TooManyMissing".to_owned())));
    bed.bend(None);
    bed.pass(120).await;
    assert_eq!(view_condition(&bed).await, None);
    assert_eq!((phases(&bed).await, bed.group_states()), (running(), running()));
}

#[tokio::test(start_paused = true)]
async fn a_doubt_that_came_true_is_struck_out_as_well() {
    let bed = fleet().await;
    for group in bed.groups() {
        bed.take_away_group(&group.container_group_id);
    }
    bed.pass(900).await;
    assert_eq!(phases(&bed).await, ["Failed"; 5]);
    assert_eq!(view_condition(&bed).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_short_page_with_a_next_token_is_partial_and_nothing_is_lost_or_deleted_for_it() {
    for bend in [short_pages, first_page_only] as [Bend; 2] {
        let bed = fleet().await;
        let from = bed.calls_since(0).len();
        bed.bend(Some(bend));
        bed.pass(1200).await;
        assert_eq!((phases(&bed).await, bed.group_states()), (running(), running()));
        assert_eq!(bed.count_calls(from, "DeleteContainerGroup"), 0);
        assert_eq!(view_condition(&bed).await, None, "no group is missing for all that is known");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_accepts_the_loss_need_not_wait() {
    let mut bed = fleet().await;
    bed.stop_provider().await;
    for group in bed.groups() {
        bed.take_away_group(&group.container_group_id);
    }
    let config = Config { accept_loss: true, ..Config::new("vsw-1", "sg-1") };
    bed.run(bed.provider_with("local-secret", config));
    bed.pass(150).await;
    assert_eq!(phases(&bed).await, ["Failed"; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_deleted_with_its_pods_keeps_its_groups_for_the_grace_and_tells_of_them() {
    let mut bed = TestBed::start().await;
    bed.running("web").await;
    bed.stop_provider().await;
    let nodes: Api<Node> = Api::all(bed.kube.clone());
    nodes.delete("virtual-kubelet", &Default::default()).await.unwrap();
    bed.delete("web", Some(0)).await;
    bed.start_provider().await;
    bed.pass(540).await;
    assert_eq!(bed.group_states(), ["Running"], "it is kept for ten minutes");
    let events = bed.node_events().await;
    let told = events.iter().find(|(reason, _)| reason == "OrphanedContainerGroup");
    assert!(
        told.is_some_and(|(_, message)| message.contains("default/web") && message.contains("¥")),
        "{events:?}"
    );
    bed.pass(180).await;
    assert!(bed.group_states().is_empty(), "the grace is over");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_deleted_and_whose_pods_stand_is_adopted_whole() {
    let mut bed = fleet().await;
    bed.stop_provider().await;
    let nodes: Api<Node> = Api::all(bed.kube.clone());
    nodes.delete("virtual-kubelet", &Default::default()).await.unwrap();
    let from = bed.calls_since(0).len();
    bed.start_provider().await;
    bed.pass(900).await;
    assert_eq!(phases(&bed).await, ["Running"; 5]);
    assert_eq!(
        (bed.count_calls(from, "CreateContainerGroup"), bed.count_calls(from, "DeleteContainerGroup")),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_younger_of_two_groups_of_one_pod_is_deleted_and_told_of() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let elder = bed.groups().remove(0);
    let tag = |tag: &eci_api::group::Tag| Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) };
    let container = Container { name: Some("c".into()), image: Some("nginx".into()), ..Default::default() };
    let twin = CreateContainerGroup {
        container_group_name: Some("twin".into()),
        container: vec![container],
        tag: elder.tags.iter().map(tag).collect(),
        ..Default::default()
    };
    bed.sim.act(&twin).unwrap();
    bed.pass(120).await;
    let left: Vec<_> = bed.groups().into_iter().map(|group| group.container_group_id).collect();
    assert_eq!(left, [elder.container_group_id]);
    assert!(bed.events("web").await.iter().any(|(reason, _)| reason == "DuplicateContainerGroup"));
    assert_eq!(bed.phase("web").await, "Running");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_a_copied_identity_keeps_its_groups() {
    let bed = TestBed::start().await;
    let cluster = bed.namespace_uid().await;
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
    bed.sim.act(&theirs).unwrap();
    bed.pass(1800).await;
    assert_eq!(bed.group_states(), ["Running"]);
    assert!(bed.node_events().await.iter().any(|(reason, _)| reason == "CopiedIdentity"));
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_somebody_bent_while_the_provider_was_away_is_corrected() {
    let mut bed = TestBed::start().await;
    let pod = bed.running("web").await;
    let id = pod.metadata.annotations.unwrap()["k8s.aliyun.com/eci-instance-id"].clone();
    bed.stop_provider().await;
    let bent = json!({ "metadata": { "annotations": { "k8s.aliyun.com/eci-instance-id": "eci-bent" } } });
    bed.pods().patch("web", &Default::default(), &kube::api::Patch::Merge(bent)).await.unwrap();
    bed.start_provider().await;
    bed.until("the annotation is right again", async |bed| {
        let annotations = bed.pod("web").await.unwrap().metadata.annotations.unwrap();
        annotations["k8s.aliyun.com/eci-instance-id"] == id
    })
    .await;
    assert_eq!(bed.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn one_pod_that_the_cloud_refuses_for_good_does_not_disturb_the_others() {
    let bed = TestBed::start().await;
    bed.control().add_fault(eci_sim::Rule::refuse("NoPermission").on("CreateContainerGroup"));
    bed.create("bad", json!({})).await;
    bed.pass(600).await;
    let calls = bed.count_calls(0, "CreateContainerGroup");
    assert!(calls <= 12, "{calls} creations in ten minutes");
    assert_eq!(bed.node_condition("Ready").await, "True");
    assert_eq!(Duration::from_secs(600), provider::config::ORPHAN_GRACE);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_names_another_pod_s_group_does_not_read_its_log() {
    let bed = TestBed::start().await;
    bed.control().script("nginx", Script { log: vec!["for the victim alone".into()], ..Script::default() });
    bed.running("victim").await;
    let id = bed.groups().remove(0).container_group_id;
    // refused at once, it has no group and no container whose state would forbid to read
    let pod = json!({
        "metadata": { "name": "thief", "annotations": { "k8s.aliyun.com/eci-instance-id": id } },
        "spec": {
            "nodeName": "virtual-kubelet",
            "hostNetwork": true,
            "containers": [{ "name": "main", "image": "nginx" }]
        }
    });
    bed.pods().create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    bed.until_phase("thief", "Failed").await;
    assert_eq!(bed.logs("victim", "").await.1, "for the victim alone\n");
    let (status, text) = bed.logs("thief", "").await;
    assert_eq!((status, text.contains("victim alone")), (400, false), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_node_made_where_it_was_missing_is_marked_until_each_group_is_a_pod_s() {
    const MARK: &str = "virtual-kubelet.io/adoption-pending";
    let mut bed = TestBed::start().await;
    bed.running("web").await;
    let nodes: Api<Node> = Api::all(bed.kube.clone());
    let is_marked = async || nodes.get("virtual-kubelet").await.unwrap().annotations().contains_key(MARK);
    bed.pass(20).await;
    assert!(!is_marked().await, "every group is a pod's");
    bed.stop_provider().await;
    nodes.delete("virtual-kubelet", &DeleteParams::default()).await.unwrap();
    bed.delete("web", Some(0)).await;
    bed.start_provider().await;
    bed.pass(300).await;
    assert!(is_marked().await, "an orphan is kept");
    bed.until("no group is left", async |bed| bed.groups().is_empty()).await;
    bed.pass(20).await;
    assert!(!is_marked().await, "the orphan is gone");
}
