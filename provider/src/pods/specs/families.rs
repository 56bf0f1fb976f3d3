//! Families and generations of ECS types: the types of a size that they leave.
//!
//! ECI takes types and no families, so that a type is found by ECS' rule for names: a family has so many GiB for each vCPU,
//! and `large` is 2 vCPU, `xlarge` 4, `3xlarge` 12 (specs.md 5; the rule is `inferred` from the sizes there). A name that
//! is not sold is refused by the cloud, and the next is tried.

use k8s_openapi::api::core::v1::Pod;
use rust_decimal::Decimal;

use super::SpecKind;
use crate::pods::annotations;
use crate::pods::request::error::RequestError;
use crate::pods::request::size::Size;

/// vCPU, and the end of a type's name.
const SIZES: [(u32, &str); 8] = [
    (2, "large"),
    (4, "xlarge"),
    (8, "2xlarge"),
    (12, "3xlarge"),
    (16, "4xlarge"),
    (24, "6xlarge"),
    (32, "8xlarge"),
    (64, "16xlarge"),
];

/// The families that a generation or an exclusion leaves to choose from, the newest first, with GiB a vCPU: those of
/// specs.md 5.2 whose types are named by the rule.
const FAMILIES: [(&str, u32); 29] = [
    ("c8i", 2),
    ("g8i", 4),
    ("r8i", 8),
    ("hfc8i", 2),
    ("hfg8i", 4),
    ("hfr8i", 8),
    ("c7", 2),
    ("g7", 4),
    ("r7", 8),
    ("hfc7", 2),
    ("hfg7", 4),
    ("hfr7", 8),
    ("c6e", 2),
    ("c6", 2),
    ("g6e", 4),
    ("g6", 4),
    ("r6e", 8),
    ("r6", 8),
    ("hfc6", 2),
    ("hfg6", 4),
    ("c5", 2),
    ("g5", 4),
    ("r5", 8),
    ("ic5", 1),
    ("hfc5", 2),
    ("hfg5", 4),
    ("sn1ne", 2),
    ("sn2ne", 4),
    ("se1ne", 8),
];
/// The generation of the families whose names have no number of theirs.
const OLDEST: u32 = 4;
/// Types of one size that are tried, at most.
const TYPES_MAX: usize = super::LIST_MAX;
/// Of these, types of one generation where no family is named.
const OF_A_GENERATION: usize = 2;

/// The words of a list, those with a minus before them apart.
struct NameList {
    named: Vec<String>,
    excluded: Vec<String>,
}

impl NameList {
    fn of(pod: &Pod, key: &'static str) -> Option<Self> {
        let items = annotations::list(&annotations::of(pod, key)?.to_ascii_lowercase());
        let (excluded, named) = items.into_iter().partition(|item: &String| item.starts_with('-'));
        let bare = |items: Vec<String>| {
            let bare = |item: &String| item.trim_start_matches('-').trim_start_matches("ecs.").to_owned();
            items.iter().map(bare).collect()
        };
        Some(Self { named: bare(named), excluded: bare(excluded) })
    }
}

/// Makes types of the sizes among `kinds`, where the pod names families or generations; a type that is named stays.
///
/// # Errors
/// [`RequestError::Annotation`] where no type is left, or a compute category is asked for as well.
pub(super) fn narrowed(
    pod: &Pod,
    kinds: Vec<SpecKind>,
    left_out: &mut Vec<String>,
) -> Result<Vec<SpecKind>, RequestError> {
    const FAMILY: &str = "eci-instance-family";
    const GENERATION: &str = "eci-instance-generation";
    let (family, generation) = (NameList::of(pod, FAMILY), NameList::of(pod, GENERATION));
    let is_type = |kind: &SpecKind| matches!(kind, SpecKind::Types(_));
    if family.is_none() && generation.is_none() || kinds.iter().all(is_type) {
        return Ok(kinds);
    }
    let key = if family.is_some() { FAMILY } else { GENERATION };
    if let Some(category) = annotations::of(pod, "eci-compute-category") {
        let should = format!("possible beside {key} (specs.md 3.5)");
        return Err(annotations::unusable("eci-compute-category", category, should));
    }
    let families = families(family.as_ref(), generation.as_ref(), left_out);
    let by_name = family.is_some_and(|family| !family.named.is_empty());
    let mut narrowed = Vec::new();
    for kind in kinds {
        let (cpu, memory) = match &kind {
            SpecKind::Types(_) => {
                narrowed.push(kind);
                continue;
            }
            SpecKind::Size(cpu, memory) => (*cpu, *memory),
            SpecKind::Declared(size) if *size == Size::default() => (Decimal::TWO, Decimal::from(4)),
            SpecKind::Declared(size) => (size.cpu.unwrap_or_default(), size.memory.unwrap_or_default()),
        };
        let types = types(&families, by_name, cpu, memory);
        if types.is_empty() {
            let value = annotations::of(pod, key).unwrap_or_default();
            let should = format!(
                "a list that leaves a type with {cpu} vCPU and {memory} GiB, as ecs.c6,ecs.g6 or 6,5"
            );
            return Err(annotations::unusable(key, value, should));
        }
        narrowed.push(SpecKind::Types(types));
    }
    Ok(narrowed)
}

/// A family, its generation, and GiB a vCPU.
type Family = (String, u32, u32);

