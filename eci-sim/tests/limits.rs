//! How long a group may take: to be placed, to start, to run and to end; and how long its record is kept.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{container, create, group, look, once, sim, status, wait, wait_until};
use eci_api::actions::create_container_group::{Container, InitContainer};
use eci_api::actions::describe_container_groups::ContainerGroup;
use eci_api::actions::{CreateContainerGroup, DeleteContainerGroup};
use eci_sim::script::Usage;
use eci_sim::{EciSim, Runs, Script};

/// The sentence of the event with this reason; empty where there is none.
fn message(group: &ContainerGroup, reason: &str) -> String {
    let event = group.events.iter().find(|event| event.reason == reason);
    event.map(|event| event.message.clone()).unwrap_or_default()
}

fn delete(sim: &EciSim, id: &str) {
    let request = DeleteContainerGroup { container_group_id: Some(id.into()), ..Default::default() };
    sim.act(&request).unwrap();
}

#[test]
fn a_group_past_its_active_deadline_is_ended_by_force_and_has_failed() {
    let sim = sim();
    let request = CreateContainerGroup {
        active_deadline_seconds: Some(600),
        ..group("web", vec![container("web", "nginx", &[]), container("log", "fluentd", &[])])
    };
    let id = create(&sim, &request);
    let running = wait_until(&sim, &id, "Running");
    let failed = wait_until(&sim, &id, "Failed");
    assert!(
        (602..=606).contains(&failed),
        "counted from when a machine is found, not from {running}: {failed}"
    );
    let seen = look(&sim, &id).unwrap();
    assert_eq!(
        message(&seen, "DeadlineExceeded"),
        "Pod was active on the node longer than the specified deadline"
    );
    assert_eq!(seen.events.iter().filter(|event| event.reason == "Killing").count(), 2);
    let state = seen.containers[0].current_state.clone().unwrap();
    assert_eq!((state.state.as_str(), state.exit_code, state.signal), ("Terminated", Some(137), Some(9)));
    assert!(!seen.failed_time.is_empty());
}

#[test]
fn a_group_that_ends_before_its_active_deadline_has_not_failed() {
    let sim = sim();
    let request =
        CreateContainerGroup { active_deadline_seconds: Some(600), ..once("job", &["sleep", "60"]) };
    let id = create(&sim, &request);
    wait(&sim, 3000);
    assert_eq!(status(&sim, &id), "Succeeded");
}

#[test]
fn a_group_that_stays_too_long_in_pending_is_told_why_it_has_failed() {
    let sim = sim();
    sim.control().script("secret", Script { cannot_pull: Some("denied".into()), ..Script::default() });
    let request = CreateContainerGroup {
        max_pending_minute: Some(10),
        ..group("web", vec![container("web", "secret", &[])])
    };
    let id = create(&sim, &request);
    let failed = wait_until(&sim, &id, "Failed");
    assert!((602..=606).contains(&failed), "{failed}");
    let why = message(&look(&sim, &id).unwrap(), "StartingFailed");
    assert!(why.starts_with("eci starting failed: not running after 10 minutes"), "{why}");
    assert!(why.contains("container web: "), "{why}");
}

#[test]
fn while_an_init_container_runs_the_time_in_pending_does_not_count() {
    let sim = sim();
    let init = InitContainer {
        name: Some("init".into()),
        image: Some("busybox".into()),
        command: vec!["sleep".into(), "1200".into()],
        ..InitContainer::default()
    };
    let request = CreateContainerGroup {
        max_pending_minute: Some(10),
        init_container: vec![init],
        ..group("web", vec![container("web", "nginx", &[])])
    };
    let id = create(&sim, &request);
    assert!(wait_until(&sim, &id, "Running") > 1200);
}

#[test]
fn a_group_that_gets_no_machine_is_told_why_and_never_starts() {
    let sim = sim();
    let script = Script { cannot_schedule: Some("no machine in the zone".into()), ..Script::default() };
    sim.control().script("web", script);
    let id = create(&sim, &group("web", vec![container("main", "nginx", &[])]));
    wait_until(&sim, &id, "ScheduleFailed");
    let seen = look(&sim, &id).unwrap();
    assert_eq!(message(&seen, "FailedScheduling"), "Schedule eci failed:no machine in the zone");
    assert_eq!(seen.containers[0].current_state.clone().unwrap().state, "Waiting");
    assert_eq!(seen.intranet_ip, "");
}

