//! The machine's clock, corrected while the provider runs: durations are measured by none that jumps.

mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use determinism::{Clock, Machine, Seed};
use eci_api::Secret;
use house::House;
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

async fn house() -> (House, Arc<Correctable>) {
    let mut house = House::without_provider().await;
    let machine = Arc::new(Correctable { right: house.clock.clone(), wrong_by: AtomicI64::new(0) });
    let clock = Clock::of_machine(machine.clone());
    let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new("local-secret") };
    let line = Arc::new(house.line.clone());
    let eci = Eci::new(line, credentials, "cn-hangzhou", clock.clone(), Seed::DEFAULT);
    let (config, kube) = (Config::new("vsw-1", "sg-1"), house.kube.clone());
    house.run(Arc::new(Provider::new(config, kube, eci, clock, Seed::DEFAULT)));
    house.running("web").await;
    (house, machine)
}

fn without_groups(_by_id: bool, answer: &mut Value) {
    answer["ContainerGroups"] = json!([]);
    answer["NextToken"] = json!("");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_an_hour_delays_no_look() {
    let (house, machine) = house().await;
    machine.correct(-3600);
    house.create("later", json!({})).await;
    house.pass(60).await;
    assert_eq!(house.phase("later").await, "Running");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_forward_an_hour_ends_no_listing_delay() {
    let (house, machine) = house().await;
    let from = house.calls_since(0).len();
    house.create("later", json!({})).await;
    house.pass(3).await;
    house.bend(Some(without_groups));
    machine.correct(3600);
    house.pass(40).await;
    house.bend(None);
    house.until_phase("later", "Running").await;
    assert_eq!(house.count_calls(from, "CreateContainerGroup"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_goes_on_after_a_correction() {
    for seconds in [-3600, 3600] {
        let (house, machine) = house().await;
        machine.correct(seconds);
        house.delete("web", Some(5)).await;
        house.pass(60).await;
        assert!(house.pod("web").await.is_none(), "after {seconds} s");
    }
}
