//! The check of container groups before their provider is uninstalled.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use provider::pods::identity::Owner;
use provider::uninstall_check::{LiveGroupsError, OnLiveGroups, UninstallCheck};

async fn check(bed: &TestBed) -> UninstallCheck {
    let owner =
        Owner { cluster: bed.namespace_uid().await, cluster_uid: None, node: "virtual-kubelet".to_owned() };
    UninstallCheck { client: bed.kube.clone(), eci: bed.eci("local-secret"), owner, namespaces: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn without_groups_it_says_that_nothing_is_billed() {
    let bed = TestBed::start().await;
    let check = check(&bed).await;
    for treatment in [OnLiveGroups::Warn, OnLiveGroups::Refuse, OnLiveGroups::Delete] {
        let said = check.run(treatment).await.unwrap();
        assert_eq!(said, "No container groups of node virtual-kubelet remain; nothing is billed.");
    }
}

#[tokio::test(start_paused = true)]
async fn a_warning_counts_the_live_groups_names_them_and_leaves_them() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.running("api").await;
    let said = check(&bed).await.run(OnLiveGroups::Warn).await.unwrap();
    assert!(
        said.starts_with("WARNING: 2 container groups of node virtual-kubelet are live and billed"),
        "{said}"
    );
    assert!(said.contains("pod default/web") && said.contains("Running"), "{said}");
    assert!(said.contains("onUninstall=delete"), "{said}");
    assert_eq!(bed.group_states(), ["Running", "Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_has_ended_holds_nobody_up() {
    let bed = TestBed::start().await;
    let spec = serde_json::json!({
        "restartPolicy": "Never",
        "containers": [{ "name": "main", "image": "busybox", "command": ["true"] }],
    });
    bed.create("done", spec).await;
    bed.until_phase("done", "Succeeded").await;
    assert_eq!(bed.group_states(), ["Succeeded"]);
    assert!(check(&bed).await.run(OnLiveGroups::Refuse).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_that_says_how_to_go_on() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let error = check(&bed).await.run(OnLiveGroups::Refuse).await.unwrap_err();
    assert!(matches!(error, LiveGroupsError::Live(_)));
    let said = error.to_string();
    assert!(said.starts_with("1 container group of node virtual-kubelet is live and billed"), "{said}");
    assert!(said.ends_with("since onUninstall is `refuse`."), "{said}");
    assert_eq!(bed.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn deletion_ends_pods_and_groups_and_lets_no_other_pod_come() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.running("api").await;
    let said = check(&bed).await.run(OnLiveGroups::Delete).await.unwrap();
    assert_eq!(
        said,
        "2 container groups of node virtual-kubelet were deleted with their pods; nothing is billed."
    );
    assert!(bed.group_states().iter().all(|state| state == "Terminating"), "{:?}", bed.group_states());
    assert_eq!(bed.node().await.spec.unwrap().unschedulable, Some(true));
    bed.until_gone("web").await;
    bed.until_gone("api").await;
}

#[tokio::test(start_paused = true)]
async fn deletion_does_not_need_a_provider_that_runs() {
    let mut bed = TestBed::start().await;
    bed.running("web").await;
    bed.stop_provider().await;
    let said = check(&bed).await.run(OnLiveGroups::Delete).await.unwrap();
    assert_eq!(said, "1 container group of node virtual-kubelet outlived its pod and was deleted.");
    bed.until("the group is gone", async |bed| bed.group_states().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_does_not_answer_holds_up_all_but_a_warning() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.cut(true);
    let said = check(&bed).await.run(OnLiveGroups::Warn).await.unwrap();
    assert!(
        said.starts_with("WARNING: whether container groups of node virtual-kubelet are live is not known"),
        "{said}"
    );
    for treatment in [OnLiveGroups::Refuse, OnLiveGroups::Delete] {
        let error = check(&bed).await.run(treatment).await.unwrap_err();
        assert!(error.to_string().contains("--no-hooks"), "{error}");
    }
}
