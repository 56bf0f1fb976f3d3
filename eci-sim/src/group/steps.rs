//! What happens to a group when something falls due: the kubelet's order of pulls, starts, exits and restarts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use determinism::Seed;
use jiff::Timestamp;

use super::container::{Phase, Wait, back_off};
use super::happened::What as Told;
use super::lifecycle::{self, Event, Illegal, Outcome, State};
use super::mishaps::ends_with_its_run;
use super::timeline::Timeline;
use super::{CacheUse, Group};
use crate::agenda::{Agenda, Step};
use crate::ledger::{Ledger, What};
use crate::market::Market;
use crate::runtime::{Runtime, Work};
use crate::script::{self, Run, Script, Scripts};

/// How long records of what ended are kept, at least (eci-openapi.md, section 7.1).
const RECORD_KEPT: Duration = Duration::from_hours(1);
/// How long a group that could not be created is shown.
const FAILED_SCHEDULE_KEPT: Duration = Duration::from_hours(24);
/// How long a group may stay in Pending.
pub const PENDING_MINUTES: u32 = 240;
/// How long containers may take to end, where nothing was said.
const GRACE: Duration = Duration::from_secs(30);
/// After how long a failed pull is called a back-off.
const PULL_RESTS: Duration = Duration::from_secs(2);

/// A group at an instant, and all that a step may touch beside it.
pub struct Hands<'a> {
    /// The instant.
    pub at: Timestamp,
    /// The group.
    pub group: &'a mut Group,
    /// What falls due later.
    pub agenda: &'a mut Agenda,
    /// What happened.
    pub ledger: &'a mut Ledger,
    /// What containers do.
    pub scripts: &'a Scripts,
    /// Where durations come from.
    pub seed: Seed,
    /// What spot instances cost.
    pub market: &'a Market,
    /// What is out of stock.
    pub sold_out: &'a BTreeSet<String>,
    /// Who does what containers do.
    pub runtime: &'a Runtime,
}

