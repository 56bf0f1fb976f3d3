//! `DescribeAvailableResource`: the ECS types that a region has in stock, zone by zone.

use std::collections::BTreeSet;

use eci_api::actions::describe_available_resource as tell;
use eci_api::actions::{DescribeAvailableResource, DescribeAvailableResourceReply};

use crate::catalog::{CATALOG, InstanceType};
use crate::prices::Location;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve};
use crate::terms::{Basis, InstanceTerms, Spot};
use crate::world::World;

impl Serve for DescribeAvailableResource {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let region = caller.region()?;
        let wanted = self.destination_resource.clone().unwrap_or_default();
        let category = wanted.category.as_deref().unwrap_or_default();
        let families = match category {
            "InstanceType" => false,
            "InstanceTypeFamily" => true,
            other => {
                let why = format!("`{other}` should be InstanceType or InstanceTypeFamily");
                return Err(Refusal::invalid("DestinationResource.Category", why));
            }
        };
        let zone = self.zone_id.as_deref().filter(|zone| !zone.is_empty());
        if let Some(zone) = zone
            && !region.zones.iter().any(|own| own == zone)
        {
            return Err(Refusal::NotFound { kind: "ZoneId", id: zone.to_owned() });
        }
        let value = wanted.value.as_deref().filter(|value| !value.is_empty());
        let fits = |kind: &&InstanceType| {
            let name = if families { family(&kind.name) } else { &kind.name };
            value.is_none_or(|value| value == name)
                && wanted.cores.is_none_or(|cores| kind.size.vcpu.vcpu() == cores)
                && wanted.memory.is_none_or(|memory| kind.size.memory.gib() == memory)
        };
        let kinds: Vec<&InstanceType> = CATALOG.instance_types().filter(fits).collect();
        let spot = self.spot_resource.clone().unwrap_or_default();
        let limited = spot.spot_strategy.as_deref() == Some("SpotWithPriceLimit");
        let limit = spot.spot_price_limit.filter(|_| limited);
        let tariff = world.tariff_of(&caller.account);
        let affordable = |zone: &str, kind: &InstanceType| {
            let spot = Spot { instance_type: Some(kind.name.as_str().into()), hourly: None };
            let terms = InstanceTerms::of(kind.size, Basis::Spot(spot));
            let location = Location { region: &region.id, zone };
            let price = || world.market.spot_price(&terms, location, &tariff, world.now());
            // A price that is not known is not shown to be below the limit.
            limit.is_none_or(|limit| price().is_ok_and(|price| price.amount <= limit.0))
        };
        let zones = region.zones.iter().filter(|own| zone.is_none_or(|zone| zone == own.as_str()));
        let in_zone = |zone: &String| {
            let names: BTreeSet<&str> = kinds
                .iter()
                .filter(|kind| affordable(zone, kind))
                .map(|kind| if families { family(&kind.name) } else { kind.name.as_str() })
                .collect();
            let supported = names.into_iter().map(|name| {
                let gone =
                    world.sold_out.contains(zone) || world.sold_out.contains(&format!("{zone}/{name}"));
                let status = if gone { "WithoutStock" } else { "WithStock" };
                tell::SupportedResource { status_category: status.to_owned(), value: name.to_owned() }
            });
            let resource = tell::AvailableResource {
                supported_resources: Some(tell::SupportedResources {
                    supported_resource: supported.collect(),
                }),
                type_: category.to_owned(),
            };
            tell::AvailableZone {
                available_resources: Some(tell::AvailableResources { available_resource: vec![resource] }),
                region_id: region.id.clone(),
                zone_id: zone.clone(),
            }
        };
        let available_zone = zones.map(in_zone).collect();
        Ok(DescribeAvailableResourceReply {
            available_zones: Some(tell::AvailableZones { available_zone }),
            request_id: caller.request_id.clone(),
        })
    }
}

/// Family of an ECS type: `ecs.c6` for `ecs.c6.large`.
fn family(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(family, _)| family)
}
