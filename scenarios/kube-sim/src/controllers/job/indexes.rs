//! Completion indexes: how they are written, and what becomes of a Job that counts the failures of each by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::decide::{backoff_after, ended_at, index, is_indexed};
use super::policy::{self, PolicyAction};
use crate::object::field::{annotation, is_set, list, number, text};

/// Annotation with the number of failed pods that an index had before this one.
pub const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// Annotation with the number of those that the failure policy ignored.
pub const IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// The failures that each index may have; `None` for a Job that counts them together.
pub fn limit(job: &Value) -> Option<i64> {
    number(job, "/spec/backoffLimitPerIndex").filter(|_| is_indexed(job))
}

/// True for a failed pod after which its index is not tried again.
pub fn ends_index(job: &Value, pod: &Value) -> bool {
    let Some(limit) = limit(job) else { return false };
    match policy::action(job, pod) {
        Some(PolicyAction::FailIndex) => true,
        Some(PolicyAction::Ignore) => false,
        _ => noted(pod, FAILURES) >= limit,
    }
}

fn noted(pod: &Value, key: &str) -> i64 {
    annotation(pod, key).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The last failed pod of an index.
fn last_failed(pods: &[Arc<Value>], wanted: i64) -> Option<&Arc<Value>> {
    let failed =
        pods.iter().filter(|pod| text(pod, "/status/phase") == "Failed" && index(pod) == Some(wanted));
    failed.max_by_key(|pod| (noted(pod, FAILURES) + noted(pod, IGNORED), ended_at(pod)))
}

/// The counts that the next pod of an index carries: failures, and ignored ones.
pub fn counts_of_next(job: &Value, pods: &[Arc<Value>], index: i64) -> (i64, i64) {
    let Some(last) = last_failed(pods, index) else { return (0, 0) };
    let ignored = policy::action(job, last) == Some(PolicyAction::Ignore);
    (noted(last, FAILURES) + i64::from(!ignored), noted(last, IGNORED) + i64::from(ignored))
}

/// The instant from which an index may have its next pod; `None` for at once.
pub fn backoff_end(job: &Value, pods: &[Arc<Value>], index: i64) -> Option<Timestamp> {
    let last = last_failed(pods, index)?;
    let (counted, ignored) = counts_of_next(job, pods, index);
    Some(backoff_after(u32::try_from(counted + ignored).unwrap_or(u32::MAX), ended_at(last)?))
}

/// The first rule of the Job's success policy that its completions fulfil, as a message.
pub fn success(job: &Value, done: &BTreeSet<i64>) -> Option<String> {
    if done.is_empty() || !is_indexed(job) {
        return None;
    }
    let rules = list(job, "/spec/successPolicy/rules");
    let fulfilled = rules.iter().position(|rule| {
        let count = number(rule, "/succeededCount");
        let have = |indexes: i64| count.is_some_and(|count| indexes >= count);
        if !is_set(rule, "/succeededIndexes") {
            return have(size(done));
        }
        let wanted = read_indexes(text(rule, "/succeededIndexes"));
        let common = size(&wanted.intersection(done).copied().collect());
        !wanted.is_empty() && (common == size(&wanted) || have(common))
    });
    fulfilled.map(|at| format!("Matched rules at index {at}"))
}

/// The number of indexes in a set.
pub fn size(indexes: &BTreeSet<i64>) -> i64 {
    i64::try_from(indexes.len()).unwrap_or(i64::MAX)
}

/// Parses `completedIndexes` such as `1,3-5`; a range ends 100 000 after its start, and other parts are skipped.
pub fn read_indexes(text: &str) -> BTreeSet<i64> {
    let mut indexes = BTreeSet::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
            indexes.extend(first..=last.min(first.saturating_add(100_000)));
        }
    }
    indexes
}

/// Formats indexes as `completedIndexes`, with ranges, as in `1,3-5`.
pub fn write_indexes(indexes: &BTreeSet<i64>) -> String {
    let mut parts: Vec<(i64, i64)> = Vec::new();
    for index in indexes {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => parts.push((*index, *index)),
        }
    }
    let shown = parts.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::INDEX;
    use super::*;

    fn failed(index: i64, failures: i64, code: i64) -> Arc<Value> {
        Arc::new(json!({
            "metadata": {"name": "p", "annotations": {INDEX: index.to_string(), FAILURES: failures.to_string()}},
            "status": {"phase": "Failed", "containerStatuses": [{"name": "c", "state": {"terminated":
                {"exitCode": code, "finishedAt": "2026-01-01T09:00:00Z"}}}]}}))
    }

    fn job(spec: Value) -> Value {
        let mut job =
            json!({"spec": {"completionMode": "Indexed", "completions": 4, "backoffLimitPerIndex": 1}});
        for (key, value) in spec.as_object().unwrap() {
            job["spec"][key] = value.clone();
        }
        job
    }

    #[test]
    fn an_index_ends_with_one_failure_more_than_it_may_have_or_by_the_policy() {
        let rule = json!({"rules": [{"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [42]}},
            {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [43]}}]});
        let plain = job(json!({}));
        let strict = job(json!({"podFailurePolicy": rule}));
        for (job, pod, ends) in [
            (&plain, failed(0, 0, 1), false),
            (&plain, failed(0, 1, 1), true),
            (&strict, failed(0, 0, 42), true),
            (&strict, failed(0, 1, 43), false),
            (&job(json!({"completionMode": "NonIndexed"})), failed(0, 9, 1), false),
        ] {
            assert_eq!(ends_index(job, &pod), ends, "{job} {pod}");
        }
    }

    #[test]
    fn the_next_pod_of_an_index_knows_what_came_before_and_waits_for_it() {
        let job = job(json!({}));
        let pods = [failed(0, 0, 1), failed(0, 1, 1), failed(1, 0, 1)];
        assert_eq!(counts_of_next(&job, &pods, 0), (2, 0));
        assert_eq!(counts_of_next(&job, &pods, 1), (1, 0));
        assert_eq!(counts_of_next(&job, &pods, 2), (0, 0));
        let at = |text: &str| Some(format!("2026-01-01T09:{text}Z").parse::<Timestamp>().unwrap());
        assert_eq!(backoff_end(&job, &pods, 0), at("00:20"));
        assert_eq!(backoff_end(&job, &pods, 1), at("00:10"));
        assert_eq!(backoff_end(&job, &pods, 2), None);
    }

    #[test]
    fn a_success_policy_is_fulfilled_by_its_indexes_or_their_number() {
        for (rule, done, wanted) in [
            (json!({"succeededIndexes": "0,2-3"}), "0,2-3", true),
            (json!({"succeededIndexes": "0,2-3"}), "0,2", false),
            (json!({"succeededIndexes": "0,2-3", "succeededCount": 1}), "2", true),
            (json!({"succeededIndexes": "0,2-3", "succeededCount": 1}), "1", false),
            (json!({"succeededCount": 2}), "0,1", true),
            (json!({"succeededCount": 2}), "1", false),
            (json!({"succeededCount": 0}), "", false),
        ] {
            let job = job(json!({"successPolicy": {"rules": [{"succeededIndexes": "9"}, rule]}}));
            let said = success(&job, &read_indexes(done));
            assert_eq!(said.as_deref(), wanted.then_some("Matched rules at index 1"), "{rule} {done}");
        }
    }

    proptest! {
        #[test]
        fn indexes_read_as_they_were_written(indexes in prop::collection::btree_set(0i64..60, 0..40)) {
            prop_assert_eq!(read_indexes(&write_indexes(&indexes)), indexes);
        }
    }
}
