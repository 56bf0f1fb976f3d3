//! The instance specs that a pod accepts, in the order in which they are tried; pure.
//!
//! One creation asks for one spec, or for neighbouring ECS types at once, which the cloud tries in their order; the vSwitches
//! of each are the cloud's to try. What a refusal says of a spec alone decides what is tried next:
//!
//! | refusal | next |
//! |---|---|
//! | out of stock, quota, not placed | the next spec |
//! | not sold, not possible in this way | the first of its types alone, where there were several; else the next spec |
//! | not in this vSwitch or zone | each vSwitch alone, where there are several |
//!
//! Behind the last one the list begins anew, as `eci-fail-strategy` and the usual pauses have it.

pub mod attempt;
mod families;
mod gpus;
mod refusal;

use std::fmt;

use eci_api::Number;
use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::Pod;
use rust_decimal::Decimal;

use super::annotations;
use super::request::error::RequestError;
use super::request::size::{self, Size};

pub use attempt::Attempt;
pub use refusal::SpecRefusal;

/// Entries of `eci-use-specs`, and types of one request, at most (specs.md 4).
const LIST_MAX: usize = 5;
/// Specs of one pod, at most, each with its types alone counted; `ours`: a pod that finds nothing makes no more calls in a
/// round, spot instances and those at full price each.
const SPECS_MAX: usize = 20;

/// The specs of one pod, at least one, and its vSwitches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecList {
    specs: Vec<Spec>,
    vswitches: Vec<String>,
    /// Sentences about entries that are left out.
    pub left_out: Vec<String>,
}

/// One spec that is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spec {
    kind: SpecKind,
    /// The spot strategy is given up.
    at_full_price: bool,
    /// The specs behind this one that are its types alone.
    parts: usize,
}

/// The size or the types of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SpecKind {
    /// The size that the pod's containers declare.
    Declared(Size),
    /// vCPU and GiB.
    Size(Decimal, Decimal),
    /// ECS types, in the order in which the cloud tries them.
    Types(Vec<String>),
}

impl SpecList {
    /// The specs that `pod` accepts, in vSwitches of its own or else in `vswitches`.
    ///
    /// # Errors
    /// [`RequestError`] where an annotation leaves nothing that could be tried.
    pub fn of(pod: &Pod, vswitches: &str) -> Result<Self, RequestError> {
        let declared = size::of_pod(pod);
        let mut left_out = Vec::new();
        let named = named(pod, &mut left_out)?;
        let gpus = gpus::requested(pod);
        let kinds = match named {
            named if gpus > 0 || annotations::of(pod, "eci-gpu-type").is_some() => {
                gpus::types(pod, named, gpus.max(1), &declared, &mut left_out)?
            }
            named if named.is_empty() => vec![SpecKind::Declared(declared)],
            named => named,
        };
        let kinds = families::narrowed(pod, kinds, &mut left_out)?;
        let at_market = specs(kinds);
        let mut specs = at_market.clone();
        if gives_up_spot(pod) {
            specs.extend(at_market.into_iter().map(|spec| Spec { at_full_price: true, ..spec }));
        }
        let vswitches = annotations::of(pod, "eci-vswitch").unwrap_or(vswitches);
        let vswitches = annotations::list(vswitches);
        Ok(Self { specs, vswitches, left_out })
    }

    /// Gives `request` the spec of this attempt; `request` says what the pod declares and its annotations ask for.
    pub fn apply(&self, attempt: Attempt, request: &mut CreateContainerGroup) {
        let Some(spec) = self.spec(attempt) else { return };
        match &spec.kind {
            SpecKind::Declared(_) => {}
            SpecKind::Size(cpu, memory) => {
                (request.cpu, request.memory) = (Some(Number(*cpu)), Some(Number(*memory)));
            }
            SpecKind::Types(types) => {
                request.instance_type = Some(types.join(","));
                (request.cpu, request.memory) = (None, None);
                // A type has no category (specs.md 3.6), and beside spot the cloud refuses both.
                request.compute_category.clear();
            }
        }
        if spec.at_full_price {
            (request.spot_strategy, request.spot_price_limit, request.spot_duration) = (None, None, None);
        }
        if let Some(alone) = attempt.vswitch.checked_sub(1).and_then(|at| self.vswitches.get(at)) {
            (request.vswitch_id, request.schedule_strategy) = (Some(alone.clone()), None);
        }
    }

