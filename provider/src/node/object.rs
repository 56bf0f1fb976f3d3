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

use super::facts::Doubt;
use super::identity::{ADOPTION_PENDING, NodeIdentity};
use crate::config::{AccountLimits, Config};
use crate::webhook::injection::{TAINT_KEY, TAINT_VALUE, TYPE_LABEL, TYPE_VALUE};

/// The annotation with the labels that this provider set the last time, so that those it no longer sets can be taken
/// back.
pub const LAST_APPLIED: &str = "virtual-kubelet.io/last-applied-object-meta";
/// The version of Kubernetes whose node this behaves like, and ours.
const VERSION: &str = concat!("v1.34.4-eci-", env!("CARGO_PKG_VERSION"));

/// The condition type that shows a [`Doubt`]; there is none without doubt.
pub const DOUBT: &str = "CloudViewComplete";

/// The node's ability to run pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Pods can run.
    Ready,
    /// Pods cannot run, for this reason.
    NotReady(String),
}

/// The variable part of the node's status.
#[derive(Debug, Clone)]
pub struct Condition<'a> {
    /// The node's ability to run pods.
    pub readiness: &'a Readiness,
    /// The reason for which absence from the cloud's answers proves nothing just now.
    pub doubt: Option<Doubt>,
    /// The account's quota and the region's stock.
    pub limits: AccountLimits,
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
        // Alibaba Cloud's cloud controller manager leaves such a node alone; without, it deletes a node that is no ECS
        // instance as soon as it is not ready. The second is the key of older versions.
        ("service.alibabacloud.com/exclude-node", "true"),
        ("service.beta.kubernetes.io/exclude-node", "true"),
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
pub fn new(
    config: &Config,
    region: &str,
    identity: &NodeIdentity,
    condition: &Condition<'_>,
    now: Timestamp,
) -> Node {
    let labels = labels(config, region);
    let mut annotations = identity.annotations();
    annotations.insert(LAST_APPLIED.to_owned(), json!({ "labels": labels }).to_string());
    annotations.insert(ADOPTION_PENDING.to_owned(), "true".to_owned());
    Node {
        metadata: ObjectMeta {
            name: Some(config.node_name.clone()),
            labels: Some(labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        spec: Some(NodeSpec { taints: Some(vec![taint()]), ..NodeSpec::default() }),
        status: Some(status(config, None, condition, now)),
    }
}

/// The patch of the metadata of a Node that exists: ours set, what we set once and no longer do taken back, all else
/// left; `None` when it is so already. Of the identity only what nobody wrote is set: another provider's stays until ours
/// is confirmed.
pub fn metadata_patch(node: &Node, config: &Config, region: &str, identity: &NodeIdentity) -> Option<Value> {
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
    let mut written: BTreeMap<String, String> =
        identity.annotations().into_iter().filter(|(key, _)| !annotations.contains_key(key)).collect();
    if annotations.get(LAST_APPLIED) != Some(&applied) {
        written.insert(LAST_APPLIED.to_owned(), applied);
    }
    if changes.is_empty() && written.is_empty() {
        return None;
    }
    Some(json!({ "metadata": { "labels": changes, "annotations": written } }))
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
pub fn status(
    config: &Config,
    old: Option<&NodeStatus>,
    condition: &Condition<'_>,
    now: Timestamp,
) -> NodeStatus {
    let offered = config.capacity.offered(&condition.limits).into_iter();
    let capacity: BTreeMap<_, _> = offered.map(|(name, amount)| (name, Quantity(amount))).collect();
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
        conditions: Some(conditions(old, condition, now)),
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

fn conditions(old: Option<&NodeStatus>, told: &Condition<'_>, now: Timestamp) -> Vec<NodeCondition> {
    let old = old.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let (ready, reason, message) = match told.readiness {
        Readiness::Ready => ("True", "KubeletReady", "the virtual node is ready and ECI answers"),
        Readiness::NotReady(why) => ("False", "KubeletNotReady", why.as_str()),
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
    let doubt = told.doubt.iter().map(|doubt| (DOUBT, "False", doubt.reason, doubt.message.as_str()));
    doubt.chain(all).map(condition).collect()
}

/// Returns true when two statuses differ in more than the time of their heartbeat.
pub fn differs(old: &NodeStatus, new: &NodeStatus) -> bool {
    fn reported(status: &NodeStatus) -> Vec<(&str, &str, Option<&str>, Option<&str>)> {
        let conditions = status.conditions.iter().flatten();
        let ours = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready", DOUBT];
        let mut conditions: Vec<_> = conditions
            .filter(|c| ours.contains(&c.type_.as_str()))
            .map(|c| (c.type_.as_str(), c.status.as_str(), c.reason.as_deref(), c.message.as_deref()))
            .collect();
        conditions.sort();
        conditions
    }
    // Amounts that are written alike are not read.
    let is_alike = |one: &Quantity, other: &Quantity| {
        one == other || crate::pods::quantity::value(one) == crate::pods::quantity::value(other)
    };
    let offered = |key: &String| old.capacity.as_ref().and_then(|capacity| capacity.get(key));
    let mut capacity = new.capacity.iter().flatten();
    let offers_less = capacity.any(|(key, amount)| offered(key).is_none_or(|old| !is_alike(old, amount)));
    reported(old) != reported(new)
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
mod tests;
