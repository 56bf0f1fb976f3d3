//! The usage of nodes and pods, as `/stats/summary` of each pod's own node gives it (kubelet-contract.md, R133).
//!
//! Nothing is kept: whoever asks, be it a client or the controller of autoscalers, gets what the nodes say then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::Request;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::node_proxy;
use crate::object::field::{list, name, namespace, text, uid};
use crate::object::timestamp;
use crate::sim::KubeSim;
use crate::store::GroupResource;

const NODES: GroupResource = ("", "nodes");
const PATH: &str = "/stats/summary?only_cpu_and_memory=true";
/// The longest time until a node has answered, as the real server of measures has it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The time over which a node measures.
const WINDOW: &str = "15s";

/// The measures of these nodes; none of a node that does not answer.
pub async fn of_nodes(sim: &KubeSim, nodes: &[Arc<Value>]) -> Vec<Value> {
    let summaries = join_all(nodes.iter().map(|node| summary(sim, node))).await;
    let now = sim.clock().now();
    let measured = nodes.iter().zip(&summaries).filter_map(|(node, summary)| {
        let own = &summary.as_ref()?["node"];
        measures(node, "NodeMetrics", own, json!({"usage": usage(own)?}), now)
    });
    measured.collect()
}

/// The measures of these pods, in their order; none of a pod that does not run, or whose node does not answer.
pub async fn of_pods(sim: &KubeSim, pods: &[Arc<Value>]) -> Vec<Value> {
    let mut nodes = BTreeMap::new();
    for pod in pods {
        if let Some(node) = sim.store().get(NODES, "", text(pod, "/spec/nodeName")) {
            nodes.insert(name(&node).to_owned(), node);
        }
    }
    let summaries = join_all(nodes.values().map(|node| summary(sim, node))).await;
    let summaries: BTreeMap<&str, Option<Value>> = nodes.keys().map(String::as_str).zip(summaries).collect();
    let now = sim.clock().now();
    let measured = pods.iter().filter_map(|pod| {
        let summary = summaries.get(text(pod, "/spec/nodeName"))?.as_ref()?;
        let own = list(summary, "/pods").iter().find(|own| text(own, "/podRef/uid") == uid(pod))?;
        let containers = containers(own)?;
        measures(pod, "PodMetrics", own, json!({ "containers": containers }), now)
    });
    measured.collect()
}

/// The containers of a pod; none where one is not measured, since the pod's sum would be wrong.
fn containers(pod: &Value) -> Option<Vec<Value>> {
    let all = list(pod, "/containers").iter();
    let all: Option<Vec<Value>> =
        all.map(|own| Some(json!({"name": own["name"], "usage": usage(own)?}))).collect();
    all.filter(|all| !all.is_empty())
}

fn usage(measured: &Value) -> Option<Value> {
    let cpu = measured.pointer("/cpu/usageNanoCores").and_then(Value::as_u64)?;
    let memory = measured.pointer("/memory/workingSetBytes").and_then(Value::as_u64)?;
    Some(json!({"cpu": cpu_quantity(cpu), "memory": memory_quantity(memory)}))
}

/// Nanoseconds of a CPU in a second, in the unit in which they are measured.
fn cpu_quantity(nanos: u64) -> String {
    if nanos == 0 { "0".to_owned() } else { format!("{nanos}n") }
}

/// Bytes, in the largest unit of two's powers without a fraction.
pub fn memory_quantity(bytes: u64) -> String {
    let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
    let (mut amount, mut at) = (bytes, 0);
    while amount > 0 && amount.is_multiple_of(1024) && at + 1 < units.len() {
        amount /= 1024;
        at += 1;
    }
    format!("{amount}{}", units[at])
}

/// The measures of an object, which are named and labelled like it.
fn measures(object: &Value, kind: &str, measured: &Value, more: Value, now: Timestamp) -> Option<Value> {
    let mut metadata = json!({"name": name(object), "creationTimestamp": timestamp::seconds(now)});
    if !namespace(object).is_empty() {
        metadata["namespace"] = namespace(object).into();
    }
    if object["metadata"]["labels"].is_object() {
        metadata["labels"] = object["metadata"]["labels"].clone();
    }
    let at = timestamp::read(measured, "/cpu/time")
        .or_else(|| timestamp::read(measured, "/containers/0/cpu/time"));
    let mut whole = json!({"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": metadata,
        "timestamp": timestamp::seconds(at.unwrap_or(now)), "window": WINDOW});
    for (key, value) in more.as_object()? {
        whole[key.as_str()] = value.clone();
    }
    Some(whole)
}

/// The summary of a node; `None` when it does not answer in time, or with something else.
async fn summary(sim: &KubeSim, node: &Value) -> Option<Value> {
    let url = format!("{}{PATH}", node_proxy::address(node)?);
    let request = Request::get(url).header("authorization", node_proxy::authorization(sim));
    let request = request.body(Bytes::new()).ok()?;
    let asked = async {
        let response = sim.outbound().send(request, None).await.ok()?;
        let answered = response.status().is_success();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        answered.then(|| serde_json::from_slice(&body).ok()).flatten()
    };
    tokio::time::timeout(TIMEOUT, asked).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_in_the_units_of_the_real_server() {
        for (bytes, wanted) in [(0, "0"), (1023, "1023"), (1024, "1Ki"), (1536, "1536"), (3 << 20, "3Mi")] {
            assert_eq!(memory_quantity(bytes), wanted);
        }
        assert_eq!((cpu_quantity(0).as_str(), cpu_quantity(250_000_000).as_str()), ("0", "250000000n"));
    }

    #[test]
    fn a_pod_one_of_whose_containers_is_not_measured_is_left_out() {
        let measured =
            json!({"name": "a", "cpu": {"usageNanoCores": 7}, "memory": {"workingSetBytes": 2048}});
        let pod = |containers| json!({ "containers": containers });
        let whole = json!([{"name": "a", "usage": {"cpu": "7n", "memory": "2Ki"}}]);
        assert_eq!(containers(&pod(json!([measured]))).map(Value::from), Some(whole));
        assert_eq!(containers(&pod(json!([measured, {"name": "b"}]))), None);
        assert_eq!(containers(&pod(json!([]))), None);
    }
}
