//! The life of pods on the virtual node, from creation to deletion, with cloud and cluster in one process.

use crate::test_bed::TestBed;
use eci_sim::Runs;
use eci_sim::Script;
use serde_json::json;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_pod_runs_in_the_cloud_says_something_and_goes_on_both_sides() {
    let bed = TestBed::start().await;
    bed.control().script("nginx", Script { log: vec!["hello from the cloud".into()], ..Script::default() });
    let pod = bed.running("web").await;
    let status = pod.status.unwrap();
    assert!(status.pod_ip.is_some() && status.pod_ip == status.host_ip);
    assert_eq!(bed.group_states(), ["Running"]);
    let (code, log) = bed.logs("web", "tailLines=10").await;
    assert_eq!((code, log.as_str()), (200, "hello from the cloud\n"));
    bed.delete("web", None).await;
    bed.until_gone("web").await;
    assert!(bed.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_conditions_of_a_running_pod_hold() {
    let bed = TestBed::start().await;
    let pod = bed.running("web").await;
    for condition in pod.status.unwrap().conditions.unwrap() {
        assert_eq!(condition.status, "True", "{}", condition.type_);
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_ends_the_pod_and_its_log_stays_readable() {
    let bed = TestBed::start().await;
    for (name, code, phase) in [("good", 0, "Succeeded"), ("bad", 3, "Failed")] {
        let script = Script {
            run: Some(Runs::For(Duration::from_secs(20))),
            exit_code: Some(code),
            log: vec!["worked".into()],
            ..Script::default()
        };
        bed.control().script(name, script);
        let spec = json!({ "restartPolicy": "Never", "containers": [{ "name": "main", "image": name }] });
        bed.create(name, spec).await;
        let pod = bed.until_phase(name, phase).await;
        let statuses = pod.status.unwrap().container_statuses.unwrap();
        let ended = statuses[0].state.clone().unwrap().terminated.unwrap();
        assert_eq!(ended.exit_code, code);
        assert_eq!(bed.logs(name, "").await, (200, "worked\n".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ends_is_started_again_and_counted() {
    let bed = TestBed::start().await;
    let script =
        Script { run: Some(Runs::For(Duration::from_secs(20))), exit_code: Some(1), ..Script::default() };
    bed.control().script("flaky", script);
    bed.create("flaky", json!({ "containers": [{ "name": "main", "image": "flaky" }] })).await;
    bed.until("two restarts", async |bed| {
        let status = bed.pod("flaky").await.and_then(|pod| pod.status?.container_statuses);
        status.is_some_and(|statuses| statuses[0].restart_count >= 2)
    })
    .await;
    bed.until("a crash loop is told", async |bed| {
        let status = bed.pod("flaky").await.and_then(|pod| pod.status?.container_statuses);
        let waiting = status.and_then(|statuses| statuses[0].state.clone()?.waiting?.reason);
        waiting.as_deref() == Some("CrashLoopBackOff")
    })
    .await;
    assert_eq!(bed.phase("flaky").await, "Running");
}

#[tokio::test(start_paused = true)]
async fn the_same_name_again_is_another_pod_with_another_group() {
    let bed = TestBed::start().await;
    let first = bed.running("web").await.metadata.uid;
    bed.delete("web", Some(0)).await;
    let second = bed.running("web").await.metadata.uid;
    assert_ne!(first, second);
    bed.until("one group is left", async |bed| bed.group_states() == ["Running"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_deleted_before_it_runs_leaves_nothing() {
    let bed = TestBed::start().await;
    bed.create("web", json!({})).await;
    bed.delete("web", None).await;
    bed.until_gone("web").await;
    bed.until("no group is left", async |bed| bed.group_states().is_empty()).await;
    bed.pass(120).await;
    assert!(bed.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_odd_size_is_rounded_and_the_pod_says_to_what() {
    let bed = TestBed::start().await;
    let resources = json!({ "limits": { "cpu": "7", "memory": "13Gi" } });
    bed.create(
        "odd",
        json!({ "containers": [{ "name": "main", "image": "nginx", "resources": resources }] }),
    )
    .await;
    let pod = bed.until_phase("odd", "Running").await;
    assert_eq!(pod.metadata.annotations.unwrap()["k8s.aliyun.com/eci-instance-spec"], "8.0-14.0Gi");
}

#[tokio::test(start_paused = true)]
async fn a_size_that_is_not_sold_is_told_on_the_pod() {
    let bed = TestBed::start().await;
    let resources = json!({ "limits": { "cpu": "66", "memory": "128Gi" } });
    let containers = json!([{ "name": "main", "image": "nginx", "resources": resources }]);
    bed.create("giant", json!({ "containers": containers })).await;
    bed.until("the pod says why", async |bed| {
        let status = bed.pod("giant").await.and_then(|pod| pod.status).unwrap_or_default();
        status.reason.as_deref() == Some("ProviderFailed")
            && status.message.is_some_and(|message| message.starts_with("66 vCPU, 128 GiB asked"))
    })
    .await;
    assert_eq!(bed.phase("giant").await, "Pending");
    let events = bed.events("giant").await;
    assert!(
        events
            .iter()
            .any(|(reason, message)| reason == "ProviderCreateFailed" && message.contains("66 vCPU"))
    );
    bed.create("job", json!({ "containers": containers, "restartPolicy": "Never" })).await;
    bed.until_phase("job", "Failed").await;
}

#[tokio::test(start_paused = true)]
async fn a_config_map_that_comes_late_unblocks_its_pod() {
    use k8s_openapi::api::core::v1::ConfigMap;
    let bed = TestBed::start().await;
    let from = json!({ "configMapKeyRef": { "name": "late", "key": "colour" } });
    let container =
        json!({ "name": "main", "image": "nginx", "env": [{ "name": "COLOUR", "valueFrom": from }] });
    bed.create("web", json!({ "containers": [container] })).await;
    bed.until("the pod says what is missing", async |bed| {
        bed.events("web").await.iter().any(|(reason, _)| reason == "MandatoryConfigMapNotFound")
    })
    .await;
    assert!(bed.group_states().is_empty());
    let late = json!({ "metadata": { "name": "late" }, "data": { "colour": "blue" } });
    let api: kube::Api<ConfigMap> = kube::Api::namespaced(bed.kube.clone(), "default");
    api.create(&Default::default(), &serde_json::from_value(late).unwrap()).await.unwrap();
    bed.until_phase("web", "Running").await;
}

#[tokio::test(start_paused = true)]
async fn what_the_virtual_node_cannot_do_fails_the_pod_with_a_reason() {
    let bed = TestBed::start().await;
    bed.create("host", json!({ "hostNetwork": true })).await;
    let status = bed.until_phase("host", "Failed").await.status.unwrap();
    assert!(status.message.unwrap().contains("hostNetwork"));
    assert!(bed.group_states().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_pod_and_its_group() {
    let bed = TestBed::start().await;
    bed.create("short", json!({ "activeDeadlineSeconds": 120 })).await;
    bed.until_phase("short", "Running").await;
    let status = bed.until_phase("short", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("DeadlineExceeded"));
    bed.until("nothing works any more", async |bed| !bed.group_states().contains(&"Running".to_owned()))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_ends_with_its_container() {
    let bed = TestBed::start().await;
    let script = Script {
        run: Some(Runs::For(Duration::from_secs(30))),
        log: vec!["one".into(), "two".into()],
        ..Script::default()
    };
    bed.control().script("batch", script);
    bed.create(
        "batch",
        json!({ "restartPolicy": "Never", "containers": [{ "name": "main", "image": "batch" }] }),
    )
    .await;
    bed.until_phase("batch", "Running").await;
    assert_eq!(bed.logs("batch", "follow=true").await, (200, "one\ntwo\n".to_owned()));
    assert_eq!(bed.logs("batch", "tailLines=1&limitBytes=2").await, (200, "tw".to_owned()));
    assert_eq!(bed.logs("batch", "previous=true").await.0, 400);
    assert_eq!(bed.logs("other", "").await, (404, "pod \"other\" does not exist".to_owned()));
}
