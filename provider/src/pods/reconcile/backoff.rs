//! Back-off of one pod after a step that did not work: the same step is not tried before it is over, another is.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use determinism::Chance;
use tokio::time::Instant;

use super::super::call_failure::BackoffPolicy;
use super::super::decide::{Decision, DeletionState};

/// A step, as far as its repetition is concerned: a forced deletion is another step than a graceful one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step(Discriminant<Decision>, bool, DeletionState);

impl Step {
    fn of(decision: &Decision, deletion: DeletionState) -> Self {
        let forced = matches!(decision, Decision::Delete { forced: true, .. });
        Self(discriminant(decision), forced, deletion)
    }
}

/// A pause after a step.
#[derive(Debug)]
pub(super) struct Backoff {
    /// The step; `None` holds creations only.
    step: Option<Step>,
    until: Instant,
    failures: u32,
}

impl Backoff {
    /// A pause before the next creation that is no failure.
    pub fn pause(pause: Duration) -> Self {
        Self { step: None, until: Instant::now() + pause, failures: 0 }
    }

    /// The pause after another failure of `decision`.
    pub fn after(
        last: Option<Self>,
        decision: &Decision,
        deletion: DeletionState,
        policy: BackoffPolicy,
        chance: &mut Chance,
    ) -> Self {
        let step = Some(Step::of(decision, deletion));
        let failures = last.filter(|last| last.step == step).map_or(0, |last| last.failures) + 1;
        Self { step, until: Instant::now() + policy.pause(failures, chance), failures }
    }

    /// The end of the pause.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// The time before which `decision` is not carried out; `None` when it may be now.
    pub fn holds(&self, decision: &Decision, deletion: DeletionState) -> Option<Instant> {
        let same = match self.step {
            Some(step) => step == Step::of(decision, deletion),
            None => matches!(decision, Decision::Create),
        };
        (same && Instant::now() < self.until).then_some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delete(forced: bool) -> Decision {
        Decision::Delete { group: "eci-1".into(), forced }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_its_own_step_and_a_forced_deletion_is_another_step() {
        let policy = BackoffPolicy {
            first: Duration::from_secs(2),
            longest: Duration::from_secs(60),
            jitter_percent: 0,
        };
        let mut chance = determinism::Seed::DEFAULT.chance("test");
        let asked = DeletionState::NotRequested;
        let backoff = Backoff::after(None, &delete(false), asked, policy, &mut chance);
        assert!(backoff.holds(&delete(false), asked).is_some());
        assert!(backoff.holds(&delete(true), asked).is_none());
        assert!(backoff.holds(&Decision::Create, asked).is_none());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(backoff.holds(&delete(false), asked).is_none());
        let second = Backoff::after(Some(backoff), &delete(false), asked, policy, &mut chance);
        assert_eq!(second.until(), Instant::now() + Duration::from_secs(4));
    }
}
