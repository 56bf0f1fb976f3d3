//! The machine's clock, corrected while the provider runs: durations are measured by none that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::test_bed::TestBed;
use determinism::{Clock, Machine, Seed};
use eci_api::Secret;
use jiff::{SignedDuration, Timestamp};
use provider::eci::Credentials;
use provider::{Config, Eci, Provider};
use serde_json::{Value, json};

/// A machine whose wall clock can be put wrong.
struct Correctable {
    right: Clock,
    wrong_by: AtomicI64,
}

impl Correctable {
    fn correct(&self, seconds: i64) {
        self.wrong_by.store(seconds, Ordering::Relaxed);
    }
}

impl Machine for Correctable {
    fn wall(&self) -> Timestamp {
        self.right.now() + SignedDuration::from_secs(self.wrong_by.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.right.now().duration_since(Timestamp::UNIX_EPOCH).unsigned_abs()
    }
}

async fn bed() -> (TestBed, Arc<Correctable>) {
    let mut bed = TestBed::without_provider().await;
    let machine = Arc::new(Correctable { right: bed.clock.clone(), wrong_by: AtomicI64::new(0) });
    let clock = Clock::of_machine(machine.clone());
    let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new("local-secret") };
    let line = Arc::new(bed.line.clone());
    let eci = Eci::new(line, credentials, "cn-hangzhou", clock.clone(), Seed::DEFAULT);
    let (config, kube) = (Config::new("vsw-1", "sg-1"), bed.kube.clone());
    bed.run(Arc::new(Provider::new(config, kube, eci, clock, Seed::DEFAULT)));
    bed.running("web").await;
    (bed, machine)
}

fn without_groups(_by_id: bool, answer: &mut Value) {
    answer["ContainerGroups"] = json!([]);
    answer["NextToken"] = json!("");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_an_hour_delays_no_look() {
    let (bed, machine) = bed().await;
    machine.correct(-3600);
    bed.create("later", json!({})).await;
    bed.pass(60).await;
    assert_eq!(bed.phase("later").await, "Running");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_forward_an_hour_ends_no_listing_delay() {
    let (bed, machine) = bed().await;
    let from = bed.calls_since(0).len();
    bed.create("later", json!({})).await;
    bed.pass(3).await;
    bed.bend(Some(without_groups));
    machine.correct(3600);
    bed.pass(40).await;
    bed.bend(None);
    bed.until_phase("later", "Running").await;
    assert_eq!(bed.count_calls(from, "CreateContainerGroup"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_goes_on_after_a_correction() {
    for seconds in [-3600, 3600] {
        let (bed, machine) = bed().await;
        machine.correct(seconds);
        bed.delete("web", Some(5)).await;
        bed.pass(60).await;
        assert!(bed.pod("web").await.is_none(), "after {seconds} s");
    }
}
