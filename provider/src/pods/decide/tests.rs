//! The judgement as a table: every pod in every state, against everything that may be known of its group.

use eci_api::group::{Container, ContainerState};
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

fn decided(pod: &Value, in_api: bool, cloud: Cloud<'_>, past: &Past, asked: Asked) -> Decision {
    let pod = serde_json::from_value(pod.clone()).unwrap();
    decide(&Sight { pod: &pod, in_api, cloud, past, asked, now: now() })
}

fn made(seconds_ago: Option<i64>) -> Past {
    let at = seconds_ago.map(|seconds| now() - SignedDuration::from_secs(seconds));
    Past::Made { id: "eci-1".into(), at }
}

fn delete(firmly: bool) -> Decision {
    Decision::Delete { group: "eci-1".into(), firmly }
}

#[test]
fn a_wanted_pod_is_created_published_replaced_or_failed() {
    let lost = Decision::Fail { end: End::Lost };
    let spent = Past::Spent { id: "eci-0".into() };
    let (running, failed) = (group("Running"), group("ScheduleFailed"));
    for (cloud, past, decision) in [
        (Cloud::Unknown, Past::None, Decision::Wait),
        (Cloud::Unknown, made(Some(600)), Decision::Wait),
        (Cloud::Unknown, made(None), Decision::Wait),
        (Cloud::Absent, Past::None, Decision::Create { spent: None }),
        (Cloud::Absent, spent, Decision::Create { spent: Some("eci-0".into()) }),
        (Cloud::Absent, made(Some(5)), Decision::Wait),
        (Cloud::Absent, made(Some(61)), lost.clone()),
        (Cloud::Absent, Past::Before, lost.clone()),
        (Cloud::Absent, made(None), lost),
        (Cloud::Here(&running), Past::None, Decision::Publish),
        (Cloud::Here(&running), made(None), Decision::Publish),
        (Cloud::Here(&failed), made(None), Decision::Replace { group: "eci-1".into() }),
    ] {
        assert_eq!(decided(&wanted(), true, cloud, &past, Asked::No), decision, "{cloud:?} {past:?}");
    }
}

#[test]
fn a_leaving_pod_is_deleted_in_the_cloud_first_and_let_go_when_nothing_is_left() {
    let running = group("Running");
    for (grace, cloud, past, asked, decision) in [
        (30, Cloud::Here(&running), Past::None, Asked::No, delete(false)),
        (0, Cloud::Here(&running), Past::None, Asked::No, delete(true)),
        (30, Cloud::Here(&running), made(None), Asked::Gently, Decision::Publish),
        (0, Cloud::Here(&running), made(None), Asked::Gently, delete(true)),
        (0, Cloud::Here(&running), made(None), Asked::Firmly, Decision::Publish),
        (30, Cloud::Absent, Past::None, Asked::No, Decision::LetGo),
        (30, Cloud::Absent, made(Some(1)), Asked::Gently, Decision::LetGo),
        (30, Cloud::Unknown, Past::None, Asked::No, Decision::Wait),
        (30, Cloud::Unknown, made(None), Asked::No, Decision::Wait),
        (30, Cloud::Unknown, made(None), Asked::Gently, Decision::Wait),
    ] {
        assert_eq!(
            decided(&leaving(grace), true, cloud, &past, asked),
            decision,
            "{grace} {cloud:?} {past:?} {asked:?}"
        );
    }
}

#[test]
fn a_pod_that_outstays_its_grace_is_ended_firmly_also_when_the_grace_was_shortened() {
    let running = group("Running");
    let mut pod = leaving(30);
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-05T01:09:55Z");
    assert_eq!(decided(&pod, true, Cloud::Here(&running), &made(None), Asked::Gently), delete(true));
    assert_eq!(decided(&pod, true, Cloud::Here(&running), &made(None), Asked::Firmly), Decision::Publish);
}

#[test]
fn a_pod_that_is_gone_from_the_api_takes_its_group_with_it() {
    let running = group("Running");
    for (cloud, past, asked, decision) in [
        (Cloud::Here(&running), Past::None, Asked::No, delete(true)),
        (Cloud::Here(&running), made(None), Asked::Firmly, Decision::Publish),
        (Cloud::Absent, made(None), Asked::Firmly, Decision::Forget),
        (Cloud::Absent, Past::None, Asked::No, Decision::Forget),
        (Cloud::Unknown, made(None), Asked::No, Decision::Wait),
        (Cloud::Unknown, Past::None, Asked::No, Decision::Wait),
    ] {
        assert_eq!(decided(&wanted(), false, cloud, &past, asked), decision, "{cloud:?} {past:?} {asked:?}");
    }
}

#[test]
fn a_pod_that_ended_is_never_run_again() {
    let (running, succeeded, pending) = (group("Running"), group("Succeeded"), group("Pending"));
    for phase in ["Succeeded", "Failed"] {
        for (cloud, decision) in [
            (Cloud::Absent, Decision::Wait),
            (Cloud::Unknown, Decision::Wait),
            (Cloud::Here(&succeeded), Decision::Wait),
            (Cloud::Here(&running), delete(false)),
            (Cloud::Here(&pending), delete(false)),
        ] {
            assert_eq!(
                decided(&ended(phase), true, cloud, &Past::None, Asked::No),
                decision,
                "{phase} {cloud:?}"
            );
        }
    }
}

#[test]
fn a_deadline_counts_from_the_start_and_ends_the_pod() {
    let mut pod = wanted();
    pod["spec"]["activeDeadlineSeconds"] = json!(600);
    let running = group("Running");
    let decide = |pod: &Value| decided(pod, true, Cloud::Here(&running), &made(None), Asked::No);
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
        assert_eq!(decided(&pod, true, Cloud::Absent, &Past::None, Asked::No), Decision::Wait);
    }
}

#[test]
fn a_pod_that_fails_fast_is_not_replaced() {
    let mut pod = wanted();
    pod["metadata"]["annotations"] = json!({ "k8s.aliyun.com/eci-fail-strategy": "fail-fast" });
    let failed = group("ScheduleFailed");
    assert_eq!(decided(&pod, true, Cloud::Here(&failed), &Past::None, Asked::No), Decision::Publish);
}

#[test]
fn only_what_is_settled_is_looked_at_seldom() {
    for (status, moving) in [
        ("Scheduling", true),
        ("Pending", true),
        ("Running", false),
        ("Terminating", true),
        ("Failed", false),
    ] {
        assert_eq!(is_moving(&group(status)), moving, "{status}");
    }
}
