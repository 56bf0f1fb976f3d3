//! Deletions beside creations that wait: what costs on is taken away within ten seconds, whatever else waits.

mod house;

use std::sync::Arc;

use determinism::Seed;
use eci_sim::Script;
use house::House;
use provider::{Config, Provider};
use serde_json::json;

/// A house whose provider may create so many groups a minute, with one pod that runs.
async fn house(creations_a_minute: u32) -> House {
    let mut house = House::without_provider().await;
    let rates = format!("CreateContainerGroup={creations_a_minute}").parse().expect("these are rates");
    let eci = house.eci("local-secret").with_rates(rates);
    let (config, clock) = (Config::new("vsw-1", "sg-1"), house.clock.clone());
    house.run(Arc::new(Provider::new(config, house.kube.clone(), eci, clock, Seed::DEFAULT)));
    house.running("web").await;
    house
}

async fn is_gone_ten_seconds_after_its_deletion(house: &House, pod: &str) -> bool {
    house.delete(pod, Some(1)).await;
    house.pass(10).await;
    house.pod(pod).await.is_none()
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_runs_is_deleted_while_creations_wait_for_their_turn() {
    let house = house(6).await;
    for n in 0..40 {
        house.create(&format!("p-{n}"), json!({})).await;
    }
    house.pass(30).await;
    assert!(is_gone_ten_seconds_after_its_deletion(&house, "web").await);
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_own_creation_waits_for_its_turn_is_deleted_and_nothing_is_made_for_it() {
    let house = house(6).await;
    for n in 0..20 {
        house.create(&format!("p-{n}"), json!({})).await;
    }
    house.pass(30).await;
    assert!(is_gone_ten_seconds_after_its_deletion(&house, "p-15").await);
    house.pass(300).await;
    assert_eq!(house.groups().len(), 20, "web and the nineteen others");
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_deleted_while_pods_that_could_not_be_placed_are_created_again() {
    let house = house(30).await;
    let sold_out = Script { cannot_schedule: Some("sold out".into()), ..Script::default() };
    house.control().script("scarce", sold_out);
    for n in 0..40 {
        let containers = json!([{ "name": "main", "image": "scarce" }]);
        house.create(&format!("p-{n}"), json!({ "containers": containers })).await;
    }
    house.pass(200).await;
    assert!(is_gone_ten_seconds_after_its_deletion(&house, "web").await);
}
