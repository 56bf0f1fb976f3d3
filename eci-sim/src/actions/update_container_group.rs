//! `UpdateContainerGroup`: only from Pending or Running; whole lists by default, single fields when asked for.

use std::sync::Arc;

use eci_api::actions::create_container_group as ask;
use eci_api::actions::{CreateContainerGroup, UpdateContainerGroup, UpdateContainerGroupReply};

use super::{Caller, Serve, start_over};
use crate::catalog::{CATALOG, Size, Wanted};
use crate::group::container::{self, Container};
use crate::group::lifecycle::{self, Event};
use crate::group::{Group, order};
use crate::ledger::{Tags, Terms};
use crate::refusal::Refusal;
use crate::world::World;

impl Serve for UpdateContainerGroup {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        // The parameters of a container are the same as when it is created, under the same names.
        let asked: CreateContainerGroup = eci_api::query::from_pairs(&caller.pairs)
            .map_err(|error| Refusal::Undecodable(error.to_string()))?;
        let group = caller.group(world, self.container_group_id.as_deref())?;
        let number = group.card.number;
        let incremental = match self.update_type.as_deref().unwrap_or_default() {
            "" | "RenewUpdate" => false,
            "IncrementalUpdate" => true,
            other => {
                let why = format!("`{other}` should be RenewUpdate or IncrementalUpdate");
                return Err(Refusal::invalid("UpdateType", why));
            }
        };
        let change = Change::of(&asked, group, caller, incremental)?;
        if change.is_nothing(group) {
            return Err(Refusal::NothingToUpdate);
        }
        if change.starts_over() {
            start_over(world, number, Event::UpdateAsked)?;
        } else if lifecycle::next(group.state, Event::UpdateAsked).is_err() {
            return Err(super::wrong_state(group, "only a group that is Pending or Running can be updated"));
        }
        world.change(number, |group, card| {
            if let Some(tags) = change.tags {
                card.tags = tags;
            }
            if let Some(terms) = change.terms {
                card.terms = terms;
            }
            if let Some(containers) = change.containers {
                group.containers = containers;
            }
            if let Some(spec) = change.spec {
                group.spec = *spec;
            }
        });
        Ok(UpdateContainerGroupReply { request_id: caller.request_id.clone() })
    }
}

/// What becomes different; what is `None` stays.
struct Change {
    containers: Option<Vec<Container>>,
    spec: Option<Box<crate::group::Spec>>,
    terms: Option<Terms>,
    tags: Option<Tags>,
}

impl Change {
    fn of(
        asked: &CreateContainerGroup,
        group: &Group,
        caller: &Caller,
        incremental: bool,
    ) -> Result<Self, Refusal> {
        let containers = containers(asked, group, incremental)?;
        let tags = match asked.tag.is_empty() {
            true => None,
            false => Some(order::tags(asked.tag.iter().map(|t| (t.key.as_deref(), t.value.as_deref())))?),
        };
        let terms = terms(asked, group, caller)?;
        let spec = spec(asked, group)?;
        Ok(Self { containers, spec, terms, tags })
    }

    fn is_nothing(&self, group: &Group) -> bool {
        let same = |containers: &Vec<Container>| {
            containers.len() == group.containers.len()
                && containers.iter().zip(&group.containers).all(|(new, old)| new.spec == old.spec)
        };
        self.containers.as_ref().is_none_or(same)
            && self.spec.as_ref().is_none_or(|spec| **spec == group.spec)
            && self.terms.as_ref().is_none_or(|terms| *terms == group.card.terms)
            && self.tags.as_ref().is_none_or(|tags| *tags == group.card.tags)
    }

    /// Tags alone change nothing that runs.
    fn starts_over(&self) -> bool {
        self.containers.is_some() || self.spec.is_some() || self.terms.is_some()
    }
}

fn terms(asked: &CreateContainerGroup, group: &Group, caller: &Caller) -> Result<Option<Terms>, Refusal> {
    if asked.cpu.is_none() && asked.memory.is_none() {
        return Ok(None);
    }
    let now = &group.card.terms;
    let own = order::size(asked, &[])?;
    let size = Size {
        vcpu: if own.vcpu.0 > 0 { own.vcpu } else { now.size.vcpu },
        memory: if own.memory.0 > 0 { own.memory } else { now.size.memory },
    };
    let wanted = Wanted { size, category: now.category, spot: false };
    let size = CATALOG.fit(caller.region()?, wanted)?;
    Ok(Some(Terms { size, ..now.clone() }))
}

