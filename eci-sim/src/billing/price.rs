//! The price of so many seconds on given terms, part by part.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::item::{Item, PricedPart};
use crate::money::Rate;
use crate::prices::{self, Location, NoPrice, Tariff};
use crate::terms::{Basis, Category, InstanceTerms, PricingTerms, Size};

/// The parts of the price of so many seconds on these terms.
///
/// # Errors
/// [`NoPrice`] for the first part whose price no list has.
pub fn price(
    terms: &PricingTerms,
    location: Location<'_>,
    tariff: &Tariff,
    at: Timestamp,
    seconds: u64,
) -> Result<Vec<PricedPart>, NoPrice> {
    let charge = |item: Item, listed: prices::Item<'_>, units: Decimal| {
        let rate = tariff.price(listed, location, at)?;
        Ok::<_, NoPrice>(PricedPart::listed(item, units, rate, seconds))
    };
    let sized = |size: Size, category: Category| {
        let cpu = charge(Item::Cpu, prices::Item::Vcpu(category), size.vcpu.vcpu().0)?;
        let mem = charge(Item::Mem, prices::Item::Memory(category), size.memory.gib().0)?;
        Ok::<_, NoPrice>(vec![cpu, mem])
    };
    let gib = |item, listed, gib: u32| match gib {
        0 => Ok(None),
        gib => charge(item, listed, Decimal::from(gib)).map(Some),
    };
    let disk = |size| gib(Item::Disk, prices::Item::CacheDisk, size);
    let snapshot = |size| gib(Item::Snapshot, prices::Item::Snapshot, size);
    Ok(match terms {
        PricingTerms::Instance(terms) => {
            let mut parts = match &terms.basis {
                Basis::Size(category) => sized(terms.size, *category)?,
                Basis::Type(name) => {
                    vec![charge(Item::InstanceType, prices::Item::Type(name), Decimal::ONE)?]
                }
                Basis::Spot(_) => vec![spot(terms, location, tariff, at, seconds)?],
            };
            parts.extend(gib(Item::SystemDisk, prices::Item::Storage, terms.extra_storage)?);
            parts.extend(disk(terms.cache_disk)?);
            parts
        }
        PricingTerms::CacheBuild { disk: size, snapshot: earlier, .. } => {
            let mut parts = sized(Size::DEFAULT, Category::Default)?;
            parts.extend(disk(*size)?);
            parts.extend(snapshot(*earlier)?);
            parts
        }
        PricingTerms::Snapshot { gib } => snapshot(*gib)?.into_iter().collect(),
        PricingTerms::VirtualNode => sized(Size::VIRTUAL_NODE, Category::Default)?,
    })
}

/// The market price of a spot instance; one in another currency than the bill's is not known there.
fn spot(
    terms: &InstanceTerms,
    location: Location<'_>,
    tariff: &Tariff,
    at: Timestamp,
    seconds: u64,
) -> Result<PricedPart, NoPrice> {
    let hourly = terms.spot().and_then(|spot| spot.hourly);
    match hourly.filter(|hourly| hourly.currency == tariff.currency) {
        Some(hourly) => {
            let rate = Rate::hourly(hourly.amount);
            let listed = terms.instance_type().map(prices::Item::Type);
            let list = listed.and_then(|listed| tariff.find(listed, location, at));
            let charge = rate.charge(Decimal::ONE, seconds);
            Ok(PricedPart { item: Item::InstanceType, units: Decimal::ONE, rate, list, charge })
        }
        None => Err(tariff.no_price(&terms.spot_item(), location, at)),
    }
}
