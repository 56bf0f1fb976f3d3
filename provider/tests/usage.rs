//! The usage of pods, as the node tells it: the JSON that kubelets tell, and the text that Prometheus reads.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use bytes::Bytes;
use eci_sim::script::{Script, Usage};
use http::Request;
use http_body_util::BodyExt;
use provider::kubelet_api::KubeletApi;
use serde_json::{Value, json};

/// Half a vCPU and 100 MiB.
const USED: Usage = Usage { milli_vcpu: 500, mebibytes: 100 };

async fn ask(api: &KubeletApi, path: &str) -> (u16, String) {
    let response = api.call(Request::get(path).body(Bytes::new()).unwrap()).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn summary(api: &KubeletApi, query: &str) -> Value {
    let (status, body) = ask(api, &format!("/stats/summary{query}")).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// A test bed with a pod called `web` that uses what is said above, a minute after it was ready.
async fn with_a_pod() -> (TestBed, KubeletApi) {
    let bed = TestBed::start().await;
    bed.control().script("nginx", Script { usage: Some(USED), ..Script::default() });
    bed.running("web").await;
    bed.pass(60).await;
    let api = bed.provider.as_ref().unwrap().kubelet_api();
    (bed, api)
}

/// The value of a sample, by the series and its labels as they are written.
fn sample(text: &str, series: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.split(' ').next().map(str::to_owned)
}

#[tokio::test(start_paused = true)]
async fn the_summary_tells_what_pods_and_containers_use() {
    let (bed, api) = with_a_pod().await;
    let told = summary(&api, "").await;
    let pod = &told["pods"][0];
    let uid = bed.pod("web").await.unwrap().metadata.uid.unwrap();
    assert_eq!(pod["podRef"], json!({ "name": "web", "namespace": "default", "uid": uid }));
    for measured in [pod, &pod["containers"][0], &told["node"]] {
        assert_eq!(measured["cpu"]["usageNanoCores"], 500_000_000);
        assert_eq!(measured["memory"]["workingSetBytes"], 100 << 20);
    }
    assert_eq!(told["node"]["nodeName"], "virtual-kubelet");
    assert_eq!(pod["containers"][0]["name"], "main");
    assert!(pod["network"]["interfaces"].is_array());
    assert!(pod["ephemeral-storage"]["usedBytes"].is_u64());
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_only_cpu_and_memory_gets_no_more() {
    let (_house, api) = with_a_pod().await;
    let told = summary(&api, "?only_cpu_and_memory=true").await;
    let pod = told["pods"][0].as_object().unwrap();
    assert!(pod.contains_key("cpu") && pod.contains_key("memory"));
    assert!(!pod.contains_key("network") && !pod.contains_key("ephemeral-storage"), "{pod:?}");
}

#[tokio::test(start_paused = true)]
async fn prometheus_reads_the_series_that_a_metrics_server_wants() {
    let (_house, api) = with_a_pod().await;
    let (status, text) = ask(&api, "/metrics/resource").await;
    assert_eq!(status, 200);
    let container = r#"{container="main",pod="web",namespace="default"}"#;
    let pod = r#"{namespace="default",pod="web"}"#;
    let bytes = (100 << 20).to_string();
    for (series, labels) in [
        ("container_memory_working_set_bytes", container),
        ("pod_memory_working_set_bytes", pod),
        ("node_memory_working_set_bytes", ""),
    ] {
        assert_eq!(sample(&text, &format!("{series}{labels}")).as_deref(), Some(&*bytes), "{text}");
    }
    for (series, labels) in [
        ("container_cpu_usage_seconds_total", container),
        ("pod_cpu_usage_seconds_total", pod),
        ("node_cpu_usage_seconds_total", ""),
    ] {
        let seconds: f64 = sample(&text, &format!("{series}{labels}")).unwrap().parse().unwrap();
        assert!(seconds > 20.0, "half a vCPU for most of a minute: {text}");
    }
    assert!(sample(&text, &format!("container_start_time_seconds{container}")).is_some(), "{text}");
    assert_eq!(sample(&text, "resource_scrape_error").as_deref(), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn what_the_node_has_used_never_falls_also_when_a_pod_goes() {
    let (bed, api) = with_a_pod().await;
    let node = "node_cpu_usage_seconds_total";
    let spent =
        async || sample(&ask(&api, "/metrics/resource").await.1, node).unwrap().parse::<f64>().unwrap();
    let first = spent().await;
    bed.pass(60).await;
    let second = spent().await;
    assert!(second > first, "{first} {second}");
    bed.delete("web", Some(0)).await;
    bed.until_gone("web").await;
    bed.pass(60).await;
    assert!(spent().await >= second);
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_at_once_cost_one_call() {
    let (bed, api) = with_a_pod().await;
    let before = bed.line.calls.lock().unwrap().len();
    summary(&api, "").await;
    summary(&api, "?only_cpu_and_memory=true").await;
    ask(&api, "/metrics/resource").await;
    let calls = bed.calls_since(before);
    let measured = calls.iter().filter(|action| *action == "DescribeMultiContainerGroupMetric").count();
    assert_eq!(measured, 1, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_does_not_answer_is_told_as_such() {
    let (bed, api) = with_a_pod().await;
    bed.cut(true);
    let (status, text) = ask(&api, "/metrics/resource").await;
    assert_eq!((status, sample(&text, "resource_scrape_error").as_deref()), (200, Some("1")), "{text}");
    let (status, body) = ask(&api, "/stats/summary").await;
    assert_eq!(status, 502);
    assert!(body.starts_with("what the pods use cannot be read: "), "{body}");
}
