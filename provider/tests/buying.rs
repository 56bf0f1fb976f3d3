//! Pods that accept several specs: which is bought, what is told, and that nothing is bought twice.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::atomic::Ordering;

use crate::test_bed::TestBed;
use eci_sim::{Rule, Script};
use serde_json::{Value, json};

const PREFIX: &str = "k8s.aliyun.com/";

/// A pod `web` on the virtual node with these annotations.
async fn create(bed: &TestBed, annotations: Value, restart_policy: &str) {
    let all: serde_json::Map<_, _> = annotations
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (format!("{PREFIX}{key}"), value.clone()))
        .collect();
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web", "annotations": all },
        "spec": { "nodeName": "virtual-kubelet", "restartPolicy": restart_policy,
            "containers": [{ "name": "main", "image": "nginx" }] } });
    bed.pods().create(&Default::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
}

fn fault(bed: &TestBed, rule: &str) {
    bed.control().add_fault(rule.parse::<Rule>().unwrap());
}

/// The sizes of all groups, as `4-8`.
fn sizes(bed: &TestBed) -> Vec<String> {
    let groups = bed.groups().into_iter();
    groups
        .map(|group| format!("{}-{}", group.cpu.decimal().normalize(), group.memory.decimal().normalize()))
        .collect()
}

async fn is_reported(bed: &TestBed, reason: &str, words: &str) -> bool {
    bed.events("web").await.iter().any(|(told, message)| told == reason && message.contains(words))
}

#[tokio::test(start_paused = true)]
async fn the_first_spec_that_is_there_is_bought_and_named_in_event_and_annotation() {
    let bed = TestBed::start().await;
    for zone in ["b", "e", "g", "h", "i", "j", "k"] {
        bed.control().sell_out(format!("cn-hangzhou-{zone}/2.0-4.0Gi"));
    }
    create(&bed, json!({ "eci-use-specs": "2-4Gi,4-8Gi,8-16Gi" }), "Always").await;
    let pod = bed.until_phase("web", "Running").await;
    assert_eq!(sizes(&bed), ["4-8"]);
    assert_eq!(pod.metadata.annotations.unwrap()[&format!("{PREFIX}eci-instance-spec")], "4.0-8.0Gi");
    assert!(is_reported(&bed, "ProviderCreateFailed", "2-4Gi: ").await);
    assert!(is_reported(&bed, "ProviderCreateFailed", "next is 4-8Gi").await);
    assert!(is_reported(&bed, "ProviderCreateSuccess", "is being made with 4-8Gi").await);
    assert_eq!(bed.count_calls(0, "CreateContainerGroup"), 2);
}

#[tokio::test(start_paused = true)]
async fn neighbouring_types_are_one_call_and_each_alone_where_one_of_them_is_not_sold() {
    let bed = TestBed::start().await;
    create(&bed, json!({ "eci-use-specs": "ecs.zz9.large,ecs.c5.large,ecs.c6.large" }), "Always").await;
    bed.until_phase("web", "Running").await;
    let group = bed.groups().remove(0);
    assert_eq!(group.instance_type, "ecs.c5.large");
    assert_eq!(bed.count_calls(0, "CreateContainerGroup"), 3, "together, the first alone, the second alone");
}

/// A creation of the second spec that is carried out, unheard, while the provider is killed.
async fn second_spec_unheard() -> TestBed {
    let mut bed = TestBed::start().await;
    fault(&bed, "CreateContainerGroup refuse OperationDenied.NoStock Cpu=2");
    bed.line.lose_successes.store(true, Ordering::Relaxed);
    create(&bed, json!({ "eci-use-specs": "2-4Gi,4-8Gi" }), "Always").await;
    bed.until("the second spec is on its way", async |bed| bed.groups().len() == 1).await;
    bed.stop_provider().await;
    bed.line.lose_successes.store(false, Ordering::Relaxed);
    bed.control().clear_faults();
    bed
}

/// Lists of the cloud that lag.
fn without_groups(_by_id: bool, answer: &mut Value) {
    answer["ContainerGroups"] = json!([]);
    answer["NextToken"] = json!("");
}

#[tokio::test(start_paused = true)]
async fn a_second_spec_whose_answer_nobody_heard_is_not_bought_again_after_a_restart() {
    let mut bed = second_spec_unheard().await;
    bed.bend(Some(without_groups));
    bed.start_provider().await;
    bed.pass(30).await;
    bed.bend(None);
    bed.until_phase("web", "Running").await;
    bed.pass(300).await;
    assert_eq!(sizes(&bed), ["4-8"]);
    assert_eq!(bed.count_calls(0, "DeleteContainerGroup"), 0, "none was bought beside it");
}

