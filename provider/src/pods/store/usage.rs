//! Usage of live container groups, for the operator's limits.

use eci_api::Number;
use eci_api::actions::create_container_group::{Container, CreateContainerGroup};
use k8s_openapi::api::core::v1::Pod;
use rust_decimal::prelude::ToPrimitive;

use super::super::annotations;
use super::super::group_state::GroupState;
use super::super::queue::Uid;
use super::super::request::{declared, size_of_pod};
use super::PodStore;
use crate::policy::{Policy, Usage};

impl PodStore {
    /// The usage of groups that are billed, and of creations whose answers are not known, but for pods that `except`
    /// names.
    pub fn usage(&self, policy: &Policy, except: impl Fn(&Uid) -> bool) -> Usage {
        let mut usage = Usage::default();
        for (_, record) in self.state().records.iter().filter(|(uid, _)| !except(uid)) {
            let purchase = match (&record.group, &record.unanswered) {
                (Some(group), _) if GroupState::of(group).is_over() => continue,
                // the cloud has not described it yet
                (Some(group), _) if group.containers.is_empty() && record.in_api => {
                    policy.purchase(&asked(&record.pod))
                }
                (Some(group), _) => policy.purchase_of_group(group),
                (None, Some(request)) => policy.purchase(request),
                (None, None) => continue,
            };
            usage.add(record.pod.metadata.namespace.as_deref().unwrap_or("default"), &purchase);
        }
        usage
    }
}

/// The size that a pod asks for, as its request says it.
fn asked(pod: &Pod) -> CreateContainerGroup {
    let size = size_of_pod(pod);
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let gpus = containers.map(|container| Container {
        gpu: declared(container, "nvidia.com/gpu").and_then(|gpus| gpus.to_i32()),
        ..Container::default()
    });
    let mut request = CreateContainerGroup {
        cpu: size.cpu.map(Number),
        memory: size.memory.map(Number),
        container: gpus.collect(),
        ..CreateContainerGroup::default()
    };
    // it was applied before the group was made
    let _ = annotations::apply(pod, &mut request);
    request
}
