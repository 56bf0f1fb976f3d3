//! Pods, container groups, and what they cost by list price.

use std::collections::BTreeMap;
use std::fmt;

use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::Pod;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::Samples;
use crate::pods::group_state::still_works;
use crate::pods::list_price;
use crate::pods::store::{Member, PodStore};

/// The most owners that are told apart; the cost of the rest is told together.
const OWNERS_MAX: usize = 1000;
/// The owner of what is told together.
const OTHERS: Owner = (String::new(), String::new(), String::new());

/// Namespace, kind and name.
type Owner = (String, String, String);

/// Costs and counts of the groups that work.
#[derive(Default)]
struct Sums {
    phases: BTreeMap<String, i64>,
    costs: BTreeMap<Owner, Decimal>,
    without_price: i64,
    orphans: i64,
    orphans_cost: Decimal,
}

/// Writes the samples.
pub(super) fn collect(samples: &mut Samples<'_>, store: &PodStore) -> fmt::Result {
    let mut sums = Sums::default();
    store.fleet().iter().for_each(|member| sums.add(member));
    let phases = sums.phases.iter().map(|(phase, pods)| ([("phase", phase.as_str())], *pods));
    samples.gauge("pods", "Pods of the node that are in the API, by phase", phases)?;
    let costs = sums.costs.iter().map(|((namespace, kind, name), cost)| {
        let labels = [("namespace", namespace.as_str()), ("owner_kind", kind), ("owner", name)];
        (labels, yuan(*cost))
    });
    samples.gauge(
        "cost_yuan_per_hour",
        "Cost of container groups by list price of general instances in cn-hangzhou, by namespace and owner",
        costs,
    )?;
    samples.one_gauge(
        "container_groups_without_price",
        "Container groups that are billed by type, whose price the provider does not know",
        sums.without_price,
    )?;
    samples.one_gauge(
        "orphaned_container_groups",
        "Container groups that are kept though their pods are gone",
        sums.orphans,
    )?;
    samples.one_gauge(
        "orphaned_container_groups_cost_yuan_per_hour",
        "Cost of these, by the same price",
        yuan(sums.orphans_cost),
    )?;
    #[allow(clippy::cast_precision_loss, reason = "a count stays below 2^53")]
    let duplicates = store.duplicates() as f64;
    samples.one_counter(
        "duplicate_container_groups",
        "Groups found beside another of the same pod",
        duplicates,
    )
}

impl Sums {
    fn add(&mut self, member: &Member) {
        if member.in_api {
            let phase = member.pod.status.as_ref().and_then(|status| status.phase.clone());
            *self.phases.entry(phase.unwrap_or_else(|| "Pending".to_owned())).or_default() += 1;
        }
        let Some(group) = member.group.as_deref().filter(|group| still_works(group)) else { return };
        let cost = list_price::per_hour(group);
        if member.is_orphan {
            self.orphans += 1;
            self.orphans_cost += cost.unwrap_or_default();
        }
        let Some(cost) = cost else {
            self.without_price += 1;
            return;
        };
        let mut owner = owner(&member.pod, group);
        if self.costs.len() >= OWNERS_MAX && !self.costs.contains_key(&owner) {
            owner = OTHERS;
        }
        *self.costs.entry(owner).or_default() += cost;
    }
}

/// The pod's namespace and controller, a Deployment's pod by its Deployment; a pod without one owns itself. Of a pod that is
/// gone the group's tags tell.
fn owner(pod: &Pod, group: &ContainerGroup) -> Owner {
    let metadata = &pod.metadata;
    let tag = |key: &str| group.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
    let controller = metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    let named = controller.map(|owner| (owner.kind.clone(), owner.name.clone()));
    let named = named.or_else(|| tag("OwnerReferenceKind").zip(tag("OwnerReferenceName")));
    let hash = metadata.labels.as_ref().and_then(|labels| labels.get("pod-template-hash"));
    let (kind, name) = match named {
        Some((kind, name)) if kind == "ReplicaSet" => {
            let deployment = hash.and_then(|hash| name.strip_suffix(hash.as_str())?.strip_suffix('-'));
            match deployment {
                Some(deployment) => ("Deployment".to_owned(), deployment.to_owned()),
                None => (kind, name),
            }
        }
        Some(named) => named,
        None => ("Pod".to_owned(), metadata.name.clone().unwrap_or_default()),
    };
    (metadata.namespace.clone().unwrap_or_default(), kind, name)
}

/// A number that Prometheus can add.
fn yuan(cost: Decimal) -> f64 {
    cost.to_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_of_a_deployment_is_the_deployments_and_a_pod_alone_its_own() {
        let owned = |kind: &str, name: &str, hash: Option<&str>| {
            let owner =
                json!({ "apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": true });
            let labels = hash.map(|hash| json!({ "pod-template-hash": hash }));
            let metadata =
                json!({ "namespace": "vk", "name": "p", "ownerReferences": [owner], "labels": labels });
            let pod: Pod = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
            owner_of(&pod)
        };
        assert_eq!(owned("ReplicaSet", "web-5d4f", Some("5d4f")), "vk/Deployment/web");
        assert_eq!(owned("ReplicaSet", "own", None), "vk/ReplicaSet/own");
        assert_eq!(owned("Job", "batch", None), "vk/Job/batch");
        let alone =
            serde_json::from_value(json!({ "metadata": { "namespace": "vk", "name": "p" } })).unwrap();
        assert_eq!(owner_of(&alone), "vk/Pod/p");
    }

    fn owner_of(pod: &Pod) -> String {
        let (namespace, kind, name) = owner(pod, &ContainerGroup::default());
        format!("{namespace}/{kind}/{name}")
    }
}
