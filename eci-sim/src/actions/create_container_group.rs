//! `CreateContainerGroup`: the answer comes at once, the group lives on its own from then on.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;
use std::sync::Arc;

use eci_api::actions::{CreateContainerGroup, CreateContainerGroupReply};

use super::{Caller, Serve, image_cache};
use crate::catalog::{CATALOG, Category, InstanceType, Region, Size, Wanted};
use crate::group::container::Container;
use crate::group::lifecycle::State;
use crate::group::{Group, Spec, order};
use crate::ledger::{Card, Tags, Terms};
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::network::NoAddress;

impl Serve for CreateContainerGroup {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let fingerprint = fingerprint(caller);
        let reply = |id: String| CreateContainerGroupReply {
            container_group_id: id,
            request_id: caller.request_id.clone(),
        };
        let token = self.client_token.clone().filter(|token| !token.is_empty());
        let token = token.map(|token| (Arc::clone(&caller.account), token));
        if let Some(token) = &token
            && let Some((known, id)) = world.tokens.get(token)
        {
            return if *known == fingerprint {
                Ok(reply(id.clone()))
            } else {
                Err(Refusal::TokenMismatch(token.1.clone()))
            };
        }
        let region = caller.region()?;
        let mut plan = Plan::of(self, region)?;
        let named_cache = match self.image_snapshot_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => Some(image_cache::named(world, caller, id)?),
            None => None,
        };
        let used =
            world.known_place(&caller.account, &caller.region).map_or(0, |place| place.used_milli_vcpu());
        if used + u64::from(plan.terms.size.vcpu.0) > world.quota.vcpu.saturating_mul(1000) {
            return Err(Refusal::QuotaExceeded("vCPU".to_owned()));
        }
        let site = find_site(self, world, caller, region, &plan)?;
        if self.dry_run == Some(true) {
            world.place(&caller.account, &caller.region).network.give_back(&site.vswitch, Some(site.address));
            return Err(Refusal::DryRun);
        }
        let id = world.new_id("eci", &region.id_prefix);
        if let Some(cache) = named_cache {
            image_cache::put_to_use(&mut plan.spec, cache);
        } else if self.auto_match_image_cache == Some(true) {
            let cache = image_cache::matching(world, caller, &plan.containers, &id)?;
            image_cache::put_to_use(&mut plan.spec, cache);
        }
        add(world, caller, plan, site, &id);
        if let Some(token) = token {
            world.tokens.insert(token, (fingerprint, id.clone()));
        }
        Ok(reply(id))
    }
}

/// What is to be made, as far as the request alone decides it.
struct Plan {
    name: Box<str>,
    containers: Vec<Container>,
    terms: Terms,
    tags: Tags,
    spec: Spec,
}

/// Where a group goes.
struct Site {
    zone: Arc<str>,
    vswitch: Arc<str>,
    address: Ipv4Addr,
}

impl Plan {
    fn of(request: &CreateContainerGroup, region: &Region) -> Result<Self, Refusal> {
        let name = order::name(request.container_group_name.as_deref())?.into();
        refuse_what_is_not_simulated(request)?;
        if request.container.is_empty() {
            let missing = eci_api::validate::Problem::Missing("Container.1.Name".to_owned());
            return Err(Refusal::Parameter(missing));
        }
        let containers = order::containers(request)?;
        let volumes = order::volumes(request)?;
        let tags = order::tags(request.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let asked = order::size(request, &containers)?;
        let terms = terms(request, region, asked)?;
        let spec = Spec {
            restart_policy: order::restart_policy(request.restart_policy.as_deref())?,
            asked: if asked == Size::default() { Size::DEFAULT } else { asked },
            zone: "".into(),
            vswitch: "".into(),
            security_group: "".into(),
            volumes,
            rare: order::rare(request),
        };
        Ok(Self { name, containers, terms, tags, spec })
    }
}

/// On which terms the group is billed, with the size that is sold.
fn terms(request: &CreateContainerGroup, region: &Region, asked: Size) -> Result<Terms, Refusal> {
    let extra_storage = request.ephemeral_storage.and_then(|gib| u32::try_from(gib).ok()).unwrap_or(0);
    if let Some(kind) = instance_type(request)? {
        if asked.vcpu > kind.size.vcpu || asked.memory > kind.size.memory {
            let why = format!("the containers ask for more than {} has", kind.name);
            return Err(Refusal::invalid("InstanceType", why));
        }
        let instance_type = Some(kind.name.as_str().into());
        return Ok(Terms { size: kind.size, category: Category::Default, instance_type, extra_storage });
    }
    let mut refusal = None;
    let names = request.compute_category.iter().map(String::as_str);
    let names: Vec<&str> = if request.compute_category.is_empty() { vec![""] } else { names.collect() };
    for name in names {
        let category = Category::named(name).ok_or_else(|| {
            Refusal::invalid("ComputeCategory", format!("`{name}` should be economy or general"))
        })?;
        match CATALOG.fit(region, Wanted { size: asked, category, spot: false }) {
            Ok(size) => return Ok(Terms { size, category, instance_type: None, extra_storage }),
            Err(no_fit) => refusal = Some(Refusal::from(no_fit)),
        }
    }
    Err(refusal.unwrap_or(Refusal::Conflict("ComputeCategory".to_owned())))
}

/// The first of the types that are asked for; each has to be sold.
fn instance_type(request: &CreateContainerGroup) -> Result<Option<&'static InstanceType>, Refusal> {
    let Some(names) = request.instance_type.as_deref().filter(|names| !names.trim().is_empty()) else {
        return Ok(None);
    };
    let mut first = None;
    for name in names.split(',').map(str::trim) {
        let kind = CATALOG.instance_type(name).ok_or_else(|| Refusal::NoSuchType(name.to_owned()))?;
        first = first.or(Some(kind));
    }
    Ok(first)
}

