//! Each oracle can fail: planted journals, of which each has one thing wrong and its twin nothing.

use std::sync::Arc;

use eci_sim::Bill;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Violation, ending, groups, money, rest, secrets, statuses};
use crate::sweep::end::{End, PodEnd};
use crate::sweep::injection_point::InjectionPoint;
use crate::sweep::journal::{CallOutcome, CloudCall, Entry, GroupMove, KubeCall, Occurrence, PodWrite};
use crate::sweep::perturbation::{Absence, Perturbation};
use crate::sweep::plan::Plan;
use crate::sweep::played::Played;

/// `seconds` after the world's beginning, this.
fn at(seconds: i64, what: Occurrence) -> Entry {
    let beginning: Timestamp = "2026-01-05T01:30:00Z".parse().unwrap();
    Entry { at: beginning + SignedDuration::from_secs(seconds), what }
}

fn group(id: &str, state: &str) -> Occurrence {
    Occurrence::Group(GroupMove { id: id.into(), uid: "u".into(), state: state.into() })
}

fn pod(status: Value, leaving: bool) -> Occurrence {
    let deleted = leaving.then_some("2026-01-05T01:31:00Z");
    let metadata = json!({ "namespace": "vk", "name": "p", "uid": "u", "deletionTimestamp": deleted });
    let object = json!({ "metadata": metadata, "spec": { "nodeName": "virtual-kubelet" }, "status": status });
    Occurrence::Pod(PodWrite { object: Arc::new(object), removed: false })
}

fn gone() -> Occurrence {
    let Occurrence::Pod(write) = pod(json!({ "phase": "Running" }), true) else { unreachable!() };
    Occurrence::Pod(PodWrite { removed: true, ..write })
}

fn phase(phase: &str) -> Occurrence {
    pod(json!({ "phase": phase }), false)
}

fn cloud(action: &str, groups: &[&str], life: u32) -> Occurrence {
    Occurrence::Cloud(CloudCall {
        number: 1,
        life,
        action: action.into(),
        groups: groups.iter().map(ToString::to_string).collect(),
        uid: String::new(),
        token: String::new(),
        answer: CallOutcome::Status(200, String::new()),
    })
}

fn kube(verb: &str, path: &str, body: Value) -> Occurrence {
    let answer = CallOutcome::Status(200, String::new());
    Occurrence::Kube(KubeCall {
        number: 1,
        life: 0,
        verb: verb.into(),
        path: path.into(),
        body: body.to_string().into(),
        answer,
    })
}

fn status_write(status: Value) -> Occurrence {
    let body = json!({ "metadata": { "uid": "u" }, "status": status });
    kube("PATCH", "/api/v1/namespaces/vk/pods/p/status", body)
}

fn oracles_of(found: &[Violation]) -> Vec<std::borrow::Cow<'static, str>> {
    found.iter().map(|violation| violation.oracle.clone()).collect()
}

#[test]
fn two_working_groups_of_a_pod_are_found_and_one_after_the_other_is_not() {
    let second = |stops: i64| {
        vec![
            at(0, group("a", "Created")),
            at(stops, group("a", "ScheduleFailed")),
            at(9, group("b", "Created")),
        ]
    };
    let overlapping =
        [at(0, group("a", "Created")), at(9, group("b", "Created")), at(20, group("a", "Deleted"))];
    assert_eq!(oracles_of(&groups::one_group(&overlapping)), ["one-group"]);
    assert_eq!(oracles_of(&groups::one_group(&second(5))), Vec::<&str>::new());
}

const ORPHAN_LOG: &str =
    " WARN provider::pods::orphans: container group a of pod vk/p, which is gone, runs since 3 h";

