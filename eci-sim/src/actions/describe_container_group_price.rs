//! `DescribeContainerGroupPrice`: the price of a group of this size or type, by the second.

use eci_api::Number;
use eci_api::actions::describe_container_group_price as tell;
use eci_api::actions::{CreateContainerGroup, DescribeContainerGroupPrice, DescribeContainerGroupPriceReply};
use rust_decimal::Decimal;

use crate::billing::Item;
use crate::billing::item::PricedPart;
use crate::billing::price::price;
use crate::group::order;
use crate::money::{Charge, Hourly};
use crate::prices::Location;
use crate::refusal::Refusal;
use crate::serving::acceptable::{self, Offer};
use crate::serving::{Caller, Serve};
use crate::terms::{Basis, InstanceTerms, PricingTerms, Spot};
use crate::world::World;

impl Serve for DescribeContainerGroupPrice {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let region = caller.region()?;
        let tariff = world.tariff_of(&caller.account);
        let offer = Offer { region, tariff: &tariff, now: world.now() };
        let terms = terms(self, offer).map_err(Refusal::of_pricing)?;
        let zone = self.zone_id.as_deref().unwrap_or_default();
        let second = |terms: &InstanceTerms| {
            let terms = PricingTerms::from(terms.clone());
            price(&terms, offer.location(zone), offer.tariff, offer.now, 1)
        };
        let original = second(&on_demand(&terms))?;
        let spot_price = match terms.spot() {
            Some(_) => spot_prices(self, world, offer, &terms)?,
            None => Vec::new(),
        };
        let cheapest = spot_price.iter().map(|price| price.spot_price.0).min();
        let trade = match cheapest {
            Some(amount) => second(&at_market(&terms, Hourly { amount, currency: tariff.currency }))?,
            None => original.clone(),
        };
        let sum = |parts: &[PricedPart]| {
            number(parts.iter().map(|part| part.charge).sum::<Charge>().rounded().decimal())
        };
        let price = tell::Price {
            currency: tariff.currency.to_string(),
            detail_infos: Some(tell::DetailInfos { detail_info: details(&original, &trade) }),
            discount_price: number(sum(&original).0 - sum(&trade).0),
            original_price: sum(&original),
            trade_price: sum(&trade),
        };
        let price_info = tell::PriceInfo {
            price: Some(price),
            rules: Some(tell::Rules { rule: Vec::new() }),
            spot_prices: Some(tell::SpotPrices { spot_price }),
        };
        Ok(DescribeContainerGroupPriceReply {
            price_info: Some(price_info),
            request_id: caller.request_id.clone(),
        })
    }
}

/// The terms on demand: those of a spot instance by its type.
fn on_demand(terms: &InstanceTerms) -> InstanceTerms {
    match terms.spot().and_then(|spot| spot.instance_type.clone()) {
        Some(name) => InstanceTerms { basis: Basis::Type(name), ..terms.clone() },
        None => terms.clone(),
    }
}

/// The terms at a market price.
fn at_market(terms: &InstanceTerms, hourly: Hourly) -> InstanceTerms {
    let instance_type = terms.instance_type().map(Into::into);
    InstanceTerms { basis: Basis::Spot(Spot { instance_type, hourly: Some(hourly) }), ..terms.clone() }
}

/// Price of each resource; a spot instance is one resource.
fn details(original: &[PricedPart], trade: &[PricedPart]) -> Vec<tell::DetailInfo> {
    let list = |item: Item| original.iter().find(|part| part.item == item).map(|part| part.charge);
    let total: Charge =
        original.iter().filter(|part| part.item != Item::SystemDisk).map(|part| part.charge).sum();
    let one = |part: &PricedPart| {
        let paid = part.charge.rounded().decimal();
        let listed = list(part.item).unwrap_or(total).rounded().decimal();
        let resource = match part.item {
            Item::Mem => "memory".to_owned(),
            other => other.to_string(),
        };
        tell::DetailInfo {
            discount_price: number(listed - paid),
            original_price: number(listed),
            resource,
            rules: Some(tell::Rules { rule: Vec::new() }),
            trade_price: number(paid),
        }
    };
    trade.iter().map(one).collect()
}

/// Market price of an hour, zone by zone; only zones in which it is not above the limit.
fn spot_prices(
    request: &DescribeContainerGroupPrice,
    world: &World,
    offer: Offer<'_>,
    terms: &InstanceTerms,
) -> Result<Vec<tell::SpotPrice>, Refusal> {
    let Offer { region, tariff, now } = offer;
    let asked = request.zone_id.as_deref().filter(|zone| !zone.is_empty());
    if let Some(zone) = asked
        && !region.zones.iter().any(|own| own == zone)
    {
        return Err(Refusal::NotFound { kind: "ZoneId", id: zone.to_owned() });
    }
    let with_limit = request.spot_strategy.as_deref() == Some("SpotWithPriceLimit");
    let limit = request.spot_price_limit.filter(|limit| with_limit && limit.0 > Decimal::ZERO);
    let (mut all, mut refusal) = (Vec::new(), None);
    for zone in region.zones.iter().filter(|zone| asked.is_none_or(|asked| asked == zone.as_str())) {
        let location = Location { region: &region.id, zone };
        let price = world.market.spot_price(terms, location, tariff, now)?.amount;
        if let Some(Number(limit)) = limit.filter(|limit| price > limit.0) {
            let (what, zone) = (terms.what(), zone.clone());
            refusal = refusal.or(Some(Refusal::SpotTooDear { what, zone, price, limit }));
            continue;
        }
        let instance_type = terms.instance_type().unwrap_or_default();
        all.push(tell::SpotPrice {
            instance_type: instance_type.to_owned(),
            origin_price: number(tariff.type_price(instance_type, location, now)?),
            spot_price: number(price),
            zone_id: zone.clone(),
        });
    }
    match refusal {
        Some(refusal) if all.is_empty() => Err(refusal),
        _ => Ok(all),
    }
}

/// The terms that a group with these parameters would get.
fn terms(request: &DescribeContainerGroupPrice, offer: Offer<'_>) -> Result<InstanceTerms, Refusal> {
    let name = request.compute_category.iter().filter(|name| !name.is_empty());
    let typed = request.instance_type.as_deref().is_some_and(|name| !name.is_empty());
    let asked = CreateContainerGroup {
        compute_category: name.filter(|_| !typed).cloned().collect(),
        cpu: request.cpu.filter(|_| !typed),
        memory: request.memory.filter(|_| !typed),
        ephemeral_storage: request.ephemeral_storage,
        instance_type: request.instance_type.clone(),
        spot_price_limit: request.spot_price_limit,
        spot_strategy: request.spot_strategy.clone(),
        ..CreateContainerGroup::default()
    };
    let wanted = acceptable::terms(&asked, order::size(&asked)?, offer)?;
    wanted.into_iter().next().ok_or_else(|| Refusal::missing("Cpu"))
}

/// A number of the price replies, without trailing zeros.
fn number(value: rust_decimal::Decimal) -> Number {
    Number(value.normalize())
}
