//! Tests of the order of observations: whatever order they come in, nothing published goes back.

use eci_api::group::{Container, ContainerGroup, ContainerState as State, Event};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::pods::status;

fn start() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn at(second: i64) -> String {
    (start() + SignedDuration::from_secs(second)).to_string()
}

fn waiting(reason: &str) -> State {
    State { state: "Waiting".into(), reason: reason.into(), ..State::default() }
}

fn running(since: i64) -> State {
    State { state: "Running".into(), start_time: at(since), ..State::default() }
}

fn ended(since: i64, until: i64, code: i32) -> State {
    State {
        state: "Terminated".into(),
        finish_time: at(until),
        exit_code: Some(code),
        reason: if code == 0 { "Completed" } else { "Error" }.into(),
        ..running(since)
    }
}

fn container(name: &str, restarts: i32, current: State, previous: Option<State>) -> Container {
    Container {
        name: name.into(),
        restart_count: restarts,
        ready: current.state == "Running",
        current_state: Some(current),
        previous_state: previous,
        ..Container::default()
    }
}

fn group(status: &str, containers: Vec<Container>) -> ContainerGroup {
    ContainerGroup {
        container_group_id: "eci-1".into(),
        status: status.into(),
        intranet_ip: if status == "Scheduling" { String::new() } else { "10.0.0.7".into() },
        containers,
        ..ContainerGroup::default()
    }
}

fn pod(policy: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "p", "uid": "u" },
        "spec": { "restartPolicy": policy, "containers": [{ "name": "a", "image": "i" }, { "name": "b", "image": "i" }] }
    }))
    .unwrap()
}

/// A group's life as the cloud tells it, in order: `b` crashes once and runs again.
fn life() -> Vec<ContainerGroup> {
    let two = |a: Container, b: Container| vec![a, b];
    let a = || container("a", 0, running(5), None);
    let crash = || ended(6, 20, 1);
    vec![
        group("Scheduling", vec![]),
        group("Pending", two(container("a", 0, waiting(""), None), container("b", 0, waiting(""), None))),
        group("Pending", two(a(), container("b", 0, waiting("ErrImagePull"), None))),
        group("Running", two(a(), container("b", 0, running(6), None))),
        group("Running", two(a(), container("b", 0, crash(), None))),
        group("Running", two(a(), container("b", 0, waiting("CrashLoopBackOff"), Some(crash())))),
        group("Running", two(a(), container("b", 1, running(30), Some(crash())))),
        group(
            "Succeeded",
            two(container("a", 0, ended(5, 50, 0), None), container("b", 1, ended(30, 51, 0), Some(crash()))),
        ),
    ]
}

#[test]
fn of_two_answers_of_one_life_the_earlier_is_the_older_and_the_later_never_is() {
    let life = life();
    for (later, new) in life.iter().enumerate() {
        for (earlier, old) in life.iter().enumerate().take(later) {
            assert!(is_older(old, new), "{earlier} is older than {later}");
            assert!(!is_older(new, old), "{later} is not older than {earlier}");
        }
        assert!(!is_older(new, new), "{later} is not older than itself");
    }
}

#[test]
fn a_restart_that_somebody_asked_for_is_no_older_answer() {
    let running = &life()[3];
    let anew = |status: &str| {
        let waiting = |name: &str| container(name, 0, waiting(""), None);
        group(status, vec![waiting("a"), waiting("b")])
    };
    let mut known = running.clone();
    known.events = vec![Event { last_timestamp: at(6), ..Event::default() }];
    let mut restarted = anew("Pending");
    restarted.events = vec![Event { last_timestamp: at(90), ..Event::default() }];
    assert!(!is_older(&restarted, &known), "its events are newer");
    assert!(!is_older(&group("Pending", vec![container("a", 0, running_again(), None)]), running));
    assert!(is_older(&anew("Pending"), running), "without any newer word it is");
}

fn running_again() -> State {
    running(100)
}

