//! What is not sent to the cloud, as a user meets it: one warning a pod, and a pod that runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use eci_sim::Rule;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

const LEFT_OUT: &str = "UnsupportedFieldIgnored";

/// The messages of the warnings about what is left out of a pod.
async fn warnings(bed: &TestBed, pod: &str) -> Vec<String> {
    let events = bed.events(pod).await.into_iter();
    events.filter(|(reason, _)| reason == LEFT_OUT).map(|(_, message)| message).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_of_a_pod_is_one_event_over_all_tries_and_restarts() {
    let mut bed = TestBed::start().await;
    bed.control().add_fault(Rule::refuse("OperationDenied.NoStock").on("CreateContainerGroup"));
    let probe = json!({ "tcpSocket": { "port": 80 } });
    let security = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    let container =
        json!({ "name": "main", "image": "nginx", "startupProbe": probe, "securityContext": security });
    bed.create("web", json!({ "containers": [container], "setHostnameAsFQDN": true })).await;
    bed.pass(1800).await;
    bed.stop_provider().await;
    bed.start_provider().await;
    bed.pass(1800).await;
    bed.control().clear_faults();
    bed.until_phase("web", "Running").await;
    let warnings_of_it = warnings(&bed, "web").await;
    let [warning] = &*warnings_of_it else { panic!("{warnings_of_it:?}") };
    for named in
        ["setHostnameAsFQDN: true", "startupProbe of container main", "capabilities.drop of container main"]
    {
        assert!(warning.contains(named), "{named}: {warning}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_is_on_record_before_the_group_exists() {
    let mut bed = TestBed::without_provider().await;
    bed.kube = crate::test_bed::with_slow_events(bed.kube.clone());
    bed.start_provider().await;
    bed.create(
        "web",
        json!({ "containers": [{ "name": "main", "image": "nginx" }], "setHostnameAsFQDN": true }),
    )
    .await;
    bed.until("there is a group", async |bed| !bed.groups().is_empty()).await;
    bed.stop_provider().await;
    bed.start_provider().await;
    bed.until_phase("web", "Running").await;
    assert_eq!(warnings(&bed, "web").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn forty_services_do_not_stop_a_pod() {
    let bed = TestBed::start().await;
    let services: Api<Service> = Api::namespaced(bed.kube.clone(), "default");
    for n in 0..40 {
        let ports = json!([{ "name": "web", "port": 80 }]);
        let spec = json!({ "clusterIP": format!("10.96.8.{n}"), "ports": ports });
        let service = json!({ "metadata": { "name": format!("svc-{n:02}") }, "spec": spec });
        services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    }
    bed.running("web").await;
    let warnings_of_it = warnings(&bed, "web").await;
    let [warning] = &*warnings_of_it else { panic!("{warnings_of_it:?}") };
    assert!(warning.contains("of 41 Services") && warning.contains("enableServiceLinks"), "{warning}");
    let variables = &bed.groups()[0].containers[0].environment_vars;
    assert!((230..=240).contains(&variables.len()), "{}", variables.len());
    bed.create("quiet", json!({ "enableServiceLinks": false })).await;
    bed.until_phase("quiet", "Running").await;
    assert!(warnings(&bed, "quiet").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_plain_pod_has_no_warning() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    assert!(warnings(&bed, "web").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_promise_that_cannot_be_kept_makes_no_group() {
    let bed = TestBed::start().await;
    bed.create("web", json!({ "hostUsers": false, "runtimeClassName": "gvisor" })).await;
    let status = bed.until_phase("web", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("UnexpectedAdmissionError"));
    let message = status.message.unwrap();
    assert!(message.contains("hostUsers: false") && message.contains("runtimeClassName"), "{message}");
    assert!(bed.group_states().is_empty());
}
