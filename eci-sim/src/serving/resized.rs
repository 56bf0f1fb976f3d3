//! The terms of a group whose update asks for another size.

use eci_api::Number;
use eci_api::actions::CreateContainerGroup;

use super::acceptable::{self, Offer};
use super::{Caller, placement};
use crate::catalog::{Architecture, CATALOG, Pool};
use crate::group::container::Container;
use crate::group::{Group, order};
use crate::refusal::Refusal;
use crate::terms::{Basis, Category, InstanceTerms, Size};
use crate::world::World;

/// The terms after the update; `None` where it asks for no other size. Another size ends the terms of the old one: its type
/// and its spot price are bought no more.
///
/// # Errors
/// [`Refusal`] for a size that is not sold, and a spot price above the limit.
pub fn terms(
    asked: &CreateContainerGroup,
    group: &Group,
    world: &World,
    caller: &Caller,
) -> Result<Option<InstanceTerms>, Refusal> {
    let Some(now) = group.record.terms.instance() else { return Ok(None) };
    let own = order::size(asked)?;
    let size = Size {
        vcpu: if own.vcpu.0 > 0 { own.vcpu } else { now.size.vcpu },
        memory: if own.memory.0 > 0 { own.memory } else { now.size.memory },
    };
    if size == now.size {
        return Ok(None);
    }
    let tariff = world.tariff_of(&caller.account);
    let offer = Offer { region: caller.region()?, tariff: &tariff, now: world.now() };
    let new = match &now.basis {
        Basis::Spot(_) => {
            let new = acceptable::spot(size, offer)?;
            let place = (group.record.location(), spot_limit(group));
            let spot = placement::spot_price(world, &caller.account, &new, place)?;
            InstanceTerms { basis: Basis::Spot(spot), ..new }
        }
        Basis::Type(name) => by_size(size, name, group, offer)?,
        Basis::Size(category) => sized(size, *category, offer)?,
    };
    let (extra_storage, cache_disk) = (now.extra_storage, now.cache_disk);
    Ok(Some(InstanceTerms { extra_storage, cache_disk, ..new }))
}

fn sized(size: Size, category: Category, offer: Offer<'_>) -> Result<InstanceTerms, Refusal> {
    let size = CATALOG.fit(offer.region, size, Pool::Categories(&[category]))?;
    Ok(InstanceTerms::of(size, Basis::Size(category)))
}

/// The terms of a size in place of a type: by vCPU and memory, and on Arm machines by their types. GPUs come with a type
/// alone.
fn by_size(size: Size, name: &str, group: &Group, offer: Offer<'_>) -> Result<InstanceTerms, Refusal> {
    if group.containers.iter().any(|container| container.spec.gpus > 0) {
        let why = format!("the containers ask for GPUs, which {name} has and no size by vCPU and memory");
        return Err(Refusal::invalid("Cpu", why));
    }
    match CATALOG.instance_type(name).map(|kind| kind.architecture) {
        Some(Architecture::Arm64) => {
            let kind = CATALOG.fit_arm(size)?;
            Ok(InstanceTerms::of(kind.size, Basis::Type(kind.name.as_str().into())))
        }
        _ => sized(size, Category::Default, offer),
    }
}

/// Fails for containers of which one asks for more GPUs than the group's type has.
///
/// # Errors
/// [`Refusal`] with the parameter of that container.
pub fn check_gpus(containers: &[Container], terms: Option<&InstanceTerms>) -> Result<(), Refusal> {
    let Some(terms) = terms else { return Ok(()) };
    let has = terms.instance_type().and_then(|name| CATALOG.instance_type(name)).map_or(0, |kind| kind.gpus);
    for (list, init) in [("Container", false), ("InitContainer", true)] {
        let own = containers.iter().filter(|container| container.init == init);
        if let Some((index, container)) = own.enumerate().find(|(_, container)| container.spec.gpus > has) {
            let why = format!("{} GPUs asked; {} has {has}", container.spec.gpus, terms.what());
            return Err(Refusal::invalid(format!("{list}.{}.Gpu", index + 1), why));
        }
    }
    Ok(())
}

/// The limit of a spot instance's price, where it has one.
fn spot_limit(group: &Group) -> Option<Number> {
    let optional = group.spec.optional.as_ref()?;
    (optional.spot_strategy == "SpotWithPriceLimit").then_some(optional.spot_limit)
}
