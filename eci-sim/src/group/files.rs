//! Files of a group: those of its containers, its volumes, and who looks at them.
//!
//! Nothing is carried out before somebody looks: a run's changes are part of its plan. Where a container's run looks at
//! what another changes, the change is due on the agenda, and the run is planned again with what it then meets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::container::{Container, Phase};
use super::steps::GroupContext;
use super::{FILE_MODE, FileMode, Group};
use crate::agenda::Step;
use crate::script::files::ports::closed;
use crate::script::files::{
    Change, EVERYTHING, Effect, Kind, Layer, Looks, Mount, Node, Origin, PORTS, Space, joined, normal, parent,
};
use crate::script::{Run, dated, images};

/// States of files by others that one run meets, at most; what comes later it does not see.
const MET_MAX: usize = 100;
/// Commands beside the containers whose changes are still to come, at most.
const BESIDE_MAX: usize = 64;
/// Number of the layer of the group's first volume.
const VOLUMES: u8 = PORTS + 1;
/// Length of a host name, at most.
const HOST_NAME_MAX: usize = 63;

/// Files of a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GroupFiles {
    /// Ports at which the containers answer.
    ports: Layer,
    /// Layers of the volumes, in the group's order.
    volumes: Vec<Layer>,
    /// What is kept of each container, in the group's order.
    containers: Vec<ContainerFiles>,
    /// Commands beside the containers' runs.
    beside: Vec<Process>,
}

/// Files of a container.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ContainerFiles {
    layer: Layer,
    /// Time after the start of the run up to which its changes were carried out; `None` before the first.
    carried_out: Option<Duration>,
    /// Layers that the run meets, by their numbers: those that have something at its start, then those that are not what
    /// they were whenever others had changed something at which it looks.
    met: Vec<(Duration, Vec<(u8, Layer)>)>,
    /// True once there was a change that the run does not meet any more.
    misses: bool,
}

/// A command beside a container's run, whose changes are carried out as that's are.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Process {
    container: u8,
    started: Timestamp,
    carried_out: Option<Duration>,
    run: Arc<Run>,
}

/// A change that was carried out: the container in which, whether by its own run, and what.
pub(super) type Done = (u8, bool, Change);

impl Group {
    /// The files of the group as they begin: what its configuration files say.
    fn first_files(&self) -> GroupFiles {
        let volumes = self.spec.volumes.iter().map(|volume| {
            let mut layer = Layer::default();
            for file in &volume.config_file_volume_config_file_to_paths {
                let is_of = |mode: &&FileMode| *mode.volume == *volume.name && *mode.path == *file.path;
                let mut modes = self.spec.optional.iter().flat_map(|optional| &optional.file_modes);
                let mode = modes.find(is_of).map_or(FILE_MODE, |mode| mode.mode);
                // all together are bounded when the group is made
                let _fits =
                    layer.put(&normal("/", &file.path), Some(Node::file(file.content.as_str(), mode)));
            }
            layer
        });
        let containers = self.containers.iter().map(|_| ContainerFiles::default()).collect();
        GroupFiles { ports: Layer::default(), volumes: volumes.collect(), containers, beside: Vec::new() }
    }

    /// Host name in the group's containers.
    pub fn host_name(&self) -> String {
        let own = Some(&*self.spec.host_name).filter(|name| !name.is_empty());
        let name: String = own.unwrap_or(&self.record.name).chars().take(HOST_NAME_MAX).collect();
        name.trim_end_matches('-').to_owned()
    }

