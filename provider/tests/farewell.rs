//! The check of container groups before their provider is uninstalled.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod test_bed;

use provider::farewell::{Farewell, Held, Manner};
use provider::pods::identity::Owner;
use test_bed::TestBed;

async fn farewell(bed: &TestBed) -> Farewell {
    let owner =
        Owner { cluster: bed.namespace_uid().await, cluster_uid: None, node: "virtual-kubelet".to_owned() };
    Farewell { client: bed.kube.clone(), eci: bed.eci("local-secret"), owner, namespaces: Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn without_groups_it_says_that_nothing_costs_on() {
    let bed = TestBed::start().await;
    let farewell = farewell(&bed).await;
    for manner in [Manner::Warn, Manner::Refuse, Manner::Delete] {
        let said = farewell.say(manner).await.unwrap();
        assert_eq!(said, "No container group of virtual-kubelet lives; nothing costs on.");
    }
}

#[tokio::test(start_paused = true)]
async fn a_warning_counts_what_lives_names_it_and_leaves_it() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.running("api").await;
    let said = farewell(&bed).await.say(Manner::Warn).await.unwrap();
    assert!(said.starts_with("WARNING: 2 container groups of virtual-kubelet live and cost on"), "{said}");
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
    assert!(farewell(&bed).await.say(Manner::Refuse).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_that_says_how_to_go_on() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let held = farewell(&bed).await.say(Manner::Refuse).await.unwrap_err();
    assert!(matches!(held, Held::Alive(_)));
    let said = held.to_string();
    assert!(said.starts_with("1 container group of virtual-kubelet lives and costs on"), "{said}");
    assert!(said.ends_with("since onUninstall is `refuse`."), "{said}");
    assert_eq!(bed.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn deletion_ends_pods_and_groups_and_lets_no_other_pod_come() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.running("api").await;
    let said = farewell(&bed).await.say(Manner::Delete).await.unwrap();
    assert_eq!(said, "2 container groups of virtual-kubelet were ended with their pods; nothing costs on.");
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
    let said = farewell(&bed).await.say(Manner::Delete).await.unwrap();
    assert_eq!(said, "1 container group of virtual-kubelet outlived its pod and was deleted.");
    bed.until("the group is gone", async |bed| bed.group_states().is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_does_not_answer_holds_up_all_but_a_warning() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.cut(true);
    let said = farewell(&bed).await.say(Manner::Warn).await.unwrap();
    assert!(
        said.starts_with("WARNING: whether container groups of virtual-kubelet live is not known"),
        "{said}"
    );
    for manner in [Manner::Refuse, Manner::Delete] {
        let held = farewell(&bed).await.say(manner).await.unwrap_err();
        assert!(held.to_string().contains("--no-hooks"), "{held}");
    }
}
