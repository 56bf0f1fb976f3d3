//! The store's transitions: sources that may and may not overwrite what is known, and what each proves.

use eci_api::group::{Container, ContainerState, Event};
use jiff::SignedDuration;
use serde_json::json;

use super::super::decide::{CloudView, DeletionState};
use super::super::provenance::{GroupHistory, TokenBasis};
use super::*;
use crate::pods::identity::Claim;
use eci_api::group::ContainerGroup;

fn at(seconds: i64) -> Timestamp {
    "2026-01-05T01:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn store() -> PodStore {
    PodStore::new(at(0), false)
}

fn pod(uid: &str, version: u32) -> Pod {
    let metadata =
        json!({ "namespace": "vk", "name": "p", "uid": uid, "resourceVersion": version.to_string() });
    serde_json::from_value(json!({ "metadata": metadata, "spec": { "containers": [] } })).unwrap()
}

fn ran(uid: &str) -> Pod {
    let status = json!({ "name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
        "containerID": "eci://eci-1/c" });
    let mut pod = pod(uid, 1);
    pod.status = serde_json::from_value(json!({ "phase": "Running", "startTime": "2026-01-05T00:00:00Z",
        "containerStatuses": [status] }))
    .unwrap();
    pod.metadata.name = Some(uid.to_owned());
    pod
}

fn claim(uid: &str) -> Claim {
    Claim { uid: uid.into(), namespace: "vk".into(), name: "p".into() }
}

fn group(id: &str, status: &str) -> ContainerGroup {
    let state = ContainerState { state: "Running".into(), ..Default::default() };
    ContainerGroup {
        container_group_id: id.into(),
        status: status.into(),
        creation_time: "2026-01-05T00:00:00Z".into(),
        containers: vec![Container { current_state: Some(state), ..Default::default() }],
        ..Default::default()
    }
}

fn list(store: &PodStore, seconds: i64) {
    store.listed_groups(&BTreeSet::new(), at(seconds), at(seconds));
    store.conclude(at(seconds));
}

fn is_absent(store: &PodStore, uid: &str) -> bool {
    matches!(store.get(uid).unwrap().cloud(), CloudView::Absent)
}

#[test]
fn an_answer_to_a_write_never_overwrites_a_newer_pod() {
    let store = store();
    store.list_began(None);
    store.listed(pod("u", 5), at(0));
    store.list_ended(None, true, at(0));
    let before = store.get("u").unwrap();
    let mut deleted = pod("u", 11);
    deleted.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-05T01:00:00Z")).unwrap();
    store.watched(deleted, at(1));
    store.wrote(&before, pod("u", 10), at(2));
    assert!(store.get("u").unwrap().pod.metadata.deletion_timestamp.is_some(), "the deletion is not missed");
    store.wrote(&before, pod("u", 12), at(3));
    assert_eq!(store.get("u").unwrap().pod.metadata.resource_version.as_deref(), Some("12"));
}

#[test]
fn versions_compare_within_a_session_and_a_list_replaces_them_all() {
    let store = store();
    store.list_began(None);
    store.listed(pod("u", 50), at(0));
    store.list_ended(None, true, at(0));
    store.watched(pod("u", 40), at(1));
    let seen = || store.get("u").unwrap().pod.metadata.resource_version.clone();
    assert_eq!(seen().as_deref(), Some("50"), "an older event of the same session is not looked at");
    let before = store.get("u").unwrap();
    store.list_began(None);
    store.listed(pod("u", 7), at(2));
    store.list_ended(None, true, at(2));
    assert_eq!(seen().as_deref(), Some("7"), "the API was restored from an older backup");
    store.wrote(&before, pod("u", 51), at(3));
    assert_eq!(seen().as_deref(), Some("7"), "an answer of the session before says nothing about this one");
}

#[test]
fn a_pod_that_a_list_does_not_have_is_gone_and_a_record_that_changed_is_not_forgotten() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    let seen = store.get("u").unwrap();
    store.list_began(None);
    store.list_ended(None, true, at(1));
    assert!(!store.get("u").unwrap().in_api);
    assert!(!store.forget(&seen), "it changed since it was looked at");
    assert!(store.forget(&store.get("u").unwrap()));
    assert!(store.get("u").is_none());
}