    fn origin(&self) -> Origin {
        let host_name = self.host_name();
        let mut hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n".to_owned();
        if let Some(address) = self.address {
            hosts.push_str(&format!("{address}\t{host_name}\n"));
        }
        let optional = self.spec.optional.as_deref();
        for alias in optional.into_iter().flat_map(|optional| &optional.host_aliases) {
            hosts.push_str(&format!("{}\t{}\n", alias.ip, alias.hostnames.join("\t")));
        }
        let mut resolv = String::new();
        if let Some(dns) = optional.and_then(|optional| optional.dns.as_ref()) {
            if !dns.searches.is_empty() {
                resolv.push_str(&format!("search {}\n", dns.searches.join(" ")));
            }
            dns.name_servers.iter().for_each(|server| resolv.push_str(&format!("nameserver {server}\n")));
            let option = |option: &eci_api::actions::describe_container_groups::DnsOption| {
                let separator = if option.value.is_empty() { "" } else { ":" };
                format!("{}{separator}{}", option.name, option.value)
            };
            if !dns.options.is_empty() {
                let options: Vec<String> = dns.options.iter().map(option).collect();
                resolv.push_str(&format!("options {}\n", options.join(" ")));
            }
        }
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        Origin { host_name, address, hosts, resolv, site: None }
    }

    fn mounts(&self, container: &Container) -> Vec<Mount> {
        let mount = |mount: &eci_api::actions::describe_container_groups::VolumeMount| {
            let place = self.spec.volumes.iter().position(|volume| volume.name == mount.name)?;
            let is_config = self.spec.volumes.get(place)?.type_ == "ConfigFileVolume";
            Some(Mount {
                path: normal("/", &mount.mount_path),
                layer: u8::try_from(place).ok()?.checked_add(VOLUMES)?,
                part: normal("/", &mount.sub_path),
                read_only: mount.read_only || is_config,
            })
        };
        container.spec.mounts.iter().filter_map(mount).collect()
    }

    /// The files that a container of this number sees, with these layers.
    fn space_of(&self, (owner, container): (u8, &Container), layers: Vec<Layer>) -> Space {
        let security = container.spec.optional.as_ref().and_then(|optional| optional.security.as_ref());
        let read_only = security.is_some_and(|security| security.read_only_root_filesystem);
        let site = images::of_image(&container.spec.image).and_then(images::KnownImage::site);
        let origin = Origin { site, ..self.origin() };
        Space::new(origin, self.mounts(container), layers, read_only).of(owner)
    }

    /// All layers as a container sees them now.
    pub(super) fn layers(&self, index: u8) -> Vec<Layer> {
        let first;
        let files = match &self.files {
            Some(files) => files,
            None => {
                first = self.first_files();
                &first
            }
        };
        let own = files.containers.get(usize::from(index)).map(|own| own.layer.clone()).unwrap_or_default();
        [own, files.ports.clone()].into_iter().chain(files.volumes.iter().cloned()).collect()
    }

    /// The files that a container sees now, for a command beside its run.
    pub(super) fn space(&self, index: u8) -> Space {
        match self.containers.get(usize::from(index)) {
            Some(container) => self.space_of((index, container), self.layers(index)),
            None => Space::default(),
        }
    }

    /// The files that a container sees at the start of its run, and as others have left them since.
    pub(super) fn met(&self, index: u8) -> (Space, Vec<(Duration, Vec<Layer>)>) {
        let known = self.files.as_ref().and_then(|files| files.containers.get(usize::from(index)));
        let container = self.containers.get(usize::from(index));
        let (Some(known), Some(container)) = (known.filter(|known| !known.met.is_empty()), container) else {
            return (self.space(index), Vec::new());
        };
        let count = self.spec.volumes.len() + usize::from(VOLUMES);
        let mut layers = vec![Layer::default(); count];
        let mut states = known.met.iter().map(|(at, new)| {
            for (number, layer) in new {
                if let Some(place) = layers.get_mut(usize::from(*number)) {
                    place.clone_from(layer);
                }
            }
            (*at, layers.clone())
        });
        let first = states.next().map(|(_, first)| first).unwrap_or_default();
        let later = states.collect();
        (self.space_of((index, container), first), later)
    }
}

