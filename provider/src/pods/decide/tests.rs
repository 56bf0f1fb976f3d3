//! The judgement as a table: every pod in every state, against everything that may be known of its group.

use eci_api::group::{Container, ContainerState};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-01-05T01:10:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn wanted() -> Value {
    json!({ "metadata": { "name": "p", "uid": "u" }, "spec": {}, "status": { "phase": "Pending" } })
}

fn leaving(grace: i64) -> Value {
    let mut pod = wanted();
    pod["metadata"]["deletionTimestamp"] = json!(NOW);
    pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
    pod
}

fn ended(phase: &str) -> Value {
    let mut pod = wanted();
    pod["status"]["phase"] = json!(phase);
    pod
}

fn group(status: &str) -> ContainerGroup {
    let state = match status {
        "Succeeded" | "Failed" => "Terminated",
        "Running" => "Running",
        _ => "Waiting",
    };
    let state = ContainerState { state: state.into(), ..Default::default() };
    ContainerGroup {
        container_group_id: "eci-1".into(),
        status: status.into(),
        containers: vec![Container { name: "c".into(), current_state: Some(state), ..Default::default() }],
        ..Default::default()
    }
}

fn decided(pod: &Value, in_api: bool, cloud: CloudView<'_>, deletion: DeletionState) -> Decision {
    let pod = serde_json::from_value(pod.clone()).unwrap();
    let history = GroupHistory::of_status(&pod);
    decide(&Observation {
        pod: &pod,
        in_api,
        cloud,
        history: &history,
        deletion,
        unanswered: false,
        has_further_spec: false,
        seen_at: Some(now()),
        now: now(),
    })
}

fn ran(mut pod: Value) -> Value {
    let status = json!({ "name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
        "containerID": "eci://eci-1/c" });
    pod["status"]["containerStatuses"] = json!([status]);
    pod
}

fn delete(forced: bool) -> Decision {
    Decision::Delete { group: "eci-1".into(), forced }
}

use CloudView::{Absent, Here, Unknown};
use DeletionState::{Forced, Graceful, NotRequested};

#[test]
fn a_wanted_pod_is_created_published_replaced_or_failed() {
    let lost = Decision::Fail { end: End::Lost };
    let (running, failed) = (group("Running"), group("ScheduleFailed"));
    for (pod, cloud, decision) in [
        (wanted(), Unknown, Decision::Wait),
        (ran(wanted()), Unknown, Decision::Wait),
        (wanted(), Absent, Decision::Create),
        (ran(wanted()), Absent, lost),
        (wanted(), Here(&running), Decision::Publish),
        (ran(wanted()), Here(&running), Decision::Publish),
        (wanted(), Here(&failed), Decision::Replace { group: "eci-1".into() }),
    ] {
        assert_eq!(decided(&pod, true, cloud, NotRequested), decision, "{cloud:?} {pod}");
    }
}

#[test]
fn an_annotation_changes_no_decision() {
    let mut annotated = wanted();
    annotated["metadata"]["annotations"] = json!({ "k8s.aliyun.com/eci-instance-id": "eci-victim" });
    let running = group("Running");
    for cloud in [Unknown, Absent, Here(&running)] {
        for in_api in [true, false] {
            let plain = decided(&wanted(), in_api, cloud, NotRequested);
            assert_eq!(decided(&annotated, in_api, cloud, NotRequested), plain, "{cloud:?}");
        }
    }
}

#[test]
fn a_creation_without_an_answer_is_repeated_before_anything_is_proved() {
    let pod = serde_json::from_value(wanted()).unwrap();
    let decided = |cloud, unanswered| {
        let history = GroupHistory::NeverHad;
        decide(&Observation {
            pod: &pod,
            in_api: true,
            cloud,
            history: &history,
            deletion: NotRequested,
            unanswered,
            has_further_spec: false,
            seen_at: None,
            now: now(),
        })
    };
    assert_eq!(decided(Unknown, true), Decision::Create);
    assert_eq!(decided(Unknown, false), Decision::Wait);
}

#[test]
fn a_leaving_pod_is_deleted_in_the_cloud_first_and_let_go_when_nothing_is_left() {
    let running = group("Running");
    for (grace, cloud, deletion, decision) in [
        (30, Here(&running), NotRequested, delete(false)),
        (0, Here(&running), NotRequested, delete(true)),
        (30, Here(&running), Graceful, Decision::Publish),
        (0, Here(&running), Graceful, delete(true)),
        (0, Here(&running), Forced, Decision::Publish),
        (30, Absent, NotRequested, Decision::RemoveFromApi),
        (30, Absent, Graceful, Decision::RemoveFromApi),
        (30, Unknown, NotRequested, Decision::Wait),
        (0, Unknown, Graceful, Decision::Wait),
    ] {
        assert_eq!(
            decided(&leaving(grace), true, cloud, deletion),
            decision,
            "{grace} {cloud:?} {deletion:?}"
        );
    }
}