#[test]
fn an_orphan_that_is_kept_for_a_grace_is_told_of() {
    let journal = |told: bool| {
        let message = "container group a of pod vk/p, which is gone, costs on".to_owned();
        let told = told.then(|| {
            let about = "Node//virtual-kubelet".to_owned();
            at(110, Occurrence::KubeEvent(about, "OrphanedContainerGroup".to_owned(), message.clone()))
        });
        let mut entries = vec![
            at(0, phase("Running")),
            at(1, group("a", "Created")),
            at(2, group("a", "Running")),
            at(100, gone()),
            at(100, Occurrence::Healed),
        ];
        entries.extend(told);
        entries.extend([at(600, group("a", "Deleted")), at(2000, Occurrence::End)]);
        entries
    };
    assert!(groups::no_orphan(&journal(true), "", true).is_empty());
    assert!(groups::no_orphan(&journal(false), ORPHAN_LOG, true).is_empty());
    assert_eq!(oracles_of(&groups::no_orphan(&journal(false), "", true)), ["no-orphan"]);
}

#[test]
fn a_group_that_outlives_its_pod_by_more_than_a_minute_is_an_orphan() {
    let journal = |deleted: i64, healed: i64| {
        let mut entries = vec![
            at(0, phase("Running")),
            at(1, group("a", "Created")),
            at(2, group("a", "Running")),
            at(100, gone()),
            at(deleted, group("a", "Deleted")),
            at(healed, Occurrence::Healed),
            at(2000, Occurrence::End),
        ];
        entries.sort_by_key(|entry| entry.at);
        entries
    };
    assert!(groups::no_orphan(&journal(150, 50), "", false).is_empty());
    assert_eq!(oracles_of(&groups::no_orphan(&journal(170, 50), ORPHAN_LOG, false)), ["no-orphan"]);
    assert!(groups::no_orphan(&journal(170, 120), ORPHAN_LOG, false).is_empty(), "the world had just healed");
    assert!(groups::no_orphan(&journal(700, 50), ORPHAN_LOG, true).is_empty(), "an orphan's grace");
    assert_eq!(oracles_of(&groups::no_orphan(&journal(800, 50), ORPHAN_LOG, true)), ["no-orphan"]);
}

#[test]
fn a_working_group_of_a_wanted_pod_is_not_deleted() {
    let journal = |status: &str, leaving: bool| {
        vec![
            at(0, pod(json!({ "phase": status }), leaving)),
            at(1, group("a", "Created")),
            at(2, group("a", "Running")),
            at(9, cloud("DeleteContainerGroup", &["a"], 0)),
        ]
    };
    assert_eq!(oracles_of(&groups::reasoned_delete(&journal("Running", false))), ["reasoned-delete"]);
    assert!(groups::reasoned_delete(&journal("Running", true)).is_empty());
    assert!(groups::reasoned_delete(&journal("Failed", false)).is_empty());
}

#[test]
fn nothing_is_written_of_a_cloud_that_was_not_heard() {
    let write = || status_write(json!({ "phase": "Running" }));
    let heard = |life| at(0, cloud("DescribeContainerGroups", &[], life));
    assert!(statuses::unknown_is_silent(&[heard(0), at(60, write())]).is_empty());
    for entries in [vec![at(60, write())], vec![heard(0), at(121, write())], vec![heard(1), at(1, write())]] {
        assert_eq!(oracles_of(&statuses::unknown_is_silent(&entries)), ["unknown-is-silent"]);
    }
    let refused = status_write(json!({ "phase": "Pending", "reason": "ProviderFailed" }));
    assert!(statuses::unknown_is_silent(&[at(60, refused)]).is_empty());
}

#[test]
fn no_pod_is_called_failed_while_its_group_works() {
    let journal = |state: &str, reason: &str| {
        let failed = json!({ "phase": "Failed", "reason": reason });
        vec![
            at(0, phase("Running")),
            at(1, group("a", "Created")),
            at(2, group("a", state)),
            at(9, status_write(failed)),
        ]
    };
    assert_eq!(
        oracles_of(&statuses::failed_is_proven(&journal("Running", "NotFound"))),
        ["failed-is-proven"]
    );
    assert!(statuses::failed_is_proven(&journal("Deleted", "NotFound")).is_empty());
    assert!(statuses::failed_is_proven(&journal("Running", "DeadlineExceeded")).is_empty());
}

