//! The node's capacity: of the operator, of the account's quota, of the region's stock; and who fits into it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use eci_sim::quota::Quota;
use k8s_openapi::api::core::v1::PodStatus;
use provider::Config;
use serde_json::json;

/// A bed whose operator gives the node so much.
async fn bed(capacity: &str) -> TestBed {
    let mut bed = TestBed::without_provider().await;
    let config = Config { capacity: capacity.parse().unwrap(), ..Config::new("vsw-1", "sg-1") };
    let provider = bed.provider_with("local-secret", config);
    bed.run(provider);
    bed.until("the node is ready", async |bed| bed.node_condition("Ready").await == "True").await;
    bed
}

/// The amount of a resource that the node offers, as it is written.
async fn offered(bed: &TestBed, resource: &str) -> Option<String> {
    let allocatable = bed.node().await.status.unwrap().allocatable.unwrap();
    allocatable.get(resource).map(|amount| amount.0.clone())
}

async fn pod(bed: &TestBed, name: &str, cpu: &str) {
    let resources = json!({ "requests": { "cpu": cpu } });
    bed.create(name, json!({ "containers": [{ "name": "main", "image": "nginx", "resources": resources }] }))
        .await;
}

async fn failed(bed: &TestBed, name: &str) -> PodStatus {
    bed.until_phase(name, "Failed").await.status.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_node_offers_what_the_quota_is_and_follows_it() {
    let bed = TestBed::without_provider().await;
    let quota = |vcpu| Quota { vcpu, ..Quota::default() };
    bed.control().set_quota(quota(500));
    let mut bed = bed;
    bed.start_provider().await;
    bed.until("the quota is offered", async |bed| offered(bed, "cpu").await.as_deref() == Some("500")).await;
    bed.control().set_quota(quota(800));
    bed.pass(660).await;
    assert_eq!(offered(&bed, "cpu").await.as_deref(), Some("800"));
    bed.cut(true);
    bed.pass(900).await;
    bed.cut(false);
    assert_eq!(offered(&bed, "cpu").await.as_deref(), Some("800"), "what is not answered stays");
}

#[tokio::test(start_paused = true)]
async fn gpus_are_offered_while_the_region_has_any_in_stock() {
    let bed = TestBed::start().await;
    bed.until("there are GPUs", async |bed| offered(bed, "nvidia.com/gpu").await.is_some()).await;
    assert_ne!(offered(&bed, "nvidia.com/gpu").await.as_deref(), Some("0"));
    let region = eci_sim::catalog::CATALOG.region("cn-hangzhou").unwrap();
    for zone in &region.zones {
        bed.control().sell_out(zone.clone());
    }
    bed.pass(660).await;
    assert_eq!(offered(&bed, "nvidia.com/gpu").await.as_deref(), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_names_the_node_and_does_not_fit_what_is_given_has_failed_as_on_a_kubelet() {
    let bed = bed("cpu=3,example.com/fpga=1").await;
    assert_eq!(offered(&bed, "example.com/fpga").await.as_deref(), Some("1"));
    pod(&bed, "first", "2").await;
    bed.until_phase("first", "Running").await;
    pod(&bed, "second", "1500m").await;
    let status = failed(&bed, "second").await;
    assert_eq!(status.reason.as_deref(), Some("OutOfcpu"));
    assert_eq!(
        status.message.as_deref(),
        Some(
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 2000, capacity: 3000"
        )
    );
    let events = bed.events("second").await;
    assert!(events.iter().any(|(reason, _)| reason == "OutOfcpu"), "{events:?}");
    pod(&bed, "third", "1").await;
    bed.until_phase("third", "Running").await;
    assert_eq!(bed.groups().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_leaves_its_room_and_a_restart_forgets_nobody() {
    let mut bed = bed("pods=1").await;
    bed.running("first").await;
    bed.stop_provider().await;
    let config = Config { capacity: "pods=1".parse().unwrap(), ..Config::new("vsw-1", "sg-1") };
    let again = bed.provider_with("local-secret", config);
    bed.run(again);
    pod(&bed, "second", "1").await;
    assert_eq!(failed(&bed, "second").await.reason.as_deref(), Some("OutOfpods"));
    bed.delete("first", Some(0)).await;
    bed.until_gone("first").await;
    bed.running("third").await;
}

#[tokio::test(start_paused = true)]
async fn the_quota_rejects_nothing_and_is_waited_for() {
    let bed = TestBed::start().await;
    bed.control().set_quota(Quota { vcpu: 2, ..Quota::default() });
    bed.pass(660).await;
    bed.running("first").await;
    pod(&bed, "second", "2").await;
    bed.pass(60).await;
    assert_eq!(bed.phase("second").await, "Pending");
    bed.delete("first", Some(0)).await;
    bed.until_phase("second", "Running").await;
}
