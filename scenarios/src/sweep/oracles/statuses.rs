//! The statuses of pods: nothing of the unknown, no failure without proof, in the end the truth, and never back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::timeline::{first, groups, pods, works};
use super::violation::Violation;
use crate::sweep::journal::{Entry, KubeCall, Occurrence, PodWrite};

/// The age of the cloud's last answer above which nothing is known: two rounds of looks.
const KNOWN: SignedDuration = SignedDuration::from_secs(120);

/// The provider's writes of pods' statuses: when, by which call.
fn status_writes(entries: &[Entry]) -> impl Iterator<Item = (Timestamp, &KubeCall)> {
    entries.iter().filter_map(|entry| match &entry.what {
        Occurrence::Kube(call)
            if call.writes() && call.path.contains("/pods/") && call.path.ends_with("/status") =>
        {
            Some((entry.at, call))
        }
        _ => None,
    })
}

/// True of a write that tells of containers, and not of a creation that was refused.
fn tells(call: &KubeCall) -> bool {
    let body = call.document();
    let status = &body["status"];
    let refused = status["reason"].as_str().is_some_and(|reason| reason.starts_with("Provider"));
    !refused && (status["phase"].is_string() || status["containerStatuses"].is_array())
}

/// Nothing is told before the cloud answered this life, or long after it last did.
pub(super) fn unknown_is_silent(entries: &[Entry]) -> Vec<Violation> {
    let mut heard: BTreeMap<u32, Timestamp> = BTreeMap::new();
    let mut found = Vec::new();
    for entry in entries {
        if let Occurrence::Cloud(call) = &entry.what
            && call.answer.is_good()
        {
            heard.insert(call.life, entry.at);
        }
        let Occurrence::Kube(call) = &entry.what else { continue };
        let is_status = call.writes() && call.path.contains("/pods/") && call.path.ends_with("/status");
        if !is_status || !tells(call) {
            continue;
        }
        let age = heard.get(&call.life).map(|at| at.duration_until(entry.at));
        if age.is_none_or(|age| age > KNOWN) {
            let ago = age.map_or("never".to_owned(), |age| format!("{age:#} ago"));
            let words =
                format!("provider {} writes {} and last heard of the cloud {ago}", call.life, call.path);
            found.push(Violation::new("unknown-is-silent", entry.at, words));
        }
    }
    found
}

/// No pod is said to have failed while its group works and nothing asked for its end.
pub(super) fn failed_is_proven(entries: &[Entry]) -> Vec<Violation> {
    let (groups, pods) = (groups(entries), pods(entries));
    let mut found = Vec::new();
    for (at, call) in status_writes(entries) {
        let body = call.document();
        let status = &body["status"];
        let overdue = status["reason"] == "DeadlineExceeded" || status["reason"] == "Evicted";
        if status["phase"] != "Failed" || overdue || !call.answer.is_good() {
            continue;
        }
        let uid = body["metadata"]["uid"].as_str().unwrap_or_default();
        let leaving = pods.get(uid).and_then(|pod| pod.at(at)).is_some_and(PodWrite::is_leaving);
        let working = groups.iter().find(|group| group.uid == uid && works(group.state_at(at)));
        if let Some(group) = working.filter(|_| !leaving) {
            let words = format!(
                "provider {} says {} failed ({}) while {} is {}",
                call.life,
                call.path,
                status["reason"].as_str().unwrap_or_default(),
                group.id,
                group.state_at(at)
            );
            found.push(Violation::new("failed-is-proven", at, words));
        }
    }
    found
}

/// In the end a pod says what its group is.
pub(super) fn agreement(entries: &[Entry]) -> Vec<Violation> {
    let Some(end) = first(entries, |what| *what == Occurrence::End) else { return Vec::new() };
    let groups = groups(entries);
    let mut found = Vec::new();
    for (uid, life) in pods(entries) {
        let Some(pod) = life.last().filter(|pod| !pod.removed && !pod.text("/spec/nodeName").is_empty())
        else {
            continue;
        };
        let group = groups.iter().rev().find(|group| group.uid == uid && group.gone().is_none());
        let state = group.map_or("gone", |group| group.last_state());
        let agree = match (pod.phase(), state) {
            ("Running", "Running" | "Restarting" | "Updating" | "Terminating") => true,
            ("Succeeded" | "Failed", state) => !works(state),
            ("Pending" | "", state) => !matches!(state, "Running" | "Succeeded" | "Failed" | "Expired"),
            _ => false,
        };
        if !agree || pod.is_leaving() {
            let leaving = if pod.is_leaving() { " and leaving" } else { "" };
            let words = format!("pod {} is {}{leaving} while its group is {state}", pod.name(), pod.phase());
            found.push(Violation::new("agreement", end, words));
        }
    }
    found
}

/// Phases and restart counts only go forward, and a start time stays.
pub(super) fn never_back(entries: &[Entry]) -> Vec<Violation> {
    let rank = |phase: &str| match phase {
        "" | "Pending" => 0,
        "Running" | "Unknown" => 1,
        _ => 2,
    };
    let mut found = Vec::new();
    for life in pods(entries).values() {
        for pair in life.writes.windows(2) {
            let [(_, before), (at, now)] = pair else { continue };
            let mut back = |what: &str, from: String, to: String| {
                let words = format!("the {what} of pod {} goes from {from} to {to}", now.name());
                found.push(Violation::new("never-back", *at, words));
            };
            let (old, new) = (before.phase(), now.phase());
            if rank(new) < rank(old) || rank(old) == 2 && old != new {
                back("phase", old.to_owned(), new.to_owned());
            }
            let (old, new) = (before.text("/status/startTime"), now.text("/status/startTime"));
            if !old.is_empty() && old != new {
                back("start time", old.to_owned(), new.to_owned());
            }
            let counts = restarts(now);
            for (name, old) in restarts(before) {
                let new = counts.get(name).copied().unwrap_or(old);
                if new < old {
                    back("restart count", old.to_string(), new.to_string());
                }
            }
        }
    }
    found
}

pub(super) fn restarts(pod: &PodWrite) -> BTreeMap<&str, i64> {
    let statuses = pod.object["status"]["containerStatuses"].as_array().into_iter().flatten();
    let count = |status: &Value| status["restartCount"].as_i64().unwrap_or_default();
    statuses.filter_map(|status| Some((status["name"].as_str()?, count(status)))).collect()
}
