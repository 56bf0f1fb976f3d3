//! `DescribeContainerGroupPrice`: the price of a group of this size or type, by the second.

use eci_api::Number;
use eci_api::actions::describe_container_group_price as tell;
use eci_api::actions::{CreateContainerGroup, DescribeContainerGroupPrice, DescribeContainerGroupPriceReply};
use rust_decimal::Decimal;

use crate::billing::bill::price;
use crate::billing::{Item, Part};
use crate::catalog::Region;
use crate::group::order;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, placement};
use crate::terms::PricingTerms;
use crate::world::World;

impl Serve for DescribeContainerGroupPrice {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let region = caller.region()?;
        let terms = terms(self, region, caller)?;
        let spot = self.spot_strategy.as_deref().is_some_and(order::is_spot);
        let spot_price = if spot { spot_prices(self, world, region, &terms)? } else { Vec::new() };
        let original = price(&terms, &region.id, caller.currency, world.now(), 1);
        let cheapest = spot_price.iter().map(|price| price.spot_price.0).min();
        let trade =
            price(&PricingTerms { spot: cheapest, ..terms }, &region.id, caller.currency, world.now(), 1);
        let sum = |parts: &[Part]| rounded(parts.iter().map(|part| part.amount.decimal()).sum());
        let price = tell::Price {
            currency: caller.currency.to_string(),
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

/// Price of each resource; a spot instance is one resource.
fn details(original: &[Part], trade: &[Part]) -> Vec<tell::DetailInfo> {
    let list = |item: Item| original.iter().find(|part| part.item == item).map(|part| part.amount.decimal());
    let total =
        original.iter().filter(|part| part.item != Item::SystemDisk).map(|part| part.amount.decimal());
    let total: Decimal = total.sum();
    let one = |part: &Part| {
        let paid = part.amount.decimal();
        let listed = list(part.item).unwrap_or(total);
        let resource = match part.item {
            Item::Mem => "memory".to_owned(),
            other => other.to_string(),
        };
        tell::DetailInfo {
            discount_price: number(rounded(listed).0 - rounded(paid).0),
            original_price: rounded(listed),
            resource,
            rules: Some(tell::Rules { rule: Vec::new() }),
            trade_price: rounded(paid),
        }
    };
    trade.iter().map(one).collect()
}

/// Market price of an hour, zone by zone; only zones in which it is not above the limit.
fn spot_prices(
    request: &DescribeContainerGroupPrice,
    world: &World,
    region: &Region,
    terms: &PricingTerms,
) -> Result<Vec<tell::SpotPrice>, Refusal> {
    let now = world.now();
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
        let price = world.market.spot_price(terms, &region.id, zone, now);
        if let Some(Number(limit)) = limit.filter(|limit| price > limit.0) {
            let (what, zone) = (terms.what(), zone.clone());
            refusal = refusal.or(Some(Refusal::SpotTooDear { what, zone, price, limit }));
            continue;
        }
        all.push(tell::SpotPrice {
            instance_type: terms.instance_type.as_deref().unwrap_or_default().to_owned(),
            origin_price: number(crate::catalog::CATALOG.list_price(terms, &region.id, terms.currency, now)),
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
fn terms(
    request: &DescribeContainerGroupPrice,
    region: &Region,
    caller: &Caller,
) -> Result<PricingTerms, Refusal> {
    let name = request.compute_category.iter().filter(|name| !name.is_empty());
    let typed = request.instance_type.as_deref().is_some_and(|name| !name.is_empty());
    let asked = CreateContainerGroup {
        compute_category: name.filter(|_| !typed).cloned().collect(),
        cpu: request.cpu.filter(|_| !typed),
        memory: request.memory.filter(|_| !typed),
        ephemeral_storage: request.ephemeral_storage,
        instance_type: request.instance_type.clone(),
        spot_strategy: request.spot_strategy.clone(),
        ..CreateContainerGroup::default()
    };
    let size = order::size(&asked, &[])?;
    let wanted = placement::terms(&asked, region, size, caller)?;
    wanted.into_iter().next().ok_or_else(|| Refusal::missing("Cpu"))
}

/// Rounded to ten decimal places, since a second's part of an hour may have no end.
fn rounded(value: Decimal) -> Number {
    number(value.round_dp(10))
}

/// A number of the price replies, without trailing zeros.
fn number(value: rust_decimal::Decimal) -> Number {
    Number(value.normalize())
}