#[test]
fn a_pod_that_outstays_its_grace_is_ended_by_force_also_when_the_grace_was_shortened() {
    let running = group("Running");
    let mut pod = leaving(30);
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-05T01:09:55Z");
    assert_eq!(decided(&pod, true, Here(&running), Graceful), delete(true));
    assert_eq!(decided(&pod, true, Here(&running), Forced), Decision::Publish);
}

#[test]
fn a_group_that_nobody_saw_since_the_grace_was_over_is_not_deleted_a_second_time() {
    let running = group("Running");
    let mut pod = leaving(30);
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-05T01:09:50Z");
    let pod = serde_json::from_value(pod).unwrap();
    let history = GroupHistory::of_status(&pod);
    let seen = |ago| Observation {
        pod: &pod,
        in_api: true,
        cloud: Here(&running),
        history: &history,
        deletion: Graceful,
        unanswered: false,
        has_further_spec: false,
        seen_at: Some(now() - SignedDuration::from_secs(ago)),
        now: now(),
    };
    // ten seconds over, five of them a margin
    assert_eq!(decide(&seen(6)), Decision::Publish);
    assert_eq!(decide(&seen(4)), delete(true));
}

#[test]
fn a_pod_that_is_gone_from_the_api_takes_its_group_with_it() {
    let running = group("Running");
    for (cloud, deletion, decision) in [
        (Here(&running), NotRequested, delete(true)),
        (Here(&running), Forced, Decision::Publish),
        (Absent, Forced, Decision::Forget),
        (Absent, NotRequested, Decision::Forget),
        (Unknown, NotRequested, Decision::Wait),
    ] {
        assert_eq!(decided(&wanted(), false, cloud, deletion), decision, "{cloud:?} {deletion:?}");
    }
}

#[test]
fn a_pod_that_ended_is_never_run_again() {
    let (running, succeeded, pending) = (group("Running"), group("Succeeded"), group("Pending"));
    for phase in ["Succeeded", "Failed"] {
        for (cloud, decision) in [
            (Absent, Decision::Wait),
            (Unknown, Decision::Wait),
            (Here(&succeeded), Decision::Wait),
            (Here(&running), delete(false)),
            (Here(&pending), delete(false)),
        ] {
            assert_eq!(decided(&ended(phase), true, cloud, NotRequested), decision, "{phase} {cloud:?}");
        }
    }
}

#[test]
fn a_deadline_counts_from_the_start_and_ends_the_pod() {
    let mut pod = wanted();
    pod["spec"]["activeDeadlineSeconds"] = json!(600);
    let running = group("Running");
    let decide = |pod: &Value| decided(pod, true, Here(&running), NotRequested);
    assert_eq!(decide(&pod), Decision::Publish, "it has not started");
    pod["status"]["startTime"] = json!("2026-01-05T01:00:01Z");
    assert_eq!(decide(&pod), Decision::Publish);
    pod["status"]["startTime"] = json!("2026-01-05T01:00:00Z");
    assert_eq!(decide(&pod), Decision::Fail { end: End::Deadline });
}

#[test]
fn mirrors_and_daemons_are_never_made() {
    let mut mirror = wanted();
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "x" });
    let mut daemon = wanted();
    daemon["metadata"]["ownerReferences"] = json!([{ "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "d", "controller": true }]);
    for pod in [mirror, daemon] {
        assert_eq!(decided(&pod, true, Absent, NotRequested), Decision::Wait);
    }
}

#[test]
fn a_pod_that_fails_fast_is_not_replaced() {
    let mut pod = wanted();
    pod["metadata"]["annotations"] = json!({ "k8s.aliyun.com/eci-fail-strategy": "fail-fast" });
    let failed = group("ScheduleFailed");
    assert_eq!(decided(&pod, true, Here(&failed), NotRequested), Decision::Publish);
}

#[test]
fn a_pod_that_fails_fast_has_its_unplaced_group_replaced_while_it_accepts_another_spec() {
    let mut pod = wanted();
    pod["metadata"]["annotations"] = json!({ "k8s.aliyun.com/eci-fail-strategy": "fail-fast" });
    let pod = serde_json::from_value(pod).unwrap();
    let failed = group("ScheduleFailed");
    let history = GroupHistory::of_status(&pod);
    let decided = |has_further_spec| {
        decide(&Observation {
            pod: &pod,
            in_api: true,
            cloud: Here(&failed),
            history: &history,
            deletion: NotRequested,
            unanswered: false,
            has_further_spec,
            seen_at: Some(now()),
            now: now(),
        })
    };
    assert_eq!(decided(true), Decision::Replace { group: "eci-1".into() });
    assert_eq!(decided(false), Decision::Publish);
}
