//! Costs of a fleet, counted: what a restart does to many pods, and calls, writes and events of a life.

mod test_bed;

use eci_sim::{Runs, Script};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{DeleteParams, ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use test_bed::TestBed;

/// Calls to the cloud, writes of pods and events, each a pod.
#[derive(Debug)]
struct Cost {
    calls: f64,
    writes: f64,
    events: f64,
}

async fn until_all_run(bed: &TestBed, count: usize) {
    for _ in 0..60 {
        bed.pass(10).await;
        let pods = bed.pods().list(&ListParams::default()).await.expect("pods are listed").items;
        let runs = |pod: &&Pod| pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running"));
        if pods.iter().filter(runs).count() == count {
            return;
        }
    }
    panic!("not all of {count} pods run within ten minutes");
}

async fn until_no_group_is_left(bed: &TestBed) {
    for _ in 0..60 {
        bed.pass(10).await;
        if bed.groups().is_empty() {
            return;
        }
    }
    panic!("groups are left after ten minutes");
}

/// Runs `count` pods from their creation to their deletion.
async fn life_of(count: usize) -> Cost {
    let bed = TestBed::start().await;
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
    until_no_group_is_left(&bed).await;
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
    Cost { calls: a_pod(calls.len()), writes: a_pod(writes), events: a_pod(by_us.count()) }
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes, and these bounds are not kept yet"]
async fn a_pod_of_a_thousand_costs_few_calls_writes_and_events() {
    let cost = life_of(1000).await;
    assert!(cost.calls <= 2.2, "{cost:?}");
    assert!(cost.writes <= 4.0, "{cost:?}, the mark of the deletion by its user included");
    assert!(cost.events <= 4.0, "{cost:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_many_pods_makes_deletes_and_writes_nothing() {
    let mut bed = TestBed::start().await;
    bed.control().script("nginx", Script { run: Some(Runs::Forever), ..Script::default() });
    for n in 0..200 {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    until_all_run(&bed, 200).await;
    bed.pass(120).await;
    bed.stop_provider().await;
    let versions = async |bed: &TestBed| {
        let pods = bed.pods().list(&ListParams::default()).await.unwrap().items;
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
    assert_eq!(versions(&bed).await, before);
}