#[test]
fn in_the_end_a_pod_says_what_its_group_is() {
    let journal = |status: &str, leaving, state: &str| {
        let pod = pod(json!({ "phase": status }), leaving);
        vec![at(0, pod), at(1, group("a", "Created")), at(2, group("a", state)), at(9, Occurrence::End)]
    };
    for (status, state, well) in [
        ("Running", "Running", true),
        ("Pending", "Pending", true),
        ("Succeeded", "Succeeded", true),
        ("Failed", "Deleted", true),
        ("Running", "Deleted", false),
        ("Running", "Failed", false),
        ("Failed", "Running", false),
        ("Pending", "Running", false),
    ] {
        let found = statuses::agreement(&journal(status, false, state));
        assert_eq!(found.is_empty(), well, "{status} {state}: {found:?}");
    }
    assert_eq!(
        oracles_of(&statuses::agreement(&journal("Running", true, "Running"))),
        ["agreement"],
        "stuck in Terminating"
    );
}

#[test]
fn a_status_does_not_go_back() {
    let status = |phase: &str, start: &str, restarts: u32| {
        let containers = json!([{ "name": "c", "restartCount": restarts }]);
        pod(json!({ "phase": phase, "startTime": start, "containerStatuses": containers }), false)
    };
    let back = |after: Occurrence| statuses::never_back(&[at(0, status("Running", "t", 2)), at(1, after)]);
    assert!(back(status("Succeeded", "t", 3)).is_empty());
    for after in [status("Pending", "t", 2), status("Running", "u", 2), status("Running", "t", 1)] {
        assert_eq!(oracles_of(&back(after)), ["never-back"]);
    }
}

#[test]
fn a_second_that_was_had_and_not_billed_is_found() {
    let entries = [
        at(0, group("a", "Created")),
        at(5, group("a", "Pending")),
        at(65, group("a", "Deleted")),
        at(90, Occurrence::End),
    ];
    assert_eq!(oracles_of(&money::bill(&entries, &Bill::default())), ["bill"]);
    assert!(money::bill(&entries[3..], &Bill::default()).is_empty());
}

#[test]
fn a_storm_of_calls_is_found() {
    let calls = |pause: i64| {
        let call = |n| at(n * pause, cloud("DescribeContainerGroups", &[], 0));
        (0..100).map(call).collect::<Vec<_>>()
    };
    assert_eq!(oracles_of(&rest::few_calls(&calls(0))), ["few-calls"]);
    assert!(rest::few_calls(&calls(1)).is_empty());
}

