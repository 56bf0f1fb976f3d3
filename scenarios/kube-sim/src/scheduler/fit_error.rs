//! The error for a pod that fits on no node; its message stands in the event and in the pod's condition.

use std::collections::BTreeMap;

use super::filters::Rejection;

/// A pod that fits nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FitError {
    /// The cluster has no nodes.
    NoNodes,
    /// The pod itself is impossible on every one of `nodes`.
    Impossible {
        /// Number of nodes in the cluster.
        nodes: usize,
        /// Message for the pod.
        reason: String,
    },
    /// Each node was turned down for its own reasons.
    Rejected {
        /// The rejections, one for each node.
        rejections: Vec<Rejection>,
        /// False for a pod whose `preemptionPolicy` is `Never`.
        may_preempt: bool,
    },
}

impl std::fmt::Display for FitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const HELPLESS: &str = "Preemption is not helpful for scheduling";
        match self {
            Self::NoNodes => f.write_str("no nodes available to schedule pods"),
            Self::Impossible { nodes, reason } => write!(
                f,
                "0/{nodes} nodes are available: {reason}. no new claims to deallocate, \
                 preemption: 0/{nodes} nodes are available: {nodes} {HELPLESS}."
            ),
            Self::Rejected { rejections, may_preempt } => {
                let nodes = rejections.len();
                let reasons = tally(rejections.iter().flat_map(|r| r.reasons.iter().map(String::as_str)));
                write!(
                    f,
                    "0/{nodes} nodes are available: {reasons}. no new claims to deallocate, preemption: "
                )?;
                if !may_preempt {
                    return f.write_str("not eligible due to preemptionPolicy=Never.");
                }
                let outcomes = rejections.iter().map(|r| match r.preemption_helps {
                    true => "No preemption victims found for incoming pod",
                    false => HELPLESS,
                });
                write!(f, "0/{nodes} nodes are available: {}.", tally(outcomes))
            }
        }
    }
}

impl std::error::Error for FitError {}

/// `2 this, 5 that`, sorted as strings.
fn tally<'a>(reasons: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons {
        *counts.entry(reason).or_default() += 1;
    }
    let mut lines: Vec<_> = counts.into_iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    lines.sort();
    lines.join(", ")
}
