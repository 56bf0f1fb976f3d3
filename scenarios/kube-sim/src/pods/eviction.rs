//! Eviction against disruption budgets.

use serde_json::Value;

use crate::label_selector::selects;
use crate::object::field::{name, namespace, number, text};

/// Reasons for which a pod may not be evicted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvictionError {
    /// The budget allows no disruption now.
    #[error("Cannot evict pod as it would violate the pod's disruption budget.")]
    Budget {
        /// Name of the budget.
        name: String,
        /// Number of healthy pods that the budget wants.
        wanted: i64,
        /// Number of healthy pods.
        healthy: i64,
    },
    /// More than one budget selects the pod.
    #[error(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )]
    SeveralBudgets,
}

/// Checks that no budget among `budgets` forbids the eviction of `pod`.
///
/// # Errors
/// [`EvictionError`] when one does.
pub fn check(pod: &Value, budgets: &[Value]) -> Result<(), EvictionError> {
    if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed" | "Pending") {
        return Ok(());
    }
    let mut speaking = budgets
        .iter()
        .filter(|b| namespace(b) == namespace(pod) && selects(b.pointer("/spec/selector"), pod));
    let Some(budget) = speaking.next() else {
        return Ok(());
    };
    if speaking.next().is_some() {
        return Err(EvictionError::SeveralBudgets);
    }
    if number(budget, "/status/disruptionsAllowed").unwrap_or(0) > 0 {
        return Ok(());
    }
    Err(EvictionError::Budget {
        name: name(budget).to_owned(),
        wanted: number(budget, "/status/desiredHealthy").unwrap_or(0),
        healthy: number(budget, "/status/currentHealthy").unwrap_or(0),
    })
}
