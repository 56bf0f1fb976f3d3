//! The nodes that take a DaemonSet's pods, and how its pods are tied to them.

use serde_json::{Value, json};

use crate::object::field::{flag, list, list_mut, map_mut, name, text};
use crate::pods::tolerations::pod_tolerates;
use crate::scheduler::node_affinity;

/// Taints that every daemon pod tolerates: key and effect.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// What a node says to a daemon pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// True when a pod is to run there.
    pub shall_run: bool,
    /// True when a pod that is there may stay.
    pub may_stay: bool,
}

/// Adds the tolerations of every daemon pod.
pub fn add_tolerations(spec: &mut Value) {
    let network = ("node.kubernetes.io/network-unavailable", "NoSchedule");
    let host_network = flag(spec, "/hostNetwork").then_some(network);
    let own = list_mut(spec, "tolerations");
    for (key, effect) in TOLERATED.into_iter().chain(host_network) {
        let same = |t: &Value| {
            text(t, "/key") == key && text(t, "/effect") == effect && text(t, "/operator") == "Exists"
        };
        if !own.iter().any(same) {
            own.push(json!({"key": key, "operator": "Exists", "effect": effect}));
        }
    }
}

/// Ties a pod to a node by the affinity that only this node meets, so that the scheduler binds it.
pub fn bind_to(spec: &mut Value, node: &str) {
    let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
    map_mut(spec, "affinity");
    map_mut(&mut spec["affinity"], "nodeAffinity");
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": [term]});
}

/// The node that a pod is on, or is tied to.
pub fn node_of(pod: &Value) -> Option<&str> {
    match text(pod, "/spec/nodeName") {
        "" => node_affinity::named_nodes(pod)?.first().copied(),
        node => Some(node),
    }
}

/// A pod of the set as nodes see it: its template with the tolerations of every daemon pod.
pub fn pod_of(set: &Value) -> Value {
    let mut pod = json!({"spec": set["spec"]["template"]["spec"]});
    add_tolerations(&mut pod["spec"]);
    pod
}

/// What a node says to such a pod.
pub fn placement_of(pod: &Value, node: &Value) -> Placement {
    let wanted = text(pod, "/spec/nodeName");
    let never = Placement { shall_run: false, may_stay: false };
    if (!wanted.is_empty() && wanted != name(node)) || !node_affinity::allows(pod, node) {
        return never;
    }
    let untolerated = |effects: &[&str]| {
        let mut taints = list(node, "/spec/taints").iter();
        taints.any(|taint| effects.contains(&text(taint, "/effect")) && !pod_tolerates(pod, taint))
    };
    Placement {
        shall_run: !untolerated(&["NoSchedule", "NoExecute"]),
        may_stay: !untolerated(&["NoExecute"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_takes_the_pods_that_select_and_tolerate_it() {
        let node = |taints: Value| json!({"metadata": {"name": "n", "labels": {"type": "virtual-kubelet"}}, "spec": {"taints": taints}});
        let virtual_node = json!([{"key": "virtual-kubelet.io/provider", "effect": "NoSchedule"}]);
        let tolerates = json!([{"key": "virtual-kubelet.io/provider", "operator": "Exists"}]);
        let (yes, stays, no) = ((true, true), (false, true), (false, false));
        for (spec, taints, wanted) in [
            (json!({}), json!([]), yes),
            (json!({}), virtual_node.clone(), stays),
            (json!({"tolerations": tolerates}), virtual_node, yes),
            (json!({}), json!([{"key": "x", "effect": "NoExecute"}]), no),
            (json!({}), json!([{"key": "x", "effect": "PreferNoSchedule"}]), yes),
            (json!({}), json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]), yes),
            (json!({"nodeSelector": {"type": "virtual-kubelet"}}), json!([]), yes),
            (json!({"nodeSelector": {"type": "other"}}), json!([]), no),
            (json!({"nodeName": "m"}), json!([]), no),
        ] {
            let set = json!({"spec": {"template": {"spec": spec}}});
            let placement = placement_of(&pod_of(&set), &node(taints.clone()));
            assert_eq!((placement.shall_run, placement.may_stay), wanted, "{spec} {taints}");
        }
    }
}
