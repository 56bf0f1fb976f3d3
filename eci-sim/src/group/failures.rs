//! Failures of a group besides its own end: probes, hooks, lack of memory, crashes, the spot market.

use std::sync::Arc;
use std::time::Duration;

use eci_api::actions::describe_container_groups::Probe;

use super::container::hook::Hook;
use super::container::spec::OptionalSpec;
use super::events::EventKind;
use super::steps::GroupContext;
use crate::agenda::Step;
use crate::ledger::{BillingRecord, LedgerEvent};
use crate::terms::{Basis, InstanceTerms, Spot};

/// Interval at which a spot instance's price and stock are checked, and the notice before it is reclaimed.
const SPOT_CHECK_INTERVAL: Duration = Duration::from_mins(5);
const SPOT_NOTICE_MINUTES: u8 = 3;

/// Time of the probe number `more` after the first that comes at `earliest` or later, since the container's start.
pub(super) fn probe_time(probe: &Probe, earliest: Duration, more: u64) -> Duration {
    let (delay, period) = (whole(probe.initial_delay_seconds), whole(probe.period_seconds).max(1));
    let earliest = earliest.as_secs().saturating_add(u64::from(earliest.subsec_nanos() > 0));
    let passed = earliest.saturating_sub(delay).div_ceil(period);
    Duration::from_secs(delay.saturating_add(period.saturating_mul(passed.saturating_add(more))))
}

/// Time of the probe by which a container has failed as often in a row as the threshold says, counted from the first
/// probe after it fell ill.
fn failure_time(probe: &Probe, sick: Duration) -> Duration {
    probe_time(probe, sick, whole(probe.failure_threshold).max(1) - 1)
}

fn whole(number: i32) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// True if a step belongs to the present run of a container.
pub(super) fn ends_with_its_run(step: Step, index: u8) -> bool {
    match step {
        Step::Ready(own)
        | Step::Unready(own)
        | Step::Unhealthy(own)
        | Step::Probe(own, _)
        | Step::PostStartFails(own)
        | Step::PreStopFails(own)
        | Step::OutOfMemory(own)
        | Step::Exit(own) => own == index,
        _ => false,
    }
}

