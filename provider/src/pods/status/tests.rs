//! Tests of what a pod says about its group.

use eci_api::group::{Container as Seen, ContainerGroup, ContainerState as State, Event, InitContainer};
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-01-05T01:00:30Z".parse().unwrap()
}

fn pod(policy: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "p", "uid": "u", "generation": 3 },
        "spec": { "restartPolicy": policy, "containers": [{ "name": "b", "image": "two" }, { "name": "a", "image": "one" }] },
        "status": { "qosClass": "BestEffort", "startTime": "2026-01-05T01:00:00Z" }
    }))
    .unwrap()
}

fn state(state: &str) -> State {
    State { state: state.into(), start_time: "2026-01-05T01:00:10Z".into(), ..State::default() }
}

fn ended(code: i32) -> State {
    State { exit_code: Some(code), finish_time: "2026-01-05T01:00:20Z".into(), ..state("Terminated") }
}

fn container(name: &str, current: Option<State>) -> Seen {
    Seen { name: name.into(), current_state: current, ..Seen::default() }
}

fn group(status: &str, containers: Vec<Seen>) -> ContainerGroup {
    ContainerGroup {
        container_group_id: "eci-1".into(),
        status: status.into(),
        intranet_ip: "10.0.0.7".into(),
        containers,
        ..ContainerGroup::default()
    }
}

fn json_of(status: &PodStatus) -> Value {
    serde_json::to_value(status).unwrap()
}

#[test]
fn a_running_group_makes_a_running_and_ready_pod() {
    let group = group(
        "Running",
        vec![container("a", Some(state("Running"))), container("b", Some(state("Running")))],
    );
    let status = json_of(&of(&pod("Always"), &group, now()));
    assert_eq!(status["phase"], "Running");
    assert_eq!((&status["podIP"], &status["hostIP"]), (&json!("10.0.0.7"), &json!("10.0.0.7")));
    assert_eq!(status["startTime"], "2026-01-05T01:00:00Z", "kept");
    assert_eq!(status["qosClass"], "BestEffort", "kept");
    assert_eq!(status["containerStatuses"][0]["name"], "a", "sorted by name");
    assert_eq!(status["containerStatuses"][0]["containerID"], "eci://eci-1/a");
    assert_eq!(
        status["containerStatuses"][0]["state"],
        json!({ "running": { "startedAt": "2026-01-05T01:00:10Z" } })
    );
    assert_eq!(status["observedGeneration"], 3);
    let ready = status["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Ready").unwrap();
    assert_eq!(ready["status"], "True");
}

#[test]
fn a_group_that_is_being_made_is_a_pending_pod_whose_containers_wait() {
    let status = json_of(&of(&pod("Always"), &group("Scheduling", vec![]), now()));
    assert_eq!(status["phase"], "Pending");
    assert_eq!(
        status["containerStatuses"][1]["state"],
        json!({ "waiting": { "reason": "ContainerCreating" } })
    );
    assert_eq!(status["containerStatuses"][1].get("containerID"), None);
}

#[test]
fn the_end_of_containers_ends_the_pod_by_its_policy() {
    for (policy, codes, phase) in [
        ("Never", [0, 0], "Succeeded"),
        ("Never", [0, 3], "Failed"),
        ("OnFailure", [0, 0], "Succeeded"),
        ("OnFailure", [0, 3], "Running"),
        ("Always", [0, 0], "Running"),
    ] {
        let containers = vec![container("a", Some(ended(codes[0]))), container("b", Some(ended(codes[1])))];
        let status = json_of(&of(&pod(policy), &group("Running", containers), now()));
        assert_eq!(status["phase"], phase, "{policy} {codes:?}");
        let said = &status["containerStatuses"][1]["state"]["terminated"];
        assert_eq!(said["exitCode"], codes[1]);
        assert_eq!(said["reason"], if codes[1] == 0 { "Completed" } else { "Error" });
    }
}

