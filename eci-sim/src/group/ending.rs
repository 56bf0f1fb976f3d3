//! Ends of containers and groups: by themselves, by request, and by force; and their order.

use std::sync::Arc;
use std::time::Duration;

use super::container::{Container, Wait, back_off};
use super::events::EventKind;
use super::failures::{HookRun, ends_with_its_run};
use super::steps::GroupContext;
use super::timeline::PENDING_TIMEOUT_MINUTES;
use crate::agenda::Step;
use crate::ledger::LedgerEvent;
use crate::lifecycle::{self, Event, Illegal, Outcome, State};
use crate::orders::Work;

/// Time for which a record of an ended group is kept (eci-openapi.md, section 7.1).
const RECORD_TTL: Duration = Duration::from_hours(1);
/// Time for which a group that could not be scheduled is shown.
const FAILED_SCHEDULE_TTL: Duration = Duration::from_hours(24);
/// Grace period of containers, where the request gives none.
const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(30);

impl GroupContext<'_> {
    /// Deletes the group on request; returns true when it is gone at once.
    pub fn delete(&mut self, force: bool) -> bool {
        if self.group.state == State::Terminating && !force {
            return false;
        }
        let lingers = !force && !self.group.state.is_final() && self.takes_time_to_end();
        if self.go(Event::DeleteRequested { lingers }).is_err() {
            return false;
        }
        self.cancel(|_| true);
        if !lingers {
            return true;
        }
        if self.runtime.is_real() {
            // each level has a grace period of its own, so that all together may take longer
            let levels = u32::try_from(self.group.in_order_of_end().len()).unwrap_or(u32::MAX);
            self.emit_killing();
            self.order(Work::Stop);
            self.put(self.grace().saturating_mul(levels), Step::GraceOver);
        } else {
            self.end_next_level();
        }
        false
    }

    /// True if a container that is running has a pre-stop hook, or a script that says that it takes time to stop.
    fn takes_time_to_end(&self) -> bool {
        (0..=u8::MAX).zip(&self.group.containers).filter(|(_, container)| container.is_running()).any(
            |(index, container)| {
                let said = || self.script(index).and_then(|script| script.stop);
                container.has_stop_hook() || said().is_some_and(|stop| !stop.is_zero())
            },
        )
    }

    fn grace(&self) -> Duration {
        let said = self.group.spec.optional.as_ref().and_then(|optional| optional.grace_seconds);
        said.map_or(DEFAULT_GRACE_PERIOD, Duration::from_secs)
    }

    /// Stops the containers of the next exit priority; when none is left, the group is gone.
    fn end_next_level(&mut self) {
        let Some(level) = self.group.in_order_of_end().into_iter().next() else {
            let _was_terminating = self.go(Event::GraceOver);
            return;
        };
        for index in level {
            self.emit(EventKind::Killing(index));
            // looked at before its own changes of files, after which it would be another
            let (hook, stops) = (self.stop_hook(index), self.stop_time(index));
            self.run_hook(index, |optional| optional.stop_hook.as_deref());
            if let Some(HookRun { takes, .. }) = hook.filter(|hook| hook.fails && hook.takes <= self.grace())
            {
                self.put(takes, Step::PreStopFails(index));
            }
            self.put(stops.min(self.grace()), Step::Stopped(index));
        }
    }

    /// Ends a container that was told to stop: by itself with 143 (SIGTERM), or with 137 (SIGKILL) when its grace
    /// period is over.
    pub(super) fn stopped(&mut self, index: u8) {
        self.settle_files();
        let (at, in_time) = (self.at, self.stop_time(index) <= self.grace());
        let (code, signal) = if in_time { (143, 15) } else { (137, 9) };
        self.with(index, |container| container.end(at, code, signal, None));
        self.close_ports(index);
        let left =
            self.agenda.steps(&self.group.due).iter().any(|(_, step)| matches!(step, Step::Stopped(_)));
        if !left {
            self.end_next_level();
        }
    }

    /// Begins a restart or an update on request: stops the containers, and starts them anew after the preparation.
    ///
    /// # Errors
    /// [`Illegal`] in a state that does not allow it.
    pub fn start_over(&mut self, event: Event) -> Result<(), Illegal> {
        self.go(event)?;
        self.settle_files();
        let stays = |step| matches!(step, Step::Deadline | Step::SpotCheck | Step::Reclaim);
        self.cancel(|step| !stays(step));
        self.emit_killing();
        self.order(Work::Stop);
        let at = self.at;
        for container in &mut self.group.containers {
            if container.is_running() {
                container.end(at, 143, 15, None);
                container.restarts += 1;
            }
        }
        let scripted = self.script_of_group().and_then(|script| script.preparation);
        let takes = scripted.unwrap_or_else(|| self.timeline("preparation").preparation());
        self.put(takes, Step::Resume);
        Ok(())
    }

    pub(super) fn exit(&mut self, index: u8) {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let code = container.run.as_ref().and_then(|run| run.ends).map_or(0, |(_, code)| code);
        self.end(index, code, 0, None);
    }

    /// Ends a container's run, and does what follows from it: a restart, the next init container, or the end of the
    /// group.
    pub(super) fn end(&mut self, index: u8, code: i32, signal: i32, reason: Option<&'static str>) {
        let at = self.at;
        self.settle_files();
        self.cancel(|step| ends_with_its_run(step, index));
        let Some(container) = self.group.containers.get_mut(usize::from(index)) else { return };
        container.end(at, code, signal, reason);
        let (init, name) = (container.init, Arc::clone(&container.spec.name));
        container.ready = init && code == 0;
        self.close_ports(index);
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let counts = container.exit_code().unwrap_or(code);
        self.group.changed = at;
        self.ledger.write(at, &self.group.record, LedgerEvent::ContainerEnded { name, exit_code: code });
        let policy = self.group.spec.restart_policy;
        if policy.restarts(init, counts) {
            self.restart_later(index);
        } else if init && code == 0 {
            self.go_on();
        } else if init && self.go(Event::AllExited(Outcome::Failed)).is_ok() {
            return self.finish();
        }
        if !init {
            self.go_on();
            self.settle();
        }
    }

    /// Restarts at once after the first early end, and after a growing back-off later.
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
            self.emit(EventKind::BackOff(index));
        }
        self.put(wait.max(starts), Step::StartAgain(index));
    }

    /// Moves the group to Running once every container was started, or to its end once they are over for good.
    pub(super) fn settle(&mut self) {
        let policy = self.group.spec.restart_policy;
        let apps = || self.group.containers.iter().filter(|container| !container.init);
        let counts = |c: &&Container| !c.is_sidecar();
        let over = |c: &Container| c.exit_code().is_some_and(|code| !policy.restarts(false, code));
        let has_normal = apps().any(|container| counts(&container));
        let all_over = apps().filter(|c| !has_normal || counts(c)).all(over);
        if all_over {
            let bad = |c: &Container| c.exit_code().is_some_and(|code| code != 0);
            let failed = apps().filter(|c| !has_normal || counts(c)).any(bad);
            let outcome = if failed { Outcome::Failed } else { Outcome::Clean };
            if self.go(Event::AllExited(outcome)).is_ok() {
                self.finish();
            }
        } else if self.group.state == State::Pending
            && apps().all(Container::was_started)
            && self.group.begun as usize >= self.group.containers.len()
            && self.go(Event::EveryContainerUp).is_ok()
        {
            self.cancel(|step| step == Step::PendingOver);
        }
    }

    pub(super) fn give_up_pending(&mut self) {
        if self.group.state != State::Pending {
            return;
        }
        if self.group.is_initializing() {
            return self.put(Duration::from_secs(60), Step::PendingOver);
        }
        let minutes = self.group.optional_spec().pending_minutes.unwrap_or(PENDING_TIMEOUT_MINUTES);
        self.end_by_force(Event::StartOverdue, EventKind::PendingTooLong(minutes));
    }

    pub(super) fn end_by_force(&mut self, event: Event, kind: EventKind) {
        if lifecycle::next(self.group.state, event).is_err() {
            return;
        }
        self.emit(kind);
        if self.go(event).is_ok() {
            self.finish();
        }
    }

    /// Ends the group for good: stops what still runs, and leaves only the record to grow old.
    pub(super) fn finish(&mut self) {
        self.cancel(|_| true);
        self.order(Work::Stop);
        // The agent of a spot instance is gone with it, and reports nothing.
        if self.group.state != State::Expired {
            self.emit_killing();
        }
        let at = self.at;
        for container in &mut self.group.containers {
            container.end(at, 137, 9, None);
        }
        self.group.files = None;
        let failed_early = self.group.state == State::ScheduleFailed;
        self.put(if failed_early { FAILED_SCHEDULE_TTL } else { RECORD_TTL }, Step::RecordAged);
    }

    fn emit_killing(&mut self) {
        for index in self.group.in_order_of_end().into_iter().flatten() {
            self.emit(EventKind::Killing(index));
        }
    }
}
