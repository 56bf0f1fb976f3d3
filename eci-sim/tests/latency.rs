//! The latency of a group's steps: none, as published, or a multiple, for all groups or by script.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use crate::support::{START_TIME, container, create, group, sim, status, wait};
use determinism::Clock;
use eci_api::actions::RestartContainerGroup;
use eci_api::actions::create_container_group::Container;
use eci_sim::control::wire::GroupFilter;
use eci_sim::{ControlServer, EciSim, Incoming, Latency, Script};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Milliseconds from a group's creation until it is Running, and that long a restart takes.
fn milliseconds(sim: &EciSim, until_running: &str) -> u64 {
    let mut passed = 0;
    while status(sim, until_running) != "Running" {
        sim.control().advance(Duration::from_millis(1)).unwrap();
        passed += 1;
        assert!(passed < 100_000, "Running by then");
    }
    passed
}

fn to_running(latency: &str) -> (u64, u64) {
    let sim = sim();
    sim.control().set_latency(latency.parse().unwrap());
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    let started = milliseconds(&sim, &id);
    sim.act(&RestartContainerGroup {
        container_group_id: Some(id.clone()),
        ..RestartContainerGroup::default()
    })
    .unwrap();
    (started, milliseconds(&sim, &id))
}

#[test]
fn every_step_takes_its_share_of_the_published_latency() {
    assert_eq!(to_running("none"), (0, 0));
    let (start, restart) = to_running("published");
    assert!((11_300..=16_300).contains(&start) && restart > 0, "{start} {restart}");
    let (double_start, double_restart) = to_running("x2");
    assert!(double_start.abs_diff(2 * start) <= 8, "{double_start} is twice {start}");
    assert!(double_restart.abs_diff(2 * restart) <= 8, "{double_restart} is twice {restart}");
    let (half_start, _) = to_running("x0.5");
    assert!(half_start.abs_diff(start / 2) <= 8, "{half_start} is half of {start}");
}

#[test]
fn a_script_says_the_latency_of_its_groups_and_the_time_of_each_step() {
    let sim = sim();
    let none = Script { latency: Some(Latency::NONE), ..Script::default() };
    sim.control().script("quick-*", none.clone());
    sim.control().script("sandbox-*", Script { sandbox: Some(Duration::from_secs(3)), ..none });
    let start = |name: &str| {
        let id = create(&sim, &group(name, vec![container("web", "nginx", &[])]));
        milliseconds(&sim, &id)
    };
    assert_eq!(start("quick-web"), 0);
    assert_eq!(start("sandbox-web"), 3000);
    assert!(start("other") > 10_000, "as published");
}

#[test]
fn the_hooks_of_a_group_without_latency_take_no_time_unless_their_command_says_it() {
    let sim = sim();
    sim.control().set_latency(Latency::NONE);
    let hook = |words: &[&str]| Container {
        lifecycle_pre_stop_handler_exec: words.iter().map(|word| (*word).to_owned()).collect(),
        ..container("web", "nginx", &[])
    };
    for (words, wanted) in [(&["flush-cache"][..], "gone"), (&["sleep", "5"], "Terminating")] {
        let id = create(&sim, &group("web", vec![hook(words)]));
        let container_group_id = Some(id.clone());
        assert_eq!(status(&sim, &id), "Running");
        let delete = eci_api::actions::DeleteContainerGroup { container_group_id, ..Default::default() };
        sim.act(&delete).unwrap();
        assert_eq!(status(&sim, &id), wanted, "{words:?}");
    }
}

fn ask(sim: &EciSim, method: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (method, path) = (method.into(), "/latency".into());
    let request = Incoming { method, path, body: body.into(), ..Incoming::default() };
    let reply = ControlServer::new(sim.control()).answer(&request);
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap())
}

#[test]
fn the_control_api_sets_the_latency_and_a_reset_leaves_it() {
    let sim = sim();
    assert_eq!(ask(&sim, "GET", &Value::Null), (200, json!({ "latency": "published" })));
    let half = json!({ "latency": "x0.5" });
    assert_eq!(ask(&sim, "POST", &half), (200, half.clone()));
    sim.control().reset();
    assert_eq!(ask(&sim, "GET", &Value::Null), (200, half.clone()));
    let (code, why) = ask(&sim, "POST", &json!({ "latency": "fast" }));
    let why = why["error"].as_str().unwrap();
    assert!(code == 400 && why.contains("`none`, `published`, or a factor"), "{code} {why}");
}

fn persisted(data: &Path, at: &str, latency: Option<Latency>) -> EciSim {
    let at: Timestamp = at.parse().unwrap();
    let builder = EciSim::builder().clock(Clock::still(at)).clients_clock(Clock::still(at));
    latency.into_iter().fold(builder, eci_sim::Builder::latency).persist(data, Some(0)).unwrap()
}

#[test]
fn a_persisted_world_replays_its_calls_with_the_latency_of_then() {
    let data = tempfile::tempdir().unwrap();
    let lives = |sim: &EciSim| {
        let groups = sim.control().find(&GroupFilter::default());
        groups.into_iter().map(|group| (group.name, group.status)).collect::<Vec<_>>()
    };
    let before = {
        let sim = persisted(data.path(), START_TIME, Some(Latency::NONE));
        create(&sim, &group("quick", vec![container("web", "nginx", &[])]));
        sim.control().now();
        lives(&sim)
    };
    assert_eq!(before, [("quick".to_owned(), "Running".to_owned())]);
    let again = persisted(data.path(), START_TIME, None);
    assert_eq!((lives(&again), again.control().latency()), (before.clone(), Latency::NONE));
    drop(again);
    let slow = persisted(data.path(), START_TIME, Some(Latency::PUBLISHED));
    assert_eq!(lives(&slow), before, "what was over stays over");
    let id = create(&slow, &group("slow", vec![container("web", "nginx", &[])]));
    wait(&slow, 1);
    assert_eq!(status(&slow, &id), "Scheduling");
}