#[test]
fn a_pod_of_the_same_name_with_another_uid_is_another_pod() {
    let store = store();
    store.listed(pod("old", 1), at(0));
    store.saw_group(&claim("old"), group("eci-1", "Running"), at(0));
    store.watched(pod("new", 2), at(1));
    store.removed(pod("old", 3), at(2));
    assert!(store.get("new").unwrap().group.is_none());
    assert_eq!(store.find("vk", "p").unwrap().pod.metadata.uid.as_deref(), Some("new"));
}

#[test]
fn a_pod_nobody_wrote_about_has_no_group_as_soon_as_the_cloud_s_list_was_read_whole() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    assert!(!is_absent(&store, "u"));
    list(&store, 1);
    assert!(is_absent(&store, "u"));
}

#[test]
fn a_pod_that_an_earlier_process_wrote_about_needs_two_lists_past_the_listing_delay_and_a_new_token() {
    let store = store();
    let mut pod = pod("u", 1);
    pod.status = serde_json::from_value(json!({ "startTime": "2026-01-05T00:59:00Z" })).unwrap();
    store.listed(pod, at(0));
    for seconds in [1, 30, 59, 60] {
        list(&store, seconds);
        assert!(!is_absent(&store, "u"), "{seconds}");
    }
    list(&store, 70);
    assert!(is_absent(&store, "u"));
    assert_eq!(store.get("u").unwrap().token, TokenBasis::Drawn(at(70)));
}

#[test]
fn a_group_is_lost_after_two_complete_answers_about_it_past_the_listing_delay() {
    let store = store();
    store.listed(ran("u"), at(0));
    store.saw_group(&claim("u"), group("eci-1", "Running"), at(0));
    for (seconds, lost) in [(1, false), (3, false), (7, true)] {
        store.absent_by_id("u", "eci-1", at(seconds), at(seconds));
        store.conclude(at(seconds));
        assert_eq!(is_absent(&store, "u"), lost, "{seconds}");
    }
}

#[test]
fn a_group_made_a_moment_ago_is_not_missed() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    store.created("u", group("eci-1", "Scheduling"), at(0));
    assert!(store.listed_groups(&BTreeSet::new(), at(59), at(59)).is_empty());
    assert_eq!(store.listed_groups(&BTreeSet::new(), at(60), at(60)).len(), 1);
    for seconds in [10, 20, 30] {
        store.absent_by_id("u", "eci-1", at(seconds), at(seconds));
        store.conclude(at(seconds));
    }
    assert!(!is_absent(&store, "u"));
}

#[test]
fn a_group_that_answers_again_is_not_suspected_any_more() {
    let store = store();
    store.listed(ran("u"), at(0));
    store.saw_group(&claim("u"), group("eci-1", "Running"), at(0));
    for seconds in [10, 30, 50] {
        store.absent_by_id("u", "eci-1", at(seconds), at(seconds));
        store.conclude(at(seconds));
        store.saw_group(&claim("u"), group("eci-1", "Running"), at(seconds + 5));
    }
    assert!(!is_absent(&store, "u"));
}

#[test]
fn pods_that_are_leaving_do_not_hold_the_brake_since_an_earlier_process_may_have_deleted_their_groups() {
    let store = store();
    store.list_began(None);
    for uid in ["a", "b", "c", "d", "e"] {
        let mut pod = ran(uid);
        pod.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-05T01:00:00Z")).unwrap();
        store.listed(pod, at(0));
    }
    store.list_ended(None, true, at(0));
    list(&store, 61);
    let concluded = store.conclude(at(61));
    assert_eq!((concluded.brake, concluded.missing), (Brake::Free, 0));
}

