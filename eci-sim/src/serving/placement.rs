//! Placement of a new group: the first of its acceptable terms for which a zone has stock and a vSwitch an address.

use std::net::Ipv4Addr;
use std::sync::Arc;

use eci_api::Number;
use eci_api::actions::CreateContainerGroup;

use super::Caller;
use crate::catalog::{CATALOG, InstanceType, Region, SizeQuery};
use crate::group::order;
use crate::refusal::Refusal;
use crate::terms::PricingTerms;
use crate::terms::{Category, Size};
use crate::world::World;
use crate::world::network::AddressError;

/// vSwitches of a request, at most (eci-openapi.md, section 6).
const VSWITCHES_MAX: usize = 10;

/// Place and terms of a new group, its address taken.
pub struct Placement {
    pub zone: Arc<str>,
    pub vswitch: Arc<str>,
    pub address: Ipv4Addr,
    pub terms: PricingTerms,
}

/// The terms that are acceptable, the most wanted first, each with the size that is sold.
pub fn terms(
    request: &CreateContainerGroup,
    region: &Region,
    requested: Size,
    caller: &Caller,
) -> Result<Vec<PricingTerms>, Refusal> {
    let extra_storage = request.ephemeral_storage.and_then(|gib| u32::try_from(gib).ok()).unwrap_or(0);
    let plain = PricingTerms { extra_storage, currency: caller.currency, ..PricingTerms::default() };
    let spot = request.spot_strategy.as_deref().is_some_and(order::is_spot);
    let categories: Vec<&str> = request.compute_category.iter().map(String::as_str).collect();
    if spot && !categories.is_empty() {
        return Err(Refusal::Conflict("SpotStrategy, ComputeCategory".to_owned()));
    }
    let architecture = request.cpu_architecture.as_deref().filter(|text| !text.is_empty());
    let kinds = instance_types(request.instance_type.as_deref())?;
    if !kinds.is_empty() {
        let each = kinds.into_iter().map(|kind| by_type(kind, requested, architecture, &plain));
        return each.collect();
    }
    if spot {
        let wanted = SizeQuery { size: requested, category: Category::Default, spot: true };
        let size = CATALOG.fit(region, wanted).map_err(Refusal::NoSpotSize)?;
        let instance_type = CATALOG.type_of(size).map(|kind| kind.name.as_str().into());
        return Ok(vec![PricingTerms { size, instance_type, ..plain }]);
    }
    let (mut all, mut refusal) = (Vec::new(), None);
    for name in if categories.is_empty() { vec![""] } else { categories } {
        let category = Category::named(name).ok_or_else(|| {
            Refusal::invalid("ComputeCategory", format!("`{name}` should be economy or general"))
        })?;
        match CATALOG.fit(region, SizeQuery { size: requested, category, spot: false }) {
            Ok(size) => all.push(PricingTerms { size, category, ..plain.clone() }),
            Err(no_fit) => refusal = Some(Refusal::from(no_fit)),
        }
    }
    match refusal {
        Some(refusal) if all.is_empty() => Err(refusal),
        _ => Ok(all),
    }
}

fn by_type(
    kind: &InstanceType,
    requested: Size,
    architecture: Option<&str>,
    plain: &PricingTerms,
) -> Result<PricingTerms, Refusal> {
    if let Some(other) = architecture.filter(|name| !name.eq_ignore_ascii_case(&kind.architecture)) {
        return Err(Refusal::OtherArchitecture {
            kind: kind.name.clone(),
            has: kind.architecture.clone(),
            requested: other.to_owned(),
        });
    }
    if requested.vcpu > kind.size.vcpu || requested.memory > kind.size.memory {
        let why = format!("the containers ask for more than {} has", kind.name);
        return Err(Refusal::invalid("InstanceType", why));
    }
    Ok(PricingTerms { size: kind.size, instance_type: Some(kind.name.as_str().into()), ..plain.clone() })
}

/// ECS types of a list with commas; each has to be sold.
pub fn instance_types(names: Option<&str>) -> Result<Vec<&'static InstanceType>, Refusal> {
    let names = names.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| CATALOG.instance_type(name).ok_or_else(|| Refusal::NoSuchType(name.to_owned())))
        .collect()
}

/// Searches for a placement; its address has to be given back when the group is not made.
pub fn find(
    request: &CreateContainerGroup,
    world: &mut World,
    caller: &Caller,
    region: &Region,
    (name, wanted): (&str, Vec<PricingTerms>),
) -> Result<Placement, Refusal> {
    let search = Search::of(request, world, caller, region, name)?;
    let mut refusal = None;
    for terms in &wanted {
        for vswitch in &search.vswitches {
            match search.look(world, vswitch, terms) {
                Ok(placement) => return Ok(placement),
                Err(why @ Refusal::AddressInUse(_)) => return Err(why),
                Err(why) => refusal = Some(why),
            }
        }
    }
    Err(refusal.unwrap_or_else(|| Refusal::invalid("VSwitchId", "it is empty")))
}

/// Criteria of the search that are the same for every vSwitch.
struct Search<'a> {
    caller: &'a Caller,
    name: &'a str,
    zones: Vec<Arc<str>>,
    zone: Option<Arc<str>>,
    address: Option<Ipv4Addr>,
    fixed: bool,
    spot_limit: Option<Number>,
    is_spot: bool,
    vswitches: Vec<Arc<str>>,
}