/// Looks for the first vSwitch whose zone has stock and that has an address left.
fn find_site(
    request: &CreateContainerGroup,
    world: &mut World,
    caller: &Caller,
    region: &Region,
    plan: &Plan,
) -> Result<Site, Refusal> {
    let zones: Vec<Arc<str>> = region.zones.iter().map(|zone| world.shared(zone)).collect();
    let wanted = match request.zone_id.as_deref().filter(|zone| !zone.is_empty()) {
        Some(zone) if !region.zones.iter().any(|own| own == zone) => {
            return Err(Refusal::NotFound { kind: "ZoneId", id: zone.to_owned() });
        }
        Some(zone) => Some(world.shared(zone)),
        None => None,
    };
    let asked_address = match request.private_ip_address.as_deref().filter(|address| !address.is_empty()) {
        Some(text) => Some(text.parse::<Ipv4Addr>().map_err(|_| {
            Refusal::invalid("PrivateIpAddress", format!("`{text}` should be an IPv4 address"))
        })?),
        None => None,
    };
    let ids = request.vswitch_id.as_deref().filter(|ids| !ids.is_empty());
    let ids = ids.map_or_else(|| format!("vsw-default-{}", region.id), str::to_owned);
    let ids: Vec<Arc<str>> = ids.split(',').map(|id| world.shared(id.trim())).collect();
    if ids.len() > 10 {
        return Err(Refusal::invalid("VSwitchId", "10 at most"));
    }
    let what = plan.terms.instance_type.as_deref().map_or_else(|| plan.terms.size.to_string(), str::to_owned);
    let mut refusal = None;
    for id in ids {
        let place = world.place(&caller.account, &caller.region);
        let zone = Arc::clone(&place.network.vswitch(&id, wanted.clone(), &zones).zone);
        if wanted.as_ref().is_some_and(|wanted| *wanted != zone) {
            refusal = Some(Refusal::ZoneMismatch {
                vswitch: id.to_string(),
                zone: wanted.clone().unwrap_or_default().to_string(),
            });
            continue;
        }
        if world.sold_out.contains(&*zone) || world.sold_out.contains(&format!("{zone}/{what}")) {
            refusal = Some(Refusal::NoStock { zone: zone.to_string(), what: what.clone() });
            continue;
        }
        let place = world.place(&caller.account, &caller.region);
        match place.network.vswitch(&id, None, &zones).give_out(asked_address) {
            Ok(address) => return Ok(Site { zone, vswitch: id, address }),
            Err(NoAddress::Exhausted) => refusal = Some(Refusal::NoAddressLeft(id.to_string())),
            Err(NoAddress::InUse) => {
                return Err(Refusal::AddressInUse(asked_address.map(|a| a.to_string()).unwrap_or_default()));
            }
            Err(NoAddress::OutOfRange(start)) => {
                let why = format!("it should be in the range of {id}, which is {start}/16 here");
                refusal = Some(Refusal::invalid("PrivateIpAddress", why));
            }
        }
    }
    Err(refusal.unwrap_or_else(|| Refusal::invalid("VSwitchId", "it is empty")))
}

fn add(world: &mut World, caller: &Caller, plan: Plan, site: Site, id: &str) {
    let Plan { name, containers, terms, tags, mut spec } = plan;
    let security_group = caller.pairs.iter().find(|(name, _)| name == "SecurityGroupId");
    let security_group = security_group.map_or("", |(_, value)| value.as_str()).to_owned();
    spec.security_group = world.shared(&security_group);
    (spec.zone, spec.vswitch) = (site.zone, site.vswitch);
    let now = world.now();
    let card = Card {
        number: world.next_number(),
        id: id.into(),
        name,
        account: Arc::clone(&caller.account),
        region: Arc::clone(&caller.region),
        tags,
        terms,
    };
    world.add(Group {
        card: Arc::new(card),
        spec,
        containers,
        state: State::Scheduling,
        born: now,
        since: now,
        changed: now,
        address: Some(site.address),
        events: Vec::new(),
        begun: 0,
        due: Vec::new(),
    });
}

/// Parameters whose effect a client would see, and that have none here.
fn refuse_what_is_not_simulated(request: &CreateContainerGroup) -> Result<(), Refusal> {
    let text = |value: &Option<String>| value.as_deref().is_some_and(|text| !text.is_empty());
    let spot = request.spot_strategy.as_deref().is_some_and(|s| !s.is_empty() && s != "NoSpot");
    for (wanted, name) in [
        (spot, "SpotStrategy"),
        (
            request.os_type.as_deref().is_some_and(|os| !os.is_empty() && os != "Linux"),
            "OsType other than Linux",
        ),
        (text(&request.data_cache_bucket), "DataCacheBucket"),
        (text(&request.eip_instance_id), "EipInstanceId"),
        (request.fixed_ip.as_deref().is_some_and(|fixed| fixed.eq_ignore_ascii_case("true")), "FixedIp"),
    ] {
        if wanted {
            return Err(Refusal::NotSimulated(format!("The parameter {name} of CreateContainerGroup")));
        }
    }
    Ok(())
}

/// Tells two requests with the same token apart.
fn fingerprint(caller: &Caller) -> u64 {
    let mut pairs: Vec<_> = caller.pairs.iter().collect();
    pairs.sort();
    let mut hasher = DefaultHasher::new();
    pairs.hash(&mut hasher);
    hasher.finish()
}