    /// The attempt behind one that was refused for this reason; `None` where the list is over.
    pub fn next(&self, attempt: Attempt, refusal: SpecRefusal) -> Option<Attempt> {
        let has_further = self.vswitches.len() > 1 && attempt.vswitch < self.vswitches.len();
        let alone = has_further.then(|| Attempt { vswitch: attempt.vswitch + 1, ..attempt });
        let behind = |specs: usize| {
            let next = attempt.spec + specs;
            (next < self.specs.len()).then_some(Attempt { spec: next, vswitch: 0 })
        };
        match refusal {
            SpecRefusal::VSwitch => alone,
            SpecRefusal::OutOfStock if attempt.vswitch > 0 && alone.is_some() => alone,
            SpecRefusal::OutOfStock => behind(1 + self.spec(attempt)?.parts),
            SpecRefusal::NotSold => behind(1),
        }
    }

    /// The attempt's spec for a person, as `ecs.c6.large`.
    pub fn name(&self, attempt: Attempt) -> String {
        let Some(spec) = self.spec(attempt) else { return String::new() };
        let mut name = spec.to_string();
        if let Some(alone) = attempt.vswitch.checked_sub(1).and_then(|at| self.vswitches.get(at)) {
            name.push_str(&format!(" in {alone}"));
        }
        name
    }

    /// The spec that `group` was made with, for a person, with its vSwitch where there are several; `None` where there was
    /// nothing to choose, and where its size was rounded up or is of no spec.
    pub fn name_of(&self, group: &ContainerGroup) -> Option<String> {
        let is_spot = !matches!(group.spot_strategy.as_str(), "" | "NoSpot");
        let gives_up = self.specs.iter().any(|spec| spec.at_full_price);
        let is_made = |spec: &&Spec| {
            let is_of_kind = match &spec.kind {
                SpecKind::Declared(_) => group.instance_type.is_empty(),
                SpecKind::Size(cpu, memory) => {
                    group.instance_type.is_empty()
                        && (*cpu, *memory) == (group.cpu.decimal(), group.memory.decimal())
                }
                SpecKind::Types(types) => types.contains(&group.instance_type),
            };
            is_of_kind && (!gives_up || spec.at_full_price != is_spot)
        };
        if self.is_plain() && self.vswitches.len() < 2 {
            return None;
        }
        let mut name = self.specs.iter().find(is_made)?.to_string();
        if self.vswitches.len() > 1 {
            name.push_str(&format!(" in {}", group.vswitch_id));
        }
        Some(name)
    }

    /// All specs for a person, types that are tried alone left out.
    pub fn names(&self) -> String {
        let mut names = Vec::new();
        let mut at = 0;
        while let Some(spec) = self.specs.get(at) {
            names.push(spec.to_string());
            at += 1 + spec.parts;
        }
        names.join(", ")
    }

    /// Returns true where there is nothing to choose: the pod's own size, and nothing else.
    pub fn is_plain(&self) -> bool {
        matches!(self.specs.as_slice(), [Spec { kind: SpecKind::Declared(_), .. }])
    }

    fn spec(&self, attempt: Attempt) -> Option<&Spec> {
        self.specs.get(attempt.spec)
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SpecKind::Declared(size) if *size == Size::default() => f.write_str("2-4Gi")?,
            SpecKind::Declared(size) => size.fmt(f)?,
            SpecKind::Size(cpu, memory) => write!(f, "{cpu}-{memory}Gi")?,
            SpecKind::Types(types) => f.write_str(&types.join(" or "))?,
        }
        f.write_str(if self.at_full_price { " at full price" } else { "" })
    }
}

