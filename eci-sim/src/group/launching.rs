//! Launch of containers: pulls of images, starts, restarts, and their order.

use std::sync::Arc;
use std::time::Duration;

use super::CacheUse;
use super::container::spec::Spec;
use super::container::{Phase, RestartPolicy, Wait, back_off};
use super::events::EventKind;
use super::steps::GroupContext;
use crate::agenda::Step;
use crate::orders::Work;
use crate::script::{self, AssumedRun, Run, RunContext, Setup, Subject};

/// Time after which a failed pull turns from `ErrImagePull` to `ImagePullBackOff`.
const PULL_BACKOFF_DELAY: Duration = Duration::from_secs(2);

impl GroupContext<'_> {
    /// Begins with every container whose turn has come.
    pub(super) fn go_on(&mut self) {
        while let Some(index) = self.group.next_to_begin() {
            self.begin(index);
        }
    }

    fn begin(&mut self, index: u8) {
        self.group.begun += 1;
        let Some(container) = self.group.containers.get_mut(usize::from(index)) else { return };
        if let Phase::Waiting(Wait::Initializing) = container.phase {
            container.wait(Wait::Creating);
        }
        match script::malformed(&container.spec.image) {
            Some(why) => {
                container.wait(Wait::InvalidImage(why.clone().into()));
                self.emit(EventKind::InvalidImage(index, why.into()));
            }
            None => self.pull(index),
        }
    }

    pub(super) fn pull(&mut self, index: u8) {
        use super::container::spec::PullPolicy::{Always, Never};
        if self.runtime.is_real() {
            return self.order(Work::Pull(index));
        }
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let (image, policy) = (&container.spec.image, container.spec.pull_policy);
        let optional = self.group.spec.optional.as_deref();
        let cached = optional.is_some_and(|optional| match &optional.cache {
            CacheUse::Hit { images, .. } => images.iter().any(|cached| **cached == **image),
            CacheUse::None | CacheUse::Missed { .. } => false,
        });
        let there = cached
            || self.group.containers.iter().any(|other| other.spec.image == *image && other.was_started());
        if there && policy != Always {
            self.emit(EventKind::Present(index));
            return self.create(index);
        }
        if policy == Never {
            let why = "container image is not present with pull policy of Never";
            return self.fail_pull(index, why.to_owned());
        }
        let takes = self.pull_time(index);
        self.emit(EventKind::Pulling(index));
        self.put(takes, Step::PullEnds(index));
    }

    pub(super) fn end_pull(&mut self, index: u8) {
        if let Some(why) = self.script(index).and_then(|script| script.cannot_pull.clone()) {
            return self.fail_pull(index, why);
        }
        let millis = u32::try_from(self.pull_time(index).as_millis()).unwrap_or(u32::MAX);
        self.emit(EventKind::Pulled(index, millis));
        self.with(index, |container| container.failures = 0);
        self.create(index);
    }

    pub(super) fn fail_pull(&mut self, index: u8, why: String) {
        self.emit(EventKind::PullFailed(index, why.clone().into()));
        let mut failures = 0;
        self.with(index, |container| {
            container.failures += 1;
            failures = container.failures;
            container.wait(Wait::PullFailed(why.into()));
        });
        self.put(PULL_BACKOFF_DELAY, Step::PullRests(index));
        self.put(back_off(failures), Step::PullAgain(index));
        self.go_on();
    }

    pub(super) fn back_off_pull(&mut self, index: u8) {
        self.with(index, |container| {
            if let Phase::Waiting(Wait::PullFailed(why)) = &container.phase {
                container.phase = Phase::Waiting(Wait::PullBackOff(why.clone()));
            }
        });
        self.emit(EventKind::PullBackOff(index));
    }

    pub(super) fn create(&mut self, index: u8) {
        self.emit(EventKind::Created(index));
        if self.runtime.is_real() {
            return self.order_start(index);
        }
        let takes = self.start_time(index);
        self.put(takes, Step::Start(index));
    }

    pub(super) fn start(&mut self, index: u8) {
        self.begin_files(index);
        let run = self.plan(index);
        self.tell_assumed(index, &run);
        let becomes_ready = self.becomes_ready(index);
        let Some(container) = self.group.containers.get_mut(usize::from(index)) else { return };
        let (ends, init) = (run.ends, container.init);
        container.start(self.at, Arc::clone(&run));
        container.ready = becomes_ready == Some(Duration::ZERO);
        self.take_up_files(index, &run);
        if let Some(after) = becomes_ready.filter(|after| !after.is_zero()) {
            self.put(after, Step::Ready(index));
        }
        self.emit(EventKind::Started(index));
        if let Some((after, _)) = ends {
            self.put(after, Step::Exit(index));
        }
        if !self.runtime.is_real() {
            self.watch(index);
        }
        if !init {
            self.go_on();
            self.settle();
        }
    }

    /// Marks a running container as ready, as a probe found, so that those that wait for it may start.
    pub(super) fn become_ready(&mut self, index: u8) {
        self.with(index, |container| container.ready = container.is_running());
        self.go_on();
    }

    pub(super) fn start_again(&mut self, index: u8) {
        self.with(index, |container| container.restarts += 1);
        if self.runtime.is_real() {
            return self.order(Work::Pull(index));
        }
        self.emit(EventKind::Present(index));
        self.emit(EventKind::Created(index));
        self.start(index);
    }

    fn pull_time(&self, index: u8) -> Duration {
        let scripted = self.script(index).and_then(|script| script.pull);
        scripted.unwrap_or_else(|| self.timeline(&format!("pull {index}")).pull())
    }

    pub(super) fn start_time(&self, index: u8) -> Duration {
        let scripted = self.script(index).and_then(|script| script.start);
        scripted.unwrap_or_else(|| self.timeline(&format!("start {index}")).start())
    }

    pub(super) fn plan(&self, index: u8) -> Arc<Run> {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return Arc::default() };
        if self.runtime.is_real() {
            return Arc::new(Run { number: Some(container.next_run()), ..Run::default() });
        }
        let script = self.script(index);
        let once = self.group.spec.restart_policy != RestartPolicy::Always && !container.is_sidecar();
        let Spec { image, command, arguments, optional, .. } = &container.spec;
        let owned = self.group.environment(container);
        let env: Vec<(&str, &str)> =
            owned.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let mounts: Vec<&str> = container.spec.mounts.iter().map(|mount| mount.mount_path.as_str()).collect();
        let setup = Setup { owner: index, mounts: &mounts, env: &env };
        let subject = Subject { image, command, arguments, meant_to_end: container.init || once, setup };
        let context = || {
            let (space, later) = self.group.met(index);
            let started = match container.phase {
                Phase::Running { since } => since,
                Phase::Waiting(_) | Phase::Terminated(_) => self.at,
            };
            let is_open = optional.as_ref().is_some_and(|optional| optional.stdin || optional.tty);
            let directory = container.spec.working_dir();
            RunContext { env: &env, space, later, input: None, is_open, directory, started }
        };
        Arc::new(script::plan(script.as_deref(), subject, context))
    }

    /// Tells once of a container whose command is not played.
    pub(super) fn tell_assumed(&mut self, index: u8, run: &Run) {
        if let Some(assumed) = &run.assumed {
            self.tell_not_played(index, &assumed.message);
        }
    }

    /// Tells once of something that is not played.
    pub(super) fn tell_not_played(&mut self, index: u8, message: &str) {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let (group, name) = (self.group.record.name.to_string(), container.spec.name.to_string());
        let id = self.group.id().to_owned();
        let assumed = AssumedRun { id, group, container: name, message: message.to_owned() };
        if self.assumed.add(assumed) {
            self.emit(EventKind::NotPlayed(index, message.into()));
        }
    }
}
