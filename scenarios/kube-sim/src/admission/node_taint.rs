//! TaintNodesByCondition: a new node takes no pods until it is ready.

use serde_json::{Value, json};

use crate::object::field::{list, list_mut, map_mut, text};

const KEY: &str = "node.kubernetes.io/not-ready";

/// Adds the not-ready taint to a new node unless it has it.
pub fn admit(node: &mut Value) {
    let has = list(node, "/spec/taints")
        .iter()
        .any(|t| text(t, "/key") == KEY && text(t, "/effect") == "NoSchedule");
    if !has {
        map_mut(node, "spec");
        list_mut(&mut node["spec"], "taints").push(json!({"key": KEY, "effect": "NoSchedule"}));
    }
}
