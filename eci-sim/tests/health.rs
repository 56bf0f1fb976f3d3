//! Probes, hooks, memory and crashes: what befalls a container besides its own end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{container, create, group, look, once, sim, status, wait, wait_until};
use eci_api::actions::create_container_group::{Container, HttpGet, Probe};
use eci_api::actions::{CreateContainerGroup, DeleteContainerGroup, DescribeContainerGroupMetric};
use eci_sim::script::Usage;
use eci_sim::{FaultVerdict, Rule, Script};

fn probe(period: i32, threshold: i32) -> Option<Probe> {
    Some(Probe {
        http_get: Some(HttpGet { port: Some(80), ..HttpGet::default() }),
        period_seconds: Some(period),
        failure_threshold: Some(threshold),
        ..Probe::default()
    })
}

fn sick(after: u64) -> Script {
    Script { unhealthy_after: Some(Duration::from_secs(after)), ..Script::default() }
}

#[test]
fn a_failing_liveness_probe_ends_the_container_which_is_started_again() {
    let sim = sim();
    sim.control().script("nginx", sick(20));
    let web = Container { liveness_probe: probe(10, 3), ..container("web", "nginx", &[]) };
    let id = create(&sim, &group("web", vec![web]));
    let running = wait_until(&sim, &id, "Running");
    wait(&sim, 39);
    assert_eq!(look(&sim, &id).unwrap().containers[0].restart_count, 0);
    wait(&sim, 10);
    let seen = look(&sim, &id).unwrap();
    assert_eq!(
        seen.containers[0].restart_count, 1,
        "ill after 20 s, found out at 20, 30 and 40 s, {running}"
    );
    assert_eq!(seen.containers[0].previous_state.clone().unwrap().exit_code, Some(137));
    assert!(
        seen.events.iter().any(|event| event.reason == "Unhealthy" && event.message.starts_with("Liveness"))
    );
}

#[test]
fn a_failing_readiness_probe_makes_the_container_unready_and_no_more() {
    let sim = sim();
    sim.control().script("nginx", sick(60));
    let web = Container { readiness_probe: probe(10, 2), ..container("web", "nginx", &[]) };
    let id = create(&sim, &group("web", vec![web]));
    wait_until(&sim, &id, "Running");
    wait(&sim, 10);
    assert!(look(&sim, &id).unwrap().containers[0].ready);
    wait(&sim, 70);
    let seen = look(&sim, &id).unwrap();
    assert!(!seen.containers[0].ready && seen.status == "Running" && seen.containers[0].restart_count == 0);
}

#[test]
fn a_container_that_uses_more_memory_than_it_has_is_killed_for_it() {
    let sim = sim();
    let usage = |mebibytes| Usage { milli_vcpu: 100, mebibytes };
    let curve = vec![(Duration::ZERO, usage(100)), (Duration::from_secs(300), usage(5000))];
    sim.control().script("leaky", Script { usage_curve: curve, ..Script::default() });
    let request = CreateContainerGroup {
        restart_policy: Some("Never".into()),
        ..group("web", vec![container("web", "leaky", &[])])
    };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    wait(&sim, 120);
    let metric = DescribeContainerGroupMetric { container_group_id: Some(id.clone()), ..Default::default() };
    let records = sim.act(&metric).unwrap().records;
    assert_eq!(records.last().unwrap().memory.clone().unwrap().usage_bytes, 100 << 20);
    wait_until(&sim, &id, "Failed");
    let seen = look(&sim, &id).unwrap();
    let state = seen.containers[0].current_state.clone().unwrap();
    assert_eq!((state.reason.as_str(), state.exit_code), ("OOMKilled", Some(137)));
    assert!(seen.events.iter().any(|event| event.reason == "OOMKilled"));
}

#[test]
fn a_start_hook_that_ends_badly_ends_the_container() {
    let sim = sim();
    let web = Container {
        lifecycle_post_start_handler_exec: vec!["false".into()],
        ..container("web", "nginx", &[])
    };
    let request = CreateContainerGroup { restart_policy: Some("Never".into()), ..group("web", vec![web]) };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Failed");
    assert!(look(&sim, &id).unwrap().events.iter().any(|event| event.reason == "FailedPostStartHook"));
}

#[test]
fn a_stop_hook_takes_its_time_up_to_the_grace_period() {
    for (sleep, grace, gone_after) in [("5", Some(30), 5), ("600", Some(20), 20), ("600", None, 30)] {
        let sim = sim();
        let web = Container {
            lifecycle_pre_stop_handler_exec: vec!["sleep".into(), sleep.into()],
            ..container("web", "nginx", &[])
        };
        let request =
            CreateContainerGroup { termination_grace_period_seconds: grace, ..group("web", vec![web]) };
        let id = create(&sim, &request);
        wait_until(&sim, &id, "Running");
        sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() })
            .unwrap();
        wait(&sim, gone_after - 1);
        assert_eq!(status(&sim, &id), "Terminating");
        wait(&sim, 1);
        assert_eq!(status(&sim, &id), "gone");
    }
}

#[test]
fn the_last_words_are_told_where_that_is_asked_for() {
    let sim = sim();
    let command = ["sh", "-c", "echo starting; echo it broke; exit 3"];
    let main = Container {
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        ..container("main", "busybox", &command)
    };
    let id = create(&sim, &CreateContainerGroup { container: vec![main], ..once("job", &[]) });
    wait_until(&sim, &id, "Failed");
    assert_eq!(
        look(&sim, &id).unwrap().containers[0].current_state.clone().unwrap().message,
        "starting\nit broke"
    );
}

#[test]
fn a_crash_and_a_reclaim_come_by_decree_or_by_a_rule() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    wait_until(&sim, &id, "Running");
    assert!(sim.control().crash(&id, "web", 42));
    let state = look(&sim, &id).unwrap().containers[0].current_state.clone().unwrap();
    assert_eq!((state.state.as_str(), state.exit_code), ("Terminated", Some(42)));
    assert!(!sim.control().crash(&id, "none", 1) && !sim.control().crash("eci-none", "web", 1));
    assert!(sim.control().reclaim(&id, 3));
    wait(&sim, 180);
    assert_eq!(status(&sim, &id), "Expired");
    let rule =
        Rule::new(FaultVerdict::Crash { container: "web".into(), exit_code: 1 }).on("Describe*").times(1);
    assert_eq!(
        serde_json::to_string(&rule.verdict).unwrap(),
        r#"{"crash":{"container":"web","exit-code":1}}"#
    );
}