impl Hands<'_> {
    /// Carries out what fell due.
    pub fn carry_out(&mut self, step: Step) {
        match step {
            Step::Place => self.place(),
            Step::FailToPlace => self.fail_to_place(),
            Step::SandboxUp if self.runtime.is_real() => self.order(Work::Sandbox),
            Step::SandboxUp => self.begin(0),
            Step::PullEnds(index) => self.end_pull(index),
            Step::PullRests(index) => self.rest_from_pulling(index),
            Step::PullAgain(index) => self.pull(index),
            Step::Start(index) => self.start(index),
            Step::StartAgain(index) => self.start_again(index),
            Step::Ready(index) => self.with(index, |container| container.ready = container.is_running()),
            Step::Unready(index) => self.lose_readiness(index),
            Step::Unhealthy(index) => {
                self.tell(Told::Unhealthy(index, true));
                self.kill(index);
            }
            Step::PostStartFails(index) => {
                self.tell(Told::PostStartFailed(index));
                self.kill(index);
            }
            Step::OutOfMemory(index) => {
                self.tell(Told::OutOfMemory(index));
                self.end(index, 137, 9, Some("OOMKilled"));
            }
            Step::Exit(index) => self.exit(index),
            Step::Resume => self.resume(),
            Step::PendingOver => self.give_up_pending(),
            Step::Deadline => self.end_by_force(Event::DeadlinePassed, Told::DeadlineExceeded),
            Step::GraceOver => {
                let _was_terminating = self.go(Event::GraceOver);
            }
            Step::SpotCheck => self.look_at_the_market(),
            Step::Reclaim => {
                if self.go(Event::Reclaimed).is_ok() {
                    self.finish();
                }
            }
            Step::RecordAged => {}
        }
    }

    /// The group was asked for.
    pub fn be_born(&mut self) {
        self.ledger.write(self.at, &self.group.card, What::Created);
        let script = self.script_of_group();
        let script = script.as_deref();
        let takes =
            script.and_then(|s| s.scheduling).unwrap_or_else(|| self.timeline("scheduling").scheduling());
        let step = match script.and_then(|s| s.cannot_schedule.as_ref()) {
            Some(_) => Step::FailToPlace,
            None => Step::Place,
        };
        self.put(takes, step);
    }

    /// Somebody asked for its deletion; true when it is gone at once.
    pub fn delete(&mut self, force: bool) -> bool {
        if self.group.state == State::Terminating && !force {
            return false;
        }
        let hooks = |c: &super::container::Container| {
            c.is_running() && c.spec.rare.as_ref().is_some_and(|rare| rare.pre_stop)
        };
        let lingers = !force && !self.group.state.is_final() && self.group.containers.iter().any(hooks);
        if self.go(Event::DeleteAsked { lingers }).is_err() {
            return false;
        }
        self.agenda.call_off(self.group, |_| true);
        if lingers {
            let grace = self.group.rare().grace_seconds.map_or(GRACE, Duration::from_secs);
            let script = self.script_of_group();
            let takes = script.and_then(|s| s.stop).unwrap_or_else(|| self.stop_time());
            self.tell_of_killing();
            self.order(Work::Stop);
            self.put(if self.runtime.is_real() { grace } else { takes.min(grace) }, Step::GraceOver);
        }
        !lingers
    }

    /// Somebody asked for a restart or an update.
    ///
    /// # Errors
    /// [`Illegal`] in a state that does not allow it.
    pub fn start_over(&mut self, event: Event) -> Result<(), Illegal> {
        self.go(event)?;
        let stays = |step| matches!(step, Step::Deadline | Step::SpotCheck | Step::Reclaim);
        self.agenda.call_off(self.group, |step| !stays(step));
        self.tell_of_killing();
        self.order(Work::Stop);
        let at = self.at;
        for container in &mut self.group.containers {
            if container.is_running() {
                container.end(at, 143, 15, None);
                container.restarts += 1;
            }
        }
        let takes = self.timeline("preparation").preparation();
        self.put(takes, Step::Resume);
        Ok(())
    }

    /// The market takes a spot instance back in so many minutes.
    pub fn announce_reclaim(&mut self, minutes: u8) {
        if self.group.state.is_final() {
            return;
        }
        self.tell(Told::SpotToBeReleased(minutes));
        self.put(Duration::from_secs(60 * u64::from(minutes)), Step::Reclaim);
    }

    /// Its record was kept long enough.
    pub fn forget(&mut self) {
        // A group whose record is dropped ended before, and each such state has an edge for it.
        let _ended_before = self.go(Event::Forgotten);
    }

    fn place(&mut self) {
        if self.go(Event::Placed).is_err() {
            return;
        }
        let terms = &self.group.card.terms;
        let as_asked = terms.instance_type.is_some() || terms.size == self.group.spec.asked;
        self.tell(if as_asked { Told::SizeAsAsked } else { Told::SizeRounded });
        match self.group.rare().cache {
            CacheUse::None => {}
            CacheUse::Hit { id, .. } => self.tell(Told::CacheHit(id)),
            CacheUse::Missed { made } => {
                self.tell(Told::CacheMissed);
                self.tell(Told::CacheMade(made));
            }
        }
        if let Some(seconds) = self.group.rare().deadline_seconds {
            self.put(Duration::from_secs(seconds), Step::Deadline);
        }
        if self.group.card.terms.spot.is_some() {
            let hours = self.group.spec.rare.as_ref().map_or(0, |rare| rare.spot_hours);
            self.put(Duration::from_secs(3600 * hours), Step::SpotCheck);
        }
        self.watch_pending();
        let drawn = self.timeline("sandbox").sandbox();
        self.put(if self.runtime.is_real() { Duration::ZERO } else { drawn }, Step::SandboxUp);
    }

    fn fail_to_place(&mut self) {
        let why =
            self.script_of_group().and_then(|script| script.cannot_schedule.clone()).unwrap_or_default();
        if self.go(Event::NotPlaced).is_ok() {
            self.tell(Told::NotScheduled(why.into()));
            self.finish();
        }
    }

    fn resume(&mut self) {
        if self.go(Event::Resumed).is_err() {
            return;
        }
        let initializes = self.group.containers.iter().any(|container| container.init);
        for container in &mut self.group.containers {
            container.failures = 0;
            container.wait(if initializes && !container.init { Wait::Initializing } else { Wait::Creating });
        }
        self.group.begun = 0;
        self.watch_pending();
        if self.runtime.is_real() {
            return self.order(Work::Sandbox);
        }
        self.begin(0);
    }

    fn watch_pending(&mut self) {
        let minutes = self.group.rare().pending_minutes.unwrap_or(PENDING_MINUTES);
        self.put(Duration::from_secs(60 * u64::from(minutes)), Step::PendingOver);
    }

    /// Begins with a container, and with all after it that need not wait for it.
    pub(super) fn begin(&mut self, index: u8) {
        let Some(container) = self.group.containers.get_mut(usize::from(index)) else { return };
        self.group.begun = self.group.begun.max(index + 1);
        if let Phase::Waiting(Wait::Initializing) = container.phase {
            container.wait(Wait::Creating);
        }
        let init = container.init;
        match script::malformed(&container.spec.image) {
            Some(why) => {
                container.wait(Wait::InvalidImage(why.clone().into()));
                self.tell(Told::InvalidImage(index, why.into()));
                if !init {
                    self.begin_next(index);
                }
            }
            None => self.pull(index),
        }
    }

    pub(super) fn begin_next(&mut self, index: u8) {
        if self.group.begun == index + 1 {
            self.begin(index + 1);
        }
    }

    fn pull(&mut self, index: u8) {
        use super::container::PullPolicy::{Always, Never};
        if self.runtime.is_real() {
            return self.order(Work::Pull(index));
        }
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let (image, policy) = (&container.spec.image, container.spec.pull_policy);
        let rare = self.group.spec.rare.as_deref();
        let cached = rare.is_some_and(|rare| match &rare.cache {
            CacheUse::Hit { images, .. } => images.iter().any(|cached| **cached == **image),
            CacheUse::None | CacheUse::Missed { .. } => false,
        });
        let there = cached
            || self.group.containers.iter().any(|other| other.spec.image == *image && other.was_started());
        if there && policy != Always {
            self.tell(Told::Present(index));
            return self.create(index);
        }
        if policy == Never {
            let why = "container image is not present with pull policy of Never";
            return self.fail_pull(index, why.to_owned());
        }
        let takes = self.pull_time(index);
        self.tell(Told::Pulling(index));
        self.put(takes, Step::PullEnds(index));
    }

    fn end_pull(&mut self, index: u8) {
        if let Some(why) = self.script(index).and_then(|script| script.cannot_pull.clone()) {
            return self.fail_pull(index, why);
        }
        let millis = u32::try_from(self.pull_time(index).as_millis()).unwrap_or(u32::MAX);
        self.tell(Told::Pulled(index, millis));
        self.with(index, |container| container.failures = 0);
        self.create(index);
    }

    pub(super) fn fail_pull(&mut self, index: u8, why: String) {
        self.tell(Told::PullFailed(index, why.clone().into()));
        let mut failures = 0;
        let mut init = true;
        self.with(index, |container| {
            container.failures += 1;
            (failures, init) = (container.failures, container.init);
            container.wait(Wait::PullFailed(why.into()));
        });
        self.put(PULL_RESTS, Step::PullRests(index));
        self.put(back_off(failures), Step::PullAgain(index));
        if !init {
            self.begin_next(index);
        }
    }

    fn rest_from_pulling(&mut self, index: u8) {
        self.with(index, |container| {
            if let Phase::Waiting(Wait::PullFailed(why)) = &container.phase {
                container.phase = Phase::Waiting(Wait::PullBackOff(why.clone()));
            }
        });
        self.tell(Told::PullBackOff(index));
    }

    pub(super) fn create(&mut self, index: u8) {
        self.tell(Told::Created(index));
        if self.runtime.is_real() {
            return self.order_start(index);
        }
        let takes = self.start_time(index);
        self.put(takes, Step::Start(index));
    }

    pub(super) fn start(&mut self, index: u8) {
        let run = self.plan(index);
        let script = self.script(index);
        let Some(container) = self.group.containers.get_mut(usize::from(index)) else { return };
        let ends = run.ends;
        container.start(self.at, run);
        let init = container.init;
        let probe = container.spec.rare.as_ref().and_then(|rare| rare.readiness.as_ref());
        let delay = probe.map(|probe| u64::try_from(probe.initial_delay_seconds).unwrap_or(0));
        container.ready = !init && probe.is_none();
        if script.is_some_and(|script| script.unready) {
            container.ready = false;
        } else if let Some(delay) = delay
            && !self.runtime.is_real()
        {
            self.put(Duration::from_secs(delay), Step::Ready(index));
        }
        self.tell(Told::Started(index));
        if let Some((after, _)) = ends {
            self.put(after, Step::Exit(index));
        }
        if !self.runtime.is_real() {
            self.watch(index);
        }
        if !init {
            self.begin_next(index);
            self.settle();
        }
    }

    fn start_again(&mut self, index: u8) {
        self.with(index, |container| container.restarts += 1);
        if self.runtime.is_real() {
            return self.order(Work::Pull(index));
        }
        self.tell(Told::Present(index));
        self.tell(Told::Created(index));
        self.start(index);
    }

    fn exit(&mut self, index: u8) {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let code = container.run.as_ref().and_then(|run| run.ends).map_or(0, |(_, code)| code);
        self.end(index, code, 0, None);
    }

    /// A container ends, and what follows from it.
    pub(super) fn end(&mut self, index: u8, code: i32, signal: i32, reason: Option<&'static str>) {
        let at = self.at;
        self.agenda.call_off(self.group, |step| ends_with_its_run(step, index));
        let Some(container) = self.group.containers.get_mut(usize::from(index)) else { return };
        container.end(at, code, signal, reason);
        let (init, name) = (container.init, Arc::clone(&container.spec.name));
        container.ready = init && code == 0;
        self.group.changed = at;
        self.ledger.write(at, &self.group.card, What::ContainerEnded { name, exit_code: code });
        let policy = self.group.spec.restart_policy;
        if policy.restarts(init, code) {
            self.restart_later(index);
        } else if init && code == 0 {
            self.begin_next(index);
        } else if init && self.go(Event::AllExited(Outcome::Failed)).is_ok() {
            return self.finish();
        }
        if !init {
            self.settle();
        }
    }

    /// At once after the first early end, later after a growing wait.
    fn restart_later(&mut self, index: u8) {
        let starts = self.start_time(index);
        let mut wait = Duration::ZERO;
        self.with(index, |container| {
            container.failures += 1;
            if container.failures > 1 {
                wait = back_off(container.failures - 1);
                let seconds = u16::try_from(wait.as_secs()).unwrap_or(u16::MAX);
                container.wait(Wait::CrashLoop { seconds });
            }
        });
        if !wait.is_zero() {
            self.tell(Told::BackOff(index));
        }
        self.put(wait.max(starts), Step::StartAgain(index));
    }

    /// Looks whether the group is running now, or has ended.
    fn settle(&mut self) {
        let policy = self.group.spec.restart_policy;
        let apps = || self.group.containers.iter().filter(|container| !container.init);
        let counts = |c: &&super::container::Container| !c.is_sidecar();
        let over =
            |c: &super::container::Container| c.exit_code().is_some_and(|code| !policy.restarts(false, code));
        let has_normal = apps().any(|container| counts(&container));
        let all_over = apps().filter(|c| !has_normal || counts(c)).all(over);
        if all_over {
            let bad = |c: &super::container::Container| {
                c.exit_code().is_some_and(|code| code != 0) && !c.ignores_exit_code()
            };
            let failed = apps().filter(|c| !has_normal || counts(c)).any(bad);
            let outcome = if failed { Outcome::Failed } else { Outcome::Clean };
            if self.go(Event::AllExited(outcome)).is_ok() {
                self.finish();
            }
        } else if self.group.state == State::Pending
            && apps().all(super::container::Container::was_started)
            && self.group.begun as usize >= self.group.containers.len()
            && self.go(Event::EveryContainerUp).is_ok()
        {
            self.agenda.call_off(self.group, |step| step == Step::PendingOver);
        }
    }

    fn give_up_pending(&mut self) {
        if self.group.state != State::Pending {
            return;
        }
        if self.group.is_initializing() {
            return self.put(Duration::from_secs(60), Step::PendingOver);
        }
        let minutes = self.group.rare().pending_minutes.unwrap_or(PENDING_MINUTES);
        self.end_by_force(Event::StartOverdue, Told::PendingTooLong(minutes));
    }

    fn end_by_force(&mut self, event: Event, told: Told) {
        if lifecycle::next(self.group.state, event).is_err() {
            return;
        }
        self.tell(told);
        if self.go(event).is_ok() {
            self.finish();
        }
    }

    /// Nothing happens any more but that its record grows old.
    fn finish(&mut self) {
        self.agenda.call_off(self.group, |_| true);
        self.order(Work::Stop);
        let at = self.at;
        for container in &mut self.group.containers {
            container.end(at, 137, 9, None);
        }
        let failed_early = self.group.state == State::ScheduleFailed;
        self.put(if failed_early { FAILED_SCHEDULE_KEPT } else { RECORD_KEPT }, Step::RecordAged);
    }

    fn go(&mut self, event: Event) -> Result<State, Illegal> {
        let from = self.group.state;
        let to = lifecycle::next(from, event)?;
        (self.group.state, self.group.since, self.group.changed) = (to, self.at, self.at);
        self.ledger.write(self.at, &self.group.card, What::Moved { from, to });
        Ok(to)
    }

    pub(super) fn tell(&mut self, told: Told) {
        self.group.tell(self.at, told);
    }

    fn tell_of_killing(&mut self) {
        for index in 0..u8::try_from(self.group.containers.len()).unwrap_or(u8::MAX) {
            if self.group.containers[usize::from(index)].is_running() {
                self.tell(Told::Killing(index));
            }
        }
    }

    pub(super) fn put(&mut self, after: Duration, step: Step) {
        self.agenda.put(self.group, self.at, after, step);
        self.runtime.look();
    }

    pub(super) fn with(&mut self, index: u8, act: impl FnOnce(&mut super::container::Container)) {
        if let Some(container) = self.group.containers.get_mut(usize::from(index)) {
            act(container);
            self.group.changed = self.at;
        }
    }

    pub(super) fn timeline(&self, step: &str) -> Timeline {
        Timeline::of(self.seed, self.group.id(), step)
    }

    /// What is said of a container; nothing, where an Engine knows better.
    pub(super) fn script(&self, index: u8) -> Option<Arc<Script>> {
        if self.runtime.is_real() { None } else { self.script_for(index) }
    }

    fn script_for(&self, index: u8) -> Option<Arc<Script>> {
        let container = self.group.containers.get(usize::from(index))?;
        self.scripts.find(&self.group.card.name, &container.spec.image)
    }

    /// What is said of the group, or of one of its images, where it concerns the group as a whole.
    fn script_of_group(&self) -> Option<Arc<Script>> {
        let concerns = |script: &Script| {
            script.scheduling.is_some() || script.cannot_schedule.is_some() || script.stop.is_some()
        };
        (0..self.group.containers.len())
            .filter_map(|index| self.script_for(u8::try_from(index).ok()?))
            .find(|script| concerns(script))
    }

    fn pull_time(&self, index: u8) -> Duration {
        let scripted = self.script(index).and_then(|script| script.pull);
        scripted.unwrap_or_else(|| self.timeline(&format!("pull {index}")).pull())
    }

    fn start_time(&self, index: u8) -> Duration {
        let scripted = self.script(index).and_then(|script| script.start);
        scripted.unwrap_or_else(|| self.timeline(&format!("start {index}")).start())
    }

    pub(super) fn plan(&self, index: u8) -> Arc<Run> {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return Arc::default() };
        if self.runtime.is_real() {
            return Arc::new(Run { number: Some(container.next_run()), ..Run::default() });
        }
        let script = self.script(index);
        let spec = &container.spec;
        let env: Vec<(&str, &str)> = spec.environment.iter().map(|v| (&*v.key, &*v.value)).collect();
        Arc::new(script::plan(script.as_deref(), &spec.command, &spec.arguments, &env))
    }
}
