//! The provider's own metrics at the node's port.

use crate::test_bed::TestBed;
use bytes::Bytes;
use eci_sim::Rule;
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;

async fn metrics(bed: &TestBed) -> String {
    let request = Request::get("/metrics").body(Bytes::new()).expect("a request");
    let response = bed.provider.as_ref().expect("it runs").kubelet_api().call(request).await;
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("a text")
}

fn sample(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{metrics}")).parse().expect("a number")
}

#[tokio::test(start_paused = true)]
async fn calls_to_the_cloud_and_their_waits_are_told_by_action() {
    let bed = TestBed::start().await;
    for n in 0..150 {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    bed.pass(1).await;
    let early = metrics(&bed).await;
    assert!(sample(&early, "virtual_node_eci_calls_waiting{action=\"CreateContainerGroup\"}") > 0.0);
    bed.pass(60).await;
    let late = metrics(&bed).await;
    assert_eq!(sample(&late, "virtual_node_eci_calls_total{action=\"CreateContainerGroup\"}"), 150.0);
    for name in ["eci_call_waits_total", "eci_call_wait_seconds_total", "eci_call_wait_seconds_max"] {
        let series = format!("virtual_node_{name}{{action=\"CreateContainerGroup\"}}");
        assert!(sample(&late, &series) > 0.0, "{series}");
    }
    assert_eq!(
        sample(&late, "virtual_node_eci_answers_total{action=\"CreateContainerGroup\",code=\"OK\"}"),
        150.0
    );
    assert_eq!(sample(&late, "virtual_node_pods{phase=\"Running\"}"), 150.0);
    assert_eq!(sample(&late, "virtual_node_eci_clock_skew_seconds"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_by_their_code() {
    let bed = TestBed::start().await;
    bed.control().add_fault(Rule::refuse("OperationDenied.NoStock").on("CreateContainerGroup"));
    bed.create("web", json!({})).await;
    bed.pass(5).await;
    let series =
        "virtual_node_eci_answers_total{action=\"CreateContainerGroup\",code=\"OperationDenied.NoStock\"}";
    assert!(sample(&metrics(&bed).await, series) >= 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_stages_of_a_start_add_up_to_the_whole() {
    let bed = TestBed::start().await;
    for name in ["a", "b"] {
        bed.running(name).await;
    }
    let text = metrics(&bed).await;
    let of = |stage: &str, what: &str| {
        sample(&text, &format!("virtual_node_pod_startup_seconds_{what}{{stage=\"{stage}\"}}"))
    };
    let stages = ["Created", "Started", "Reported"];
    for stage in stages {
        assert_eq!(of(stage, "count"), 2.0, "{stage}");
    }
    let sum: f64 = stages.map(|stage| of(stage, "sum")).iter().sum();
    // the cloud tells its times to the second
    assert!((sum - of("Total", "sum")).abs() <= 4.0, "{text}");
    assert!(of("Total", "sum") > 10.0, "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_groups_cost_is_told_by_namespace_and_owner() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let text = metrics(&bed).await;
    let series = "virtual_node_cost_yuan_per_hour{namespace=\"default\",owner_kind=\"Pod\",owner=\"web\"}";
    // 2 vCPU and 4 GiB, which is what a pod has that asks for nothing
    assert!((sample(&text, series) - 0.441_072).abs() < 1e-6, "{text}");
    assert_eq!(sample(&text, "virtual_node_orphaned_container_groups"), 0.0);
    bed.delete("web", None).await;
    bed.pass(120).await;
    assert!(!metrics(&bed).await.contains("owner=\"web\""), "what is gone costs nothing");
}

#[tokio::test(start_paused = true)]
async fn every_metric_has_its_help_and_its_type() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let metrics = metrics(&bed).await;
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part));
        let name = of_histogram.unwrap_or(name);
        assert!(metrics.contains(&format!("# HELP {name} ")), "{line}");
        assert!(metrics.contains(&format!("# TYPE {name} ")), "{line}");
    }
}
