//! Tests of what the book concludes, and what it does not.

use eci_api::group::{Container, ContainerState, Event};
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn pod(uid: &str) -> Pod {
    serde_json::from_value(json!({ "metadata": { "namespace": "vk", "name": "p", "uid": uid } })).unwrap()
}

fn claim(uid: &str) -> Claim {
    Claim { uid: uid.into(), namespace: "vk".into(), name: "p".into() }
}

fn group(id: &str, status: &str) -> ContainerGroup {
    let state = ContainerState { state: "Running".into(), ..Default::default() };
    ContainerGroup {
        container_group_id: id.into(),
        status: status.into(),
        containers: vec![Container { current_state: Some(state), ..Default::default() }],
        ..Default::default()
    }
}

#[test]
fn a_missing_group_is_unknown_until_the_cloud_s_list_was_read_whole() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("u"));
    assert!(matches!(book.view("u").unwrap().cloud(), Cloud::Unknown));
    book.listed_groups();
    assert!(matches!(book.view("u").unwrap().cloud(), Cloud::Absent));
}

#[test]
fn a_group_whose_pod_is_unknown_gets_an_entry_and_one_birth() {
    let (book, mut births) = Book::new();
    book.saw_group(&claim("u"), group("eci-1", "Running"), now());
    book.saw_group(&claim("u"), group("eci-1", "Running"), now());
    assert!(!book.view("u").unwrap().in_api);
    assert_eq!(births.try_recv().unwrap(), "u");
    assert!(births.try_recv().is_err());
}

#[test]
fn a_pod_of_the_same_name_with_another_uid_is_another_pod() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("old"));
    book.saw_group(&claim("old"), group("eci-1", "Running"), now());
    book.lost_pod("old");
    book.saw_pod(pod("new"));
    assert!(book.view("new").unwrap().group.is_none());
    assert_eq!(book.find("vk", "p").unwrap().pod.metadata.uid.as_deref(), Some("new"));
}

#[test]
fn a_restarted_provider_knows_from_the_status_and_not_from_an_annotation_that_a_group_was_made() {
    let (book, _births) = Book::new();
    let mut annotated = pod("u");
    annotated.metadata.annotations =
        Some([("k8s.aliyun.com/eci-instance-id".to_owned(), "eci-1".to_owned())].into());
    book.saw_pod(annotated);
    assert_eq!(book.view("u").unwrap().past, Past::None);
    let mut ran = pod("v");
    let status = json!({ "containerStatuses": [{ "name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
        "containerID": "eci://eci-1/c" }] });
    ran.status = Some(serde_json::from_value(status).unwrap());
    book.saw_pod(ran);
    assert_eq!(book.view("v").unwrap().past, Past::Before);
}

#[test]
fn a_group_that_is_beyond_use_does_not_come_back() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("u"));
    book.saw_group(&claim("u"), group("eci-1", "ScheduleFailed"), now());
    book.spent("u", "eci-1");
    book.saw_group(&claim("u"), group("eci-1", "ScheduleFailed"), now());
    assert!(book.view("u").unwrap().group.is_none());
}

#[test]
fn looks_become_rarer_while_nothing_changes_and_stop_when_all_is_settled() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("u"));
    book.made("u", group("eci-1", "Scheduling"), now());
    let pause =
        |seconds| book.moving(now() + SignedDuration::from_secs(seconds)).1.map(|pause| pause.as_secs());
    assert_eq!([0, 20, 60, 600].map(pause), [Some(1), Some(1), Some(4), Some(10)]);
    book.saw_group(&claim("u"), group("eci-1", "Running"), now());
    assert_eq!([0, 60, 449, 450].map(pause), [Some(2), Some(4), Some(29), None]);
    book.asked("u", Asked::Gently, now());
    assert_eq!(pause(0), Some(1));
}

#[test]
fn a_look_without_events_does_not_make_known_ones_disappear() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("u"));
    let mut told = group("eci-1", "Pending");
    told.events = vec![Event { reason: "Pulling".into(), ..Default::default() }];
    book.saw_group(&claim("u"), told, now());
    book.saw_group(&claim("u"), group("eci-1", "Running"), now());
    assert_eq!(book.view("u").unwrap().group.unwrap().events.len(), 1);
}

#[test]
fn a_deletion_that_is_not_carried_out_is_asked_for_again() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("u"));
    book.saw_group(&claim("u"), group("eci-1", "Running"), now());
    book.asked("u", Asked::Firmly, now());
    book.remind(now() + SignedDuration::from_mins(9));
    assert_eq!(book.view("u").unwrap().asked, Asked::Firmly);
    book.remind(now() + SignedDuration::from_mins(11));
    assert_eq!(book.view("u").unwrap().asked, Asked::No);
}

#[test]
fn young_groups_are_not_missed_in_a_list() {
    let (book, _births) = Book::new();
    book.saw_pod(pod("u"));
    book.made("u", group("eci-1", "Scheduling"), now());
    assert!(book.listable(now() + SignedDuration::from_secs(59)).is_empty());
    assert_eq!(book.listable(now() + SignedDuration::from_secs(60)).len(), 1);
}
