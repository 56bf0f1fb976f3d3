//! Deletions beside creations that wait: what costs on is taken away within ten seconds, whatever else waits.

use std::sync::Arc;

use crate::test_bed::TestBed;
use determinism::Seed;
use eci_sim::Script;
use provider::{Config, Provider};
use serde_json::json;

/// A bed whose provider may create so many groups a minute, with one pod that runs.
async fn bed(creations_a_minute: u32) -> TestBed {
    let mut bed = TestBed::without_provider().await;
    let rates = format!("CreateContainerGroup={creations_a_minute}").parse().expect("these are rates");
    let eci = bed.eci("local-secret").with_rates(rates);
    let (config, clock) = (Config::new("vsw-1", "sg-1"), bed.clock.clone());
    bed.run(Arc::new(Provider::new(config, bed.kube.clone(), eci, clock, Seed::DEFAULT)));
    bed.running("web").await;
    bed
}

async fn is_gone_ten_seconds_after_its_deletion(bed: &TestBed, pod: &str) -> bool {
    bed.delete(pod, Some(1)).await;
    bed.pass(10).await;
    bed.pod(pod).await.is_none()
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_runs_is_deleted_while_creations_wait_for_their_turn() {
    let bed = bed(6).await;
    for n in 0..40 {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    bed.pass(30).await;
    assert!(is_gone_ten_seconds_after_its_deletion(&bed, "web").await);
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_own_creation_waits_for_its_turn_is_deleted_and_nothing_is_made_for_it() {
    let bed = bed(6).await;
    for n in 0..20 {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    bed.pass(30).await;
    assert!(is_gone_ten_seconds_after_its_deletion(&bed, "p-15").await);
    bed.pass(300).await;
    assert_eq!(bed.groups().len(), 20, "web and the nineteen others");
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_deleted_while_pods_that_could_not_be_placed_are_created_again() {
    let bed = bed(30).await;
    let sold_out = Script { cannot_schedule: Some("sold out".into()), ..Script::default() };
    bed.control().script("scarce", sold_out);
    for n in 0..40 {
        let containers = json!([{ "name": "main", "image": "scarce" }]);
        bed.create(&format!("p-{n}"), json!({ "containers": containers })).await;
    }
    bed.pass(200).await;
    assert!(is_gone_ten_seconds_after_its_deletion(&bed, "web").await);
}
