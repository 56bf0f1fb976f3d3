//! Whether a pod may be evicted now, as far as disruption budgets go.

use serde_json::Value;

use super::field::{name, namespace, number, text};
use crate::controllers::label_selector::selects;

/// Why a pod stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A budget has nothing left.
    #[error("Cannot evict pod as it would violate the pod's disruption budget.")]
    Budget {
        /// The budget.
        name: String,
        /// How many healthy pods it wants.
        wanted: i64,
        /// How many there are.
        healthy: i64,
    },
    /// More than one budget speaks of the pod.
    #[error(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )]
    SeveralBudgets,
}

/// Whether a budget among `budgets` keeps `pod` where it is.
///
/// # Errors
/// [`Refused`] when it does.
pub fn check(pod: &Value, budgets: &[Value]) -> Result<(), Refused> {
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
        return Err(Refused::SeveralBudgets);
    }
    if number(budget, "/status/disruptionsAllowed").unwrap_or(0) > 0 {
        return Ok(());
    }
    Err(Refused::Budget {
        name: name(budget).to_owned(),
        wanted: number(budget, "/status/desiredHealthy").unwrap_or(0),
        healthy: number(budget, "/status/currentHealthy").unwrap_or(0),
    })
}
