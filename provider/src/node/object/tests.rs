//! Tests of how the node looks.

use super::*;

fn now() -> Timestamp {
    "2026-01-05T01:00:00Z".parse().unwrap()
}

fn config() -> Config {
    Config { zone: Some("cn-hangzhou-j".into()), ..Config::new("vsw-1", "sg-1") }
}

fn identity() -> NodeIdentity {
    NodeIdentity::new("cn-hangzhou", "LTAI", "c-1")
}

const UNKNOWN: AccountLimits = AccountLimits { vcpu: None, has_gpus: None };
const READY: Condition<'static> = Condition { readiness: &Readiness::Ready, doubt: None, limits: UNKNOWN };

fn node() -> Value {
    serde_json::to_value(new(&config(), "cn-hangzhou", &identity(), &READY, now())).unwrap()
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
        ("service.alibabacloud.com/exclude-node", "true"),
        ("service.beta.kubernetes.io/exclude-node", "true"),
    ] {
        assert_eq!(node["metadata"]["labels"][label], value, "{label}");
    }
    assert_eq!(
        node["spec"]["taints"],
        json!([{ "key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule" }])
    );
    assert_eq!(node["spec"].get("providerID"), None, "none that a cloud controller manager could look for");
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
    assert_eq!(metadata_patch(&node, &config(), "cn-hangzhou", &identity()), None);
    node.metadata.labels.as_mut().unwrap().insert("theirs".into(), "kept".into());
    let patch = metadata_patch(&node, &Config::new("vsw-1", "sg-1"), "cn-beijing", &identity()).unwrap();
    let labels = patch["metadata"]["labels"].as_object().unwrap();
    assert_eq!(labels["topology.kubernetes.io/zone"], Value::Null);
    assert_eq!(labels["topology.kubernetes.io/region"], "cn-beijing");
    assert_eq!(labels.len(), 2);
}

#[test]
fn an_identity_is_written_where_there_is_none_and_another_one_stays() {
    let mut node: Node = serde_json::from_value(node()).unwrap();
    let other = NodeIdentity::new("cn-hangzhou", "LTAI", "c-2");
    assert_eq!(metadata_patch(&node, &config(), "cn-hangzhou", &other), None);
    let annotations = node.metadata.annotations.as_mut().unwrap();
    annotations.retain(|key, _| key == LAST_APPLIED);
    let patch = metadata_patch(&node, &config(), "cn-hangzhou", &other).unwrap();
    assert_eq!(patch["metadata"]["annotations"], json!(other.annotations()));
}

#[test]
fn a_doubt_is_a_condition_and_without_doubt_there_is_none() {
    let doubt = Doubt { reason: "TooManyMissing", message: "9 of 10 groups are missing".to_owned() };
    let doubted = Condition { doubt: Some(doubt), ..READY };
    let first = status(&config(), None, &READY, now());
    let second = status(&config(), Some(&first), &doubted, now());
    let shown = &second.conditions.as_ref().unwrap()[0];
    assert_eq!((shown.type_.as_str(), shown.status.as_str()), ("CloudViewComplete", "False"));
    assert!(differs(&first, &second) && differs(&second, &first));
    assert!(first.conditions.unwrap().iter().all(|condition| condition.type_ != DOUBT));
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
    let first = status(&config(), None, &READY, now());
    let later = now() + jiff::SignedDuration::from_mins(3);
    let second = status(&config(), Some(&first), &READY, later);
    assert!(!differs(&first, &second));
    let ready = second.conditions.as_ref().unwrap().last().unwrap();
    assert_eq!(ready.last_transition_time, Some(Time(now())));
    assert_eq!(ready.last_heartbeat_time, Some(Time(later)));
    let not_ready = Readiness::NotReady("no key".into());
    let not_ready = Condition { readiness: &not_ready, doubt: None, limits: UNKNOWN };
    assert!(differs(&first, &status(&config(), Some(&first), &not_ready, later)));
}
