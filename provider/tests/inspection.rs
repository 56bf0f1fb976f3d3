//! Comparison of cluster and cloud as an operator asks for it, and the end of groups without a pod.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use provider::inspection::{Difference, Inspection, Report};
use provider::pods::identity::Owner;

async fn inspection(bed: &TestBed) -> Inspection {
    let owner =
        Owner { cluster: bed.namespace_uid().await, cluster_uid: None, node: "virtual-kubelet".to_owned() };
    Inspection { client: bed.kube.clone(), eci: bed.eci("local-secret"), owner, namespaces: Vec::new() }
}

async fn report(bed: &TestBed) -> Report {
    inspection(bed).await.read(bed.clock.now()).await.unwrap()
}

fn differences(report: &Report) -> Vec<(String, Difference)> {
    report.differing().map(|row| (row.pod_name(), row.difference.clone().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn pods_with_their_groups_agree() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.running("api").await;
    let report = report(&bed).await;
    assert_eq!(differences(&report), []);
    let said = report.to_string();
    assert!(said.starts_with("POD "), "{said}");
    assert!(said.contains("default/api") && said.contains("2 pods, 2 groups"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_group_was_taken_away_has_no_group() {
    let mut bed = TestBed::start().await;
    bed.running("web").await;
    bed.stop_provider().await;
    bed.take_away_group(&bed.groups()[0].container_group_id);
    assert_eq!(differences(&report(&bed).await), [("default/web".to_owned(), Difference::NoGroup)]);
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_pod_is_gone_is_an_orphan_and_ends_on_request() {
    let mut bed = TestBed::start().await;
    bed.running("web").await;
    bed.running("lost").await;
    bed.stop_provider().await;
    bed.delete("lost", Some(0)).await;
    let report = report(&bed).await;
    assert_eq!(differences(&report), [("default/lost".to_owned(), Difference::NoPod)]);
    let (said, left) = inspection(&bed).await.end_orphans(&report).await;
    assert_eq!((said.len(), left), (1, 0), "{said:?}");
    assert!(said[0].ends_with(" deleted"), "{said:?}");
    assert_eq!(bed.group_states().iter().filter(|state| *state == "Running").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_pod_is_there_after_all_is_kept() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let mut report = report(&bed).await;
    report.rows[0].difference = Some(Difference::NoPod);
    let (said, left) = inspection(&bed).await.end_orphans(&report).await;
    assert_eq!(left, 0);
    assert!(said[0].contains("kept: its pod default/web is there"), "{said:?}");
    assert_eq!(bed.group_states(), ["Running"]);
}