/// The families that are left, in the order in which they are tried.
fn families(
    family: Option<&NameList>,
    generation: Option<&NameList>,
    left_out: &mut Vec<String>,
) -> Vec<Family> {
    let known = |name: &str| Some((name.to_owned(), generation_of(name), ratio(name)?));
    let named = family.map(|family| family.named.as_slice()).unwrap_or_default();
    for name in named.iter().filter(|name| ratio(name).is_none()) {
        left_out.push(format!(
            "family `ecs.{name}` is left out: the sizes of its types are not known; name types by eci-use-specs"
        ));
    }
    let mut families: Vec<Family> = match named {
        [] => FAMILIES.iter().filter_map(|(name, _)| known(name)).collect(),
        named => named.iter().filter_map(|name| known(name)).collect(),
    };
    if let Some(family) = family {
        families.retain(|(name, ..)| !family.excluded.contains(name));
    }
    if let Some(list) = generation {
        let place = |generation: u32| list.named.iter().position(|named| *named == generation.to_string());
        families.retain(|(_, generation, _)| {
            !list.excluded.contains(&generation.to_string())
                && (list.named.is_empty() || place(*generation).is_some())
        });
        families.sort_by_key(|(_, generation, _)| place(*generation));
    }
    families
}

/// The types of these families that hold so much: one of each family where they are named, else of each generation those
/// with the least memory.
fn types(families: &[Family], by_name: bool, cpu: Decimal, memory: Decimal) -> Vec<String> {
    let fitting = families.iter().filter_map(|(name, generation, ratio)| {
        let holds = |vcpu: u32| Decimal::from(vcpu) >= cpu && Decimal::from(vcpu * ratio) >= memory;
        let (vcpu, size) = SIZES.into_iter().find(|(vcpu, _)| holds(*vcpu))?;
        Some((format!("ecs.{name}.{size}"), *generation, (vcpu, vcpu * ratio)))
    });
    let fitting: Vec<_> = fitting.collect();
    let mut types: Vec<(String, u32)> = Vec::new();
    for (name, generation, size) in &fitting {
        let of_it = fitting.iter().filter(|(_, other, _)| other == generation);
        let is_least = of_it.map(|(.., size)| size).min() == Some(size);
        let count = types.iter().filter(|(_, other)| other == generation).count();
        if by_name || is_least && count < OF_A_GENERATION {
            types.push((name.clone(), *generation));
        }
    }
    types.into_iter().map(|(name, _)| name).take(TYPES_MAX).collect()
}

/// GiB a vCPU of a family, from the table or the letters before its number.
fn ratio(family: &str) -> Option<u32> {
    if let Some((_, ratio)) = FAMILIES.iter().find(|(name, _)| *name == family) {
        return Some(*ratio);
    }
    match family.split(|c: char| c.is_ascii_digit()).next()? {
        "c" | "hfc" => Some(2),
        "g" | "hfg" => Some(4),
        "r" | "hfr" => Some(8),
        _ => None,
    }
    .filter(|_| family.contains(|c: char| c.is_ascii_digit()))
}

/// The number in a family's name; the oldest have others.
fn generation_of(family: &str) -> u32 {
    let digit = family.chars().find_map(|c| c.to_digit(10)).unwrap_or(OLDEST);
    if family.starts_with('s') { OLDEST } else { digit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(family: Option<&str>, generation: Option<&str>, cpu: u32, memory: u32) -> String {
        let mut pod = Pod::default();
        for (key, value) in [("eci-instance-family", family), ("eci-instance-generation", generation)] {
            let Some(value) = value else { continue };
            let all = pod.metadata.annotations.get_or_insert_default();
            all.insert(format!("{}{key}", annotations::PREFIX), value.to_owned());
        }
        let size = SpecKind::Size(cpu.into(), memory.into());
        match narrowed(&pod, vec![size], &mut Vec::new()).unwrap().remove(0) {
            SpecKind::Types(types) => types.join(" "),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn families_and_generations_leave_the_smallest_type_of_each_that_fits() {
        for (family, generation, cpu, memory, types) in [
            (Some("ecs.c6,ecs.g6"), None, 2, 4, "ecs.c6.large ecs.g6.large"),
            (Some("ecs.c6,ecs.g6"), None, 2, 8, "ecs.c6.xlarge ecs.g6.large"),
            (Some("ecs.g7a"), None, 12, 48, "ecs.g7a.3xlarge"),
            (None, Some("6,5"), 2, 4, "ecs.c6e.large ecs.c6.large ecs.c5.large ecs.hfc5.large"),
            (None, Some("5,6"), 2, 8, "ecs.g5.large ecs.hfg5.large ecs.g6e.large ecs.g6.large"),
            (None, Some("-8,-7,-6,-5"), 4, 32, "ecs.se1ne.xlarge"),
            (Some("-ecs.c6,-ecs.c6e"), Some("6"), 2, 4, "ecs.hfc6.large"),
        ] {
            assert_eq!(left(family, generation, cpu, memory), types, "{family:?} {generation:?}");
        }
    }

    #[test]
    fn an_exclusion_leaves_the_newest_generations_first() {
        let types = left(Some("-ecs.c8i"), None, 2, 4);
        assert!(types.starts_with("ecs.hfc8i.large ecs.c7.large"), "{types}");
        assert_eq!(types.split(' ').count(), TYPES_MAX);
    }
}
