//! GPU types: those that hold what a pod asks for, where it names none.

use k8s_openapi::api::core::v1::Pod;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::SpecKind;
use crate::config::capacity::GPU;
use crate::pods::annotations;
use crate::pods::request::error::RequestError;
use crate::pods::request::size::{Size, declared};

/// A GPU type: its name, vCPU, GiB, GPUs.
type GpuType = (&'static str, u32, u32, u32);

/// The types whose sizes are confirmed (specs.md 5.3 and the rows of `eci-sim/data/sizes.csv`); the cloud has more, which
/// a pod can name.
const TYPES: [GpuType; 13] = [
    ("ecs.gn5i-c2g1.large", 2, 8, 1),
    ("ecs.gn5i-c4g1.xlarge", 4, 16, 1),
    ("ecs.gn5i-c8g1.2xlarge", 8, 32, 1),
    ("ecs.gn5i-c16g1.4xlarge", 16, 64, 1),
    ("ecs.gn5i-c16g1.8xlarge", 32, 128, 2),
    ("ecs.gn6i-c4g1.xlarge", 4, 15, 1),
    ("ecs.gn6i-c8g1.2xlarge", 8, 31, 1),
    ("ecs.gn6i-c16g1.4xlarge", 16, 62, 1),
    ("ecs.gn6i-c24g1.6xlarge", 24, 93, 1),
    ("ecs.gn6i-c40g1.10xlarge", 40, 155, 1),
    ("ecs.gn6i-c24g1.12xlarge", 48, 186, 2),
    ("ecs.gn7i-c8g1.2xlarge", 8, 30, 1),
    ("ecs.gn7i-c16g1.4xlarge", 16, 60, 1),
];
/// Cards, and the family that has them: the first of specs.md 5.3, the others `inferred` from ECS' pages on families.
const CARDS: [(&str, &str); 3] = [("P4", "ecs.gn5i-"), ("T4", "ecs.gn6i-"), ("A10", "ecs.gn7i-")];

/// The most GPUs that a container of the pod asks for: containers share them (specs.md 5.3).
pub fn requested(pod: &Pod) -> u32 {
    let Some(spec) = &pod.spec else { return 0 };
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let most = containers.filter_map(|container| declared(container, GPU)).max();
    most.and_then(|most| most.to_u32()).unwrap_or(0)
}

/// The types for a pod that asks for so many GPUs: those that it has named, else those that hold it, the smallest first.
///
/// # Errors
/// [`RequestError`] where none is known that is large enough, or has the card that is asked for.
pub(super) fn types(
    pod: &Pod,
    named: Vec<SpecKind>,
    gpus: u32,
    declared: &Size,
    left_out: &mut Vec<String>,
) -> Result<Vec<SpecKind>, RequestError> {
    let (types, sizes): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|kind| matches!(kind, SpecKind::Types(_)));
    for size in &sizes {
        let SpecKind::Size(cpu, memory) = size else { continue };
        left_out.push(format!(
            "entry `{cpu}-{memory}Gi` of eci-use-specs is left out: it has no GPU, and the pod asks for one"
        ));
    }
    if !types.is_empty() {
        return Ok(types);
    }
    let family = match annotations::of(pod, "eci-gpu-type") {
        None => "",
        Some(card) => {
            let known = CARDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(card));
            let should = || "P4, T4 or A10; name other types by eci-use-specs".to_owned();
            known
                .map(|(_, family)| *family)
                .ok_or_else(|| annotations::unusable("eci-gpu-type", card, should()))?
        }
    };
    let requested = match sizes.first() {
        Some(SpecKind::Size(cpu, memory)) => (*cpu, *memory),
        _ => (declared.cpu.unwrap_or_default(), declared.memory.unwrap_or_default()),
    };
    let found = fitting(family, gpus, requested);
    if found.is_empty() {
        let (cpu, memory) = requested;
        return Err(RequestError::Unsupported(format!(
            "{gpus} of {GPU} with {cpu} vCPU and {memory} GiB is more than any type has that the virtual node knows; name \
             types by the annotation {}eci-use-specs",
            annotations::PREFIX
        )));
    }
    Ok(vec![SpecKind::Types(found)])
}

fn fitting(family: &str, gpus: u32, (cpu, memory): (Decimal, Decimal)) -> Vec<String> {
    let holds = |(name, vcpu, gib, has): &&GpuType| {
        name.starts_with(family)
            && *has >= gpus
            && Decimal::from(*vcpu) >= cpu
            && Decimal::from(*gib) >= memory
    };
    let mut found: Vec<&GpuType> = TYPES.iter().filter(holds).collect();
    found.sort_by_key(|(_, vcpu, gib, has)| (*has, *vcpu, *gib));
    found.into_iter().take(super::LIST_MAX).map(|(name, ..)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_types_that_hold_a_request_the_smallest_come_first() {
        let all = |family, gpus, cpu: u32, memory: u32| {
            fitting(family, gpus, (cpu.into(), memory.into())).join(" ")
        };
        assert!(
            all("", 1, 0, 0).starts_with("ecs.gn5i-c2g1.large ecs.gn6i-c4g1.xlarge ecs.gn5i-c4g1.xlarge ")
        );
        assert_eq!(all("", 2, 33, 0), "ecs.gn6i-c24g1.12xlarge");
        assert_eq!(all("ecs.gn7i-", 1, 9, 0), "ecs.gn7i-c16g1.4xlarge");
        assert_eq!(all("", 3, 0, 0), "");
    }
}
