//! `/stats/summary`: what the node and its pods use, as JSON (kubelet-contract.md, R133).

use eci_api::actions::describe_multi_container_group_metric::{CPU, Filesystem, Memory, Network};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::usage::{Meter, PodUsage, Reading, positive};

/// The whole summary; with `only_cpu_and_memory` nothing else.
pub(super) fn summary(node: &str, meter: &Meter, reading: &Reading, only_cpu_and_memory: bool) -> Value {
    let at = written(reading.at);
    let nano_cores: u64 =
        reading.pods.iter().filter_map(|pod| Some(positive(pod.record.cpu.as_ref()?.usage_nano_cores))).sum();
    let memory = |part: fn(&Memory) -> i64| -> u64 {
        reading.pods.iter().filter_map(|pod| Some(positive(part(pod.record.memory.as_ref()?)))).sum()
    };
    json!({
        "node": {
            "nodeName": node,
            "startTime": written(meter.began()),
            "cpu": { "time": at, "usageNanoCores": nano_cores, "usageCoreNanoSeconds": reading.spent },
            "memory": {
                "time": at,
                "usageBytes": memory(|memory| memory.usage_bytes),
                "workingSetBytes": memory(|memory| memory.working_set),
                "rssBytes": memory(|memory| memory.rss),
            },
        },
        "pods": reading.pods.iter().map(|pod| of_pod(pod, reading.at, only_cpu_and_memory)).collect::<Vec<_>>(),
    })
}

fn of_pod(usage: &PodUsage, read: Timestamp, only_cpu_and_memory: bool) -> Value {
    let (namespace, name) = usage.names();
    let at = usage.at(read);
    let uid = usage.pod.metadata.uid.as_deref().unwrap_or_default();
    let mut pod = Map::new();
    pod.insert("podRef".to_owned(), json!({ "name": name, "namespace": namespace, "uid": uid }));
    if let Some(start) = usage.pod.status.as_ref().and_then(|status| status.start_time.as_ref()) {
        pod.insert("startTime".to_owned(), json!(written(start.0)));
    }
    let containers = usage.record.containers.iter().map(|container| {
        let mut told = Map::new();
        told.insert("name".to_owned(), json!(container.name));
        if let Some(began) = usage.began(&container.name) {
            told.insert("startTime".to_owned(), json!(written(began)));
        }
        told.extend(measures(container.cpu.as_ref(), container.memory.as_ref(), at));
        Value::Object(told)
    });
    pod.insert("containers".to_owned(), containers.collect());
    pod.extend(measures(usage.record.cpu.as_ref(), usage.record.memory.as_ref(), at));
    if !only_cpu_and_memory {
        if let Some(network) = usage.record.network.as_ref().and_then(|network| of_network(network, at)) {
            pod.insert("network".to_owned(), network);
        }
        if let Some(storage) = usage.record.filesystem.first() {
            pod.insert("ephemeral-storage".to_owned(), of_storage(storage, at));
        }
    }
    Value::Object(pod)
}

fn measures(cpu: Option<&CPU>, memory: Option<&Memory>, at: Timestamp) -> Map<String, Value> {
    let mut measures = Map::new();
    if let Some(cpu) = cpu {
        let (now, ever) = (positive(cpu.usage_nano_cores), positive(cpu.usage_core_nano_seconds));
        let told = json!({ "time": written(at), "usageNanoCores": now, "usageCoreNanoSeconds": ever });
        measures.insert("cpu".to_owned(), told);
    }
    if let Some(memory) = memory {
        let told = json!({
            "time": written(at),
            "availableBytes": positive(memory.available_bytes),
            "usageBytes": positive(memory.usage_bytes),
            "workingSetBytes": positive(memory.working_set),
            "rssBytes": positive(memory.rss),
        });
        measures.insert("memory".to_owned(), told);
    }
    measures
}

/// The first interface is the pod's own, as a kubelet has it.
fn of_network(network: &Network, at: Timestamp) -> Option<Value> {
    let told: Vec<Value> = network
        .interfaces
        .iter()
        .map(|interface| {
            json!({
                "name": interface.name,
                "rxBytes": positive(interface.rx_bytes),
                "rxErrors": positive(interface.rx_errors),
                "txBytes": positive(interface.tx_bytes),
                "txErrors": positive(interface.tx_errors),
            })
        })
        .collect();
    let mut whole = told.first()?.as_object()?.clone();
    whole.insert("time".to_owned(), json!(written(at)));
    whole.insert("interfaces".to_owned(), Value::Array(told));
    Some(Value::Object(whole))
}

fn of_storage(storage: &Filesystem, at: Timestamp) -> Value {
    json!({
        "time": written(at),
        "availableBytes": positive(storage.available),
        "capacityBytes": positive(storage.capacity),
        "usedBytes": positive(storage.usage),
    })
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