#[test]
fn a_container_between_two_runs_shows_its_last_end() {
    let waiting =
        State { reason: "CrashLoopBackOff".into(), message: "back-off 10s".into(), ..state("Waiting") };
    let mut crashing = container("a", Some(waiting));
    crashing.previous_state = Some(ended(1));
    crashing.restart_count = 2;
    let status = json_of(&of(
        &pod("Always"),
        &group("Running", vec![crashing, container("b", Some(state("Running")))]),
        now(),
    ));
    let said = &status["containerStatuses"][0];
    assert_eq!(status["phase"], "Running");
    assert_eq!(
        (&said["state"]["waiting"]["reason"], &said["restartCount"]),
        (&json!("CrashLoopBackOff"), &json!(2))
    );
    assert_eq!(said["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(said["containerID"], "eci://eci-1/a/2");
}

#[test]
fn a_container_without_a_readiness_probe_is_ready_as_soon_as_it_runs() {
    let mut pod = pod("Always");
    pod.spec.as_mut().unwrap().containers[1].readiness_probe =
        serde_json::from_value(json!({ "tcpSocket": { "port": 80 } })).unwrap();
    let group = group(
        "Running",
        vec![container("a", Some(state("Running"))), container("b", Some(state("Running")))],
    );
    let status = json_of(&of(&pod, &group, now()));
    let ready = |at: usize| status["containerStatuses"][at]["ready"].as_bool().unwrap();
    assert_eq!((ready(0), ready(1)), (false, true));
}

#[test]
fn what_ended_for_good_stays_ended_and_what_ran_never_looks_unstarted() {
    let mut before = pod("Never");
    let both = vec![container("a", Some(ended(0))), container("b", Some(state("Running")))];
    before.status = Some(of(&before, &group("Running", both), now()));
    let later = json_of(&of(&before, &group("Updating", vec![]), now()));
    assert_eq!(later["containerStatuses"][0]["state"]["terminated"]["exitCode"], 0);
    assert_eq!(later["containerStatuses"][1]["lastState"]["terminated"]["reason"], "ContainerStatusUnknown");
    assert_eq!(later["podIP"], "10.0.0.7");
}

#[test]
fn a_group_that_failed_as_a_whole_fails_the_pod_with_the_cloud_s_last_word() {
    let waiting = State { reason: "ImagePullBackOff".into(), ..state("Waiting") };
    let mut group =
        group("Failed", vec![container("a", Some(waiting.clone())), container("b", Some(waiting))]);
    group.events = vec![Event {
        type_: "Warning".into(),
        reason: "StartingFailed".into(),
        message: "eci starting failed: 4 hours".into(),
        ..Event::default()
    }];
    let status = of(&pod("Never"), &group, now());
    assert_eq!(status.phase.as_deref(), Some("Failed"));
    assert_eq!(status.message.as_deref(), Some("StartingFailed: eci starting failed: 4 hours"));
}

#[test]
fn a_spot_instance_taken_back_is_a_disruption() {
    let group = group(
        "Expired",
        vec![container("a", Some(state("Running"))), container("b", Some(state("Running")))],
    );
    let status = json_of(&of(&pod("Always"), &group, now()));
    assert_eq!(status["phase"], "Failed");
    assert_eq!(status["conditions"][0]["type"], "DisruptionTarget");
    assert_eq!(status["containerStatuses"][0]["state"]["terminated"]["exitCode"], 137);
}

#[test]
fn init_containers_keep_the_order_of_the_spec_and_hold_the_others_back() {
    let mut pod = pod("Always");
    pod.spec.as_mut().unwrap().init_containers =
        serde_json::from_value(json!([{ "name": "z" }, { "name": "y" }])).unwrap();
    let mut group = group("Pending", vec![container("a", Some(state("Waiting")))]);
    group.init_containers =
        vec![InitContainer { name: "z".into(), current_state: Some(ended(0)), ..InitContainer::default() }];
    let status = json_of(&of(&pod, &group, now()));
    assert_eq!(status["phase"], "Pending");
    assert_eq!(status["initContainerStatuses"][0]["name"], "z");
    assert_eq!(status["initContainerStatuses"][1]["state"]["waiting"]["reason"], "PodInitializing");
    assert_eq!(status["containerStatuses"][0]["state"]["waiting"]["reason"], "PodInitializing");
}

#[test]
fn what_waits_in_a_pod_with_init_containers_says_so_whatever_the_cloud_calls_it() {
    let mut pod = pod("Always");
    pod.spec.as_mut().unwrap().init_containers = serde_json::from_value(json!([{ "name": "z" }])).unwrap();
    let waiting = |reason: &str| Some(State { reason: reason.into(), ..state("Waiting") });
    let mut group = group("Pending", vec![container("a", waiting("ContainerCreating"))]);
    group.containers.push(container("b", waiting("ErrImagePull")));
    for first in [waiting("ContainerCreating"), Some(ended(0)), Some(ended(1))] {
        let init = InitContainer { name: "z".into(), current_state: first, ..InitContainer::default() };
        group.init_containers = vec![init];
        let status = json_of(&of(&pod, &group, now()));
        let reason = |list: &str, at: usize| status[list][at]["state"]["waiting"]["reason"].clone();
        assert_eq!(reason("containerStatuses", 0), "PodInitializing", "as the kubelet calls it");
        assert_eq!(reason("containerStatuses", 1), "ErrImagePull", "what went wrong is told");
        assert_ne!(reason("initContainerStatuses", 0), "ContainerCreating");
    }
}

#[test]
fn an_init_container_that_ended_well_is_ready_until_the_pod_has_ended() {
    let mut pod = pod("Always");
    pod.spec.as_mut().unwrap().init_containers =
        serde_json::from_value(json!([{ "name": "y" }, { "name": "z" }])).unwrap();
    let mut group = group("Pending", vec![container("a", Some(state("Waiting")))]);
    let init = |name: &str, state: State| InitContainer {
        name: name.into(),
        current_state: Some(state),
        ..InitContainer::default()
    };
    group.init_containers = vec![init("y", ended(0)), init("z", ended(1))];
    let ready = |status: &PodStatus| -> Vec<bool> {
        status.init_container_statuses.iter().flatten().map(|container| container.ready).collect()
    };
    pod.status = Some(of(&pod, &group, now()));
    assert_eq!(ready(pod.status.as_ref().unwrap()), [true, false]);
    let later = of(&pod, &group, now());
    assert_eq!(ready(&later), [true, false], "seen again");
    let ended = failed(&pod, "DeadlineExceeded", "too long", now());
    assert_eq!(ready(&ended), [true, false], "ended by its deadline");
}

#[test]
fn the_same_group_seen_twice_is_the_same_status() {
    let group = group(
        "Running",
        vec![container("a", Some(state("Running"))), container("b", Some(state("Running")))],
    );
    let mut pod = pod("Always");
    let first = of(&pod, &group, now());
    pod.status = Some(first.clone());
    let second = of(&pod, &group, now() + jiff::SignedDuration::from_mins(5));
    assert_eq!(json_of(&first), json_of(&second));
}

#[test]
fn trouble_before_there_is_a_group_is_told_where_people_look() {
    let status = without_group(&pod("Always"), Some(("ProviderFailed", "no stock")), now());
    assert_eq!(
        (status.phase.as_deref(), status.reason.as_deref()),
        (Some("Pending"), Some("ProviderFailed"))
    );
    let status = json_of(&unconfigured(&pod("Always"), "secret \"x\" not found", now()));
    let waiting = &status["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "CreateContainerConfigError");
    assert_eq!(waiting["message"], "secret \"x\" not found");
}

#[test]
fn a_container_that_never_ran_has_no_id_though_the_api_writes_an_empty_last_state() {
    let waiting = || Some(state("Waiting"));
    let group = group("Pending", vec![container("a", waiting()), container("b", waiting())]);
    let mut pod = pod("Always");
    let mut first = of(&pod, &group, now());
    first.container_statuses.iter_mut().flatten().for_each(|c| c.last_state = Some(Default::default()));
    pod.status = Some(first);
    let second = of(&pod, &group, now());
    assert!(second.container_statuses.unwrap().iter().all(|c| c.container_id.is_none()));
}

#[test]
fn the_image_that_runs_is_shown_and_not_the_one_that_is_asked_for_later() {
    let made = |name: &str| Seen { image: format!("made/{name}"), ..container(name, Some(state("Running"))) };
    let status =
        json_of(&of(&pod("Always"), &group("Running", vec![made("a"), container("b", None)]), now()));
    assert_eq!(status["containerStatuses"][0]["image"], "made/a");
    assert_eq!(status["containerStatuses"][1]["image"], "two", "the cloud did not tell");
}

#[test]
fn an_ephemeral_container_has_ended_with_the_words_why_so_that_nobody_waits_for_it() {
    let mut pod = pod("Always");
    let debugger = json!([{ "name": "debugger", "image": "busybox" }]);
    pod.spec.as_mut().unwrap().ephemeral_containers = serde_json::from_value(debugger).unwrap();
    let running = || ["a", "b"].map(|name| container(name, Some(state("Running")))).into();
    let status = of(&pod, &group("Running", running()), now());
    let ended = &json_of(&status)["ephemeralContainerStatuses"][0]["state"]["terminated"];
    assert_eq!(ended["reason"], "EphemeralContainerRefused");
    assert!(ended["message"].as_str().unwrap().contains("kubectl exec"), "{ended}");
    assert_eq!(status.phase.as_deref(), Some("Running"));
    pod.status = Some(status.clone());
    let later = of(&pod, &group("Running", running()), now() + jiff::SignedDuration::from_mins(5));
    assert_eq!(later.ephemeral_container_statuses, status.ephemeral_container_statuses, "written once");
}