#[test]
fn a_world_at_rest_writes_leases_and_the_node_s_status_each_five_minutes() {
    let node = || kube("PATCH", "/api/v1/nodes/virtual-kubelet/status", Value::Null);
    let lease =
        || kube("PUT", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n", Value::Null);
    let quiet = |rest: Vec<Entry>| {
        let mut entries = vec![at(0, Occurrence::Quiet)];
        entries.extend(rest);
        oracles_of(&rest::quiet(&entries))
    };
    assert!(quiet(vec![at(10, lease()), at(20, lease()), at(100, node()), at(400, node())]).is_empty());
    assert_eq!(quiet(vec![at(100, node()), at(200, node())]), ["quiet"]);
    assert_eq!(quiet(vec![at(10, status_write(json!({})))]), ["quiet"]);
    assert_eq!(quiet(vec![at(10, cloud("CreateContainerGroup", &[], 0))]), ["quiet"]);
    assert!(quiet(vec![at(600, cloud("ListUsage", &[], 0))]).is_empty(), "who reads disturbs nobody");
    let crash_loop = vec![
        at(1, group("a", "Running")),
        at(2, Occurrence::ContainerEnded("a".into())),
        at(10, status_write(json!({}))),
    ];
    assert!(quiet(crash_loop).is_empty());
    assert!(quiet(vec![at(9, group("a", "Failed")), at(10, status_write(json!({})))]).is_empty());
}

#[test]
fn the_events_of_a_back_off_are_counted_each_five_minutes_at_most() {
    let event = || kube("PATCH", "/api/v1/namespaces/vk/events/p.17", Value::Null);
    let quiet = |state: &str, times: [i64; 2]| {
        let mut entries =
            vec![at(-9, group("a", "Created")), at(-8, group("a", state)), at(0, Occurrence::Quiet)];
        entries.extend(times.map(|time| at(time, event())));
        oracles_of(&rest::quiet(&entries))
    };
    assert!(quiet("Pending", [10, 310]).is_empty());
    assert_eq!(quiet("Pending", [10, 250]), ["quiet"]);
    assert_eq!(quiet("Running", [10, 310]), ["quiet"], "nothing is pulled");
    let Occurrence::Cloud(call) = cloud("CreateContainerGroup", &[], 0) else { unreachable!() };
    let refusal = CallOutcome::Status(400, "InvalidParameter.CPU.Memory".into());
    let refused = at(-9, Occurrence::Cloud(CloudCall { answer: refusal, ..call }));
    let journal = |times: [i64; 2]| {
        let [first, second] = times.map(|time| at(time, event()));
        oracles_of(&rest::quiet(&[refused.clone(), at(0, Occurrence::Quiet), first, second]))
    };
    assert!(journal([10, 310]).is_empty());
    assert_eq!(journal([10, 250]), ["quiet"]);
}

#[test]
fn a_secret_in_journal_or_log_is_found() {
    let played = |entry: Occurrence, log: &str| Played {
        entries: vec![at(0, entry)],
        end: End::default(),
        bill: Bill::default(),
        log: log.to_owned(),
        secrets: ["swordfish".to_owned()].into(),
    };
    let clean = || Occurrence::Step(0, "run".into());
    let event = |message: &str| Occurrence::KubeEvent("Pod/vk/p".into(), "Failed".into(), message.into());
    assert!(secrets::no_secret(&played(clean(), "all is well"), 0).is_empty());
    for secret in ["local-secret", "swordfish", "Bearer eyJhbGciOiJSUzI1NiJ9"] {
        for played in [played(clean(), &format!("key {secret}")), played(event(secret), "")] {
            let found = secrets::no_secret(&played, 0);
            assert_eq!(oracles_of(&found), ["no-secret"], "{secret}");
            assert!(!found[0].words.contains("swordfish"), "{}", found[0].words);
        }
    }
}

#[test]
fn another_end_is_found_unless_its_difference_has_a_name() {
    let running = PodEnd { whose: "vk/p".into(), is_here: true, phase: "Running".into(), is_leaving: false };
    let end = |pods: usize| End {
        pods: (0..pods).map(|_| (running.clone(), 1)).collect(),
        node_is_ready: true,
        ..End::default()
    };
    let played = |pods, entries: Vec<Entry>| Played {
        entries,
        end: end(pods),
        bill: Bill::default(),
        log: String::new(),
        secrets: Default::default(),
    };
    let evicted = || vec![at(0, phase("Running")), at(5, gone()), at(9, Occurrence::End)];
    let away = |absence| Plan::one(InjectionPoint::Call(1), Perturbation::KillBefore(absence));
    let reference = played(1, Vec::new());
    let end_of = |played: &Played, plan: &Plan| oracles_of(&ending::same_end(played, &reference, plan));
    assert!(end_of(&played(1, evicted()), &away(Absence::Second)).is_empty());
    assert_eq!(end_of(&played(0, evicted()), &away(Absence::Second)), ["same-end"]);
    assert!(end_of(&played(0, evicted()), &away(Absence::Hour)).is_empty(), "the cluster took it");
    let asked = kube("DELETE", "/api/v1/namespaces/vk/pods/p", Value::Null);
    let mut by_provider = evicted();
    by_provider.insert(1, at(4, asked));
    assert_eq!(end_of(&played(0, by_provider), &away(Absence::Hour)), ["same-end"]);
}
