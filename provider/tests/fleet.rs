//! Costs of a fleet, counted: what a restart does to many pods, and calls, writes and events of a life.

use std::sync::Arc;

use crate::test_bed::TestBed;
use determinism::Seed;
use eci_sim::Latency;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{DeleteParams, ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use provider::eci::Rates;
use provider::{Config, Provider};
use serde_json::json;

/// Versions of a pod that its user and the API write: the mark of its deletion, and the end of its grace.
const WRITES_OF_OTHERS: f64 = 2.0;

/// Calls to the cloud, the provider's writes of pods, and events, each a pod.
#[derive(Debug)]
struct Cost {
    calls: f64,
    writes: f64,
    events: f64,
}

/// A test bed without controllers, whose time grows with the square of the pods; nothing here needs them.
async fn bed() -> TestBed {
    let bed = TestBed::start().await;
    bed.stop_controllers();
    bed
}

/// Looks again and again, for ten minutes and the time that the rates of the cloud cost `count` pods.
async fn until(bed: &TestBed, count: usize, what: &str, look: impl AsyncFn(&TestBed) -> bool) {
    // the cloud takes no more than a thousand creations a minute, and each look costs a list of all
    bed.pass(count as u64 * 60 / 1000).await;
    for _ in 0..60 + count / 100 {
        bed.pass(10).await;
        if look(bed).await {
            return;
        }
    }
    panic!("{count} pods, {what}: not in time");
}

async fn until_all_run(bed: &TestBed, count: usize) {
    until(bed, count, "all run", async |bed| {
        let pods = bed.pods().list(&ListParams::default()).await.expect("pods are listed").items;
        let runs = |pod: &&Pod| pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running"));
        pods.iter().filter(runs).count() == count
    })
    .await;
}

/// Runs `count` pods from their creation to their deletion.
async fn life_of(count: usize) -> Cost {
    let bed = bed().await;
    let from = bed.calls_since(0).len();
    let pods = bed.pods();
    let begin = pods
        .list(&ListParams::default())
        .await
        .expect("pods are listed")
        .metadata
        .resource_version
        .unwrap_or_default();
    for n in 0..count {
        bed.create(&format!("p-{n}"), json!({ "terminationGracePeriodSeconds": 1 })).await;
    }
    until_all_run(&bed, count).await;
    bed.pods()
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await
        .expect("the API answers");
    until(&bed, count, "no group is left", async |bed| bed.groups().is_empty()).await;
    let mut writes = 0;
    let mut stream = std::pin::pin!(
        pods.watch(&WatchParams::default().timeout(1), &begin).await.expect("the API answers")
    );
    while let Ok(Some(event)) = stream.try_next().await {
        writes += usize::from(matches!(event, WatchEvent::Modified(_)));
    }
    let events: Api<Event> = Api::namespaced(bed.kube.clone(), "default");
    let events = events.list(&ListParams::default()).await.expect("the API answers").items;
    let events = events.iter().filter(|event| event.involved_object.kind.as_deref() == Some("Pod"));
    let by_us =
        events.filter(|event| event.source.as_ref().and_then(|s| s.component.as_deref()) == Some("kubelet"));
    let a_pod = |total: usize| total as f64 / count as f64;
    let calls = bed.calls_since(from);
    let mut by_name = std::collections::BTreeMap::<_, usize>::new();
    calls.iter().for_each(|call| *by_name.entry(call.clone()).or_default() += 1);
    println!("{by_name:?}");
    let (calls, writes) = (a_pod(calls.len()), a_pod(writes) - WRITES_OF_OTHERS);
    let cost = Cost { calls, writes, events: a_pod(by_us.count()) };
    println!("{count} pods: {cost:?}");
    cost
}

#[tokio::test(start_paused = true)]
async fn without_rates_and_latency_three_hundred_pods_run_within_four_seconds() {
    let mut bed = TestBed::without_provider().await;
    bed.stop_controllers();
    bed.control().set_latency(Latency::NONE);
    let eci = bed.eci("local-secret").with_rates(Rates::unlimited());
    let (config, clock) = (Config::new("vsw-1", "sg-1"), bed.clock.clone());
    bed.run(Arc::new(Provider::new(config, bed.kube.clone(), eci, clock, Seed::DEFAULT)));
    bed.pass(60).await;
    for n in 0..300 {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    bed.pass(4).await;
    let pods = bed.pods().list(&ListParams::default()).await.expect("pods are listed").items;
    let phases = pods.iter().filter_map(|pod| pod.status.as_ref()?.phase.as_deref());
    assert_eq!(phases.filter(|phase| *phase == "Running").count(), 300);
}

#[tokio::test(start_paused = true)]
#[ignore = "takes a minute in the profile for debugging; `cargo ci check tests --all` runs it in release"]
async fn a_pod_of_a_thousand_costs_few_calls_writes_and_events() {
    let cost = life_of(1000).await;
    assert!(cost.calls <= 2.2, "{cost:?}");
    assert!(cost.writes <= 3.0, "{cost:?}");
    assert!(cost.events <= 4.0, "{cost:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_a_hundred_costs_few_writes_and_events() {
    let cost = life_of(100).await;
    assert!(cost.writes <= 3.0, "{cost:?}");
    assert!(cost.events <= 4.0, "{cost:?}");
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes in the profile for debugging; `cargo ci check tests --all` runs it in release"]
async fn a_pod_of_two_thousand_costs_hardly_more_than_one_of_two_hundred() {
    let (few, many) = (life_of(200).await, life_of(2000).await);
    let pairs = [(few.calls, many.calls), (few.writes, many.writes), (few.events, many.events)];
    assert!(pairs.iter().all(|(few, many)| *many <= 1.3 * few), "{few:?} and {many:?}");
}

/// Runs `count` pods, has their provider killed and started again, and looks at what that costs.
async fn restart_with(count: usize) {
    let mut bed = bed().await;
    for n in 0..count {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    until_all_run(&bed, count).await;
    bed.pass(120).await;
    bed.stop_provider().await;
    let versions = async |bed: &TestBed| {
        let pods = bed.pods().list(&ListParams::default()).await.expect("pods are listed").items;
        pods.iter().map(|pod| pod.resource_version()).collect::<Vec<_>>()
    };
    let before = versions(&bed).await;
    let from = bed.calls_since(0).len();
    bed.start_provider().await;
    bed.pass(600).await;
    assert_eq!(
        (bed.count_calls(from, "CreateContainerGroup"), bed.count_calls(from, "DeleteContainerGroup")),
        (0, 0)
    );
    assert!(versions(&bed).await == before, "no status is written");
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_many_pods_makes_deletes_and_writes_nothing() {
    restart_with(200).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes in the profile for debugging; `cargo ci check tests --all` runs it in release"]
async fn a_restart_with_ten_thousand_pods_makes_deletes_and_writes_nothing() {
    restart_with(10_000).await;
}
