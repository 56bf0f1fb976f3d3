//! Resource requests of pods and allocatable resources of nodes, in whole thousandths of each unit.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::field::{entries, list, text};
use crate::object::quantity::{Thousandths, ceil_units, thousandths};

/// CPU assumed for a container without a request when nodes are ranked: 100m.
const DEFAULT_CPU: Thousandths = 100;
/// Memory assumed for a container without a request when nodes are ranked: 200 MiB.
const DEFAULT_MEMORY: Thousandths = 200 * 1024 * 1024 * 1000;

/// Amounts by resource name.
pub type Amounts = BTreeMap<String, Thousandths>;

/// The count for a container without a request of cpu or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRequest {
    /// Zero: for the fit of a pod on a node.
    Zero,
    /// A small default: for the ranking of nodes.
    Default,
}

/// Requests of `pod` in all: its main containers and sidecars together, or the peak of its init containers when that is
/// more, and the overhead on top; a request of the pod itself replaces the sum of its containers'.
pub fn requests(pod: &Value, missing: MissingRequest) -> Amounts {
    let mut sidecars = Amounts::new();
    let mut peak = Amounts::new();
    for container in list(pod, "/spec/initContainers") {
        let own = of_container(container, missing);
        if text(container, "/restartPolicy") == "Always" {
            add(&mut sidecars, &own);
            raise(&mut peak, &sidecars);
        } else {
            let mut moment = sidecars.clone();
            add(&mut moment, &own);
            raise(&mut peak, &moment);
        }
    }
    let mut total = sidecars;
    for container in list(pod, "/spec/containers") {
        add(&mut total, &of_container(container, missing));
    }
    raise(&mut total, &peak);
    for (name, amount) in entries(pod, "/spec/resources/requests") {
        total.insert(name.to_owned(), thousandths(amount));
    }
    for (name, amount) in entries(pod, "/spec/overhead") {
        *total.entry(name.to_owned()).or_default() += thousandths(amount);
    }
    total
}

/// Allocatable resources of `node`.
pub fn allocatable(node: &Value) -> Amounts {
    entries(node, "/status/allocatable")
        .map(|(name, amount)| (name.to_owned(), thousandths(amount)))
        .collect()
}

/// Adds `more` to `sum`, resource by resource.
pub fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        *sum.entry(name.clone()).or_default() += amount;
    }
}

/// Takes `less` from `sum`, resource by resource.
pub fn subtract(sum: &mut Amounts, less: &Amounts) {
    for (name, amount) in less {
        *sum.entry(name.clone()).or_default() -= amount;
    }
}

fn raise(to: &mut Amounts, least: &Amounts) {
    for (name, amount) in least {
        let entry = to.entry(name.clone()).or_default();
        *entry = (*entry).max(*amount);
    }
}

fn of_container(container: &Value, missing: MissingRequest) -> Amounts {
    let mut own: Amounts = entries(container, "/resources/requests")
        .map(|(name, amount)| {
            let amount = thousandths(amount);
            (name.to_owned(), if name == "cpu" { amount } else { ceil_units(amount) })
        })
        .collect();
    if missing == MissingRequest::Default {
        own.entry("cpu".to_owned()).or_insert(DEFAULT_CPU);
        own.entry("memory".to_owned()).or_insert(DEFAULT_MEMORY);
    }
    own
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asks(cpu: &str) -> Value {
        json!({"resources": {"requests": {"cpu": cpu}}})
    }

    fn sidecar(cpu: &str) -> Value {
        json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn a_pod_asks_for_the_most_it_ever_needs_at_once() {
        for (init, main, cpu) in [
            (vec![], vec![asks("1"), asks("500m")], 1500),
            (vec![asks("2"), asks("1")], vec![asks("1")], 2000),
            (vec![asks("1")], vec![asks("1"), asks("1")], 2000),
            (vec![sidecar("1"), asks("2")], vec![asks("1")], 3000),
            (vec![asks("2"), sidecar("1")], vec![asks("2")], 3000),
        ] {
            let pod = json!({"spec": {"initContainers": init, "containers": main}});
            assert_eq!(requests(&pod, MissingRequest::Zero)["cpu"], cpu, "{pod}");
        }
    }

    #[test]
    fn overhead_comes_on_top_and_a_whole_pods_request_goes_first() {
        let pod = json!({"spec": {
            "containers": [asks("1")], "resources": {"requests": {"cpu": "3"}}, "overhead": {"cpu": "250m"},
        }});
        assert_eq!(requests(&pod, MissingRequest::Zero)["cpu"], 3250);
    }
}
