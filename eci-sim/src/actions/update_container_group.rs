//! `UpdateContainerGroup`: changes a group that is Pending or Running; whole lists by default, single fields when that
//! is requested.

use std::sync::Arc;

use eci_api::actions::create_container_group as ask;
use eci_api::actions::{CreateContainerGroup, UpdateContainerGroup, UpdateContainerGroupReply};

use crate::group::container::Container;
use crate::group::container::spec::{OptionalSpec, Spec};
use crate::group::{Group, order};
use crate::ledger::Tags;
use crate::lifecycle::{self, Event};
use crate::refusal::Refusal;
use crate::serving::states::{start_over, wrong_state};
use crate::serving::{Caller, Serve, resized};
use crate::terms::InstanceTerms;
use crate::world::World;

impl Serve for UpdateContainerGroup {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        // The parameters of a container are the same as when it is created, under the same names.
        let request: CreateContainerGroup = eci_api::query::from_pairs(&caller.pairs)
            .map_err(|error| Refusal::Undecodable(error.to_string()))?;
        let number = caller.group(world, self.container_group_id.as_deref())?.record.number;
        let incremental = match self.update_type.as_deref().unwrap_or_default() {
            "" | "RenewUpdate" => false,
            "IncrementalUpdate" => true,
            other => {
                let why = format!("`{other}` should be RenewUpdate or IncrementalUpdate");
                return Err(Refusal::invalid("UpdateType", why));
            }
        };
        update(world, caller, number, &request, incremental)?;
        Ok(UpdateContainerGroupReply { request_id: caller.request_id.clone() })
    }
}

/// Changes a group as the request says; a field that is not mentioned stays.
pub(super) fn update(
    world: &mut World,
    caller: &Caller,
    number: u64,
    request: &CreateContainerGroup,
    incremental: bool,
) -> Result<(), Refusal> {
    let Some(group) = world.group(number) else { return Err(Refusal::NothingToUpdate) };
    let change = Change::of(request, group, (&*world, caller), incremental)?;
    if change.is_nothing(group) {
        return Err(Refusal::NothingToUpdate);
    }
    if change.starts_over() {
        start_over(world, number, Event::UpdateRequested)?;
    } else if lifecycle::next(group.state, Event::UpdateRequested).is_err() {
        return Err(wrong_state(group, "only a group that is Pending or Running can be updated"));
    }
    world.change(number, |group, record| {
        if let Some(tags) = change.tags {
            record.tags = tags;
        }
        if let Some(terms) = change.terms {
            record.terms = terms.into();
        }
        if let Some(containers) = change.containers {
            record.requested = order::requested(&containers);
            group.containers = containers;
        }
        if let Some(spec) = change.spec {
            group.spec = *spec;
        }
    });
    Ok(())
}

/// Changes of an update; a field that is `None` stays.
struct Change {
    containers: Option<Vec<Container>>,
    spec: Option<Box<crate::group::Spec>>,
    terms: Option<InstanceTerms>,
    tags: Option<Tags>,
}

impl Change {
    fn of(
        request: &CreateContainerGroup,
        group: &Group,
        (world, caller): (&World, &Caller),
        incremental: bool,
    ) -> Result<Self, Refusal> {
        let containers = containers(request, group, incremental)?;
        let tags = match request.tag.is_empty() {
            true => None,
            false => Some(order::tags(request.tag.iter().map(|t| (t.key.as_deref(), t.value.as_deref())))?),
        };
        let terms = resized::terms(request, group, world, caller)?;
        if let Some(containers) = &containers {
            resized::check_gpus(containers, terms.as_ref().or(group.record.terms.instance()))?;
        }
        let spec = spec(request, group)?;
        let volumes = spec.as_ref().map_or(&group.spec.volumes, |spec| &spec.volumes);
        order::volumes::mounts(containers.as_deref().unwrap_or(&group.containers), volumes)?;
        Ok(Self { containers, spec, terms, tags })
    }

    fn is_nothing(&self, group: &Group) -> bool {
        let same = |containers: &Vec<Container>| {
            containers.len() == group.containers.len()
                && containers.iter().zip(&group.containers).all(|(new, old)| new.spec == old.spec)
        };
        self.containers.as_ref().is_none_or(same)
            && self.spec.as_ref().is_none_or(|spec| **spec == group.spec)
            && self.terms.as_ref().is_none_or(|terms| Some(terms) == group.record.terms.instance())
            && self.tags.as_ref().is_none_or(|tags| *tags == group.record.tags)
    }

    /// True if the change restarts the containers; tags alone change nothing that runs.
    fn starts_over(&self) -> bool {
        self.containers.is_some() || self.spec.is_some() || self.terms.is_some()
    }
}

fn spec(request: &CreateContainerGroup, group: &Group) -> Result<Option<Box<crate::group::Spec>>, Refusal> {
    let mut spec = group.spec.clone();
    if request.restart_policy.is_some() {
        spec.restart_policy = order::restart_policy(request.restart_policy.as_deref())?;
    }
    if !request.volume.is_empty() {
        spec.volumes = order::volumes::all(request)?;
    }
    let mut optional = group.optional_spec();
    let wanted = order::optional_spec(request);
    if !request.volume.is_empty() {
        optional.file_modes = order::volumes::modes(request);
    }
    if let Some(dns) = wanted.as_ref().and_then(|optional| optional.dns.clone()) {
        optional.dns = Some(dns);
    }
    if let Some(id) = &request.resource_group_id {
        optional.resource_group.clone_from(id);
    }
    if let Some(credentials) = wanted.map(|optional| optional.credentials).filter(|digest| !digest.is_empty())
    {
        optional.credentials = credentials;
    }
    if optional != group.optional_spec() {
        spec.optional = Some(Box::new(optional));
    }
    Ok((spec != group.spec).then(|| Box::new(spec)))
}