#[test]
fn the_record_of_an_expired_group_is_kept_like_any_other() {
    let sim = sim();
    let first = create(&sim, &once("spot", &["sleep", "600"]));
    wait(&sim, 60);
    assert!(sim.control().reclaim(&first, 3));
    assert_eq!(wait_until(&sim, &first, "Expired"), 240);
    assert!(!look(&sim, &first).unwrap().expired_time.is_empty());
    assert_eq!(message(&look(&sim, &first).unwrap(), "Killing"), "", "who would tell of it is gone too");
    for index in 0..100 {
        create(&sim, &once(&format!("job-{index}"), &["true"]));
    }
    wait(&sim, 3500);
    assert_eq!(status(&sim, &first), "Expired");
    wait(&sim, 3600);
    assert_eq!(status(&sim, &first), "gone", "an hour is over, and a hundred younger ones are there");
}

#[test]
fn a_container_that_takes_longer_than_the_grace_period_is_killed_at_its_end() {
    let sim = sim();
    sim.control().script("slow", Script { stop: Some(Duration::from_secs(100)), ..Script::default() });
    sim.control().script("tidy", Script { stop: Some(Duration::from_secs(5)), ..Script::default() });
    sim.control().script("last", Script { stop: Some(Duration::from_secs(10)), ..Script::default() });
    let last = Container {
        environment_var: vec![eci_api::actions::create_container_group::EnvironmentVar {
            key: Some("ECI_CONTAINER_EXIT_PRIORITY".into()),
            value: Some("-1".into()),
            ..Default::default()
        }],
        ..container("last", "last", &[])
    };
    let request = CreateContainerGroup {
        termination_grace_period_seconds: Some(20),
        ..group("web", vec![container("slow", "slow", &[]), container("tidy", "tidy", &[]), last])
    };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    delete(&sim, &id);
    wait(&sim, 19);
    let state = |at: usize| look(&sim, &id).unwrap().containers[at].current_state.clone().unwrap();
    assert_eq!(
        (state(0).state.as_str(), state(1).exit_code, state(1).signal),
        ("Running", Some(143), Some(15))
    );
    wait(&sim, 1);
    assert_eq!((state(0).exit_code, state(0).signal), (Some(137), Some(9)), "20 s are over");
    wait(&sim, 9);
    assert_eq!(status(&sim, &id), "Terminating");
    wait(&sim, 1);
    assert_eq!(status(&sim, &id), "gone");
}

#[test]
fn a_script_says_how_long_an_image_is_pulled_and_a_container_is_started() {
    let sim = sim();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let script =
        Script { pull: seconds(300), start: seconds(40), run: Some(Runs::Forever), ..Script::default() };
    sim.control().script("large", script);
    let id = create(&sim, &group("web", vec![container("web", "large", &[])]));
    let quick = create(&sim, &group("quick", vec![container("web", "small", &[])]));
    let (quick, slow) = (wait_until(&sim, &quick, "Running"), wait_until(&sim, &id, "Running"));
    assert!(quick < 20 && (347..352).contains(&slow), "{quick} {slow}");
    let seen = look(&sim, &id).unwrap();
    assert_eq!(
        message(&seen, "Pulled"),
        "Successfully pulled image \"large\" in 5m0.000s (5m0.000s including waiting)"
    );
}

#[test]
fn a_script_makes_a_container_run_out_of_memory_and_its_policy_starts_it_again() {
    for (policy, state, restarts) in [("Never", "Terminated", 0), ("OnFailure", "Running", 1)] {
        let sim = sim();
        let usage = Some(Usage { milli_vcpu: 100, mebibytes: 64 });
        let out_of_memory_after = Some(Duration::from_secs(90));
        sim.control().script("leaky", Script { usage, out_of_memory_after, ..Script::default() });
        let request = CreateContainerGroup {
            restart_policy: Some(policy.into()),
            ..group("web", vec![container("web", "leaky", &["nginx"])])
        };
        let id = create(&sim, &request);
        wait_until(&sim, &id, "Running");
        wait(&sim, 89);
        assert_eq!(look(&sim, &id).unwrap().containers[0].current_state.clone().unwrap().state, "Running");
        wait(&sim, 2);
        let seen = look(&sim, &id).unwrap();
        let web = &seen.containers[0];
        assert_eq!((web.current_state.clone().unwrap().state.as_str(), web.restart_count), (state, restarts));
        let ended = if restarts == 0 { &web.current_state } else { &web.previous_state }.clone().unwrap();
        assert_eq!((ended.exit_code, ended.signal, ended.reason.as_str()), (Some(137), Some(9), "OOMKilled"));
        assert_eq!(message(&seen, "OOMKilled"), "Out of memory");
    }
}
