//! Placement of a new group: the first of its acceptable terms for which a zone has stock and a vSwitch an address.

use std::net::Ipv4Addr;
use std::sync::Arc;

use eci_api::Number;
use eci_api::actions::CreateContainerGroup;

use super::Caller;
use crate::catalog::Region;
use crate::prices::Location;
use crate::refusal::Refusal;
use crate::terms::{Basis, InstanceTerms, Spot};
use crate::world::World;
use crate::world::network::AddressError;

/// vSwitches of a request, at most (eci-openapi.md, section 6).
const VSWITCHES_MAX: usize = 10;

/// Location and terms of a new group, its address taken.
pub struct Placement {
    pub zone: Arc<str>,
    pub vswitch: Arc<str>,
    pub address: Ipv4Addr,
    pub terms: InstanceTerms,
}

/// Searches for a placement; its address has to be given back when the group is not made.
pub fn find(
    request: &CreateContainerGroup,
    world: &mut World,
    caller: &Caller,
    region: &Region,
    (name, wanted): (&str, Vec<InstanceTerms>),
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
            vswitches: vswitches(request, world, region)?,
        })
    }

    fn look(&self, world: &mut World, id: &Arc<str>, terms: &InstanceTerms) -> Result<Placement, Refusal> {
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
        if terms.spot().is_some() {
            let location = Location { region, zone: &zone };
            terms.basis = Basis::Spot(spot_price(world, account, &terms, (location, self.spot_limit))?);
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

/// The spot price of these terms in a location; one that is not known is not measured by a limit.
///
/// # Errors
/// [`Refusal`] when it is above the limit, or when there is a limit and the price is not known.
pub fn spot_price(
    world: &World,
    account: &str,
    terms: &InstanceTerms,
    (location, limit): (Location<'_>, Option<Number>),
) -> Result<Spot, Refusal> {
    let price = world.market.spot_price(terms, location, &world.tariff_of(account), world.now());
    let instance_type = terms.instance_type().map(Into::into);
    let Some(Number(limit)) = limit else { return Ok(Spot { instance_type, hourly: price.ok() }) };
    let hourly = price?;
    if hourly.amount > limit {
        let (what, zone, price) = (terms.what(), location.zone.to_owned(), hourly.amount);
        return Err(Refusal::SpotTooDear { what, zone, price, limit });
    }
    Ok(Spot { instance_type, hourly: Some(hourly) })
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
