//! When containers are ready, and what their hooks do: as scripts, commands and probes say.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{container, create, group, look, sim, status, wait, wait_until};
use eci_api::actions::create_container_group::{Container, EnvironmentVar, HttpGet, Probe};
use eci_api::actions::update_container_group as update;
use eci_api::actions::{
    CreateContainerGroup, DeleteContainerGroup, DescribeContainerGroupStatus, UpdateContainerGroup,
};
use eci_sim::{EciSim, Script};

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

/// A container whose readiness is asked for every ten seconds, from the fifth on.
fn probed(container: Container) -> Container {
    let http_get = Some(HttpGet { port: Some(80), ..HttpGet::default() });
    let probe =
        Probe { http_get, initial_delay_seconds: Some(5), failure_threshold: Some(2), ..Probe::default() };
    Container { readiness_probe: Some(probe), ..container }
}

/// A running group of one container of the image `nginx`, which does what is scripted.
fn running(sim: &EciSim, script: Script, web: Container) -> String {
    sim.control().script("nginx", script);
    let id = create(sim, &group("web", vec![web]));
    wait_until(sim, &id, "Running");
    id
}

fn is_ready(sim: &EciSim, id: &str) -> bool {
    look(sim, id).unwrap().containers[0].ready
}

fn reasons(sim: &EciSim, id: &str) -> Vec<String> {
    look(sim, id).unwrap().events.into_iter().map(|event| event.reason).collect()
}

fn message(sim: &EciSim, id: &str, reason: &str) -> String {
    let events = look(sim, id).unwrap().events;
    events.into_iter().rfind(|event| event.reason == reason).map(|event| event.message).unwrap_or_default()
}

/// The seconds after its start in which a container is not ready, in the first two minutes.
fn unready_seconds(sim: &EciSim, id: &str) -> Vec<u64> {
    let mut unready = Vec::new();
    for second in 0..120 {
        if !is_ready(sim, id) {
            unready.push(second);
        }
        wait(sim, 1);
    }
    unready
}

#[test]
fn a_script_says_when_a_container_is_ready() {
    let web = || container("web", "nginx", &[]);
    let from = |first: u64, last: u64| (first..last).collect::<Vec<_>>();
    let script = |ready, unready| Script { ready_after: ready, unready_after: unready, ..Script::default() };
    let never = Script { unready: true, ..Script::default() };
    for (script, web, wanted) in [
        (Script::default(), web(), vec![]),
        (never.clone(), web(), from(0, 120)),
        (never, probed(web()), from(0, 120)),
        (script(seconds(40), None), web(), from(0, 40)),
        // Asked at 5, 15, 25, 35 and 45 s.
        (Script::default(), probed(web()), from(0, 5)),
        (script(seconds(40), None), probed(web()), from(0, 45)),
        (script(None, seconds(60)), web(), from(60, 120)),
        // Failed at 65 and 75 s.
        (script(None, seconds(60)), probed(web()), [from(0, 5), from(75, 120)].concat()),
        (script(seconds(20), seconds(60)), web(), [from(0, 20), from(60, 120)].concat()),
        (script(seconds(60), seconds(20)), web(), from(0, 120)),
    ] {
        let sim = sim();
        let id = running(&sim, script.clone(), web);
        assert_eq!(unready_seconds(&sim, &id), wanted, "{script:?}");
        assert_eq!(
            (status(&sim, &id).as_str(), look(&sim, &id).unwrap().containers[0].restart_count),
            ("Running", 0)
        );
    }
}

#[test]
fn lost_readiness_is_told_where_a_probe_found_it() {
    let script = || Script { unready_after: seconds(30), ..Script::default() };
    for (web, wanted) in [(container("web", "nginx", &[]), 0), (probed(container("web", "nginx", &[])), 1)] {
        let sim = sim();
        let id = running(&sim, script(), web);
        wait(&sim, 120);
        assert!(!is_ready(&sim, &id));
        assert_eq!(reasons(&sim, &id).iter().filter(|reason| *reason == "Unhealthy").count(), wanted);
    }
}

#[test]
fn a_group_is_ready_without_a_container_whose_readiness_is_ignored() {
    for (key, wanted) in [("ECI_CONTAINER_IGNORE_READY", "True"), ("OTHER", "False")] {
        let sim = sim();
        sim.control().script("envoy", Script { unready: true, ..Script::default() });
        let variable =
            EnvironmentVar { key: Some(key.into()), value: Some("true".into()), ..Default::default() };
        let proxy = Container { environment_var: vec![variable], ..container("proxy", "envoy", &[]) };
        let id = create(&sim, &group("web", vec![container("web", "nginx", &[]), proxy]));
        wait_until(&sim, &id, "Running");
        let status = sim.act(&DescribeContainerGroupStatus::default()).unwrap().data.remove(0);
        let conditions = status.pod_status.unwrap().conditions;
        let ready = conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
        assert_eq!(ready.status, wanted, "{key}");
    }
}

/// The same container with each kind of hook at its start.
fn with_start_hooks() -> [Container; 3] {
    let web = || container("web", "nginx", &[]);
    [
        Container { lifecycle_post_start_handler_exec: vec!["warm-up".into()], ..web() },
        Container { lifecycle_post_start_handler_http_get_port: Some(80), ..web() },
        Container { lifecycle_post_start_handler_tcp_socket_port: Some(80), ..web() },
    ]
}