impl GroupContext<'_> {
    /// Forgets the files of a container whose run is about to begin; those of volumes stay.
    pub(super) fn begin_files(&mut self, index: u8) {
        self.settle_files();
        self.close_ports(index);
        let Some(files) = &mut self.group.files else { return };
        // what ran beside the old run has ended with it
        files.beside.retain(|process| process.container != index);
        if let Some(own) = files.containers.get_mut(usize::from(index)) {
            *own = ContainerFiles::default();
        }
    }

    /// Takes up the files of a run that has just begun, if it looks at some or changes some.
    pub(super) fn take_up_files(&mut self, index: u8, run: &Run) {
        let looks = !run.looks.is_empty();
        if !looks && !run.changes_files() && self.group.files.is_none() {
            return;
        }
        let layers = self.group.layers(index);
        let files = self.group.files_mut();
        if let Some(own) = files.containers.get_mut(usize::from(index)).filter(|_| looks) {
            own.met.clear();
            own.meet(Duration::ZERO, layers);
        }
        self.settle_files();
    }

    /// Keeps the group's files and ports from now on, since somebody looks at them.
    pub(super) fn keep_files(&mut self) {
        self.group.files_mut();
        self.settle_files();
    }

    /// Closes the ports of a container whose run has ended.
    pub(super) fn close_ports(&mut self, index: u8) {
        let Some(files) = &mut self.group.files else { return };
        let gone = closed(&files.ports, index);
        let done =
            gone.into_iter().map(|change| files.change((index, false, change), self.at, Duration::ZERO));
        let done = done.collect();
        self.follow(done);
    }

    /// Carries out a command's changes of files beside a container's run, from now on.
    pub(super) fn run_beside(&mut self, container: u8, run: &Arc<Run>) {
        if !run.changes_anything() {
            return;
        }
        let started = self.at;
        let files = self.group.files_mut();
        if files.beside.len() < BESIDE_MAX {
            files.beside.push(Process { container, started, carried_out: None, run: Arc::clone(run) });
        }
        self.settle_files();
    }

    /// Carries out all changes of files that have come by now, and plans those runs anew that look at what others have
    /// changed.
    pub(super) fn settle_files(&mut self) {
        let Some(mut files) = self.group.files.take() else { return };
        let done = files.carry_out(&self.group.containers, self.at);
        self.group.files = Some(files);
        self.follow(done);
    }

    /// Lets those who look at what was changed find it.
    fn follow(&mut self, mut done: Vec<Done>) {
        // each run is planned anew a bounded number of times
        while !done.is_empty() {
            self.wake_probes(&done);
            done = self.affected(&done).into_iter().flat_map(|index| self.plan_again(index)).collect();
        }
        self.await_change();
    }

    /// Containers whose runs look at what others have changed.
    fn affected(&self, done: &[Done]) -> BTreeSet<u8> {
        let looks = |index: u8, run: &Run| {
            done.iter().any(|(container, own, change)| {
                let by_itself = *own && *container == index;
                !by_itself && is_seen(&run.looks, index, *container, change)
            })
        };
        self.group.running().filter(|(index, _, run)| looks(*index, run)).map(|(index, ..)| index).collect()
    }

    /// Plans the run of a container anew, which has met what others have changed by now; returns what it changes itself
    /// at this very instant that it did not before.
    fn plan_again(&mut self, index: u8) -> Vec<Done> {
        let known = self.group.running().find(|(own, ..)| *own == index);
        let Some((since, before)) = known.map(|(_, since, run)| (since, Arc::clone(run))) else {
            return Vec::new();
        };
        let passed = since.duration_until(self.at).unsigned_abs();
        let layers = self.group.layers(index);
        let own = self.group.files.as_mut().and_then(|files| files.containers.get_mut(usize::from(index)));
        let Some(own) = own.filter(|own| !own.met.is_empty() && !own.misses) else { return Vec::new() };
        if own.met.len() > MET_MAX {
            own.misses = true;
            let what = format!("what comes after {MET_MAX} changes of files at which a command looks");
            self.tell_not_played(index, &format!("eci-sim does not play {what}"));
            return Vec::new();
        }
        own.meet(passed, layers);
        let run = self.plan(index);
        self.tell_assumed(index, &run);
        let ends = run.ends;
        self.with(index, |container| container.run = Some(Arc::clone(&run)));
        self.cancel(|step| step == Step::Exit(index));
        if let Some((after, _)) = ends {
            self.put(after.saturating_sub(passed), Step::Exit(index));
        }
        let just_before = passed.checked_sub(Duration::from_nanos(1));
        let known = before.changes(just_before, passed).len();
        let new: Vec<_> = run.changes(just_before, passed).into_iter().skip(known).collect();
        let Some(files) = &mut self.group.files else { return Vec::new() };
        new.into_iter().map(|(at, change)| files.change((index, true, change.clone()), since, at)).collect()
    }

    /// Puts the next change at which somebody looks on the agenda.
    pub(super) fn await_change(&mut self) {
        self.cancel(|step| step == Step::FilesChange);
        let next = self.group.next_seen_change();
        if let Some(next) = next {
            self.put(self.at.duration_until(next).unsigned_abs(), Step::FilesChange);
        }
        self.await_probes();
    }
}