#[test]
fn a_stale_answer_leaves_a_running_pod_as_it_is() {
    let life = life();
    let mut pod = pod("Always");
    pod.status = Some(status::of(&pod, &life[3], start()));
    let published = pod.status.clone();
    for stale in &life[..3] {
        let again = status::of(&pod, stale, start() + SignedDuration::from_secs(60));
        assert_eq!(again.phase, published.clone().unwrap().phase);
        assert_eq!(again.container_statuses, published.clone().unwrap().container_statuses);
    }
}

fn any_state() -> impl Strategy<Value = Option<State>> {
    prop_oneof![
        Just(None),
        Just(Some(waiting("CrashLoopBackOff"))),
        (0..60_i64).prop_map(|since| Some(running(since))),
        (0..60_i64, 0..60_i64, 0..2_i32).prop_map(|(since, lasts, code)| Some(ended(
            since,
            since + lasts,
            code
        ))),
    ]
}

fn any_group() -> impl Strategy<Value = ContainerGroup> {
    let status = proptest::sample::select(vec![
        "Scheduling",
        "Pending",
        "Running",
        "Restarting",
        "Updating",
        "Terminating",
        "Succeeded",
        "Failed",
        "Expired",
        "ScheduleFailed",
        "",
    ]);
    let one = (0..4_i32, any_state(), any_state(), any::<bool>());
    (status, proptest::collection::vec(one, 0..=2)).prop_map(|(status, states)| {
        let containers =
            states.into_iter().zip(["a", "b"]).map(|((restarts, current, previous, ready), name)| {
                Container {
                    name: name.into(),
                    restart_count: restarts,
                    ready,
                    current_state: current,
                    previous_state: previous,
                    ..Container::default()
                }
            });
        group(status, containers.collect())
    })
}

fn rank_of(status: &PodStatus) -> u8 {
    match status.phase.as_deref() {
        Some("Pending") => 0,
        Some("Running") => 1,
        _ => 2,
    }
}

fn goes_back(before: &PodStatus, after: &PodStatus) -> Option<String> {
    if rank_of(after) < rank_of(before) || rank_of(before) == 2 && before != after {
        return Some(format!("phase {:?} → {:?}", before.phase, after.phase));
    }
    if before.start_time != after.start_time {
        return Some("startTime".to_owned());
    }
    let pairs = before.container_statuses.iter().flatten().zip(after.container_statuses.iter().flatten());
    pairs
        .filter(|(before, after)| {
            // A higher count is a later run, whatever the times of another run say.
            after.restart_count < before.restart_count
                || after.restart_count == before.restart_count
                    && published_progress(after).last < published_progress(before).last
        })
        .map(|(before, after)| format!("{before:?} → {after:?}"))
        .next()
}

proptest! {
    #[test]
    fn whatever_is_seen_in_whatever_order_nothing_published_goes_back(
        policy in proptest::sample::select(vec!["Always", "OnFailure", "Never"]),
        groups in proptest::collection::vec(any_group(), 1..8),
    ) {
        let mut pod = pod(policy);
        for (step, group) in groups.iter().enumerate() {
            let now = start() + SignedDuration::from_secs(100 + i64::try_from(step).unwrap());
            let after = status::of(&pod, group, now);
            if let Some(before) = &pod.status {
                prop_assert_eq!(goes_back(before, &after), None);
            }
            pod.status = Some(after);
        }
    }

    #[test]
    fn a_life_told_in_any_order_with_repeats_ends_as_it_ended(order in proptest::collection::vec(0..8_usize, 1..24)) {
        let life = life();
        let mut pod = pod("OnFailure");
        let mut furthest = 0;
        for seen in order {
            furthest = furthest.max(seen);
            pod.status = Some(status::of(&pod, &life[seen], start()));
        }
        let straight = status::of(&self::pod("OnFailure"), &life[furthest], start());
        prop_assert_eq!(pod.status.unwrap().phase, straight.phase);
    }
}
