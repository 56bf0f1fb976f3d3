//! Groups whose containers an Engine runs: orders to it, and what follows from its observations.

use std::time::Duration;

use super::container::Container;
use super::events::EventKind;
use super::steps::GroupContext;
use crate::agenda::Step;
use crate::lifecycle::State;
use crate::orders::{Observation, Work};

/// Time after which a sandbox that could not be made is tried again.
const SANDBOX_RETRY_DELAY: Duration = Duration::from_secs(10);

impl GroupContext<'_> {
    /// Applies an observation; one that comes too late to matter changes nothing.
    pub fn observe(&mut self, observation: Observation) {
        if let Observation::Exited { container, run, exit_code, out_of_memory } = observation {
            return self.observe_exit(container, run, exit_code, out_of_memory);
        }
        if let Observation::PreStopFailed(index) = observation {
            return self.emit(EventKind::PreStopFailed(index));
        }
        if !matches!(self.group.state, State::Pending | State::Running) {
            return;
        }
        match observation {
            Observation::SandboxUp(address) => {
                (self.group.address, self.group.changed) = (Some(address), self.at);
                self.go_on();
            }
            Observation::SandboxFailed(why) => {
                self.emit(EventKind::SandboxFailed(why.into()));
                self.put(SANDBOX_RETRY_DELAY, Step::SandboxUp);
            }
            Observation::Present(index) => {
                self.emit(EventKind::Present(index));
                self.create(index);
            }
            Observation::Pulling(index) => self.emit(EventKind::Pulling(index)),
            Observation::Pulled(index, millis) => {
                self.emit(EventKind::Pulled(index, millis));
                self.create(index);
            }
            Observation::PullFailed(index, why) => self.fail_pull(index, why),
            Observation::Started(index, run) if self.awaits(index, run) => {
                self.forget_failed_pulls(index);
                self.start(index);
            }
            Observation::StartFailed(index, run, why) if self.awaits(index, run) => {
                self.emit(EventKind::StartFailed(index, why.into()));
                self.fail_start(index);
            }
            Observation::Ready { container, run, ready } if self.runs(container, run) => {
                if ready {
                    self.become_ready(container);
                } else {
                    self.lose_readiness(container);
                }
            }
            Observation::Unhealthy(index, run) if self.runs(index, run) => {
                self.emit(EventKind::Unhealthy(index, true));
                self.order_kill(index);
                self.kill_unhealthy(index);
            }
            Observation::PostStartFailed(index, run) if self.runs(index, run) => {
                self.emit(EventKind::PostStartFailed(index));
                self.order_kill(index);
                self.kill(index, EventKind::KillingForHook(index));
            }
            Observation::Started(..)
            | Observation::PostStartFailed(..)
            | Observation::PreStopFailed(_)
            | Observation::StartFailed(..)
            | Observation::Ready { .. }
            | Observation::Unhealthy(..)
            | Observation::Exited { .. } => {}
        }
    }

    fn fail_start(&mut self, index: u8) {
        let (run, at) = (self.plan(index), self.at);
        self.with(index, |container| container.start(at, run));
        self.go_on();
        self.end(index, 128, 0, Some("StartError"));
    }

    fn observe_exit(&mut self, index: u8, run: u32, exit_code: i32, out_of_memory: bool) {
        if !self.runs(index, run) {
            return;
        }
        if self.group.state == State::Terminating {
            let at = self.at;
            self.with(index, |container| container.end(at, exit_code, 0, None));
            if !self.group.containers.iter().any(Container::is_running) {
                self.cancel(|step| step == Step::GraceOver);
                self.put(Duration::ZERO, Step::GraceOver);
            }
        } else if out_of_memory {
            self.emit(EventKind::OutOfMemory(index));
            self.end(index, exit_code, 9, Some("OOMKilled"));
        } else {
            self.end(index, exit_code, 0, None);
        }
    }

    /// True if a container is running, and the run is `run`.
    fn runs(&self, index: u8, run: u32) -> bool {
        let container = self.group.containers.get(usize::from(index));
        container.is_some_and(|container| container.is_run(run))
    }

    /// True if a container's start is awaited, and the run is `run`.
    fn awaits(&self, index: u8, run: u32) -> bool {
        let container = self.group.containers.get(usize::from(index));
        container.is_some_and(|container| !container.is_running() && container.next_run() == run)
    }

    /// Pulls that failed before the first run no longer count; early ends do.
    fn forget_failed_pulls(&mut self, index: u8) {
        self.with(index, |container| {
            if !container.was_started() {
                container.failures = 0;
            }
        });
    }

    pub(super) fn order(&self, work: Work) {
        self.runtime.order(self.group.record.number, &self.group.record.id, work);
    }

    pub(super) fn order_start(&self, index: u8) {
        if let Some(container) = self.group.containers.get(usize::from(index)) {
            self.order(Work::Start(index, container.next_run()));
        }
    }

    pub(super) fn order_kill(&self, index: u8) {
        let container = self.group.containers.get(usize::from(index));
        if let Some(run) = container.and_then(|container| container.run.as_ref()?.number) {
            self.order(Work::Kill(index, run));
        }
    }
}
