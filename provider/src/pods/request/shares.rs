//! The shares of a pod's containers in what it asks for: which count together, which alone, and which not at all.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use rust_decimal::Decimal;

use super::size::is_sidecar;
use crate::pods::quantity;

/// The variable with which a container asks not to be counted (specs.md 3.3).
pub const IGNORE: &str = "__ECI_RESOURCE_IGNORE__";

/// A container and the way in which it counts.
#[derive(Debug, Clone, Copy)]
pub struct Share<'a> {
    /// The container.
    pub container: &'a Container,
    /// The way in which it counts.
    pub counting: Counting,
    /// True for an init container, also for one that runs beside the others.
    pub is_init: bool,
}

/// The ways in which a container counts for its pod's size (specs.md 3.2 and 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// It runs beside the others, and is added to them.
    Together,
    /// It runs by itself before the others, and counts where it is larger than they are together.
    Alone,
    /// It asks not to be counted.
    Ignored,
}

/// What a container declares of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// The amount: vCPU, bytes or pieces.
    pub amount: Decimal,
    /// True for a limit, false for a request.
    pub is_limit: bool,
}

/// The shares of all containers of a pod, init containers first.
pub fn of(spec: &PodSpec) -> Vec<Share<'_>> {
    let share = |container, is_init| Share { container, counting: counting(container, is_init), is_init };
    let inits = spec.init_containers.iter().flatten().map(|container| share(container, true));
    inits.chain(spec.containers.iter().map(|container| share(container, false))).collect()
}

fn counting(container: &Container, is_init: bool) -> Counting {
    if is_ignored(container) {
        Counting::Ignored
    } else if is_init && !is_sidecar(container) {
        Counting::Alone
    } else {
        Counting::Together
    }
}

/// True for a container that asks not to be counted.
fn is_ignored(container: &Container) -> bool {
    container.env.iter().flatten().any(|variable| {
        variable.name == IGNORE
            && variable.value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case("true"))
    })
}

impl Share<'_> {
    /// What the container declares of a resource: its limit, else its request.
    pub fn declared(&self, resource: &str) -> Option<Declared> {
        declared_in(self.container.resources.as_ref()?, resource)
    }
}

/// What resources declare of one: the limit, else the request.
pub fn declared_in(resources: &ResourceRequirements, resource: &str) -> Option<Declared> {
    let find = |list: &Option<BTreeMap<String, Quantity>>, is_limit| {
        let amount = list.as_ref()?.get(resource).and_then(quantity::value)?;
        Some(Declared { amount, is_limit })
    };
    find(&resources.limits, true).or_else(|| find(&resources.requests, false))
}
