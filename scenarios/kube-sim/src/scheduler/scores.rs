//! Scores of the nodes that may take a pod: several plugins, each 0 to 100, weighted and summed.

use serde_json::Value;

use super::candidate::{Candidate, Cluster};
use super::resources::{self, Amounts, MissingRequest};
use super::{node_affinity, pod_affinity, topology_spread};
use crate::object::field::text;
use crate::pods::tolerations::tolerates;

const BEST: i64 = 100;

/// The score of each of `candidates`, in their order.
pub fn of<'a>(pod: &'a Value, candidates: &[&Candidate<'a>], cluster: &Cluster<'a>) -> Vec<i64> {
    let mut totals = vec![0; candidates.len()];
    let mut add = |weight: i64, scores: Vec<i64>| {
        for (total, score) in totals.iter_mut().zip(scores) {
            *total += weight * score;
        }
    };
    let all = |f: &dyn Fn(&Candidate<'a>) -> i64| candidates.iter().map(|c| f(c)).collect::<Vec<_>>();
    add(3, fewest(all(&|c| disliked_taints(pod, c))));
    add(2, most(all(&|c| node_affinity::preference(pod, c.node))));
    let soft = topology_spread::Constraints::soft(pod, cluster);
    if !soft.is_empty() {
        add(2, least_crowded(candidates.iter().map(|c| soft.crowd(c)).collect()));
    }
    let preferred = pod_affinity::PreferredTerms::new(pod, cluster);
    add(2, between_extremes(all(&|c| preferred.of(c))));
    let asked = resources::requests(pod, MissingRequest::Default);
    add(1, all(&|c| least_allocated(&asked, c)));
    let said = resources::requests(pod, MissingRequest::Zero);
    if said.values().any(|amount| *amount > 0) {
        add(1, all(&|c| balanced(&said, c)));
    }
    totals
}

/// Nodes with the highest of `scores`.
pub fn best<'c, 'a>(candidates: &[&'c Candidate<'a>], scores: &[i64]) -> Vec<&'c Candidate<'a>> {
    let top = scores.iter().copied().max().unwrap_or(0);
    candidates.iter().zip(scores).filter(|(_, s)| **s == top).map(|(c, _)| *c).collect()
}

fn disliked_taints(pod: &Value, candidate: &Candidate<'_>) -> i64 {
    let tolerations = crate::object::field::list(pod, "/spec/tolerations");
    let soft = |t: &&Value| matches!(text(t, "/effect"), "" | "PreferNoSchedule");
    let usable: Vec<_> = tolerations.iter().filter(soft).collect();
    let disliked = candidate
        .taints()
        .iter()
        .filter(|t| text(t, "/effect") == "PreferNoSchedule" && !usable.iter().any(|u| tolerates(u, t)));
    i64::try_from(disliked.count()).unwrap_or(i64::MAX)
}

fn most(raw: Vec<i64>) -> Vec<i64> {
    let top = raw.iter().copied().max().unwrap_or(0);
    raw.into_iter().map(|r| if top == 0 { 0 } else { BEST * r / top }).collect()
}

fn fewest(raw: Vec<i64>) -> Vec<i64> {
    let top = raw.iter().copied().max().unwrap_or(0);
    raw.into_iter().map(|r| if top == 0 { BEST } else { BEST - BEST * r / top }).collect()
}

fn between_extremes(raw: Vec<i64>) -> Vec<i64> {
    let (low, high) = (raw.iter().copied().min().unwrap_or(0), raw.iter().copied().max().unwrap_or(0));
    raw.into_iter().map(|r| if high == low { 0 } else { BEST * (r - low) / (high - low) }).collect()
}

fn least_crowded(raw: Vec<Option<i64>>) -> Vec<i64> {
    let (low, high) = (raw.iter().flatten().min().copied(), raw.iter().flatten().max().copied());
    let (low, high) = (low.unwrap_or(0), high.unwrap_or(0));
    let score = |r: i64| if high == 0 { BEST } else { BEST * (high + low - r) / high };
    raw.into_iter().map(|r| r.map_or(0, score)).collect()
}

fn least_allocated(asked: &Amounts, candidate: &Candidate<'_>) -> i64 {
    let scores = ["cpu", "memory"].into_iter().filter_map(|name| {
        let all = candidate.allocatable.get(name).copied().filter(|a| *a > 0)?;
        let used = candidate.weighed.get(name).unwrap_or(&0) + asked.get(name).unwrap_or(&0);
        Some(if used > all { 0 } else { i64::try_from((all - used) * 100 / all).unwrap_or(0) })
    });
    let scores: Vec<_> = scores.collect();
    match i64::try_from(scores.len()) {
        Ok(count) if count > 0 => scores.iter().sum::<i64>() / count,
        _ => 0,
    }
}

/// Balance of the shares of cpu and memory in use: 100 when they are the same, 50 when one is full and one unused.
fn balanced(said: &Amounts, candidate: &Candidate<'_>) -> i64 {
    const WHOLE: i128 = 1_000_000;
    let shares: Vec<i128> = ["cpu", "memory"]
        .into_iter()
        .filter_map(|name| {
            let all = candidate.allocatable.get(name).copied().filter(|a| *a > 0)?;
            let used = candidate.taken.get(name).unwrap_or(&0) + said.get(name).unwrap_or(&0);
            Some((used * WHOLE / all).min(WHOLE))
        })
        .collect();
    let apart = match shares[..] {
        [cpu, memory] => (cpu - memory).abs() / 2,
        _ => 0,
    };
    i64::try_from((WHOLE - apart) * 100 / WHOLE).unwrap_or(0)
}