#[test]
fn a_start_hook_of_any_kind_succeeds_unless_a_script_says_that_it_fails() {
    for web in with_start_hooks() {
        for fails in [false, true] {
            let sim = sim();
            let script = Script { post_start: seconds(20), post_start_fails: fails, ..Script::default() };
            let id = running(&sim, script, web.clone());
            wait(&sim, 19);
            assert!(!is_ready(&sim, &id), "the hook is not over");
            wait(&sim, 2);
            let seen = look(&sim, &id).unwrap();
            assert_eq!(
                (seen.containers[0].ready, seen.containers[0].restart_count),
                (!fails, i32::from(fails))
            );
            let told = (message(&sim, &id, "FailedPostStartHook"), message(&sim, &id, "Killing"));
            let wanted = if fails { ("PostStartHook failed", "FailedPostStartHook") } else { ("", "") };
            assert_eq!((told.0.as_str(), told.1.as_str()), wanted);
        }
    }
}

#[test]
fn without_a_hook_what_a_script_says_of_hooks_does_not_matter() {
    let sim = sim();
    let script =
        Script { post_start_fails: true, pre_stop_fails: true, pre_stop: seconds(9), ..Script::default() };
    let id = running(&sim, script, container("web", "nginx", &[]));
    wait(&sim, 60);
    assert!(is_ready(&sim, &id));
    sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() }).unwrap();
    assert_eq!(status(&sim, &id), "gone");
}

#[test]
fn a_start_hook_s_command_is_read_with_the_container_s_environment() {
    let variable = EnvironmentVar { key: Some("CODE".into()), value: Some("3".into()), ..Default::default() };
    let command = ["sh", "-c", "sleep 5; exit $CODE"].map(str::to_owned);
    let web = Container {
        environment_var: vec![variable],
        lifecycle_post_start_handler_exec: command.into(),
        ..container("web", "nginx", &[])
    };
    let sim = sim();
    let id = running(&sim, Script::default(), web);
    wait(&sim, 4);
    assert_eq!(message(&sim, &id, "FailedPostStartHook"), "");
    wait(&sim, 2);
    assert_eq!(message(&sim, &id, "FailedPostStartHook"), "PostStartHook failed");
}

#[test]
fn a_stop_hook_of_any_kind_that_fails_is_told_and_the_container_ends_all_the_same() {
    let web = || container("web", "nginx", &[]);
    let hooked = [
        Container { lifecycle_pre_stop_handler_exec: vec!["drain".into()], ..web() },
        Container { lifecycle_pre_stop_handler_http_get_port: Some(80), ..web() },
        Container { lifecycle_pre_stop_handler_tcp_socket_port: Some(80), ..web() },
    ];
    for web in hooked {
        for (fails, takes, wanted) in [(true, 5, "PreStopHook failed"), (false, 5, ""), (true, 60, "")] {
            let sim = sim();
            let script = Script {
                pre_stop: seconds(takes),
                pre_stop_fails: fails,
                stop: seconds(takes + 10),
                ..Script::default()
            };
            let id = running(&sim, script, web.clone());
            sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() })
                .unwrap();
            wait(&sim, 14);
            assert_eq!(status(&sim, &id), "Terminating");
            assert_eq!(
                message(&sim, &id, "FailedPreStopHook"),
                wanted,
                "a hook that is cut short is not told"
            );
            wait(&sim, 16);
            assert_eq!(status(&sim, &id), "gone", "after 15 s, or the 30 s of the grace period");
        }
    }
}

#[test]
fn a_stop_hook_whose_command_ends_badly_has_failed() {
    let web = Container {
        lifecycle_pre_stop_handler_exec: ["sh", "-c", "sleep 3; false"].map(str::to_owned).into(),
        ..container("web", "nginx", &[])
    };
    let other = Container {
        lifecycle_pre_stop_handler_exec: vec!["sleep".into(), "9".into()],
        ..container("other", "nginx", &[])
    };
    let sim = sim();
    let id = create(&sim, &group("web", vec![web, other]));
    wait_until(&sim, &id, "Running");
    sim.act(&DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() }).unwrap();
    wait(&sim, 4);
    assert_eq!(message(&sim, &id, "FailedPreStopHook"), "PreStopHook failed");
}

#[test]
fn a_liveness_probe_that_fails_says_whether_its_container_is_started_again() {
    for (policy, wanted) in [
        ("Always", "Container web failed liveness probe, will be restarted"),
        ("Never", "Container web failed liveness probe"),
    ] {
        let sim = sim();
        sim.control().script("nginx", Script { unhealthy_after: seconds(10), ..Script::default() });
        let probe = probed(container("web", "nginx", &[])).readiness_probe;
        let web = Container { liveness_probe: probe, ..container("web", "nginx", &[]) };
        let request = CreateContainerGroup { restart_policy: Some(policy.into()), ..group("web", vec![web]) };
        let id = create(&sim, &request);
        wait_until(&sim, &id, "Running");
        wait(&sim, 26);
        assert_eq!(message(&sim, &id, "Killing"), wanted);
    }
}

#[test]
fn an_update_of_the_image_keeps_the_hooks() {
    let sim = sim();
    let mut web = container("web", "busybox", &["sleep", "9999"]);
    web.lifecycle_post_start_handler_tcp_socket_port = Some(80);
    web.lifecycle_pre_stop_handler_exec = vec!["sleep".into(), "20".into()];
    let fails = || Script { post_start_fails: true, ..Script::default() };
    let id = running(&sim, fails(), web);
    assert!(
        !reasons(&sim, &id).contains(&"FailedPostStartHook".to_owned()),
        "the script is of another image"
    );
    let image = update::Container { image: Some("nginx".into()), ..update::Container::default() };
    let container_group_id = Some(id.clone());
    sim.act(&UpdateContainerGroup { container_group_id, container: vec![image], ..Default::default() })
        .unwrap();
    wait(&sim, 60);
    assert!(reasons(&sim, &id).contains(&"FailedPostStartHook".to_owned()), "{:?}", reasons(&sim, &id));
}
