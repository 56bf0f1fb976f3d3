//! Steps of a group that fall due: the kubelet's order of pulls, starts, exits and restarts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use determinism::Seed;
use jiff::Timestamp;

use super::container::Wait;
use super::events::EventKind;
use super::timeline::{PENDING_TIMEOUT_MINUTES, Timeline};
use super::{CacheUse, Group};
use crate::agenda::{Agenda, Step};
use crate::latency::Latency;
use crate::ledger::{Ledger, LedgerEvent};
use crate::lifecycle::{self, Event, Illegal, State};
use crate::market::Market;
use crate::orders::{Runtime, Work};
use crate::prices::Tariff;
use crate::script::{AssumedRuns, Script, Scripts};

/// A group at an instant, and all that a step may touch beside it.
pub struct GroupContext<'a> {
    /// Present instant of the simulation.
    pub at: Timestamp,
    /// Group that the step is for.
    pub group: &'a mut Group,
    /// Agenda that takes the steps that are due later.
    pub agenda: &'a mut Agenda,
    /// Ledger that takes each change that matters for the bill.
    pub ledger: &'a mut Ledger,
    /// Scripts that say how containers behave.
    pub scripts: &'a Scripts,
    /// Containers whose commands were not played.
    pub assumed: &'a mut AssumedRuns,
    /// Seed of the drawn durations.
    pub seed: Seed,
    /// Latency of steps of which no script says another.
    pub latency: Latency,
    /// Prices of spot instances.
    pub market: &'a Market,
    /// List prices, which those of spot instances refer to.
    pub tariff: &'a Tariff,
    /// Zones, and sizes in a zone, that are out of stock.
    pub sold_out: &'a BTreeSet<String>,
    /// Runtime of the containers: scripted or an Engine.
    pub runtime: &'a Runtime,
}

