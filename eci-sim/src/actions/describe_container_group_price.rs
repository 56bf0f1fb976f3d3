//! `DescribeContainerGroupPrice`: what a group of this size or type costs by the second.

use eci_api::actions::describe_container_group_price as tell;
use eci_api::actions::{DescribeContainerGroupPrice, DescribeContainerGroupPriceReply};
use eci_api::size::{Mebibytes, MilliVcpu};
use rust_decimal::Decimal;

use super::describe_container_groups::number;
use super::{Caller, Serve};
use crate::billing::Item;
use crate::billing::bill::price;
use crate::catalog::{CATALOG, Category, Size, Wanted};
use crate::ledger::Terms;
use crate::refusal::Refusal;
use crate::world::World;

impl Serve for DescribeContainerGroupPrice {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let region = caller.region()?;
        if self.spot_strategy.as_deref().is_some_and(|s| !s.is_empty() && s != "NoSpot") {
            let what = "The parameter SpotStrategy of DescribeContainerGroupPrice";
            return Err(Refusal::NotSimulated(what.to_owned()));
        }
        let terms = terms(self, region)?;
        let parts = price(&terms, &region.id, caller.currency, world.now(), 1);
        let mut details = Vec::new();
        let mut total = Decimal::ZERO;
        for part in parts {
            let amount = part.amount.decimal();
            total += amount;
            let resource = match part.item {
                Item::Mem => "memory".to_owned(),
                other => other.to_string(),
            };
            details.push(tell::DetailInfo {
                discount_price: number(Decimal::ZERO),
                original_price: number(amount),
                resource,
                rules: Some(tell::Rules { rule: Vec::new() }),
                trade_price: number(amount),
            });
        }
        let price = tell::Price {
            currency: caller.currency.to_string(),
            detail_infos: Some(tell::DetailInfos { detail_info: details }),
            discount_price: number(Decimal::ZERO),
            original_price: number(total),
            trade_price: number(total),
        };
        let price_info = tell::PriceInfo {
            price: Some(price),
            rules: Some(tell::Rules { rule: Vec::new() }),
            spot_prices: Some(tell::SpotPrices { spot_price: Vec::new() }),
        };
        Ok(DescribeContainerGroupPriceReply {
            price_info: Some(price_info),
            request_id: caller.request_id.clone(),
        })
    }
}

fn terms(request: &DescribeContainerGroupPrice, region: &crate::catalog::Region) -> Result<Terms, Refusal> {
    let extra_storage = request.ephemeral_storage.and_then(|gib| u32::try_from(gib).ok()).unwrap_or(0);
    if let Some(name) = request.instance_type.as_deref().filter(|name| !name.is_empty()) {
        let kind = CATALOG.instance_type(name).ok_or_else(|| Refusal::NoSuchType(name.to_owned()))?;
        let instance_type = Some(name.into());
        return Ok(Terms { size: kind.size, category: Category::Default, instance_type, extra_storage });
    }
    let name = request.compute_category.as_deref().unwrap_or_default();
    let category = Category::named(name).ok_or_else(|| {
        Refusal::invalid("ComputeCategory", format!("`{name}` should be economy or general"))
    })?;
    let refuse = |name: &str, why: eci_api::size::NotASize| Refusal::invalid(name, why.to_string());
    let vcpu = MilliVcpu::from_vcpu(request.cpu.unwrap_or_default()).map_err(|why| refuse("Cpu", why))?;
    let memory =
        Mebibytes::from_gib(request.memory.unwrap_or_default()).map_err(|why| refuse("Memory", why))?;
    let wanted = Wanted { size: Size { vcpu, memory }, category, spot: false };
    Ok(Terms { size: CATALOG.fit(region, wanted)?, category, instance_type: None, extra_storage })
}