impl Group {
    fn files_mut(&mut self) -> &mut GroupFiles {
        let first = self.files.is_none().then(|| Box::new(self.first_files()));
        self.files.get_or_insert_with(|| first.unwrap_or_default())
    }

    /// Running containers with the starts of their runs.
    pub(super) fn running(&self) -> impl Iterator<Item = (u8, Timestamp, &Arc<Run>)> {
        (0..=u8::MAX).zip(&self.containers).filter_map(|(index, container)| match container.phase {
            Phase::Running { since } => Some((index, since, container.run.as_ref()?)),
            Phase::Waiting(_) | Phase::Terminated(_) => None,
        })
    }

    /// Time of the next change of a file or port at which another run looks.
    fn next_seen_change(&self) -> Option<Timestamp> {
        let files = self.files.as_ref()?;
        let misses = |index: u8| files.containers.get(usize::from(index)).is_none_or(|own| own.misses);
        let watchers = self.running().filter(|(index, _, run)| !run.looks.is_empty() && !misses(*index));
        let watchers: Vec<_> = watchers.collect();
        if watchers.is_empty() {
            return None;
        }
        self.next_change(|writer, own, change| {
            let mut others = watchers.iter().filter(|(index, ..)| !(own && *index == writer));
            others.any(|(index, _, watcher)| is_seen(&watcher.looks, *index, writer, change))
        })
    }

    /// Time of the next change that `matters`, of a container's files by its run (true) or beside it.
    pub(super) fn next_change(&self, matters: impl Fn(u8, bool, &Change) -> bool) -> Option<Timestamp> {
        let files = self.files.as_ref()?;
        let next = |writer: u8, own: bool, since: Timestamp, after: Option<Duration>, run: &Run| {
            run.next_change(after, |change| matters(writer, own, change)).map(|at| later(since, at))
        };
        let runs = self.running().filter_map(|(index, since, run)| {
            let after = files.containers.get(usize::from(index))?.carried_out;
            next(index, true, since, after, run)
        });
        let beside = files.beside.iter().filter_map(|process| {
            next(process.container, false, process.started, process.carried_out, &process.run)
        });
        runs.chain(beside).min()
    }
}

impl GroupFiles {
    /// Carries out the changes that have come by now, in order of time.
    fn carry_out(&mut self, containers: &[Container], now: Timestamp) -> Vec<Done> {
        let mut due: Vec<(Timestamp, Duration, Timestamp, Done)> = Vec::new();
        for (index, (container, own)) in (0u8..).zip(containers.iter().zip(&mut self.containers)) {
            let (Phase::Running { since }, Some(run)) = (&container.phase, &container.run) else { continue };
            let passed = since.duration_until(now).unsigned_abs();
            let changes = run.changes(own.carried_out, passed).into_iter();
            due.extend(
                changes.map(|(at, change)| (later(*since, at), at, *since, (index, true, change.clone()))),
            );
            own.carried_out = Some(passed);
        }
        for process in &mut self.beside {
            let passed = process.started.duration_until(now).unsigned_abs();
            let (container, started) = (process.container, process.started);
            let changes = process.run.changes(process.carried_out, passed).into_iter();
            due.extend(
                changes.map(|(at, change)| {
                    (later(started, at), at, started, (container, false, change.clone()))
                }),
            );
            process.carried_out = Some(passed);
        }
        self.beside
            .retain(|process| !process.run.is_done_with_files(process.carried_out.unwrap_or_default()));
        due.sort_by_key(|(time, ..)| *time);
        due.into_iter().map(|(_, at, started, done)| self.change(done, started, at)).collect()
    }

