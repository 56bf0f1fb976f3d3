//! The order in which the containers of a group start and end, where their environment says it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{container, create, group, look, sim, status, wait, wait_until};
use eci_api::actions::create_container_group::{Container, EnvironmentVar, HttpGet, Probe};
use eci_api::actions::describe_container_groups::ContainerGroup;
use eci_api::actions::{CreateContainerGroup, DeleteContainerGroup};
use eci_sim::Script;

const LAUNCH: &str = "ECI_CONTAINER_LAUNCH_PRIORITY";
const EXIT: &str = "ECI_CONTAINER_EXIT_PRIORITY";

fn with(key: &str, priority: &str, container: Container) -> Container {
    let variable =
        EnvironmentVar { key: Some(key.into()), value: Some(priority.into()), ..EnvironmentVar::default() };
    Container { environment_var: vec![variable], ..container }
}

fn ready_after(seconds: i32, container: Container) -> Container {
    let get = HttpGet { port: Some(80), ..HttpGet::default() };
    let probe = Probe { http_get: Some(get), initial_delay_seconds: Some(seconds), ..Probe::default() };
    Container { readiness_probe: Some(probe), ..container }
}

fn stopping_within(seconds: &str, container: Container) -> Container {
    Container { lifecycle_pre_stop_handler_exec: vec!["sleep".into(), seconds.into()], ..container }
}

/// The names of containers, in the order of the events with this reason.
fn containers_of(group: &ContainerGroup, reason: &str) -> Vec<String> {
    let events = group.events.iter().filter(|event| event.reason == reason);
    events.map(|event| event.message.rsplit(' ').next().unwrap().to_owned()).collect()
}

fn running(group: &ContainerGroup) -> Vec<&str> {
    let runs =
        |state: &Option<eci_api::group::ContainerState>| state.as_ref().is_some_and(|s| s.state == "Running");
    group.containers.iter().filter(|c| runs(&c.current_state)).map(|c| c.name.as_str()).collect()
}

#[test]
fn containers_of_a_higher_priority_start_first_and_without_one_as_they_stand() {
    for (priorities, wanted) in [
        (["0", "0", "0"], ["a", "b", "c"]),
        (["-5", "", "1000"], ["c", "b", "a"]),
        (["1", "2", "2"], ["b", "c", "a"]),
    ] {
        let sim = sim();
        let containers = ["a", "b", "c"].into_iter().zip(priorities);
        let containers =
            containers.map(|(name, priority)| with(LAUNCH, priority, container(name, "nginx", &[])));
        let id = create(&sim, &group("web", containers.collect()));
        wait_until(&sim, &id, "Running");
        assert_eq!(containers_of(&look(&sim, &id).unwrap(), "Started"), wanted, "{priorities:?}");
    }
}

#[test]
fn a_container_waits_until_those_before_it_are_ready() {
    let sim = sim();
    let proxy = with(LAUNCH, "10", ready_after(100, container("proxy", "envoy", &[])));
    let id = create(&sim, &group("web", vec![container("app", "nginx", &[]), proxy]));
    wait(&sim, 100);
    let seen = look(&sim, &id).unwrap();
    assert_eq!((seen.status.as_str(), running(&seen)), ("Pending", vec!["proxy"]));
    assert_eq!(seen.containers[0].current_state.clone().unwrap().reason, "ContainerCreating");
    assert!(wait_until(&sim, &id, "Running") > 110);
}

#[test]
fn a_container_waits_for_one_that_cannot_be_pulled_only_where_that_goes_first() {
    for (priority, waits) in [("10", true), ("0", false)] {
        let sim = sim();
        sim.control().script("envoy", Script { cannot_pull: Some("denied".into()), ..Script::default() });
        let proxy = with(LAUNCH, priority, container("proxy", "envoy", &[]));
        let id = create(&sim, &group("web", vec![proxy, container("app", "nginx", &[])]));
        wait(&sim, 300);
        let seen = look(&sim, &id).unwrap();
        assert_eq!((seen.status.as_str(), running(&seen).is_empty()), ("Pending", waits));
    }
}

#[test]
fn what_is_over_for_good_keeps_nobody_from_starting() {
    let sim = sim();
    let first = with(LAUNCH, "10", ready_after(600, container("first", "busybox", &["sleep", "20"])));
    let request = CreateContainerGroup {
        restart_policy: Some("Never".into()),
        ..group("job", vec![first, container("second", "nginx", &[])])
    };
    let id = create(&sim, &request);
    wait(&sim, 60);
    assert_eq!(running(&look(&sim, &id).unwrap()), ["second"]);
}

#[test]
fn containers_of_a_higher_exit_priority_end_first_and_each_level_has_its_own_grace() {
    for (grace, app, log, both) in [(30, "5", "8", 13), (10, "60", "60", 20)] {
        let sim = sim();
        let app = with(EXIT, "10", stopping_within(app, container("app", "nginx", &[])));
        let log = stopping_within(log, container("log", "fluentd", &[]));
        let request = CreateContainerGroup {
            termination_grace_period_seconds: Some(grace),
            ..group("web", vec![log, app])
        };
        let id = create(&sim, &request);
        wait_until(&sim, &id, "Running");
        sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() })
            .unwrap();
        wait(&sim, 4);
        assert_eq!(running(&look(&sim, &id).unwrap()), ["log", "app"]);
        wait(&sim, 6);
        let seen = look(&sim, &id).unwrap();
        assert_eq!(
            (running(&seen), containers_of(&seen, "Killing")),
            (vec!["log"], vec!["app".to_owned(), "log".to_owned()])
        );
        wait(&sim, both - 11);
        assert_eq!(status(&sim, &id), "Terminating");
        wait(&sim, 1);
        assert_eq!(status(&sim, &id), "gone");
    }
}