impl GroupContext<'_> {
    /// Lets a spot instance follow the market after its protected hours: it is billed at the market's price, and is
    /// reclaimed when that is above its limit, or when its zone has none left.
    pub(super) fn check_spot_market(&mut self) {
        let Some(terms) = self.group.record.terms.instance() else { return };
        let (Some(spot), zone) = (terms.spot(), &self.group.spec.zone) else { return };
        let what = self.group.instance_spec();
        let price = self.market.spot_price(terms, self.group.record.location(), self.tariff, self.at).ok();
        let gone = self.sold_out.contains(&**zone) || self.sold_out.contains(&format!("{zone}/{what}"));
        let limit = self
            .group
            .spec
            .optional
            .as_ref()
            .filter(|optional| optional.spot_strategy == "SpotWithPriceLimit");
        let too_dear = |limit: eci_api::Number| price.is_some_and(|price| price.amount > limit.0);
        if gone || limit.is_some_and(|optional| too_dear(optional.spot_limit)) {
            return self.announce_reclaim(SPOT_NOTICE_MINUTES);
        }
        if price != spot.hourly {
            let spot = Spot { hourly: price, ..spot.clone() };
            let terms = InstanceTerms { basis: Basis::Spot(spot), ..terms.clone() };
            self.group.record =
                Arc::new(BillingRecord { terms: terms.into(), ..(*self.group.record).clone() });
            self.ledger.write(self.at, &self.group.record, LedgerEvent::Changed);
        }
        self.put(SPOT_CHECK_INTERVAL, Step::SpotCheck);
    }

    /// Schedules the failures of a container that has just started, besides its own end.
    pub(super) fn watch(&mut self, index: u8) {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let probed = container.is_probed_for_readiness();
        let unready = self.script(index).and_then(|script| script.unready_after).filter(|_| !probed);
        if let Some(after) = unready {
            self.put(after, Step::Unready(index));
        }
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let Some(optional) = &container.spec.optional else { return self.watch_memory(index) };
        let (liveness, readiness) = (optional.liveness.clone(), optional.readiness.clone());
        // looked at before its own changes of files, after which it would be another
        let hook = self.start_hook(index);
        self.run_hook(index, |optional| optional.start_hook.as_deref());
        if let Some(HookRun { takes, fails: true }) = hook {
            self.put(takes, Step::PostStartFails(index));
        }
        self.begin_probes(index, hook.map_or(Duration::ZERO, |hook| hook.takes));
        let script = self.script(index).unwrap_or_default();
        if let (Some(probe), Some(sick)) = (liveness, script.unhealthy_after) {
            self.put(failure_time(&probe, sick), Step::Unhealthy(index));
        }
        let sick = script.unhealthy_after.into_iter().chain(script.unready_after).min();
        if let (Some(probe), Some(sick)) = (readiness, sick) {
            self.put(failure_time(&probe, sick), Step::Unready(index));
        }
        self.watch_memory(index);
    }

    pub(super) fn watch_memory(&mut self, index: u8) {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let own = container.spec.memory.0;
        let limit = if own > 0 { own } else { self.group.memory().0 };
        if let Some(after) = self.script(index).and_then(|script| script.runs_out(limit)) {
            self.put(after, Step::OutOfMemory(index));
        }
    }

    /// Time after its start at which a container becomes ready; `None` where it never does, or where an Engine will
    /// say.
    pub(super) fn becomes_ready(&self, index: u8) -> Option<Duration> {
        let container = self.group.containers.get(usize::from(index)).filter(|container| !container.init)?;
        let probe = container.spec.optional.as_ref().and_then(|optional| optional.readiness.as_ref());
        if self.runtime.is_real() {
            return probe.is_none().then_some(Duration::ZERO);
        }
        let script = self.script(index).unwrap_or_default();
        if script.unready || probe.is_some() && !script.says_how_well() {
            return None;
        }
        let hook = self.start_hook(index).map_or(Duration::ZERO, |hook| hook.takes);
        let earliest = script.ready_after.unwrap_or_default().max(hook);
        Some(probe.map_or(earliest, |probe| probe_time(probe, earliest, 0)))
    }

    pub(super) fn lose_readiness(&mut self, index: u8) {
        let container = self.group.containers.get(usize::from(index));
        if container.is_some_and(super::container::Container::is_probed_for_readiness) {
            self.emit(EventKind::Unhealthy(index, false));
        }
        self.cancel(|step| step == Step::Ready(index));
        self.with(index, |container| container.ready = false);
    }

    /// Kills a container (137, SIGKILL), which may be started again.
    pub(super) fn kill(&mut self, index: u8, event: EventKind) {
        self.emit(event);
        self.end(index, 137, 9, None);
    }

    /// Kills a container whose liveness probe failed too often.
    pub(super) fn kill_unhealthy(&mut self, index: u8) {
        let again = self.group.spec.restart_policy.restarts(false, 137);
        self.kill(index, EventKind::KillingUnhealthy(index, again));
    }

    /// Reports a failed pre-stop hook; the container is stopped all the same.
    pub(super) fn fail_stop_hook(&mut self, index: u8) {
        let container = self.group.containers.get(usize::from(index));
        if container.is_some_and(super::container::Container::is_running) {
            self.emit(EventKind::PreStopFailed(index));
        }
    }

    /// Crashes a running container of this name with this exit code; false where there is none.
    pub fn crash(&mut self, container: &str, exit_code: i32) -> bool {
        let at = self.group.containers.iter().position(|c| &*c.spec.name == container && c.is_running());
        let Some(index) = at.and_then(|at| u8::try_from(at).ok()) else { return false };
        self.order_kill(index);
        self.end(index, exit_code, 0, None);
        true
    }

    /// The post-start hook: as a script says, else as its command does, where that is understood. A call over HTTP or
    /// TCP is answered at once.
    fn start_hook(&self, index: u8) -> Option<HookRun> {
        let container = self.group.containers.get(usize::from(index))?;
        let hook = container.spec.optional.as_ref()?.start_hook.as_ref()?;
        let script = self.script(index).unwrap_or_default();
        let understood = self.understood(index, hook.words());
        Some(HookRun {
            takes: script.post_start.or(understood.map(|hook| hook.takes)).unwrap_or_default(),
            fails: script.post_start_fails || understood.is_some_and(|hook| hook.fails),
        })
    }

    /// The pre-stop hook: as a script says, else as its command does, where that is understood, else for a time that is
    /// drawn.
    pub(super) fn stop_hook(&self, index: u8) -> Option<HookRun> {
        let container = self.group.containers.get(usize::from(index))?;
        let hook = container.spec.optional.as_ref()?.stop_hook.as_ref()?;
        let script = self.script_for(index).unwrap_or_default();
        let understood = self.understood(index, hook.words());
        let takes = script.pre_stop.or(understood.map(|hook| hook.takes));
        Some(HookRun {
            takes: takes.unwrap_or_else(|| self.timeline("stop").stop()),
            fails: script.pre_stop_fails || understood.is_some_and(|hook| hook.fails),
        })
    }

    /// A hook's command, where there is one and it ends.
    fn understood(&self, index: u8, words: &[Box<str>]) -> Option<HookRun> {
        if words.is_empty() {
            return None;
        }
        let (takes, code) = self.read_beside(index, words, None).ends?;
        Some(HookRun { takes, fails: code != 0 })
    }

    /// Lets a hook's command change the files of its container, from now on.
    pub(super) fn run_hook(&mut self, index: u8, hook: impl Fn(&OptionalSpec) -> Option<&Hook>) {
        let container = self.group.containers.get(usize::from(index));
        let optional = container.and_then(|container| container.spec.optional.as_deref());
        let words: Box<[Box<str>]> = optional.and_then(hook).map(Hook::words).unwrap_or_default().into();
        if !words.is_empty() {
            let run = Arc::new(self.read_beside(index, &words, None));
            self.run_beside(index, &run);
        }
    }

    /// Time that a container takes to stop: as a script says, else its hook's; zero without a hook.
    pub(super) fn stop_time(&self, index: u8) -> Duration {
        let said = self.script_for(index).and_then(|script| script.stop);
        said.or_else(|| self.stop_hook(index).map(|hook| hook.takes)).unwrap_or_default()
    }
}

/// A hook as it is played: its duration, and true if it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HookRun {
    pub takes: Duration,
    pub fails: bool,
}