/// The sizes and types that the pod names, each by itself.
fn named(pod: &Pod, left_out: &mut Vec<String>) -> Result<Vec<SpecKind>, RequestError> {
    const SHOULD: &str = "a list of at most five sizes or types, as `2-4Gi,ecs.c6.xlarge`";
    for key in ["eci-use-specs", "eci-instance-type"] {
        let Some(value) = annotations::of(pod, key) else { continue };
        let items = annotations::list(value);
        let read: Vec<SpecKind> = items.iter().filter_map(|item| entry(item)).collect();
        if read.is_empty() || items.len() > LIST_MAX {
            return Err(annotations::unusable(key, value, SHOULD.to_owned()));
        }
        for item in items.iter().filter(|item| entry(item).is_none() && !planted!(UnknownSpecIsSilent)) {
            left_out.push(format!(
                "entry `{item}` of annotation {}{key} is left out: it is neither a size, as 2-4Gi, nor a type, as ecs.c6.large",
                annotations::PREFIX
            ));
        }
        return Ok(read);
    }
    Ok(Vec::new())
}

/// `2-4Gi` is a size, `ecs.c6.large` a type.
fn entry(text: &str) -> Option<SpecKind> {
    let lower = text.to_ascii_lowercase();
    let is_type = lower.strip_prefix("ecs.").and_then(|name| name.split_once('.'));
    if is_type.is_some_and(|(family, size)| !family.is_empty() && !size.is_empty()) {
        return Some(SpecKind::Types(vec![lower]));
    }
    // the older name of a type by its cards (specs.md 4)
    if lower.starts_with("ecigpu-") {
        return Some(SpecKind::Types(vec![text.to_owned()]));
    }
    let (cpu, memory) = lower.strip_suffix("gi")?.split_once('-')?;
    let number = |text: &str| text.parse::<Decimal>().ok().filter(|number| *number > Decimal::ZERO);
    Some(SpecKind::Size(number(cpu)?, number(memory)?))
}

/// The specs that are tried: neighbouring types together, and behind them each alone.
fn specs(kinds: Vec<SpecKind>) -> Vec<Spec> {
    let spec = |kind, parts| Spec { kind, at_full_price: false, parts };
    let mut specs = Vec::new();
    let mut types: Vec<String> = Vec::new();
    let flush = |types: &mut Vec<String>, specs: &mut Vec<Spec>| {
        for group in std::mem::take(types).chunks(LIST_MAX) {
            let parts = if group.len() > 1 { group.len() } else { 0 };
            specs.push(spec(SpecKind::Types(group.to_vec()), parts));
            specs.extend(group.iter().take(parts).map(|one| spec(SpecKind::Types(vec![one.clone()]), 0)));
        }
    };
    for kind in kinds {
        match kind {
            SpecKind::Types(more) => types.extend(more),
            size => {
                flush(&mut types, &mut specs);
                specs.push(spec(size, 0));
            }
        }
    }
    flush(&mut types, &mut specs);
    specs.truncate(SPECS_MAX);
    let all = specs.len();
    for (at, spec) in specs.iter_mut().enumerate() {
        spec.parts = spec.parts.min(all - at - 1);
    }
    specs
}

/// Returns true for a pod that asks for a spot instance and takes another at full price.
fn gives_up_spot(pod: &Pod) -> bool {
    let says =
        |key, word: &str| annotations::of(pod, key).is_some_and(|value| value.eq_ignore_ascii_case(word));
    annotations::of(pod, "eci-spot-strategy").is_some()
        && !says("eci-spot-strategy", "NoSpot")
        && says("eci-spot-fallback", "true")
        && !planted!(SpotIsNeverGivenUp)
}

#[cfg(test)]
mod tests;