#[test]
fn a_container_without_a_hook_ends_at_once_while_its_group_lingers() {
    let sim = sim();
    let slow = stopping_within("9", container("slow", "nginx", &[]));
    let id = create(&sim, &group("web", vec![slow, container("quick", "nginx", &[])]));
    wait_until(&sim, &id, "Running");
    sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() }).unwrap();
    wait(&sim, 1);
    let seen = look(&sim, &id).unwrap();
    assert_eq!(running(&seen), ["slow"]);
    let state = seen.containers[1].current_state.clone().unwrap();
    assert_eq!((state.exit_code, state.signal), (Some(143), Some(15)));
}

#[test]
fn a_script_says_how_long_containers_take_to_end() {
    let sim = sim();
    sim.control().script("nginx", Script { stop: Some(Duration::from_secs(12)), ..Script::default() });
    let id = create(&sim, &group("web", vec![stopping_within("1", container("web", "nginx", &[]))]));
    wait_until(&sim, &id, "Running");
    sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() }).unwrap();
    wait(&sim, 11);
    assert_eq!(status(&sim, &id), "Terminating");
    wait(&sim, 1);
    assert_eq!(status(&sim, &id), "gone");
}

#[test]
fn a_sidecar_is_ended_when_the_others_are_done_and_does_not_count() {
    for (main, wanted) in [("true", "Succeeded"), ("false", "Failed")] {
        let sim = sim();
        let sidecar = with("ECI_CONTAINER_TYPE", "sidecar", container("log", "fluentd", &[]));
        let request = CreateContainerGroup {
            restart_policy: Some("Never".into()),
            ..group(
                "job",
                vec![container("main", "busybox", &["sh", "-c", &format!("sleep 60; {main}")]), sidecar],
            )
        };
        let id = create(&sim, &request);
        wait_until(&sim, &id, "Running");
        wait(&sim, 50);
        assert_eq!(running(&look(&sim, &id).unwrap()), ["main", "log"]);
        wait_until(&sim, &id, wanted);
        let seen = look(&sim, &id).unwrap();
        let state = seen.containers[1].current_state.clone().unwrap();
        assert_eq!((state.state.as_str(), state.exit_code), ("Terminated", Some(137)));
        assert_eq!(containers_of(&seen, "Killing"), ["log"]);
    }
}

#[test]
fn a_sidecar_that_fails_by_itself_does_not_end_its_group() {
    let sim = sim();
    let sidecar = with("ECI_CONTAINER_TYPE", "sidecar", container("log", "fluentd", &["false"]));
    let request = CreateContainerGroup {
        restart_policy: Some("Never".into()),
        ..group("job", vec![container("main", "busybox", &["sleep", "100"]), sidecar])
    };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    wait(&sim, 60);
    assert_eq!((status(&sim, &id).as_str(), running(&look(&sim, &id).unwrap())), ("Running", vec!["main"]));
    wait_until(&sim, &id, "Succeeded");
}

#[test]
fn a_group_of_sidecars_alone_waits_for_all_of_them() {
    let sim = sim();
    let sidecar =
        |name, span| with("ECI_CONTAINER_TYPE", "sidecar", container(name, "busybox", &["sleep", span]));
    let request = CreateContainerGroup {
        restart_policy: Some("Never".into()),
        ..group("job", vec![sidecar("one", "10"), sidecar("two", "100")])
    };
    let id = create(&sim, &request);
    assert!(wait_until(&sim, &id, "Succeeded") > 100);
}

#[test]
fn a_bad_end_that_is_ignored_counts_as_a_good_one_and_is_told() {
    for (value, policy, wanted, code) in [
        ("true", "Never", "Succeeded", Some(0)),
        ("true", "OnFailure", "Succeeded", Some(0)),
        ("false", "Never", "Failed", Some(3)),
    ] {
        let sim = sim();
        let command = ["sh", "-c", "echo it broke; exit 3"];
        let main = Container {
            termination_message_policy: Some("FallbackToLogsOnError".into()),
            ..with("ECI_CONTAINER_IGNORE_EXIT_CODE", value, container("main", "busybox", &command))
        };
        let request =
            CreateContainerGroup { restart_policy: Some(policy.into()), ..group("job", vec![main]) };
        let id = create(&sim, &request);
        wait_until(&sim, &id, wanted);
        let state = look(&sim, &id).unwrap().containers[0].current_state.clone().unwrap();
        assert_eq!(state.exit_code, code);
        match value {
            "true" => assert_eq!(
                (state.reason.as_str(), state.message.as_str()),
                ("Completed", "ExitCode: 3, Reason: Error, Message: it broke")
            ),
            _ => assert_eq!((state.reason.as_str(), state.message.as_str()), ("Error", "it broke")),
        }
    }
}

#[test]
fn a_priority_that_does_not_exist_is_refused() {
    for (key, value) in [(LAUNCH, "1001"), (EXIT, "first")] {
        let asked = group("web", vec![with(key, value, container("web", "nginx", &[]))]);
        let refusal = sim().act(&asked).unwrap_err();
        assert_eq!(refusal.wire_code(), "InvalidParameter");
        let said = refusal.to_string();
        assert!(
            said.contains("Container.1.EnvironmentVar.1.Value") && said.contains("-1000 to 1000"),
            "{said}"
        );
    }
}