#[test]
fn when_many_are_missing_at_once_the_brake_holds_until_three_looks_over_five_minutes_agree() {
    let store = store();
    let uids: Vec<String> = (0..20).map(|n| format!("u{n}")).collect();
    uids.iter().for_each(|uid| store.listed(ran(uid), at(0)));
    for uid in &uids {
        store.saw_group(&claim(uid), group(&format!("eci-{uid}"), "Running"), at(0));
    }
    let miss = |seconds: i64| {
        uids.iter().for_each(|uid| store.absent_by_id(uid, &format!("eci-{uid}"), at(seconds), at(seconds)));
        store.conclude(at(seconds))
    };
    assert_eq!(miss(60).brake, Brake::Held);
    assert_eq!((miss(120).missing, miss(120).known), (20, 20));
    assert!(!is_absent(&store, "u0"));
    miss(360);
    assert!(is_absent(&store, "u0"));
}

#[test]
fn under_another_identity_nothing_is_concluded_until_a_container_id_answers_with_our_tags() {
    let store = store();
    store.identity_changed();
    store.listed(ran("u"), at(0));
    for seconds in [60, 120, 600, 3600] {
        store.absent_by_id("u", "eci-1", at(seconds), at(seconds));
        list(&store, seconds);
    }
    assert!(!is_absent(&store, "u"));
    assert_eq!(store.conclude(at(3600)).brake, Brake::Never);
    store.saw_group(&claim("u"), group("eci-1", "Running"), at(3600));
    let concluded = store.conclude(at(3600));
    assert_eq!((concluded.brake, concluded.identity_confirmed), (Brake::Free, true));
}

#[test]
fn a_creation_without_an_answer_is_kept_as_it_was_until_its_group_is_seen() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    list(&store, 1);
    store.creation_unanswered("u", Arc::default(), at(2));
    assert!(store.get("u").unwrap().unanswered.is_some() && !is_absent(&store, "u"));
    store.saw_group(&claim("u"), group("eci-1", "Scheduling"), at(30));
    assert!(store.get("u").unwrap().unanswered.is_none());
}

#[test]
fn a_token_used_for_another_request_is_replaced_only_after_a_proof() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    list(&store, 1);
    store.token_taken("u", at(100));
    for seconds in [110, 159] {
        list(&store, seconds);
    }
    assert!(!is_absent(&store, "u"));
    list(&store, 160);
    list(&store, 170);
    assert!(is_absent(&store, "u"));
    assert_eq!(store.get("u").unwrap().token, TokenBasis::Drawn(at(170)));
}

#[test]
fn of_two_working_groups_of_a_pod_the_elder_stays() {
    for elder_first in [true, false] {
        let store = store();
        store.listed(pod("u", 1), at(0));
        let elder = group("eci-1", "Running");
        let younger =
            ContainerGroup { creation_time: "2026-01-05T00:30:00Z".into(), ..group("eci-2", "Running") };
        let (first, second) = if elder_first { (elder, younger) } else { (younger, elder) };
        store.saw_group(&claim("u"), first, at(0));
        store.saw_group(&claim("u"), second, at(0));
        let seen = store.get("u").unwrap();
        assert_eq!(seen.group.unwrap().container_group_id, "eci-1");
        assert_eq!(seen.duplicates, ["eci-2"]);
        assert_eq!(store.duplicates(), 1);
    }
}

#[test]
fn a_spent_group_does_not_come_back_and_the_next_one_has_another_token() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    store.saw_group(&claim("u"), group("eci-1", "ScheduleFailed"), at(0));
    store.spent("u", "eci-1", at(1));
    store.saw_group(&claim("u"), group("eci-1", "ScheduleFailed"), at(2));
    let seen = store.get("u").unwrap();
    assert!(seen.group.is_none() && is_absent(&store, "u"));
    assert_eq!(seen.token, TokenBasis::After("eci-1".into()));
}

#[test]
fn a_group_that_vanished_before_anything_ran_is_spent_and_one_in_which_containers_ran_is_lost() {
    for (pod, spent) in [(pod("u", 1), true), (ran("u"), false)] {
        let store = store();
        store.listed(pod, at(0));
        store.saw_group(&claim("u"), group("eci-1", "Pending"), at(0));
        store.group_not_found("u", "eci-1", at(1));
        assert_eq!(matches!(store.get("u").unwrap().history, GroupHistory::Spent { .. }), spent);
    }
}

