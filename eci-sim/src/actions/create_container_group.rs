//! `CreateContainerGroup`: creates a group; the reply comes at once, the group lives on its own from then on.

use std::sync::Arc;

use eci_api::actions::{CreateContainerGroup, CreateContainerGroupReply};

use crate::group::container::Container;
use crate::group::{Group, Spec, order};
use crate::ledger::{BillingRecord, Tags};
use crate::lifecycle::State;
use crate::refusal::Refusal;
use crate::serving::acceptable::{self, Offer};
use crate::serving::placement::{self, Placement};
use crate::serving::{Caller, Serve, data_cache, image_cache};
use crate::terms::{InstanceTerms, Size};
use crate::world::World;

impl Serve for CreateContainerGroup {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let region = caller.region()?;
        let tariff = world.tariff_of(&caller.account);
        let mut plan = Plan::of(self, Offer { region, tariff: &tariff, now: world.now() })?;
        world.standings.may_make(&caller.account)?;
        check_eip(self, world, caller)?;
        let named_cache = match self.image_snapshot_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => Some(image_cache::named(world, caller, id)?),
            None => None,
        };
        let data_caches = data_cache::used(self, world, caller)?;
        let placement = placement::find(self, world, caller, region, (&plan.name, plan.wanted.clone()))?;
        let refusal = match self.dry_run {
            Some(true) => Some(Refusal::DryRun),
            _ => over_quota(world, caller, &placement.terms),
        };
        if let Some(refusal) = refusal {
            let network = &mut world.account_region(&caller.account, &caller.region).network;
            network.release(&placement.vswitch, Some(placement.address), None);
            return Err(refusal);
        }
        let id = world.new_id("eci", &region.id_prefix);
        let mut cache_disk = data_cache::put_to_use(world, &data_caches);
        if let Some(cache) = named_cache {
            cache_disk += image_cache::put_to_use(world, &mut plan.spec, cache);
        } else if self.auto_match_image_cache == Some(true) {
            let cache = image_cache::matching(world, caller, &plan.containers, &id)?;
            cache_disk += image_cache::put_to_use(world, &mut plan.spec, cache);
        }
        let security_group = world.shared(self.security_group_id.as_deref().unwrap_or_default());
        plan.spec.security_group = security_group;
        add(world, caller, plan, placement, (&id, cache_disk));
        Ok(CreateContainerGroupReply { container_group_id: id, request_id: caller.request_id.clone() })
    }
}

/// Plan of a group, as far as the request alone decides it.
struct Plan {
    name: Box<str>,
    containers: Vec<Container>,
    wanted: Vec<InstanceTerms>,
    tags: Tags,
    spec: Spec,
}

impl Plan {
    fn of(request: &CreateContainerGroup, offer: Offer<'_>) -> Result<Self, Refusal> {
        let name = order::name(request.container_group_name.as_deref())?.into();
        if request.container.is_empty() {
            return Err(Refusal::missing("Container.1.Name"));
        }
        check_windows(request)?;
        let containers = order::containers::all(request)?;
        let volumes = order::volumes::all(request)?;
        order::volumes::mounts(&containers, &volumes)?;
        let tags = order::tags(request.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let requested = order::size(request)?;
        let spec = Spec {
            host_name: request.host_name.as_deref().unwrap_or_default().into(),
            restart_policy: order::restart_policy(request.restart_policy.as_deref())?,
            requested: if requested == Size::default() { Size::DEFAULT } else { requested },
            zone: "".into(),
            vswitch: "".into(),
            security_group: "".into(),
            volumes,
            optional: order::optional_spec(request),
        };
        let wanted = acceptable::terms(request, requested, offer)?;
        Ok(Self { name, containers, wanted, tags, spec })
    }
}

/// Windows runs on AMD64 only (`ours`: no page says otherwise, and no such machine is sold).
fn check_windows(request: &CreateContainerGroup) -> Result<(), Refusal> {
    let is =
        |value: &Option<String>, word| value.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(word));
    if is(&request.os_type, "Windows") && is(&request.cpu_architecture, "ARM64") {
        return Err(Refusal::Conflict("OsType, CpuArchitecture".to_owned()));
    }
    Ok(())
}

/// Checks that a public address that is brought along belongs to one group at a time; where one is to be made too, that
/// one counts.
fn check_eip(request: &CreateContainerGroup, world: &World, caller: &Caller) -> Result<(), Refusal> {
    let Some(eip) = request.eip_instance_id.as_deref().filter(|id| !id.is_empty()) else { return Ok(()) };
    let holds = |group: &Group| {
        let optional = group.spec.optional.as_ref();
        !group.state.is_final() && optional.is_some_and(|optional| optional.eip_id == eip && !optional.eip)
    };
    match world.groups_after(&caller.account, &caller.region, 0).find(|group| holds(group)) {
        Some(group) if request.auto_create_eip != Some(true) => {
            Err(Refusal::EipInUse { eip: eip.to_owned(), group: group.id().to_owned() })
        }
        _ => Ok(()),
    }
}

fn over_quota(world: &World, caller: &Caller, terms: &InstanceTerms) -> Option<Refusal> {
    let account_region = world.find_account_region(&caller.account, &caller.region);
    let used = account_region.map_or(0, |account_region| account_region.used_milli_vcpu());
    let over = used + u64::from(terms.size.vcpu.0) > world.quota.vcpu.saturating_mul(1000);
    over.then(|| Refusal::QuotaExceeded("vCPU".to_owned()))
}

fn add(world: &mut World, caller: &Caller, plan: Plan, placement: Placement, (id, cache_disk): (&str, u32)) {
    let Plan { name, containers, tags, mut spec, .. } = plan;
    let Placement { zone, vswitch, address, mut terms } = placement;
    (spec.zone, spec.vswitch, terms.cache_disk) = (Arc::clone(&zone), vswitch, cache_disk);
    let now = world.now();
    let record = BillingRecord {
        number: world.next_number(),
        id: id.into(),
        name: name.into(),
        account: Arc::clone(&caller.account),
        region: Arc::clone(&caller.region),
        zone,
        tags,
        requested: order::requested(&containers),
        terms: terms.into(),
    };
    world.add(Group {
        record: Arc::new(record),
        spec,
        containers,
        state: State::Scheduling,
        born: now,
        since: now,
        changed: now,
        address: Some(address),
        events: Vec::new(),
        files: None,
        begun: 0,
        due: Vec::new(),
    });
}
