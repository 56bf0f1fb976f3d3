//! The part of a pod's request that says what is bought. It follows from the pod alone: no ConfigMap, Secret or cluster is needed.

use eci_api::Number;
use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use rust_decimal::prelude::ToPrimitive;

use super::error::RequestError;
use super::new_disk;
use super::shares::{self, Counting};
use super::size;
use crate::config::Architecture;
use crate::config::capacity::GPU;
use crate::pods::specs::SpecList;
use crate::pods::specs::attempt::Attempt;
use crate::pods::{annotations, quantity};

/// What one container asks for.
pub(super) struct Resources {
    pub cpu: Option<Number>,
    pub memory: Option<Number>,
    pub gpu: Option<i32>,
}

/// What `container` asks for: of each resource its limit, else its request.
pub(super) fn resources(container: &Container) -> Resources {
    Resources {
        cpu: size::declared(container, "cpu").map(|cpu| cpu.normalize().into()),
        memory: size::declared(container, "memory").map(|bytes| quantity::gib(bytes).into()),
        gpu: size::declared(container, GPU).and_then(|gpus| gpus.to_i32()),
    }
}

/// The request of a pod on a node of this architecture, without all that costs nothing: size, storage, types, category,
/// spot market, and what each container asks for; of several specs the first.
///
/// # Errors
/// [`RequestError`] for a pod that this node refuses.
pub fn of_pod(pod: &Pod, architecture: Architecture) -> Result<wire::CreateContainerGroup, RequestError> {
    of_attempt(pod, architecture, Attempt::default())
}

/// The same for one of the specs that the pod accepts.
///
/// # Errors
/// [`RequestError`] for a pod that this node refuses.
pub fn of_attempt(
    pod: &Pod,
    architecture: Architecture,
    attempt: Attempt,
) -> Result<wire::CreateContainerGroup, RequestError> {
    let spec = &*new_disk::spec_of(pod);
    super::inspected(pod, spec)?;
    let mut request = wire::CreateContainerGroup::default();
    begin(&mut request, pod, spec, architecture);
    for share in shares::of(spec) {
        let made = container(share.container, share.counting);
        if share.is_init && !size::is_sidecar(share.container) {
            request.init_container.push(as_init(made));
        } else {
            request.container.push(made);
        }
    }
    request.volume = new_disk::places(spec);
    annotations::apply(pod, &mut request)?;
    request.volume.clear();
    SpecList::of(pod, "")?.apply(Attempt { vswitch: 0, ..attempt }, &mut request);
    Ok(request)
}

/// Gives `request` the size of the pod as a whole, its storage and its architecture.
pub(super) fn begin(
    request: &mut wire::CreateContainerGroup,
    pod: &Pod,
    spec: &PodSpec,
    architecture: Architecture,
) {
    let size = size::of_pod(pod);
    request.cpu = size.cpu.map(Into::into);
    request.memory = size.memory.map(Into::into);
    request.ephemeral_storage = size::extra_storage(spec);
    request.cpu_architecture =
        (architecture != Architecture::default()).then(|| architecture.in_eci().to_owned());
}

fn container(container: &Container, counting: Counting) -> wire::Container {
    let Resources { cpu, memory, gpu } = resources(container);
    let ignored = wire::EnvironmentVar {
        key: Some(shares::IGNORE.to_owned()),
        value: Some("TRUE".to_owned()),
        field_ref: None,
    };
    wire::Container {
        name: Some(container.name.clone()),
        cpu,
        memory,
        gpu,
        environment_var: if counting == Counting::Ignored { vec![ignored] } else { Vec::new() },
        ..wire::Container::default()
    }
}

fn as_init(made: wire::Container) -> wire::InitContainer {
    wire::InitContainer {
        name: made.name,
        cpu: made.cpu,
        memory: made.memory,
        gpu: made.gpu,
        environment_var: made.environment_var,
        ..wire::InitContainer::default()
    }
}
