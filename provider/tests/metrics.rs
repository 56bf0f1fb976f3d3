//! The provider's own metrics at the node's port.

mod test_bed;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use test_bed::TestBed;

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
    assert_eq!(sample(&late, "virtual_node_pods"), 150.0);
    assert_eq!(sample(&late, "virtual_node_eci_clock_skew_seconds"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn every_metric_has_its_help_and_its_type() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    let metrics = metrics(&bed).await;
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(metrics.contains(&format!("# HELP {name} ")), "{line}");
        assert!(metrics.contains(&format!("# TYPE {name} ")), "{line}");
    }
}