fn spec(asked: &CreateContainerGroup, group: &Group) -> Result<Option<Box<crate::group::Spec>>, Refusal> {
    let mut spec = group.spec.clone();
    if asked.restart_policy.is_some() {
        spec.restart_policy = order::restart_policy(asked.restart_policy.as_deref())?;
    }
    if !asked.volume.is_empty() {
        spec.volumes = order::volumes(&CreateContainerGroup { container: Vec::new(), ..asked.clone() })?;
    }
    let mut rare = group.rare();
    if let Some(dns) = order::rare(asked).and_then(|rare| rare.dns) {
        rare.dns = Some(dns);
    }
    if let Some(id) = &asked.resource_group_id {
        rare.resource_group.clone_from(id);
    }
    if rare != group.rare() {
        spec.rare = Some(Box::new(rare));
    }
    Ok((spec != group.spec).then(|| Box::new(spec)))
}

/// The containers after the update; `None` where none were named.
fn containers(
    asked: &CreateContainerGroup,
    group: &Group,
    incremental: bool,
) -> Result<Option<Vec<Container>>, Refusal> {
    if asked.container.is_empty() && asked.init_container.is_empty() {
        return Ok(None);
    }
    // The manual's own example gives an image alone and no kind of update, and says that it works.
    let partial = asked.container.iter().any(|c| c.name.is_none() || c.image.is_none());
    let old = |init: bool| group.containers.iter().filter(move |container| container.init == init);
    let mut all: Vec<Container> = match asked.init_container.is_empty() {
        true => old(true).cloned().collect(),
        false => {
            let only_inits = CreateContainerGroup { container: Vec::new(), ..asked.clone() };
            order::containers(&only_inits)?.into_iter().map(|new| keep(new, group)).collect()
        }
    };
    if asked.container.is_empty() {
        all.extend(old(false).cloned());
    } else if incremental || partial {
        let mut apps: Vec<Container> = old(false).cloned().collect();
        for (index, change) in asked.container.iter().enumerate() {
            let place = format!("Container.{}", index + 1);
            let by_name = change.name.as_deref().map(|name| apps.iter().position(|c| *c.spec.name == *name));
            match by_name.unwrap_or(Some(index)).and_then(|at| apps.get_mut(at)) {
                Some(container) => container.spec = merged(&container.spec, change, &place)?,
                None => {
                    let spec = order::container(change, &place)?;
                    apps.push(Container::new(spec, false, !all.is_empty()));
                }
            }
        }
        all.extend(apps);
    } else {
        let only_apps = CreateContainerGroup { init_container: Vec::new(), ..asked.clone() };
        all.extend(order::containers(&only_apps)?.into_iter().map(|new| keep(new, group)));
    }
    Ok(Some(all))
}

/// A container that was there before goes on counting its restarts.
fn keep(new: Container, group: &Group) -> Container {
    match group.container(&new.spec.name).filter(|old| old.init == new.init) {
        Some(old) => Container { spec: new.spec, ..old.clone() },
        None => new,
    }
}

/// What was there, with what is given instead of it.
fn merged(old: &container::Spec, change: &ask::Container, place: &str) -> Result<container::Spec, Refusal> {
    let full = ask::Container {
        name: Some(old.name.to_string()),
        image: Some(change.image.clone().unwrap_or_else(|| old.image.to_string())),
        ..change.clone()
    };
    let mut new = order::container(&full, place)?;
    new.name = Arc::clone(&old.name);
    if change.command.is_empty() {
        new.command.clone_from(&old.command);
    }
    if change.arg.is_empty() {
        new.arguments.clone_from(&old.arguments);
    }
    if change.cpu.is_none() {
        new.vcpu = old.vcpu;
    }
    if change.memory.is_none() {
        new.memory = old.memory;
    }
    if change.gpu.is_none() {
        new.gpus = old.gpus;
    }
    if change.environment_var.is_empty() {
        new.environment.clone_from(&old.environment);
    }
    if change.port.is_empty() {
        new.ports.clone_from(&old.ports);
    }
    if change.volume_mount.is_empty() {
        new.mounts.clone_from(&old.mounts);
    }
    if change.image_pull_policy.is_none() {
        new.pull_policy = old.pull_policy;
    }
    if new.rare.is_none() {
        new.rare.clone_from(&old.rare);
    }
    Ok(new)
}