impl<'a> Search<'a> {
    fn of(
        request: &CreateContainerGroup,
        world: &mut World,
        caller: &'a Caller,
        region: &Region,
        name: &'a str,
    ) -> Result<Self, Refusal> {
        let zones = region.zones.iter().map(|zone| world.shared(zone)).collect();
        let zone = match request.zone_id.as_deref().filter(|zone| !zone.is_empty()) {
            Some(zone) if !region.zones.iter().any(|own| own == zone) => {
                return Err(Refusal::NotFound { kind: "ZoneId", id: zone.to_owned() });
            }
            zone => zone.map(|zone| world.shared(zone)),
        };
        let address = match request.private_ip_address.as_deref().filter(|address| !address.is_empty()) {
            Some(text) => Some(text.parse::<Ipv4Addr>().map_err(|_| {
                Refusal::invalid("PrivateIpAddress", format!("`{text}` should be an IPv4 address"))
            })?),
            None => None,
        };
        let strategy = request.spot_strategy.as_deref().unwrap_or_default();
        let limit = request.spot_price_limit.filter(|limit| limit.0 > rust_decimal::Decimal::ZERO);
        if strategy == "SpotWithPriceLimit" && limit.is_none() {
            return Err(Refusal::missing("SpotPriceLimit"));
        }
        let fixed = request.fixed_ip.as_deref().is_some_and(|fixed| fixed.eq_ignore_ascii_case("true"));
        Ok(Self {
            caller,
            name,
            zones,
            zone,
            address,
            fixed,
            spot_limit: limit.filter(|_| strategy == "SpotWithPriceLimit"),
            is_spot: order::is_spot(strategy),
            vswitches: vswitches(request, world, region)?,
        })
    }

    fn look(&self, world: &mut World, id: &Arc<str>, terms: &PricingTerms) -> Result<Placement, Refusal> {
        let (account, region) = (&self.caller.account, &self.caller.region);
        let now = world.now();
        let account_region = world.account_region(account, region);
        let zone = Arc::clone(&account_region.network.vswitch(id, self.zone.clone(), &self.zones).zone);
        if self.zone.as_ref().is_some_and(|wanted| *wanted != zone) {
            let wanted = self.zone.clone().unwrap_or_default().to_string();
            return Err(Refusal::ZoneMismatch { vswitch: id.to_string(), zone: wanted });
        }
        let what = terms.what();
        if world.sold_out.contains(&*zone) || world.sold_out.contains(&format!("{zone}/{what}")) {
            return Err(Refusal::NoStock { zone: zone.to_string(), what });
        }
        let mut terms = terms.clone();
        if self.is_spot {
            let price = world.market.spot_price(&terms, region, &zone, now);
            if let Some(Number(limit)) = self.spot_limit.filter(|limit| price > limit.0) {
                return Err(Refusal::SpotTooDear { what, zone: zone.to_string(), price, limit });
            }
            terms.spot = Some(price);
        }
        let vswitch = world.account_region(account, region).network.vswitch(id, None, &self.zones);
        vswitch.expire(now);
        let reserved = if self.fixed { vswitch.take_reserved(self.name, now) } else { None };
        let address = match reserved.map_or_else(|| vswitch.allocate(self.address), Ok) {
            Ok(address) => address,
            Err(AddressError::Exhausted) => return Err(Refusal::NoAddressLeft(id.to_string())),
            Err(AddressError::InUse) => {
                let requested = self.address.map(|address| address.to_string());
                return Err(Refusal::AddressInUse(requested.unwrap_or_default()));
            }
            Err(AddressError::OutOfRange(start)) => {
                let why = format!("it should be in the range of {id}, which is {start}/16 here");
                return Err(Refusal::invalid("PrivateIpAddress", why));
            }
        };
        Ok(Placement { zone, vswitch: Arc::clone(id), address, terms })
    }
}

/// vSwitches of the request in the order in which they are tried.
fn vswitches(
    request: &CreateContainerGroup,
    world: &mut World,
    region: &Region,
) -> Result<Vec<Arc<str>>, Refusal> {
    let ids = request.vswitch_id.as_deref().filter(|ids| !ids.is_empty());
    let ids = ids.map_or_else(|| format!("vsw-default-{}", region.id), str::to_owned);
    let mut ids: Vec<Arc<str>> = ids.split(',').map(|id| world.shared(id.trim())).collect();
    if ids.len() > VSWITCHES_MAX {
        return Err(Refusal::invalid("VSwitchId", format!("{} ids; {VSWITCHES_MAX} at most", ids.len())));
    }
    let strategy = request.schedule_strategy.as_ref().or(request.vswitch_strategy.as_ref());
    if strategy.is_some_and(|strategy| strategy == "VSwitchRandom") {
        let mut chance = world.draw(&format!("vswitches/{}", world.next_number()));
        for last in (1..ids.len()).rev() {
            let other = chance.between(0, u64::try_from(last).unwrap_or(0));
            ids.swap(last, usize::try_from(other).unwrap_or(0));
        }
    }
    Ok(ids)
}
