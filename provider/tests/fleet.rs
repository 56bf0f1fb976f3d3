//! A fleet that outlives its provider: what a restart does to many pods, counted.

mod house;

use eci_sim::{Runs, Script};
use house::House;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::json;

async fn until_all_run(house: &House, count: usize) {
    for _ in 0..60 {
        house.pass(10).await;
        let pods = house.pods().list(&ListParams::default()).await.expect("pods are listed").items;
        let runs = |pod: &&Pod| pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Running"));
        if pods.iter().filter(runs).count() == count {
            return;
        }
    }
    panic!("not all of {count} pods run within ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_many_pods_makes_deletes_and_writes_nothing() {
    let mut house = House::start().await;
    house.control().script("nginx", Script { run: Some(Runs::Forever), ..Script::default() });
    for n in 0..200 {
        house.create(&format!("p-{n}"), json!({})).await;
    }
    until_all_run(&house, 200).await;
    house.pass(120).await;
    house.stop_provider().await;
    let versions = async |house: &House| {
        let pods = house.pods().list(&ListParams::default()).await.unwrap().items;
        pods.iter().map(|pod| pod.resource_version()).collect::<Vec<_>>()
    };
    let before = versions(&house).await;
    let from = house.calls_since(0).len();
    house.start_provider().await;
    house.pass(600).await;
    assert_eq!(
        (house.count_calls(from, "CreateContainerGroup"), house.count_calls(from, "DeleteContainerGroup")),
        (0, 0)
    );
    assert_eq!(versions(&house).await, before);
}
