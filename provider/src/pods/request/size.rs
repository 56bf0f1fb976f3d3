//! The size of a pod's instance: limits, else requests, summed; init containers by Kubernetes' rule.

use std::fmt;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, ResourceRequirements};
use rust_decimal::Decimal;

use super::shares::{self, Counting};
use crate::pods::quantity;

/// The size that is asked for; nothing where nothing is declared, and then the cloud takes 2 vCPU and 4 GiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// vCPU.
    pub cpu: Option<Decimal>,
    /// GiB.
    pub memory: Option<Decimal>,
}

/// GiB of ephemeral storage that each instance has for nothing (specs.md 6).
const FREE_STORAGE: Decimal = Decimal::from_parts(30, 0, 0, false, 0);

/// The size that `pod` asks for as a whole: what it declares itself, else the sum of its containers.
pub fn of_pod(pod: &Pod) -> Size {
    let Some(spec) = &pod.spec else { return Size::default() };
    let amount = |resource: &str| {
        let own = spec.resources.as_ref().and_then(|own| declared_in(own, resource));
        own.or_else(|| Some(sum(spec, |container| declared(container, resource))))
            .filter(|amount| !amount.is_zero())
    };
    Size { cpu: amount("cpu").map(|cpu| cpu.normalize()), memory: amount("memory").map(quantity::gib) }
}

/// GiB of ephemeral storage that the pod's containers request beyond what each instance has, rounded up; `None` where
/// that is enough.
pub fn extra_storage(spec: &PodSpec) -> Option<i32> {
    let requested = |container: &Container| {
        let requests = container.resources.as_ref()?.requests.as_ref()?;
        requests.get("ephemeral-storage").and_then(quantity::value)
    };
    let extra = (quantity::gib(sum(spec, requested)) - FREE_STORAGE).ceil();
    // What is more than any instance has is left to the cloud, which says so.
    (extra > Decimal::ZERO).then(|| i32::try_from(extra).unwrap_or(i32::MAX))
}

/// The amount of a resource that the pod requests as a whole, by which schedulers and kubelets count.
pub fn requested(spec: &PodSpec, resource: &str) -> Decimal {
    let of = |resources: &ResourceRequirements| {
        let find = |list: &Option<std::collections::BTreeMap<_, _>>| {
            list.as_ref()?.get(resource).and_then(quantity::value)
        };
        find(&resources.requests).or_else(|| find(&resources.limits))
    };
    let own = spec.resources.as_ref().and_then(of);
    own.unwrap_or_else(|| sum(spec, |container| of(container.resources.as_ref()?)))
}

/// The sum of what runs at once, or what the largest init container takes, if that is more.
fn sum(spec: &PodSpec, amount: impl Fn(&Container) -> Option<Decimal>) -> Decimal {
    let shares = shares::of(spec);
    let counting = |how: Counting| {
        let such = shares.iter().filter(move |share| share.counting == how);
        such.filter_map(|share| amount(share.container))
    };
    let together = counting(Counting::Together).fold(Decimal::ZERO, Decimal::saturating_add);
    together.max(counting(Counting::Alone).max().unwrap_or_default())
}

/// The amount that one container declares of a resource: its limit, else its request.
pub fn declared(container: &Container, resource: &str) -> Option<Decimal> {
    declared_in(container.resources.as_ref()?, resource)
}

fn declared_in(resources: &ResourceRequirements, resource: &str) -> Option<Decimal> {
    shares::declared_in(resources, resource).map(|declared| declared.amount)
}