#[tokio::test(start_paused = true)]
async fn a_spec_that_could_not_be_placed_gives_way_to_the_next() {
    let bed = TestBed::start().await;
    let script =
        |cannot: Option<&str>| Script { cannot_schedule: cannot.map(str::to_owned), ..Script::default() };
    bed.control().script("nginx", script(Some("sold out")));
    // keeps the second creation back until the first has failed
    fault(&bed, "CreateContainerGroup refuse Throttling.User Cpu=4 times=3");
    create(&bed, json!({ "eci-use-specs": "2-4Gi,4-8Gi", "eci-fail-strategy": "fail-fast" }), "Always").await;
    bed.until("the first spec was not placed", async |bed| {
        is_reported(bed, "ProviderCreateFailed", "next is 4-8Gi").await
    })
    .await;
    bed.control().script("nginx", script(None));
    bed.until_phase("web", "Running").await;
    bed.pass(60).await;
    assert_eq!(sizes(&bed), ["4-8"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fails_fast_has_failed_when_its_last_spec_could_not_be_placed() {
    let bed = TestBed::start().await;
    bed.control().script("nginx", Script { cannot_schedule: Some("sold out".into()), ..Script::default() });
    create(&bed, json!({ "eci-use-specs": "2-4Gi,4-8Gi", "eci-fail-strategy": "fail-fast" }), "Always").await;
    let status = bed.until_phase("web", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("ContainerInstanceScheduleFailed"));
    assert_eq!(bed.count_calls(0, "CreateContainerGroup"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_is_given_up_for_good_only_when_none_of_its_specs_may_come_again() {
    for (list, phase) in [("2-4Gi,ecs.zz9.large", "Pending"), ("99-4Gi,ecs.zz9.large", "Failed")] {
        let bed = TestBed::start().await;
        fault(&bed, "CreateContainerGroup refuse OperationDenied.NoStock Cpu=2");
        create(&bed, json!({ "eci-use-specs": list }), "Never").await;
        bed.pass(60).await;
        assert_eq!(bed.phase("web").await, phase, "{list}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_was_tried_in_vain_begins_anew_and_buys_once() {
    let mut bed = TestBed::start().await;
    fault(&bed, "CreateContainerGroup refuse OperationDenied.NoStock");
    create(&bed, json!({ "eci-use-specs": "2-4Gi,4-8Gi" }), "Always").await;
    bed.pass(100).await;
    assert!(bed.count_calls(0, "CreateContainerGroup") >= 6, "three rounds of two");
    let message = bed.pod("web").await.unwrap().status.unwrap().message.unwrap();
    assert!(message.starts_with("2-4Gi, 4-8Gi cannot be had: "), "{message}");
    bed.stop_provider().await;
    bed.control().clear_faults();
    bed.start_provider().await;
    bed.until_phase("web", "Running").await;
    bed.pass(120).await;
    assert_eq!(sizes(&bed), ["2-4"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_concerns_no_spec_does_not_move_on() {
    let bed = TestBed::start().await;
    fault(&bed, "CreateContainerGroup refuse Throttling.User times=6");
    create(&bed, json!({ "eci-use-specs": "2-4Gi,4-8Gi" }), "Always").await;
    bed.until_phase("web", "Running").await;
    assert_eq!(sizes(&bed), ["2-4"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_told_of_once_though_the_process_that_made_it_ended_before() {
    let mut bed = TestBed::without_provider().await;
    let kube = bed.kube.clone();
    bed.kube = crate::test_bed::with_slow_events(kube.clone());
    bed.start_provider().await;
    create(&bed, json!({ "eci-use-specs": "4-8Gi,2-4Gi" }), "Always").await;
    bed.until("there is a group", async |bed| !bed.groups().is_empty()).await;
    bed.stop_provider().await;
    bed.kube = kube;
    for _ in 0..2 {
        bed.start_provider().await;
        bed.until_phase("web", "Running").await;
        bed.pass(60).await;
        bed.stop_provider().await;
    }
    let events = bed.events("web").await.into_iter();
    let told: Vec<_> = events.filter(|(reason, _)| reason == "ProviderCreateSuccess").collect();
    let [(_, message)] = &*told else { panic!("{told:?}") };
    assert!(message.ends_with(" is being made with 4-8Gi"), "{message}");
}
