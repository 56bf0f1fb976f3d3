//! Measures of nodes and pods, as each pod's own node gives them.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;

use crate::cluster::Cluster;
use crate::measured::{ADDRESS, Measured, Nodes};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use kube::api::{Patch, PatchParams};
use kube_sim::KubeSim;
use serde_json::{Value, json};

const GROUP: &str = "/apis/metrics.k8s.io/v1beta1";

async fn response(sim: &KubeSim, method: &str, path: &str, accept: &str) -> (u16, Bytes) {
    let request = Request::builder().method(method).uri(path).header("accept", accept);
    let request: Request<Full<Bytes>> = request.body(Bytes::new().into()).unwrap();
    let response = sim.service().answer(request).await;
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
}

async fn get(sim: &KubeSim, path: &str) -> (u16, Value) {
    let (code, body) = response(sim, "GET", &format!("{GROUP}{path}"), "application/json").await;
    (code, serde_json::from_slice(&body).unwrap())
}

/// Two nodes, of which one answers, and a pod on each.
async fn begin() -> (Cluster, Arc<Measured>) {
    let measured = Arc::new(Measured::default());
    let cluster = Cluster::started(KubeSim::builder().outbound(Arc::new(Nodes(measured.clone()))));
    measured.measure(&cluster.sim);
    for (node, address) in [("answers", ADDRESS), ("silent", "192.0.2.8")] {
        cluster.node(node, json!([])).await;
        let addresses = json!([{"type": "InternalIP", "address": address}]);
        let patch = Patch::Merge(json!({"status": { "addresses": addresses }}));
        cluster.nodes().patch_status(node, &PatchParams::default(), &patch).await.unwrap();
        let pod = format!("on-{node}");
        cluster.pod(&pod, json!({ "nodeName": node })).await;
        cluster.run(&pod).await;
    }
    measured.set_cpu(250);
    measured.set_memory(64 << 20);
    (cluster, measured)
}

#[tokio::test(start_paused = true)]
async fn what_a_node_that_answers_measures_is_shown_and_the_rest_left_out() {
    let (cluster, _) = begin().await;
    let (code, pods) = get(&cluster.sim, "/pods").await;
    assert_eq!((code, &pods["kind"]), (200, &json!("PodMetricsList")));
    assert_eq!(pods["metadata"], json!({}));
    let pod = &pods["items"][0];
    assert_eq!(pods["items"].as_array().unwrap().len(), 1);
    let usage = json!({"cpu": "250000000n", "memory": "64Mi"});
    assert_eq!(pod["containers"], json!([{"name": "c", "usage": usage}]));
    assert_eq!((&pod["metadata"]["name"], &pod["window"]), (&json!("on-answers"), &json!("15s")));
    assert_eq!(pod["metadata"]["labels"], json!({"app": "on-answers"}));
    let (_, node) = get(&cluster.sim, "/nodes/answers").await;
    assert_eq!((&node["kind"], &node["usage"]), (&json!("NodeMetrics"), &usage));
    let (_, nodes) = get(&cluster.sim, "/nodes").await;
    assert_eq!(nodes["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn measures_are_selected_like_the_pods_that_they_are_of() {
    let (cluster, _) = begin().await;
    for (query, count) in [
        ("/namespaces/default/pods?labelSelector=app%3Don-answers", 1),
        ("/namespaces/default/pods?labelSelector=app%3Dother", 0),
        ("/namespaces/kube-system/pods", 0),
        ("/pods?fieldSelector=metadata.name%3Don-answers", 1),
    ] {
        let (_, pods) = get(&cluster.sim, query).await;
        assert_eq!(pods["items"].as_array().map(Vec::len), Some(count), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_measured_is_not_found_in_the_real_words() {
    let (cluster, _) = begin().await;
    for (path, words) in [
        ("/namespaces/default/pods/on-silent", "podmetrics.metrics.k8s.io \"default/on-silent\" not found"),
        ("/namespaces/default/pods/none", "podmetrics.metrics.k8s.io \"default/none\" not found"),
        ("/nodes/silent", "nodemetrics.metrics.k8s.io \"silent\" not found"),
    ] {
        let (code, status) = get(&cluster.sim, path).await;
        assert_eq!((code, &status["message"]), (404, &json!(words)), "{path}");
    }
    for (method, path) in [("DELETE", "/nodes/answers"), ("POST", "/nodes"), ("GET", "/nodes?watch=1")] {
        let (code, _) = response(&cluster.sim, method, &format!("{GROUP}{path}"), "application/json").await;
        assert_eq!(code, 405, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn measures_come_as_protobuf_and_as_a_table_too() {
    let (cluster, _) = begin().await;
    let path = format!("{GROUP}/pods");
    let (code, body) = response(&cluster.sim, "GET", &path, "application/vnd.kubernetes.protobuf").await;
    let text = String::from_utf8_lossy(&body);
    assert_eq!((code, &body[..4]), (200, &b"k8s\0"[..]));
    assert!(text.contains("PodMetricsList") && text.contains("250000000n"), "{text}");
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let (_, body) = response(&cluster.sim, "GET", &path, table).await;
    let table: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(table["rows"][0]["cells"], json!(["on-answers", "250000000n", "67108864", "15s"]));
}
