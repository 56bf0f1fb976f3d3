//! Affinity and anti-affinity between pods, required and preferred.

use std::collections::BTreeMap;

use serde_json::Value;

use super::candidate::{Candidate, Cluster};
use super::filters::Rejection;
use crate::label_selector::selects;
use crate::object::field::{is_set, list, namespace, number, text};

const NEAR: &str = "/spec/affinity/podAffinity";
const APART: &str = "/spec/affinity/podAntiAffinity";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
/// Weight of an existing pod's required affinity for the new one when nodes are ranked.
const REQUIRED_BY_OTHERS: i64 = 1;

/// Number (or weight) of matching pods in each topology domain (key, value).
type DomainCounts<'a> = BTreeMap<(&'a str, &'a str), i64>;

/// One pod's required terms, counted over the whole cluster.
#[derive(Debug)]
pub struct RequiredTerms<'a> {
    near: &'a [Value],
    apart: &'a [Value],
    wanted_at: DomainCounts<'a>,
    unwanted_at: DomainCounts<'a>,
    closed_by_others: DomainCounts<'a>,
    starts_its_own_crowd: bool,
}

impl<'a> RequiredTerms<'a> {
    /// Counts every assigned pod of the cluster.
    pub fn new(pod: &'a Value, cluster: &Cluster<'a>) -> Self {
        let near = list(pod, &format!("{NEAR}/{REQUIRED}"));
        let apart = list(pod, &format!("{APART}/{REQUIRED}"));
        let mut terms = Self {
            near,
            apart,
            wanted_at: DomainCounts::new(),
            unwanted_at: DomainCounts::new(),
            closed_by_others: DomainCounts::new(),
            starts_its_own_crowd: near.iter().all(|t| term_takes(t, pod, pod, cluster)),
        };
        for (other, at) in cluster.pods() {
            if !near.is_empty() && near.iter().all(|t| term_takes(t, pod, other, cluster)) {
                near.iter().for_each(|t| count(&mut terms.wanted_at, t, at, 1));
            }
            for term in apart.iter().filter(|t| term_takes(t, pod, other, cluster)) {
                count(&mut terms.unwanted_at, term, at, 1);
            }
            for term in list(other, &format!("{APART}/{REQUIRED}")) {
                if term_takes(term, other, pod, cluster) {
                    count(&mut terms.closed_by_others, term, at, 1);
                }
            }
        }
        terms
    }

    /// Checks the required terms against the pods on and around `candidate`.
    ///
    /// # Errors
    /// The scheduler's words when they are not.
    pub fn check(&self, candidate: &Candidate<'a>) -> Result<(), Rejection> {
        if !self.near_enough(candidate) {
            return Err(Rejection::unresolvable("node(s) didn't match pod affinity rules"));
        }
        let here = |counts: &DomainCounts<'a>, term: &Value| {
            let key = text(term, "/topologyKey");
            candidate.topology(key).is_some_and(|value| counts.get(&(key, value)).is_some_and(|n| *n > 0))
        };
        if self.apart.iter().any(|term| here(&self.unwanted_at, term)) {
            return Err(Rejection::resolvable("node(s) didn't match pod anti-affinity rules"));
        }
        if self.closed_by_others.keys().any(|(key, value)| candidate.topology(key) == Some(value)) {
            return Err(Rejection::resolvable("node(s) didn't satisfy existing pods anti-affinity rules"));
        }
        Ok(())
    }

    fn near_enough(&self, candidate: &Candidate<'a>) -> bool {
        let mut all = true;
        for term in self.near {
            let key = text(term, "/topologyKey");
            let Some(value) = candidate.topology(key) else {
                return false;
            };
            all &= self.wanted_at.get(&(key, value)).is_some_and(|n| *n > 0);
        }
        all || (self.wanted_at.is_empty() && self.starts_its_own_crowd)
    }
}

/// Weights of the topology domains: preferences of the pod, and of the pods already there towards it.
#[derive(Debug)]
pub struct PreferredTerms<'a>(DomainCounts<'a>);

impl<'a> PreferredTerms<'a> {
    /// Gathers the preferred terms of `pod` and of all pods towards it.
    pub fn new(pod: &'a Value, cluster: &Cluster<'a>) -> Self {
        let mut counts = DomainCounts::new();
        for (other, at) in cluster.pods() {
            for (kind, sign) in [(NEAR, 1), (APART, -1)] {
                let path = format!("{kind}/{PREFERRED}");
                for (from, to) in [(pod, other), (other, pod)] {
                    for wish in list(from, &path) {
                        let (Some(term), weight) =
                            (wish.get("podAffinityTerm"), number(wish, "/weight").unwrap_or(0))
                        else {
                            continue;
                        };
                        if term_takes(term, from, to, cluster) {
                            count(&mut counts, term, at, sign * weight);
                        }
                    }
                }
            }
            for term in list(other, &format!("{NEAR}/{REQUIRED}")) {
                if term_takes(term, other, pod, cluster) {
                    count(&mut counts, term, at, REQUIRED_BY_OTHERS);
                }
            }
        }
        Self(counts)
    }

    /// The summed weight of `candidate`; may be negative.
    pub fn of(&self, candidate: &Candidate<'a>) -> i64 {
        let here = self.0.iter().filter(|((key, value), _)| candidate.topology(key) == Some(value));
        here.map(|(_, weight)| weight).sum()
    }
}

fn count<'a>(counts: &mut DomainCounts<'a>, term: &'a Value, at: &Candidate<'a>, weight: i64) {
    let key = text(term, "/topologyKey");
    if let Some(value) = at.topology(key) {
        *counts.entry((key, value)).or_default() += weight;
    }
}

/// True when a term of `owner` selects `other`.
fn term_takes(term: &Value, owner: &Value, other: &Value, cluster: &Cluster<'_>) -> bool {
    let theirs = namespace(other);
    let names = list(term, "/namespaces");
    let by_selector = is_set(term, "/namespaceSelector")
        && cluster.namespaces.get(theirs).is_some_and(|n| selects(term.get("namespaceSelector"), n));
    let by_name = names.iter().any(|n| n.as_str() == Some(theirs));
    let unsaid = names.is_empty() && !is_set(term, "/namespaceSelector");
    let in_reach = by_selector || by_name || (unsaid && namespace(owner) == theirs);
    in_reach && selects(term.get("labelSelector"), other)
}
