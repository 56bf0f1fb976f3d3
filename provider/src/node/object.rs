//! The Node as it is to look: labels, taint, capacity, conditions, address; pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec, NodeStatus,
    NodeSystemInfo, Taint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::ObjectMeta;
use serde_json::{Value, json};

use crate::config::Config;
use crate::webhook::injection::{TAINT_KEY, TAINT_VALUE, TYPE_LABEL, TYPE_VALUE};

/// Which labels this provider set the last time, so that those it no longer sets can be taken back.
pub const LAST_APPLIED: &str = "virtual-kubelet.io/last-applied-object-meta";
/// The version of Kubernetes whose node this behaves like, and ours.
const VERSION: &str = concat!("v1.34.4-eci-", env!("CARGO_PKG_VERSION"));

/// How the node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Pods can run.
    Ready,
    /// Pods cannot run, for this reason.
    NotReady(String),
}

/// The labels that this provider sets.
pub fn labels(config: &Config, region: &str) -> BTreeMap<String, String> {
    let arch = config.architecture.in_kubernetes();
    let mut labels: BTreeMap<String, String> = [
        (TYPE_LABEL, TYPE_VALUE),
        ("kubernetes.io/role", "agent"),
        ("kubernetes.io/hostname", config.node_name.as_str()),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", arch),
        ("beta.kubernetes.io/os", "linux"),
        ("beta.kubernetes.io/arch", arch),
        ("topology.kubernetes.io/region", region),
        // No load balancer can send anything to this node's ports.
        ("node.kubernetes.io/exclude-from-external-load-balancers", "true"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    if let Some(zone) = &config.zone {
        labels.insert("topology.kubernetes.io/zone".to_owned(), zone.clone());
    }
    labels
}

/// The taint that keeps ordinary pods away.
pub fn taint() -> Taint {
    Taint {
        key: TAINT_KEY.to_owned(),
        value: Some(TAINT_VALUE.to_owned()),
        effect: "NoSchedule".to_owned(),
        time_added: None,
    }
}

/// The Node as it is first made.
pub fn new(config: &Config, region: &str, health: &Health, now: Timestamp) -> Node {
    let labels = labels(config, region);
    let annotations = [(LAST_APPLIED.to_owned(), json!({ "labels": labels }).to_string())];
    Node {
        metadata: ObjectMeta {
            name: Some(config.node_name.clone()),
            labels: Some(labels),
            annotations: Some(annotations.into()),
            ..ObjectMeta::default()
        },
        spec: Some(NodeSpec { taints: Some(vec![taint()]), ..NodeSpec::default() }),
        status: Some(status(config, None, health, now)),
    }
}

/// The patch of the metadata of a Node that exists: ours set, what we set once and no longer do taken back, all else
/// left; `None` when it is so already.
pub fn metadata_patch(node: &Node, config: &Config, region: &str) -> Option<Value> {
    let wanted = labels(config, region);
    let known = node.metadata.labels.clone().unwrap_or_default();
    let annotations = node.metadata.annotations.clone().unwrap_or_default();
    let last: Value =
        annotations.get(LAST_APPLIED).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut changes = serde_json::Map::new();
    for (key, value) in wanted.iter().filter(|(key, value)| known.get(*key) != Some(value)) {
        changes.insert(key.clone(), json!(value));
    }
    for key in last["labels"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if !wanted.contains_key(key) && known.contains_key(key) {
            changes.insert(key.clone(), Value::Null);
        }
    }
    let applied = json!({ "labels": wanted }).to_string();
    if changes.is_empty() && annotations.get(LAST_APPLIED) == Some(&applied) {
        return None;
    }
    Some(json!({ "metadata": { "labels": changes, "annotations": { LAST_APPLIED: applied } } }))
}

/// The patch that gives an adopted Node its taint beside those it has; `None` when it has it.
pub fn taint_patch(node: &Node) -> Option<Value> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    if taints.iter().any(|taint| taint.key == TAINT_KEY) {
        return None;
    }
    let all: Vec<Taint> = taints.into_iter().chain([taint()]).collect();
    // Taints are replaced as a whole: only over those that were read.
    Some(
        json!({ "metadata": { "resourceVersion": node.metadata.resource_version }, "spec": { "taints": all } }),
    )
}

/// The status, with the transitions of `old` kept where nothing changed.
pub fn status(config: &Config, old: Option<&NodeStatus>, health: &Health, now: Timestamp) -> NodeStatus {
    let capacity = capacity(config);
    // A host name that does not resolve would come before an address that works, so there is one only without any.
    let (type_, address) = match config.node_ip {
        Some(ip) => ("InternalIP", ip.to_string()),
        None => ("Hostname", config.node_name.clone()),
    };
    let addresses = Some(vec![NodeAddress { type_: type_.to_owned(), address }]);
    let port = i32::from(config.kubelet_port);
    NodeStatus {
        capacity: Some(capacity.clone()),
        allocatable: Some(capacity),
        addresses,
        conditions: Some(conditions(old, health, now)),
        daemon_endpoints: Some(NodeDaemonEndpoints { kubelet_endpoint: Some(DaemonEndpoint { port }) }),
        node_info: Some(NodeSystemInfo {
            architecture: config.architecture.in_kubernetes().to_owned(),
            container_runtime_version: format!("eci://{}", env!("CARGO_PKG_VERSION")),
            kubelet_version: VERSION.to_owned(),
            kube_proxy_version: VERSION.to_owned(),
            operating_system: "linux".to_owned(),
            os_image: "Elastic Container Instance".to_owned(),
            machine_id: config.node_name.clone(),
            system_uuid: config.node_name.clone(),
            boot_id: config.node_name.clone(),
            ..NodeSystemInfo::default()
        }),
        ..NodeStatus::default()
    }
}

fn capacity(config: &Config) -> BTreeMap<String, Quantity> {
    let offered = &config.capacity;
    let mut capacity: BTreeMap<String, Quantity> = [
        ("cpu", &offered.cpu),
        ("memory", &offered.memory),
        ("pods", &offered.pods),
        ("ephemeral-storage", &offered.ephemeral_storage),
    ]
    .map(|(key, amount)| (key.to_owned(), Quantity(amount.clone())))
    .into();
    if let Some(gpus) = &offered.gpus {
        capacity.insert("nvidia.com/gpu".to_owned(), Quantity(gpus.clone()));
    }
    capacity
}

fn conditions(old: Option<&NodeStatus>, health: &Health, now: Timestamp) -> Vec<NodeCondition> {
    let old = old.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let (ready, reason, message) = match health {
        Health::Ready => ("True", "KubeletReady", "the virtual node is ready and ECI answers"),
        Health::NotReady(why) => ("False", "KubeletNotReady", why.as_str()),
    };
    let all = [
        (
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "the memory of instances is the cloud's to have",
        ),
        (
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "the disks of instances are the cloud's to have",
        ),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "each instance counts its own processes"),
        ("Ready", ready, reason, message),
    ];
    let condition = |(type_, status, reason, message): (&str, &str, &str, &str)| {
        let before = old.iter().find(|condition| condition.type_ == type_ && condition.status == status);
        NodeCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(Time(now)),
            last_transition_time: Some(
                before.and_then(|c| c.last_transition_time.clone()).unwrap_or(Time(now)),
            ),
        }
    };
    all.into_iter().map(condition).collect()
}

