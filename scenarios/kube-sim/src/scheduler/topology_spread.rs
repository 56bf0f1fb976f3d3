//! Topology spread constraints, required (`DoNotSchedule`) and preferred (`ScheduleAnyway`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::candidate::{Candidate, Cluster};
use super::filters::Rejection;
use super::node_affinity;
use crate::label_selector::{holds, selects};
use crate::object::field::{is_terminating, label, list, namespace, number, text};
use crate::pods::tolerations::pod_tolerates;

/// One pod's constraints of one strictness, counted over the cluster.
#[derive(Debug)]
pub struct Constraints<'a>(Vec<Constraint<'a>>);

#[derive(Debug)]
struct Constraint<'a> {
    key: &'a str,
    max_skew: i64,
    min_domains: i64,
    counts_itself: bool,
    domains: BTreeMap<&'a str, i64>,
}

impl<'a> Constraints<'a> {
    /// The pod's required constraints.
    pub fn new(pod: &'a Value, cluster: &Cluster<'a>) -> Self {
        Self::of(pod, cluster, "DoNotSchedule")
    }

    /// The pod's preferred constraints.
    pub fn soft(pod: &'a Value, cluster: &Cluster<'a>) -> Self {
        Self::of(pod, cluster, "ScheduleAnyway")
    }

    fn of(pod: &'a Value, cluster: &Cluster<'a>, when: &str) -> Self {
        let constraints: Vec<_> = list(pod, "/spec/topologySpreadConstraints")
            .iter()
            .filter(|c| text(c, "/whenUnsatisfiable") == when)
            .collect();
        let keys: Vec<_> = constraints.iter().map(|c| text(c, "/topologyKey")).collect();
        Self(constraints.into_iter().map(|c| Constraint::new(c, &keys, pod, cluster)).collect())
    }

    /// Checks that one more pod on `candidate` keeps the required spread.
    ///
    /// # Errors
    /// The scheduler's words when it does not.
    pub fn check(&self, candidate: &Candidate<'a>) -> Result<(), Rejection> {
        const SKEWED: &str = "node(s) didn't match pod topology spread constraints";
        for constraint in &self.0 {
            let Some(value) = candidate.topology(constraint.key) else {
                return Err(Rejection::unresolvable(&format!("{SKEWED} (missing required label)")));
            };
            let here = constraint.domains.get(value).copied().unwrap_or(0);
            if here + i64::from(constraint.counts_itself) - constraint.least() > constraint.max_skew {
                return Err(Rejection::resolvable(SKEWED));
            }
        }
        Ok(())
    }

    /// Matching pods in the domains of `candidate`, fewer is better; `None` when a topology label is missing.
    pub fn crowd(&self, candidate: &Candidate<'a>) -> Option<i64> {
        let counts = self.0.iter().map(|constraint| {
            let value = candidate.topology(constraint.key)?;
            Some(constraint.domains.get(value).copied().unwrap_or(0) + constraint.max_skew - 1)
        });
        counts.sum()
    }

    /// True without any constraint.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Constraint<'a> {
    fn new(constraint: &'a Value, keys: &[&str], pod: &'a Value, cluster: &Cluster<'a>) -> Self {
        let key = text(constraint, "/topologyKey");
        let mut domains = BTreeMap::new();
        for candidate in &cluster.candidates {
            if !counts(constraint, pod, candidate) || keys.iter().any(|k| candidate.topology(k).is_none()) {
                continue;
            }
            let Some(value) = candidate.topology(key) else { continue };
            let alike = candidate.pods.iter().filter(|p| {
                !is_terminating(p) && namespace(p) == namespace(pod) && alike(constraint, pod, p)
            });
            *domains.entry(value).or_default() += i64::try_from(alike.count()).unwrap_or(i64::MAX);
        }
        Self {
            key,
            max_skew: number(constraint, "/maxSkew").unwrap_or(1),
            min_domains: number(constraint, "/minDomains").unwrap_or(1),
            counts_itself: alike(constraint, pod, pod),
            domains,
        }
    }

    fn least(&self) -> i64 {
        let too_few = i64::try_from(self.domains.len()).unwrap_or(i64::MAX) < self.min_domains;
        if too_few { 0 } else { self.domains.values().copied().min().unwrap_or(0) }
    }
}

fn counts(constraint: &Value, pod: &Value, candidate: &Candidate<'_>) -> bool {
    let by_affinity =
        text(constraint, "/nodeAffinityPolicy") == "Ignore" || node_affinity::allows(pod, candidate.node);
    let keeps_out = |t: &Value| text(t, "/effect") != "PreferNoSchedule" && !pod_tolerates(pod, t);
    let by_taints =
        text(constraint, "/nodeTaintsPolicy") != "Honor" || !candidate.taints().iter().any(keeps_out);
    by_affinity && by_taints
}

fn alike(constraint: &Value, pod: &Value, other: &Value) -> bool {
    let same = |key: &Value| match (key.as_str(), key.as_str().and_then(|k| label(pod, k))) {
        (Some(key), Some(value)) => {
            let requirement = serde_json::json!({"key": key, "operator": "In", "values": [value]});
            holds(&requirement, |k| label(other, k))
        }
        _ => true,
    };
    selects(constraint.get("labelSelector"), other) && list(constraint, "/matchLabelKeys").iter().all(same)
}