    fn change(&mut self, (container, own, change): Done, started: Timestamp, at: Duration) -> Done {
        let layer = match change.layer {
            PORTS => Some(&mut self.ports),
            0 => self.containers.get_mut(usize::from(container)).map(|files| &mut files.layer),
            volume => self.volumes.get_mut(usize::from(volume - VOLUMES)),
        };
        if let Some(layer) = layer {
            // a layer that is full stays as it is, as the run has found, too
            let _fits = layer.apply(&change.path, &with_dates(&change.effect, started, at));
        }
        (container, own, change)
    }
}

impl ContainerFiles {
    /// Keeps the layers that the run meets from a time on, as far as they are not what it met before.
    fn meet(&mut self, at: Duration, layers: Vec<Layer>) {
        let known = |number: u8| {
            let mut states = self.met.iter().rev().flat_map(|(_, met)| met);
            states.find(|(own, _)| *own == number).map(|(_, layer)| layer)
        };
        let is_new = |(number, layer): &(u8, Layer)| match known(*number) {
            Some(known) => !known.is_same(layer) && known != layer,
            None => !layer.is_empty(),
        };
        let new = (0u8..).zip(layers).filter(is_new).collect();
        self.met.push((at, new));
    }
}

/// The effect with the dates of its time filled in.
fn with_dates(effect: &Effect, started: Timestamp, at: Duration) -> Effect {
    let filled = |bytes: &Arc<Vec<u8>>| match std::str::from_utf8(bytes) {
        Ok(text) => Arc::new(dated(text, started, at).into_owned().into_bytes()),
        Err(_) => Arc::clone(bytes),
    };
    match effect {
        Effect::Append(bytes) => Effect::Append(filled(bytes)),
        Effect::Put(Node { kind: Kind::File(bytes), mode }) => {
            Effect::Put(Node { kind: Kind::File(filled(bytes)), mode: *mode })
        }
        other => other.clone(),
    }
}

/// True if what is looked at from the container `index` is what a change in the container `writer` changes.
pub(super) fn is_seen(looks: &Looks, index: u8, writer: u8, change: &Change) -> bool {
    let same_layer = change.layer > 0 || index == writer;
    let is_at = |path: &str| {
        *change.path == *path || parent(&change.path) == path || path.starts_with(&joined(&change.path, ""))
    };
    let is_all = |layer: u8| layer == EVERYTHING.0;
    same_layer && looks.iter().any(|(layer, path)| is_all(*layer) || *layer == change.layer && is_at(path))
}

/// A time after another.
pub(super) fn later(since: Timestamp, after: Duration) -> Timestamp {
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    since.saturating_add(after).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_met_many_changes_holds_of_each_only_the_layer_that_changed() {
        let mut large = Layer::default();
        assert!(large.put("/page", Some(Node::file("x".repeat(4000), FILE_MODE))));
        let mut own = ContainerFiles::default();
        for n in 0u64..90 {
            let mut small = Layer::default();
            assert!(small.put("/go", Some(Node::file(n.to_string(), FILE_MODE))));
            own.meet(Duration::from_secs(n), vec![Layer::default(), Layer::default(), large.clone(), small]);
        }
        let size = serde_json::to_string(&own).unwrap().len();
        assert!((4000..20_000).contains(&size), "{size}");
    }
}