/// Whether two statuses differ in more than the time of their heartbeat.
pub fn differs(old: &NodeStatus, new: &NodeStatus) -> bool {
    let said = |status: &NodeStatus| {
        let conditions = status.conditions.iter().flatten();
        let ours = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"];
        let mut conditions: Vec<_> = conditions
            .filter(|c| ours.contains(&c.type_.as_str()))
            .map(|c| (c.type_.clone(), c.status.clone(), c.reason.clone(), c.message.clone()))
            .collect();
        conditions.sort();
        conditions
    };
    let amounts =
        |list: &Option<BTreeMap<String, Quantity>>| -> BTreeMap<String, Option<rust_decimal::Decimal>> {
            let list = list.iter().flatten();
            list.map(|(key, amount)| (key.clone(), crate::pods::quantity::value(amount))).collect()
        };
    let offers_less =
        amounts(&new.capacity).iter().any(|(key, amount)| amounts(&old.capacity).get(key) != Some(amount));
    said(old) != said(new)
        || offers_less
        || new
            .addresses
            .iter()
            .flatten()
            .any(|address| !old.addresses.iter().flatten().any(|known| known == address))
        || old.daemon_endpoints != new.daemon_endpoints
        || old.node_info.as_ref().map(|info| &info.kubelet_version)
            != new.node_info.as_ref().map(|info| &info.kubelet_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-05T01:00:00Z".parse().unwrap()
    }

    fn config() -> Config {
        Config { zone: Some("cn-hangzhou-j".into()), ..Config::new("vsw-1", "sg-1") }
    }

    fn node() -> Value {
        serde_json::to_value(new(&config(), "cn-hangzhou", &Health::Ready, now())).unwrap()
    }

    #[test]
    fn the_node_looks_like_a_virtual_node() {
        let node = node();
        assert_eq!(node["metadata"]["name"], "virtual-kubelet");
        for (label, value) in [
            ("type", "virtual-kubelet"),
            ("kubernetes.io/role", "agent"),
            ("kubernetes.io/hostname", "virtual-kubelet"),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("topology.kubernetes.io/zone", "cn-hangzhou-j"),
        ] {
            assert_eq!(node["metadata"]["labels"][label], value, "{label}");
        }
        assert_eq!(
            node["spec"]["taints"],
            json!([{ "key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule" }])
        );
        assert_eq!(node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"], 10250);
        let types: Vec<_> =
            node["status"]["conditions"].as_array().unwrap().iter().map(|c| c["type"].clone()).collect();
        assert_eq!(types, ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]);
        for amount in ["cpu", "memory", "pods", "ephemeral-storage"] {
            assert!(node["status"]["allocatable"][amount].is_string(), "{amount}");
        }
        let info = node["status"]["nodeInfo"].as_object().unwrap();
        assert!(info.len() >= 10 && info["kubeletVersion"].as_str().unwrap().starts_with("v1.34."));
    }

    #[test]
    fn labels_of_others_stay_and_ours_of_yesterday_go() {
        let mut node: Node = serde_json::from_value(node()).unwrap();
        assert_eq!(metadata_patch(&node, &config(), "cn-hangzhou"), None);
        node.metadata.labels.as_mut().unwrap().insert("theirs".into(), "kept".into());
        let patch = metadata_patch(&node, &Config::new("vsw-1", "sg-1"), "cn-beijing").unwrap();
        let labels = patch["metadata"]["labels"].as_object().unwrap();
        assert_eq!(labels["topology.kubernetes.io/zone"], Value::Null);
        assert_eq!(labels["topology.kubernetes.io/region"], "cn-beijing");
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn an_adopted_node_gets_the_taint_beside_those_it_has() {
        let mut node: Node = serde_json::from_value(node()).unwrap();
        assert_eq!(taint_patch(&node), None);
        let cordon =
            Taint { key: "node.kubernetes.io/unschedulable".into(), effect: "NoSchedule".into(), ..taint() };
        node.spec.as_mut().unwrap().taints = Some(vec![cordon]);
        assert_eq!(taint_patch(&node).unwrap()["spec"]["taints"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_heartbeat_alone_is_no_change_and_keeps_the_time_of_transitions() {
        let first = status(&config(), None, &Health::Ready, now());
        let later = now() + jiff::SignedDuration::from_mins(3);
        let second = status(&config(), Some(&first), &Health::Ready, later);
        assert!(!differs(&first, &second));
        let ready = second.conditions.as_ref().unwrap().last().unwrap();
        assert_eq!(ready.last_transition_time, Some(Time(now())));
        assert_eq!(ready.last_heartbeat_time, Some(Time(later)));
        assert!(differs(&first, &status(&config(), Some(&first), &Health::NotReady("no key".into()), later)));
    }
}
