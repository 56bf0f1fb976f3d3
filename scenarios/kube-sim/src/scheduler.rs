//! The scheduler: filters and scores nodes for one pod, and picks the best.

pub mod assigned;
pub mod candidate;
pub mod filters;
pub mod fit_error;
pub mod node_affinity;
pub mod pod_affinity;
pub mod resources;
pub mod scores;
pub mod topology_spread;

use determinism::Chance;
use serde_json::Value;

use self::candidate::{Candidate, Cluster};
use self::filters::Filters;
use self::fit_error::FitError;
use crate::object::field::text;

/// The name of the node for `pod`; among equally good ones, `chance` decides.
///
/// # Errors
/// [`FitError`] when no node takes the pod.
pub fn schedule(
    pod: &Value,
    cluster: &Cluster<'_>,
    claim_exists: impl Fn(&str, &str) -> bool,
    chance: &mut Chance,
) -> Result<String, FitError> {
    if cluster.candidates.is_empty() {
        return Err(FitError::NoNodes);
    }
    if let Some(reason) = filters::missing_claim(pod, claim_exists) {
        return Err(FitError::Impossible { nodes: cluster.candidates.len(), reason });
    }
    let filters = Filters::new(pod, cluster);
    let (mut fitting, mut rejections) = (Vec::<&Candidate<'_>>::new(), Vec::new());
    for candidate in &cluster.candidates {
        match filters.check(candidate) {
            Ok(()) => fitting.push(candidate),
            Err(rejection) => rejections.push(rejection),
        }
    }
    let best = match fitting.len() {
        0 | 1 => fitting,
        _ => scores::best(&fitting, &scores::of(pod, &fitting, cluster)),
    };
    let chosen = if let [only] = best[..] { Some(only) } else { chance.pick(&best).copied() };
    chosen.map(|c| c.name().to_owned()).ok_or_else(|| FitError::Rejected {
        rejections,
        may_preempt: text(pod, "/spec/preemptionPolicy") != "Never",
    })
}

#[cfg(test)]
mod tests;
