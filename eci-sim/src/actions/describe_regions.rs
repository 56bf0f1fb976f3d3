//! `DescribeRegions`: the regions in which ECI is sold, and their zones.

use eci_api::actions::describe_regions as tell;
use eci_api::actions::{DescribeRegions, DescribeRegionsReply};

use crate::catalog::{CATALOG, Region};
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for DescribeRegions {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let asked = self.region_id.as_deref().filter(|id| !id.is_empty());
        let unknown = |id: &str| Refusal::NotFound { kind: "RegionId", id: id.to_owned() };
        let wanted: Vec<&Region> = match asked {
            Some(id) => vec![CATALOG.region(id).ok_or_else(|| unknown(id))?],
            None => CATALOG.regions().collect(),
        };
        let region = |region: &Region| {
            let (closed, open): (Vec<String>, Vec<String>) =
                region.zones.iter().cloned().partition(|zone| world.sold_out.contains(zone));
            tell::Region {
                recommend_zones: open,
                region_endpoint: region.endpoint.clone(),
                region_id: region.id.clone(),
                unavailable_zones: closed,
                zones: region.zones.clone(),
            }
        };
        let regions = wanted.into_iter().map(region).collect();
        Ok(DescribeRegionsReply { regions, request_id: caller.request_id.clone() })
    }
}