/// The containers after the update; `None` where none were named.
fn containers(
    request: &CreateContainerGroup,
    group: &Group,
    incremental: bool,
) -> Result<Option<Vec<Container>>, Refusal> {
    if request.container.is_empty() && request.init_container.is_empty() {
        return Ok(None);
    }
    let inits: Vec<ask::Container> =
        request.init_container.iter().map(order::containers::as_container).collect();
    let mut all = of_kind(&inits, group, true, incremental)?;
    all.extend(of_kind(&request.container, group, false, incremental)?);
    let mut names: Vec<&str> = all.iter().map(|container| &*container.spec.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Refusal::DuplicateContainer(pair[0].to_owned())),
        None => Ok(Some(all)),
    }
}

/// The init containers after the update, or the others.
fn of_kind(
    request: &[ask::Container],
    group: &Group,
    init: bool,
    incremental: bool,
) -> Result<Vec<Container>, Refusal> {
    let mut own: Vec<Container> =
        group.containers.iter().filter(|container| container.init == init).cloned().collect();
    if request.is_empty() {
        return Ok(own);
    }
    let list = if init { "InitContainer" } else { "Container" };
    let unsaid = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
    // The manual's own example gives an image alone and no kind of update, and says that it works.
    let partial = request.iter().any(|container| unsaid(&container.name) || unsaid(&container.image));
    let waits = !init && group.containers.iter().any(|container| container.init);
    if !incremental && !partial {
        let new = |(index, container): (usize, &ask::Container)| {
            let spec = order::containers::one(container, &format!("{list}.{}", index + 1))?;
            Ok(keep(Container::new(spec, init, waits), group))
        };
        return request.iter().enumerate().map(new).collect();
    }
    for (index, change) in request.iter().enumerate() {
        let place = format!("{list}.{}", index + 1);
        let named = change.name.as_deref().filter(|name| !name.is_empty());
        let by_name = named.map(|name| own.iter().position(|container| *container.spec.name == *name));
        match by_name.unwrap_or(Some(index)).and_then(|at| own.get_mut(at)) {
            Some(container) => container.spec = merged(&container.spec, change, &place)?,
            None => {
                let spec = order::containers::one(change, &place)?;
                own.push(Container::new(spec, init, waits));
            }
        }
    }
    Ok(own)
}

/// A container that was there before goes on counting its restarts.
fn keep(new: Container, group: &Group) -> Container {
    match group.container(&new.spec.name).filter(|old| old.init == new.init) {
        Some(old) => Container { spec: new.spec, ..old.clone() },
        None => new,
    }
}

/// The old specification with the fields that the change gives.
fn merged(old: &Spec, change: &ask::Container, place: &str) -> Result<Spec, Refusal> {
    let full = ask::Container {
        name: Some(old.name.to_string()),
        image: change.image.clone().filter(|i| !i.is_empty()).or_else(|| Some(old.image.to_string())),
        ..change.clone()
    };
    let mut new = order::containers::one(&full, place)?;
    new.name = Arc::clone(&old.name);
    keep_unless(!change.command.is_empty(), &mut new.command, &old.command);
    keep_unless(!change.arg.is_empty(), &mut new.arguments, &old.arguments);
    keep_unless(change.cpu.is_some(), &mut new.vcpu, &old.vcpu);
    keep_unless(change.memory.is_some(), &mut new.memory, &old.memory);
    keep_unless(change.gpu.is_some(), &mut new.gpus, &old.gpus);
    keep_unless(!change.environment_var.is_empty(), &mut new.environment, &old.environment);
    keep_unless(!change.port.is_empty(), &mut new.ports, &old.ports);
    keep_unless(!change.volume_mount.is_empty(), &mut new.mounts, &old.mounts);
    keep_unless(change.image_pull_policy.is_some(), &mut new.pull_policy, &old.pull_policy);
    new.optional = merged_optional(old, new.optional, change);
    Ok(new)
}

/// Puts the old value back where the change gives none.
fn keep_unless<T: Clone>(given: bool, new: &mut T, old: &T) {
    if !given {
        new.clone_from(old);
    }
}

/// The old options with those that the change gives; an option that is not mentioned stays.
fn merged_optional(
    old: &Spec,
    new: Option<Box<OptionalSpec>>,
    change: &ask::Container,
) -> Option<Box<OptionalSpec>> {
    let Some(old) = old.optional.as_deref().cloned() else { return new };
    let mut optional = *new.unwrap_or_default();
    optional.liveness = optional.liveness.or(old.liveness);
    optional.readiness = optional.readiness.or(old.readiness);
    optional.security = optional.security.or(old.security);
    optional.stop_hook = optional.stop_hook.or(old.stop_hook);
    optional.start_hook = optional.start_hook.or(old.start_hook);
    keep_unless(change.working_dir.is_some(), &mut optional.working_dir, &old.working_dir);
    optional.stdin = change.stdin.unwrap_or(old.stdin);
    optional.stdin_once = change.stdin_once.unwrap_or(old.stdin_once);
    optional.tty = change.tty.unwrap_or(old.tty);
    optional.hides_environment = change.environment_var_hide.unwrap_or(old.hides_environment);
    optional.tells_last_words |= change.termination_message_policy.is_none() && old.tells_last_words;
    Some(Box::new(optional))
}