/// An init container that runs beside the others.
pub fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.cpu, self.memory) {
            (None, None) => f.write_str("nothing"),
            (Some(cpu), None) => write!(f, "{cpu} vCPU"),
            (None, Some(memory)) => write!(f, "{memory} GiB"),
            (Some(cpu), Some(memory)) => write!(f, "{cpu} vCPU, {memory} GiB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::shares::IGNORE;
    use super::*;

    fn container(limits: Value, requests: Value) -> Value {
        json!({ "name": "c", "resources": { "limits": limits, "requests": requests } })
    }

    fn size(containers: Vec<Value>, inits: Vec<Value>) -> String {
        let pod = json!({ "spec": { "containers": containers, "initContainers": inits } });
        of_pod(&serde_json::from_value(pod).unwrap()).to_string()
    }

    #[test]
    fn what_a_pod_declares_itself_counts_before_the_sum_of_its_containers() {
        let pod = json!({ "spec": {
            "resources": { "limits": { "cpu": "4" } },
            "containers": [container(json!({ "cpu": "1", "memory": "2Gi" }), json!({}))]
        } });
        assert_eq!(of_pod(&serde_json::from_value(pod).unwrap()).to_string(), "4 vCPU, 2 GiB");
    }

    #[test]
    fn ephemeral_storage_beyond_the_free_30_gib_is_what_containers_request_together() {
        let asks = |storage: &str| container(json!({}), json!({ "ephemeral-storage": storage }));
        let sidecar = |storage: &str| {
            let mut sidecar = asks(storage);
            sidecar["restartPolicy"] = json!("Always");
            sidecar
        };
        for (containers, inits, extra) in [
            (vec![container(json!({}), json!({}))], vec![], None),
            (vec![asks("30Gi")], vec![], None),
            (vec![asks("50Gi")], vec![], Some(20)),
            (vec![asks("20Gi"), asks("20Gi")], vec![], Some(10)),
            (vec![asks("30Gi")], vec![asks("30720Mi")], None),
            (vec![asks("10Gi")], vec![asks("35.5Gi")], Some(6)),
            (vec![asks("10Gi")], vec![sidecar("25Gi")], Some(5)),
            (vec![asks("8Ei")], vec![], Some(i32::MAX)),
        ] {
            let pod = json!({ "spec": { "containers": containers, "initContainers": inits } });
            let spec = serde_json::from_value(pod["spec"].clone()).unwrap();
            assert_eq!(extra_storage(&spec), extra, "{pod}");
        }
    }

    #[test]
    fn quantities_are_summed_exactly() {
        let asks = |memory: &str| container(json!({ "memory": memory }), json!({}));
        assert_eq!(size(vec![asks("4.7Gi"), asks("9.3Gi")], vec![]), "14 GiB");
        assert_eq!(size(vec![asks("5046586572800m"), asks("9985798963200m")], vec![]), "14 GiB");
    }

    #[test]
    fn the_size_of_a_pod_follows_what_its_containers_declare() {
        let none = || json!({});
        let two = || json!({ "cpu": "2", "memory": "4Gi" });
        let quarter = || json!({ "cpu": "250m", "memory": "512Mi" });
        let ignored = || {
            let mut ignored = container(quarter(), none());
            ignored["env"] = json!([{ "name": IGNORE, "value": "TRUE" }]);
            ignored
        };
        let sidecar = || {
            let mut sidecar = container(two(), none());
            sidecar["restartPolicy"] = json!("Always");
            sidecar
        };
        for (containers, inits, expected) in [
            (vec![container(none(), none())], vec![], "nothing"),
            (vec![container(two(), none())], vec![], "2 vCPU, 4 GiB"),
            (vec![container(none(), two())], vec![], "2 vCPU, 4 GiB"),
            (vec![container(quarter(), two())], vec![], "0.25 vCPU, 0.5 GiB"),
            (
                vec![container(two(), none()), container(two(), none()), container(quarter(), none())],
                vec![],
                "4.25 vCPU, 8.5 GiB",
            ),
            (vec![container(two(), none()), container(two(), none()), ignored()], vec![], "4 vCPU, 8 GiB"),
            (vec![container(two(), none()), container(none(), none())], vec![], "2 vCPU, 4 GiB"),
            (vec![container(json!({ "cpu": "1" }), json!({ "memory": "1Gi" }))], vec![], "1 vCPU, 1 GiB"),
            (vec![container(json!({ "cpu": "1" }), none())], vec![], "1 vCPU"),
            (vec![container(quarter(), none())], vec![container(two(), none())], "2 vCPU, 4 GiB"),
            (vec![container(two(), none())], vec![container(quarter(), none())], "2 vCPU, 4 GiB"),
            (vec![container(two(), none())], vec![sidecar()], "4 vCPU, 8 GiB"),
        ] {
            assert_eq!(size(containers.clone(), inits.clone()), expected, "{containers:?} {inits:?}");
        }
    }
}
