//! Groups whose containers an Engine runs: orders to it, and what follows from its observations.

use std::time::Duration;

use super::container::Container;
use super::happened::What as Told;
use super::lifecycle::State;
use super::steps::Hands;
use crate::agenda::Step;
use crate::runtime::{Seen, Work};

/// Time after which a sandbox that could not be made is tried again.
const SANDBOX_AGAIN: Duration = Duration::from_secs(10);

impl Hands<'_> {
    /// Applies an observation; one that comes too late to matter changes nothing.
    pub fn see(&mut self, seen: Seen) {
        if let Seen::Exited { container, run, exit_code, out_of_memory } = seen {
            return self.see_exit(container, run, exit_code, out_of_memory);
        }
        if let Seen::PreStopFailed(index) = seen {
            return self.tell(Told::PreStopFailed(index));
        }
        if !matches!(self.group.state, State::Pending | State::Running) {
            return;
        }
        match seen {
            Seen::SandboxUp(address) => {
                (self.group.address, self.group.changed) = (Some(address), self.at);
                self.go_on();
            }
            Seen::SandboxFailed(why) => {
                self.tell(Told::SandboxFailed(why.into()));
                self.put(SANDBOX_AGAIN, Step::SandboxUp);
            }
            Seen::Present(index) => {
                self.tell(Told::Present(index));
                self.create(index);
            }
            Seen::Pulling(index) => self.tell(Told::Pulling(index)),
            Seen::Pulled(index, millis) => {
                self.tell(Told::Pulled(index, millis));
                self.create(index);
            }
            Seen::PullFailed(index, why) => self.fail_pull(index, why),
            Seen::Started(index, run) if self.awaits(index, run) => {
                self.forget_failed_pulls(index);
                self.start(index);
            }
            Seen::StartFailed(index, run, why) if self.awaits(index, run) => {
                self.tell(Told::StartFailed(index, why.into()));
                self.fail_start(index);
            }
            Seen::Ready { container, run, ready } if self.runs(container, run) => {
                if ready {
                    self.become_ready(container);
                } else {
                    self.lose_readiness(container);
                }
            }
            Seen::Unhealthy(index, run) if self.runs(index, run) => {
                self.tell(Told::Unhealthy(index, true));
                self.order_kill(index);
                self.kill_unhealthy(index);
            }
            Seen::PostStartFailed(index, run) if self.runs(index, run) => {
                self.tell(Told::PostStartFailed(index));
                self.order_kill(index);
                self.kill(index, Told::KillingForHook(index));
            }
            Seen::Started(..)
            | Seen::PostStartFailed(..)
            | Seen::PreStopFailed(_)
            | Seen::StartFailed(..)
            | Seen::Ready { .. }
            | Seen::Unhealthy(..)
            | Seen::Exited { .. } => {}
        }
    }

    fn fail_start(&mut self, index: u8) {
        let (run, at) = (self.plan(index), self.at);
        self.with(index, |container| container.start(at, run));
        self.go_on();
        self.end(index, 128, 0, Some("StartError"));
    }

    fn see_exit(&mut self, index: u8, run: u32, exit_code: i32, out_of_memory: bool) {
        if !self.runs(index, run) {
            return;
        }
        if self.group.state == State::Terminating {
            let at = self.at;
            self.with(index, |container| container.end(at, exit_code, 0, None));
            if !self.group.containers.iter().any(Container::is_running) {
                self.agenda.call_off(self.group, |step| step == Step::GraceOver);
                self.put(Duration::ZERO, Step::GraceOver);
            }
        } else if out_of_memory {
            self.tell(Told::OutOfMemory(index));
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
        self.runtime.order(self.group, work);
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
