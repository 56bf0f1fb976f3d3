//! What befalls a group besides its own end: probes that fail, hooks, memory that runs out, crashes, the spot market.

use std::sync::Arc;
use std::time::Duration;

use eci_api::actions::describe_container_groups::Probe;

use super::happened::What as Told;
use super::steps::Hands;
use crate::agenda::Step;
use crate::ledger::What;
use crate::script;

/// How often the market is looked at for a spot instance, and how long before it is taken back this is told.
const SPOT_CHECKED_EVERY: Duration = Duration::from_mins(5);
const SPOT_NOTICE_MINUTES: u8 = 3;

/// When a probe has failed often enough: the first that comes after the container fell ill, and those that follow.
fn fails_at(probe: &Probe, sick: Duration) -> Duration {
    let seconds = |number: i32| u64::try_from(number).unwrap_or(0);
    let (delay, period) = (seconds(probe.initial_delay_seconds), seconds(probe.period_seconds).max(1));
    let sick = sick.as_secs() + u64::from(sick.subsec_nanos() > 0);
    let passed = sick.saturating_sub(delay).div_ceil(period);
    let more = seconds(probe.failure_threshold).max(1) - 1;
    Duration::from_secs(delay.saturating_add(period.saturating_mul(passed.saturating_add(more))))
}

/// Whether a step belongs to the present run of a container.
pub(super) fn ends_with_its_run(step: Step, index: u8) -> bool {
    match step {
        Step::Ready(own)
        | Step::Unready(own)
        | Step::Unhealthy(own)
        | Step::PostStartFails(own)
        | Step::OutOfMemory(own)
        | Step::Exit(own) => own == index,
        _ => false,
    }
}

impl Hands<'_> {
    /// After the protected hours a spot instance follows the market: it costs what the market says, and is taken back
    /// when that is more than it may cost, or when its zone has none left.
    pub(super) fn look_at_the_market(&mut self) {
        let terms = &self.group.card.terms;
        let (Some(paid), zone) = (terms.spot, &self.group.spec.zone) else { return };
        let what = self.group.instance_spec();
        let price = self.market.spot_price(terms, &self.group.card.region, zone, self.at);
        let gone = self.sold_out.contains(&**zone) || self.sold_out.contains(&format!("{zone}/{what}"));
        let limit = self.group.spec.rare.as_ref().filter(|rare| rare.spot_strategy == "SpotWithPriceLimit");
        if gone || limit.is_some_and(|rare| price > rare.spot_limit.0) {
            return self.announce_reclaim(SPOT_NOTICE_MINUTES);
        }
        if price != paid {
            let mut card = (*self.group.card).clone();
            card.terms.spot = Some(price);
            self.group.card = Arc::new(card);
            self.ledger.write(self.at, &self.group.card, What::Changed);
        }
        self.put(SPOT_CHECKED_EVERY, Step::SpotCheck);
    }

    /// Puts in what may befall a container that has just started, besides its own end.
    pub(super) fn watch(&mut self, index: u8) {
        let Some(container) = self.group.containers.get(usize::from(index)) else { return };
        let Some(rare) = &container.spec.rare else { return self.watch_memory(index) };
        let (liveness, readiness) = (rare.liveness.clone(), rare.readiness.clone());
        let hook = script::plan(None, &rare.post_start, &[], &[]).ends.filter(|(_, code)| *code != 0);
        if let Some((after, _)) = hook.filter(|_| !rare.post_start.is_empty()) {
            self.put(after, Step::PostStartFails(index));
        }
        if let Some(sick) = self.script(index).and_then(|script| script.unhealthy_after) {
            for (probe, step) in [(liveness, Step::Unhealthy(index)), (readiness, Step::Unready(index))] {
                if let Some(probe) = probe {
                    self.put(fails_at(&probe, sick), step);
                }
            }
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

    pub(super) fn lose_readiness(&mut self, index: u8) {
        self.tell(Told::Unhealthy(index, false));
        self.with(index, |container| container.ready = false);
    }

    /// The agent stops a container, which may be started again.
    pub(super) fn kill(&mut self, index: u8) {
        self.tell(Told::Killing(index));
        self.end(index, 137, 9, None);
    }

    /// A container ends badly, out of the blue.
    pub fn crash(&mut self, container: &str, exit_code: i32) -> bool {
        let at = self.group.containers.iter().position(|c| &*c.spec.name == container && c.is_running());
        let Some(index) = at.and_then(|at| u8::try_from(at).ok()) else { return false };
        self.order_kill(index);
        self.end(index, exit_code, 0, None);
        true
    }

    /// How long a container takes to end: what a script says, else its hook, where that is a command that is understood,
    /// else what is drawn; nothing, where it has no hook.
    pub(super) fn stop_time(&self, index: u8) -> Duration {
        if let Some(said) = self.script_for(index).and_then(|script| script.stop) {
            return said;
        }
        let Some(container) = self.group.containers.get(usize::from(index)) else { return Duration::ZERO };
        let Some(rare) = container.spec.rare.as_ref().filter(|rare| rare.pre_stop) else {
            return Duration::ZERO;
        };
        let command = Some(&rare.stop_command).filter(|words| !words.is_empty());
        let understood = command.and_then(|words| script::plan(None, words, &[], &[]).ends);
        understood.map_or_else(|| self.timeline("stop").stop(), |(after, _)| after)
    }
}
