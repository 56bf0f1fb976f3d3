//! The consequence of a refused creation or deletion: the pod ends, or the call is repeated after a pause.
//!
//! | meaning of the refusal | fail-back | fail-fast | `restartPolicy: Never` | pause, doubled up to |
//! |---|---|---|---|---|
//! | no answer, fault, replayed | retried | retried | retried | 2 s, 30 s |
//! | answer cannot be read | retried | retried | retried | 5 s, 60 s |
//! | throttled | retried | retried | retried | 5 s, 60 s, at least what the cloud asks for |
//! | allowance of the day | retried | retried | retried | 300 s, 1800 s |
//! | token used, busy | retried | retried | retried | 10 s, 60 s |
//! | no stock, quota | retried | **ends** | retried | 10 s, 120 s |
//! | no access, forbidden, account, clock, endpoint | retried | retried | retried | 10 s, 120 s |
//! | size, request | retried | **ends** | **ends** | 30 s, 300 s |
//! | something is not found, unknown 4xx | retried | retried | retried | 30 s, 300 s |
//!
//! `fail-fast` is documented for creations that cannot be satisfied (virtual-node.md, section 6, V-FAIL); a cloud that is
//! busy, away or does not know this key has not said that.

use std::fmt;
use std::time::Duration;

use determinism::Chance;
use k8s_openapi::api::core::v1::Pod;

use super::decide;
use crate::eci::{EciError, Meaning};

/// The reason of a pod whose creation did not work, as virtual-kubelet calls it.
pub const PROVIDER_FAILED: &str = "ProviderFailed";

/// The reason of a pod that ends since it is to fail fast.
pub const SCHEDULE_FAILED: &str = "ContainerInstanceScheduleFailed";

/// The settings of a pod that decide what becomes of it when its creation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailurePolicy {
    /// The pod ends when its creation cannot be satisfied: `eci-fail-strategy: fail-fast`.
    pub fails_fast: bool,
    /// The pod's restart policy is `Never`.
    pub never_restarts: bool,
}

impl FailurePolicy {
    /// The policy that a pod's annotations and restart policy state.
    pub fn of(pod: &Pod) -> Self {
        let restarts = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
        Self { fails_fast: decide::fails_fast(pod), never_restarts: restarts == Some("Never") }
    }
}

/// The consequence of one failed call for one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// The end of the pod, or another try.
    pub outcome: Outcome,
    /// The words for pod and events: the same for the same refusal, however often it is told.
    pub words: String,
}

/// The end of the pod, or another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The pod's phase becomes Failed.
    Terminal {
        /// The pod's `status.reason`.
        reason: &'static str,
    },
    /// The call is made again; until then the pod's reason is [`PROVIDER_FAILED`].
    Retry {
        /// The pauses.
        backoff: BackoffPolicy,
    },
}

/// Pauses between tries: `first`, doubled with each failure up to `longest`, each lengthened by a drawn share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause before jitter.
    pub longest: Duration,
    /// The largest share of a pause by which it is lengthened, in percent.
    pub jitter_percent: u8,
}

impl BackoffPolicy {
    const fn seconds(first: u64, longest: u64, jitter_percent: u8) -> Self {
        Self { first: Duration::from_secs(first), longest: Duration::from_secs(longest), jitter_percent }
    }

    /// The policy with no pause below `least`.
    #[must_use]
    pub fn at_least(self, least: Duration) -> Self {
        Self { first: self.first.max(least), longest: self.longest.max(least), ..self }
    }

    /// The pause after the `failures`-th failure in a row, counted from 1: between the doubled pause and that plus
    /// [`BackoffPolicy::jitter_percent`].
    pub fn pause(&self, failures: u32, chance: &mut Chance) -> Duration {
        let failures = if planted!(PausesDoNotGrow) { 1 } else { failures };
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.longest);
        let most = if planted!(PausesHaveNoJitter) {
            Duration::ZERO
        } else {
            doubled * u32::from(self.jitter_percent) / 100
        };
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        doubled + Duration::from_millis(chance.between(0, most))
    }
}

/// The consequence of a refused `CreateContainerGroup` for a pod of `policy` that asked for `size`.
pub fn of_creation(error: &EciError, policy: FailurePolicy, size: impl fmt::Display) -> CallFailure {
    let meaning = error.meaning();
    let plain = error.plain();
    let words = match meaning {
        Some(Meaning::Size) => format!(
            "{size} asked, and no instance of that size is sold. Ask for less, or split the pod. ECI says: {plain}"
        ),
        _ => plain.to_string(),
    };
    let unsatisfiable = planted!(FailFastEndsOnAnything)
        || matches!(meaning, Some(Meaning::NoStock | Meaning::Quota | Meaning::Size | Meaning::Request));
    let permanent =
        planted!(NeverEndsOnAnything) || matches!(meaning, Some(Meaning::Size | Meaning::Request));
    let outcome = if policy.fails_fast && unsatisfiable && !planted!(FailFastIsIgnored) {
        Outcome::Terminal { reason: SCHEDULE_FAILED }
    } else if policy.never_restarts && permanent {
        Outcome::Terminal { reason: PROVIDER_FAILED }
    } else {
        Outcome::Retry { backoff: creation_backoff(error) }
    };
    CallFailure { outcome, words }
}

/// The consequence of a refused `DeleteContainerGroup`, which is always repeated; that a group is not found is no
/// refusal, see [`EciError::is_not_found`].
pub fn of_deletion(error: &EciError) -> (BackoffPolicy, String) {
    let backoff = match error.meaning() {
        Some(meaning) if meaning.bars_all_calls() => BackoffPolicy::seconds(10, 120, 25),
        Some(Meaning::Throttled) => BackoffPolicy::seconds(5, 60, 50),
        Some(Meaning::Request | Meaning::Unknown) => BackoffPolicy::seconds(10, 120, 25),
        _ => BackoffPolicy::seconds(2, 60, 25),
    };
    (backoff.at_least(error.retry_after().unwrap_or_default()), error.plain().to_string())
}

fn creation_backoff(error: &EciError) -> BackoffPolicy {
    let backoff = match (error, error.meaning()) {
        (EciError::Garbled { .. }, _) => BackoffPolicy::seconds(5, 60, 25),
        (_, None | Some(Meaning::Fault | Meaning::Replayed)) => BackoffPolicy::seconds(2, 30, 25),
        (_, Some(Meaning::Throttled)) => BackoffPolicy::seconds(5, 60, 50),
        (_, Some(Meaning::DailyLimit)) => BackoffPolicy::seconds(300, 1800, 25),
        (_, Some(Meaning::TokenUsed | Meaning::Busy)) => BackoffPolicy::seconds(10, 60, 25),
        (_, Some(Meaning::NoStock | Meaning::Quota)) => BackoffPolicy::seconds(10, 120, 25),
        (
            _,
            Some(
                Meaning::NoAccess
                | Meaning::Forbidden
                | Meaning::Account
                | Meaning::ClockSkew
                | Meaning::WrongEndpoint,
            ),
        ) => BackoffPolicy::seconds(10, 120, 25),
        (_, Some(Meaning::Size | Meaning::Request | Meaning::NotFound | Meaning::Unknown)) => {
            BackoffPolicy::seconds(30, 300, 25)
        }
    };
    if planted!(WishedPauseIsIgnored) {
        return backoff;
    }
    backoff.at_least(error.retry_after().unwrap_or_default())
}

#[cfg(test)]
mod tests;