impl GroupContext<'_> {
    /// Carries out a step that fell due.
    pub fn carry_out(&mut self, step: Step) {
        match step {
            Step::Place => self.place(),
            Step::FailToPlace => self.fail_to_place(),
            Step::SandboxUp if self.runtime.is_real() => self.order(Work::Sandbox),
            Step::SandboxUp => self.go_on(),
            Step::PullEnds(index) => self.end_pull(index),
            Step::PullRests(index) => self.back_off_pull(index),
            Step::PullAgain(index) => self.pull(index),
            Step::Start(index) => self.start(index),
            Step::StartAgain(index) => self.start_again(index),
            Step::Ready(index) => self.become_ready(index),
            Step::Unready(index) => self.lose_readiness(index),
            Step::Unhealthy(index) => {
                self.emit(EventKind::Unhealthy(index, true));
                self.kill_unhealthy(index);
            }
            Step::Probe(index, kind) => self.ask_probe(index, kind),
            Step::PostStartFails(index) => {
                self.emit(EventKind::PostStartFailed(index));
                self.kill(index, EventKind::KillingForHook(index));
            }
            Step::PreStopFails(index) => self.fail_stop_hook(index),
            Step::OutOfMemory(index) => {
                self.emit(EventKind::OutOfMemory(index));
                self.end(index, 137, 9, Some("OOMKilled"));
            }
            Step::Exit(index) => self.exit(index),
            Step::FilesChange => self.settle_files(),
            Step::Stopped(index) => self.stopped(index),
            Step::Resume => self.resume(),
            Step::PendingOver => self.give_up_pending(),
            Step::Deadline => self.end_by_force(Event::DeadlinePassed, EventKind::DeadlineExceeded),
            Step::GraceOver => {
                let _was_terminating = self.go(Event::GraceOver);
            }
            Step::SpotCheck => self.check_spot_market(),
            Step::Reclaim => {
                if self.go(Event::Reclaimed).is_ok() {
                    self.finish();
                }
            }
            Step::RecordAged => {}
        }
    }

    /// Enters the new group into the ledger, and schedules the search for a machine.
    pub fn on_created(&mut self) {
        self.ledger.write(self.at, &self.group.record, LedgerEvent::Created);
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

    /// Announces that a spot instance is reclaimed in so many minutes; does nothing after the group's end.
    pub fn announce_reclaim(&mut self, minutes: u8) {
        if self.group.state.is_final() {
            return;
        }
        self.emit(EventKind::SpotToBeReleased(minutes));
        self.put(Duration::from_secs(60 * u64::from(minutes)), Step::Reclaim);
    }

    /// Deletes the record, which was kept long enough.
    pub fn forget(&mut self) {
        // A group whose record is dropped ended before, and each such state has an edge for it.
        let _ended_before = self.go(Event::Forgotten);
    }

    fn place(&mut self) {
        if self.go(Event::Placed).is_err() {
            return;
        }
        let terms = &self.group.record.terms;
        let as_requested = terms.instance_type().is_some() || terms.size() == self.group.spec.requested;
        self.emit(if as_requested { EventKind::SizeAsRequested } else { EventKind::SizeRounded });
        match self.group.optional_spec().cache {
            CacheUse::None => {}
            CacheUse::Hit { id, .. } => self.emit(EventKind::CacheHit(id)),
            CacheUse::Missed { made } => {
                self.emit(EventKind::CacheMissed);
                self.emit(EventKind::CacheMade(made));
            }
        }
        if let Some(seconds) = self.group.optional_spec().deadline_seconds {
            self.put(Duration::from_secs(seconds), Step::Deadline);
        }
        if self.group.spot().is_some() {
            let hours = self.group.spec.optional.as_ref().map_or(0, |optional| optional.spot_hours);
            self.put(Duration::from_secs(3600 * hours), Step::SpotCheck);
        }
        self.watch_pending();
        let scripted = self.script_of_group().and_then(|script| script.sandbox);
        let takes = scripted.unwrap_or_else(|| self.timeline("sandbox").sandbox());
        self.put(if self.runtime.is_real() { Duration::ZERO } else { takes }, Step::SandboxUp);
    }

    fn fail_to_place(&mut self) {
        let why =
            self.script_of_group().and_then(|script| script.cannot_schedule.clone()).unwrap_or_default();
        if self.go(Event::NotPlaced).is_ok() {
            self.emit(EventKind::NotScheduled(why.into()));
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
        self.go_on();
    }

    fn watch_pending(&mut self) {
        let minutes = self.group.optional_spec().pending_minutes.unwrap_or(PENDING_TIMEOUT_MINUTES);
        self.put(Duration::from_secs(60 * u64::from(minutes)), Step::PendingOver);
    }

    pub(super) fn go(&mut self, event: Event) -> Result<State, Illegal> {
        let from = self.group.state;
        let to = lifecycle::next(from, event)?;
        (self.group.state, self.group.since, self.group.changed) = (to, self.at, self.at);
        self.ledger.write(self.at, &self.group.record, LedgerEvent::Moved { from, to });
        Ok(to)
    }

    pub(super) fn emit(&mut self, event: EventKind) {
        self.group.emit(self.at, event);
    }

    pub(super) fn put(&mut self, after: Duration, step: Step) {
        let Group { record, due, .. } = &mut *self.group;
        self.agenda.put((record.number, due), self.at, after, step);
        self.runtime.wake();
    }

    /// Cancels the steps of the group that `which` selects.
    pub(super) fn cancel(&mut self, which: impl Fn(Step) -> bool) {
        self.agenda.cancel(&mut self.group.due, which);
    }

    pub(super) fn with(&mut self, index: u8, act: impl FnOnce(&mut super::container::Container)) {
        if let Some(container) = self.group.containers.get_mut(usize::from(index)) {
            act(container);
            self.group.changed = self.at;
        }
    }

    pub(super) fn timeline(&self, step: &str) -> Timeline {
        let scripted = self.script_of_group().and_then(|script| script.latency);
        Timeline::of(self.seed, self.group.id(), step, scripted.unwrap_or(self.latency))
    }

    /// Script of a container; `None` where it has none, or where an Engine runs it.
    pub(super) fn script(&self, index: u8) -> Option<Arc<Script>> {
        if self.runtime.is_real() { None } else { self.script_for(index) }
    }

    pub(super) fn script_for(&self, index: u8) -> Option<Arc<Script>> {
        let container = self.group.containers.get(usize::from(index))?;
        self.scripts.find(&self.group.record.name, &container.spec.image)
    }

    /// Script of the group, or the first of its images' that says something of the group as a whole.
    pub(super) fn script_of_group(&self) -> Option<Arc<Script>> {
        (0..self.group.containers.len())
            .filter_map(|index| self.script_for(u8::try_from(index).ok()?))
            .find(|script| script.concerns_group())
    }
}