#[test]
fn an_older_answer_and_one_without_events_take_nothing_back() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    let mut told = group("eci-1", "Running");
    told.events = vec![Event { reason: "Pulling".into(), ..Default::default() }];
    store.saw_group(&claim("u"), told, at(0));
    store.saw_group(&claim("u"), group("eci-1", "Pending"), at(1));
    let seen = store.get("u").unwrap().group.unwrap();
    assert_eq!((seen.status.as_str(), seen.events.len()), ("Running", 1));
}

#[test]
fn an_older_answer_of_the_same_state_is_not_shown_and_a_group_that_went_back_is_after_a_minute() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    let restarted = |restarts| {
        let mut group = group("eci-1", "Running");
        group.containers[0].restart_count = restarts;
        group
    };
    let shown = || store.get("u").unwrap().group.unwrap().containers[0].restart_count;
    store.saw_group(&claim("u"), restarted(1), at(0));
    store.saw_group(&claim("u"), restarted(0), at(10));
    assert_eq!(shown(), 1);
    store.saw_group(&claim("u"), restarted(1), at(20));
    store.saw_group(&claim("u"), restarted(0), at(75));
    assert_eq!(shown(), 1, "a newer answer came between");
    store.saw_group(&claim("u"), restarted(0), at(135));
    assert_eq!(shown(), 0, "no answer lags for that long");
}

#[test]
fn a_group_that_tries_the_same_again_is_looked_at_no_more_often() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    let tried = |count: i32| ContainerGroup {
        events: vec![Event { reason: "Failed".into(), count, ..Default::default() }],
        ..group("eci-1", "Pending")
    };
    let next_look = || store.next_look(at(600)).unwrap();
    store.saw_group(&claim("u"), tried(1), at(0));
    assert_eq!(next_look(), at(1));
    store.due_looks(at(300), SignedDuration::ZERO, at(300)).unwrap();
    store.saw_group(&claim("u"), tried(2), at(300));
    assert_eq!(store.get("u").unwrap().group.unwrap().events[0].count, 2, "but it is told");
    assert_eq!(next_look(), at(310));
}

#[test]
fn a_deletion_that_is_not_carried_out_is_asked_for_again() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    store.saw_group(&claim("u"), group("eci-1", "Running"), at(0));
    store.deletion_agreed("u", DeletionState::Forced, at(0));
    store.remind(at(540));
    assert_eq!(store.get("u").unwrap().deletion, DeletionState::Forced);
    store.remind(at(660));
    assert_eq!(store.get("u").unwrap().deletion, DeletionState::NotRequested);
}

#[test]
fn one_answer_suffices_for_a_group_whose_deletion_was_agreed() {
    let store = store();
    store.listed(ran("u"), at(0));
    store.saw_group(&claim("u"), group("eci-1", "Running"), at(0));
    store.deletion_agreed("u", DeletionState::Graceful, at(1));
    store.absent_by_id("u", "eci-1", at(2), at(2));
    store.conclude(at(2));
    assert!(is_absent(&store, "u"));
}

#[test]
fn a_spent_group_that_works_on_is_removed_as_one_too_many() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    store.saw_group(&claim("u"), group("eci-1", "ScheduleFailed"), at(0));
    store.spent("u", "eci-1", at(1));
    store.saw_group(&claim("u"), group("eci-1", "Running"), at(2));
    let seen = store.get("u").unwrap();
    assert_eq!((seen.duplicates, store.duplicates()), (vec!["eci-1".to_owned()], 1));
}

#[test]
fn a_pod_is_kept_without_the_managers_of_its_fields() {
    let store = store();
    let mut managed = pod("u", 1);
    managed.metadata.managed_fields = Some(vec![Default::default()]);
    store.listed(managed, at(0));
    assert_eq!(store.get("u").unwrap().pod.metadata.managed_fields, None);
}

#[test]
fn a_group_is_kept_without_what_its_request_brought_along() {
    let store = store();
    store.listed(pod("u", 1), at(0));
    let mut whole = group("eci-1", "Running");
    whole.volumes = vec![Default::default()];
    whole.containers[0].args = vec!["--verbose".to_owned()];
    whole.containers[0].environment_vars = vec![Default::default()];
    store.saw_group(&claim("u"), whole, at(0));
    assert_eq!(*store.get("u").unwrap().group.unwrap(), group("eci-1", "Running"));
}
