//! Measures of nodes and pods, which are read from the nodes when they are asked for.

use serde_json::Value;

use super::kind::{CORE, Kind, MEASURED, NO_RULES, Rules};
use crate::object::field::{list, text};
use crate::object::quantity::thousandths;
use crate::table::cells::{Column, NAME, name_of, text_column};

/// The API group of measures.
const GROUP: &str = "metrics.k8s.io";
const VERSION: &str = "v1beta1";
const COLUMNS: &[Column] = &[NAME, text_column("cpu"), text_column("memory"), text_column("Window")];

/// The row of the measures of nodes.
pub const NODES: Kind = Kind {
    group: GROUP,
    version: VERSION,
    resource: "nodes",
    kind: "NodeMetrics",
    namespaced: false,
    traits: MEASURED,
    rules: Rules {
        columns: COLUMNS,
        row: |object, _| {
            let used = |name| object["usage"][name].clone();
            vec![name_of(object), used("cpu"), used("memory"), text(object, "/window").into()]
        },
        ..NO_RULES
    },
    ..CORE
};

/// The row of the measures of pods.
pub const PODS: Kind = Kind {
    group: GROUP,
    version: VERSION,
    resource: "pods",
    kind: "PodMetrics",
    traits: MEASURED,
    rules: Rules {
        columns: COLUMNS,
        row: |object, _| {
            let [cpu, memory] = ["cpu", "memory"].map(|name| sum(object, name));
            let cpu = format!("{}n", cpu * 1_000_000);
            vec![
                name_of(object),
                cpu.into(),
                (memory / 1000).to_string().into(),
                text(object, "/window").into(),
            ]
        },
        ..NO_RULES
    },
    ..CORE
};

/// The sum over a pod's containers, in thousandths.
fn sum(object: &Value, name: &str) -> i128 {
    list(object, "/containers").iter().map(|container| thousandths(&container["usage"][name])).sum()
}
