//! Decisions about a Job, computed from the Job, its pods and the time alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::indexes::{self, read_indexes};
use super::policy::{self, PolicyAction};
use super::{INDEX, TRACKING};
use crate::controllers::owned::{is_active, ready_since, restarts, sort_for_deletion};
use crate::object::conditions;
use crate::object::field::{annotation, flag, is_terminating, list, number, text};
use crate::object::timestamp;

/// Seconds of back-off after the first failed pod; doubled by each further one.
const BACKOFF_SECONDS: i64 = 10;
/// Upper bound of the back-off, in seconds.
const BACKOFF_MAX_SECONDS: i64 = 600;

/// A Job's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobOutcome {
    /// The Job succeeded: its condition's reason and message.
    Complete(&'static str, String),
    /// The Job failed: its condition's reason and message.
    Failed(&'static str, String),
}

/// A Job's pods, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodCounts {
    /// Pods that ended well, ever.
    pub succeeded: i64,
    /// Pods that ended badly, ever.
    pub failed: i64,
    /// Pods that still work.
    pub active: Vec<Arc<Value>>,
    /// Number of active pods that are ready.
    pub ready: i64,
    /// Number of pods that are being deleted and not gone.
    pub terminating: i64,
    /// Pods that ended since the last look: their tracking finalizer comes off.
    pub counted: Vec<Arc<Value>>,
    /// The completions that an Indexed Job has.
    pub done: BTreeSet<i64>,
    /// The indexes that have failed for good, of a Job that counts the failures of each.
    pub failed_indexes: BTreeSet<i64>,
}

/// The next action for a Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextAction {
    /// Create one pod per element: its completion index, or `None` in a Job that is not indexed.
    Create(Vec<Option<i64>>),
    /// Delete these pods.
    Delete(Vec<Arc<Value>>),
    /// Do nothing before this instant.
    Wait(Timestamp),
    /// Do nothing until something changes.
    Nothing,
}

/// Counts `job`'s pods on top of what its status says already.
pub fn count_pods(job: &Value, pods: &[Arc<Value>]) -> PodCounts {
    let mut counts = PodCounts {
        succeeded: number(job, "/status/succeeded").unwrap_or(0),
        failed: number(job, "/status/failed").unwrap_or(0),
        done: read_indexes(text(job, "/status/completedIndexes")),
        failed_indexes: read_indexes(text(job, "/status/failedIndexes")),
        ..PodCounts::default()
    };
    for pod in pods {
        let tracked = list(pod, "/metadata/finalizers").iter().any(|f| f == TRACKING);
        let over = ending(pod);
        if is_active(pod) {
            counts.ready += i64::from(ready_since(pod).is_some());
            counts.active.push(Arc::clone(pod));
        } else if over.is_none() {
            counts.terminating += 1;
        }
        let (Some(well), true) = (over, tracked) else { continue };
        if well {
            match index(pod) {
                Some(index) if is_indexed(job) => drop(counts.done.insert(index)),
                _ => counts.succeeded += 1,
            }
        } else {
            counts.failed += i64::from(policy::action(job, pod) != Some(PolicyAction::Ignore));
            counts.failed_indexes.extend(index(pod).filter(|_| indexes::ends_index(job, pod)));
        }
        counts.counted.push(Arc::clone(pod));
    }
    if is_indexed(job) {
        counts.succeeded = indexes::size(&counts.done);
    }
    counts
}

/// The success of an ended pod; `None` while it runs. One deleted with no grace left has failed.
fn ending(pod: &Value) -> Option<bool> {
    match text(pod, "/status/phase") {
        "Succeeded" => Some(true),
        "Failed" => Some(false),
        _ => (is_terminating(pod) && number(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) == 0)
            .then_some(false),
    }
}

/// The completion index of a pod; `None` outside of an Indexed Job.
pub fn index(pod: &Value) -> Option<i64> {
    annotation(pod, INDEX)?.parse().ok()
}

/// True for a Job whose completions are tasks of their own (`completionMode: Indexed`).
pub fn is_indexed(job: &Value) -> bool {
    text(job, "/spec/completionMode") == "Indexed"
}

/// The Job's outcome; `None` while it goes on.
pub fn outcome(job: &Value, pods: &[Arc<Value>], counts: &PodCounts, now: Timestamp) -> Option<JobOutcome> {
    if let Some(decided) = decided(job) {
        return Some(decided);
    }
    let judged = counts.counted.iter().find_map(|pod| match policy::action(job, pod) {
        Some(PolicyAction::FailJob(why)) => Some(JobOutcome::Failed("PodFailurePolicy", why)),
        _ => None,
    });
    if judged.is_some() {
        return judged;
    }
    let failed = |reason, message: &str| Some(JobOutcome::Failed(reason, message.to_owned()));
    let again: i64 = match text(job, "/spec/template/spec/restartPolicy") {
        "OnFailure" => pods.iter().filter(|pod| is_active(pod)).map(|pod| restarts(pod)).sum(),
        _ => 0,
    };
    if counts.failed.max(again) > number(job, "/spec/backoffLimit").unwrap_or(6) {
        return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    }
    if deadline(job).is_some_and(|at| at <= now) {
        return failed("DeadlineExceeded", "Job was active longer than specified deadline");
    }
    let (bad, completions) = (indexes::size(&counts.failed_indexes), number(job, "/spec/completions"));
    if number(job, "/spec/maxFailedIndexes").is_some_and(|most| bad > most) {
        let message = "Job has exceeded the specified maximal number of failed indexes";
        return failed("MaxFailedIndexesExceeded", message);
    }
    if bad > 0 && completions.is_some_and(|all| bad + counts.succeeded >= all) {
        return failed("FailedIndexes", "Job has failed indexes");
    }
    if let Some(message) = indexes::success(job, &counts.done) {
        return Some(JobOutcome::Complete("SuccessPolicy", message));
    }
    let complete = match completions {
        Some(completions) => counts.succeeded >= completions,
        None => counts.succeeded > 0 && counts.active.is_empty(),
    };
    let message = "Reached expected number of succeeded pods";
    complete.then(|| JobOutcome::Complete("CompletionsReached", message.to_owned()))
}

/// The outcome that the Job's conditions tell already.
fn decided(job: &Value) -> Option<JobOutcome> {
    let conditions = list(job, "/status/conditions").iter().filter(|c| text(c, "/status") == "True");
    conditions.into_iter().find_map(|condition| {
        let (reason, message) = (known_reason(text(condition, "/reason")), text(condition, "/message"));
        match text(condition, "/type") {
            "SuccessCriteriaMet" | "Complete" => Some(JobOutcome::Complete(reason, message.to_owned())),
            "FailureTarget" | "Failed" => Some(JobOutcome::Failed(reason, message.to_owned())),
            _ => None,
        }
    })
}

fn known_reason(reason: &str) -> &'static str {
    let known = [
        "BackoffLimitExceeded",
        "CompletionsReached",
        "DeadlineExceeded",
        "FailedIndexes",
        "MaxFailedIndexesExceeded",
        "PodFailurePolicy",
        "SuccessPolicy",
    ];
    known.into_iter().find(|known| *known == reason).unwrap_or_default()
}

/// The instant of the Job's `activeDeadlineSeconds`; `None` without one, or before the start.
pub fn deadline(job: &Value) -> Option<Timestamp> {
    let seconds = number(job, "/spec/activeDeadlineSeconds")?;
    let started = timestamp::read(job, "/status/startTime")?;
    Some(started.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
}

/// The instant at which a finished Job is deleted; `None` without `ttlSecondsAfterFinished`.
pub fn expiry(job: &Value) -> Option<Timestamp> {
    let seconds = number(job, "/spec/ttlSecondsAfterFinished")?;
    let finished = ["Complete", "Failed"].into_iter().find_map(|kind| {
        let condition = conditions::find(job, kind).filter(|c| text(c, "/status") == "True")?;
        timestamp::read(condition, "/lastTransitionTime")
    })?;
    Some(finished.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
}

/// The next action for a Job that is not over.
pub fn next_action(job: &Value, pods: &[Arc<Value>], counts: &PodCounts, now: Timestamp) -> NextAction {
    let have = i64::try_from(counts.active.len()).unwrap_or(i64::MAX);
    let parallelism = number(job, "/spec/parallelism").unwrap_or(1);
    let wanted = match number(job, "/spec/completions") {
        _ if flag(job, "/spec/suspend") => 0,
        Some(completions) => parallelism.min(completions - counts.succeeded).max(0),
        None if counts.succeeded > 0 => have.min(parallelism),
        None => parallelism,
    };
    let mut idle = counts.active.clone();
    sort_for_deletion(&mut idle);
    if have > wanted {
        idle.truncate(usize::try_from(have - wanted).unwrap_or(0));
        return NextAction::Delete(idle);
    }
    let waits_for_the_going = text(job, "/spec/podReplacementPolicy") == "Failed";
    let going = if waits_for_the_going { counts.terminating } else { 0 };
    let more = usize::try_from(wanted - have - going).unwrap_or(0);
    if more == 0 {
        return NextAction::Nothing;
    }
    let per_index = indexes::limit(job).is_some();
    if let Some(until) = backoff_end(job, pods).filter(|until| !per_index && *until > now) {
        return NextAction::Wait(until);
    }
    if !is_indexed(job) {
        return NextAction::Create(vec![None; more]);
    }
    let mut taken: BTreeSet<i64> = counts.active.iter().filter_map(|pod| index(pod)).collect();
    taken.extend(&counts.done);
    taken.extend(&counts.failed_indexes);
    if waits_for_the_going {
        let going = pods.iter().filter(|pod| !is_active(pod) && ending(pod).is_none());
        taken.extend(going.filter_map(|pod| index(pod)));
    }
    let free = (0..number(job, "/spec/completions").unwrap_or(0)).filter(|index| !taken.contains(index));
    create_or_wait(free.take(more), now, |index| match per_index {
        true => indexes::backoff_end(job, pods, index),
        false => None,
    })
}

/// Creates the pods of those indexes whose back-off is over, or waits for the first of them.
fn create_or_wait(
    free: impl Iterator<Item = i64>,
    now: Timestamp,
    backoff_end: impl Fn(i64) -> Option<Timestamp>,
) -> NextAction {
    let (mut ready, mut first) = (Vec::new(), None::<Timestamp>);
    for index in free {
        match backoff_end(index).filter(|until| *until > now) {
            None => ready.push(Some(index)),
            Some(until) => first = Some(first.map_or(until, |first| first.min(until))),
        }
    }
    match (ready.is_empty(), first) {
        (true, Some(until)) => NextAction::Wait(until),
        (true, None) => NextAction::Nothing,
        (false, _) => NextAction::Create(ready),
    }
}

/// The instant at which a pod's last container ended.
pub fn ended_at(pod: &Value) -> Option<Timestamp> {
    let of = |kind: &str| {
        let all = list(pod, &format!("/status/{kind}"));
        all.iter().filter_map(|s| timestamp::read(s, "/state/terminated/finishedAt")).max()
    };
    of("containerStatuses").or_else(|| of("initContainerStatuses")).or_else(|| transition(pod))
}

/// The end of the back-off after so many failures, the last of them at `last`.
pub fn backoff_after(failures: u32, last: Timestamp) -> Timestamp {
    let times = failures.saturating_sub(1).min(16);
    let seconds = BACKOFF_SECONDS.checked_shl(times).unwrap_or(BACKOFF_MAX_SECONDS).min(BACKOFF_MAX_SECONDS);
    last.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The end of the back-off after pods that failed since the last success; `None` without failures.
fn backoff_end(job: &Value, pods: &[Arc<Value>]) -> Option<Timestamp> {
    let last_success =
        pods.iter().filter(|p| text(p, "/status/phase") == "Succeeded").filter_map(|p| ended_at(p)).max();
    let is_counted = |pod: &&Arc<Value>| {
        text(pod, "/status/phase") == "Failed" && policy::action(job, pod) != Some(PolicyAction::Ignore)
    };
    let failures: Vec<_> = pods
        .iter()
        .filter(is_counted)
        .filter_map(|pod| ended_at(pod))
        .filter(|at| last_success.is_none_or(|success| *at > success))
        .collect();
    let last = failures.iter().max()?;
    Some(backoff_after(u32::try_from(failures.len()).unwrap_or(u32::MAX), *last))
}

fn transition(pod: &Value) -> Option<Timestamp> {
    let of = |kind: &str| conditions::find(pod, kind).and_then(|c| timestamp::read(c, "/lastTransitionTime"));
    of("Ready").or_else(|| of("PodScheduled")).or_else(|| timestamp::read(pod, "/metadata/creationTimestamp"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T09:{text}Z").parse().unwrap()
    }

    fn pod(phase: &str, finished: Option<&str>) -> Arc<Value> {
        let terminated =
            finished.map(|text| json!({"terminated": {"exitCode": 1, "finishedAt": at(text).to_string()}}));
        Arc::new(json!({
            "metadata": {"name": "p", "finalizers": [TRACKING]}, "spec": {"nodeName": "n"},
            "status": {"phase": phase, "containerStatuses": [{"name": "c", "state": terminated}]}}))
    }

    fn job(spec: Value) -> Value {
        let mut job = json!({"metadata": {"name": "j"}, "spec": {
            "completions": 1, "parallelism": 1, "backoffLimit": 6,
            "template": {"spec": {"restartPolicy": "Never"}}}, "status": {}});
        for (key, value) in spec.as_object().unwrap() {
            job["spec"][key] = value.clone();
        }
        job
    }

    fn judged(job: &Value, pods: &[Arc<Value>], now: Timestamp) -> (Option<JobOutcome>, NextAction) {
        let counts = count_pods(job, pods);
        (outcome(job, pods, &counts, now), next_action(job, pods, &counts, now))
    }

    #[test]
    fn a_job_starts_as_many_pods_as_may_run_and_are_needed() {
        for (spec, pods, wanted) in [
            (json!({}), vec![], 1),
            (json!({"completions": 5, "parallelism": 2}), vec![], 2),
            (json!({"completions": 5, "parallelism": 2}), vec![pod("Running", None)], 1),
            (json!({"completions": 3, "parallelism": 5}), vec![pod("Succeeded", Some("00:00"))], 2),
            (json!({"completions": null, "parallelism": 2}), vec![], 2),
        ] {
            let (_, next) = judged(&job(spec.clone()), &pods, at("10:00"));
            assert_eq!(next, NextAction::Create(vec![None; wanted]), "{spec}");
        }
    }

    #[test]
    fn a_job_waits_longer_after_each_failure() {
        let job = job(json!({}));
        for (failures, until) in [
            (vec!["00:00"], "00:10"),
            (vec!["00:00", "00:15"], "00:35"),
            (vec!["00:00", "00:15", "00:40"], "01:20"),
        ] {
            let pods: Vec<_> = failures.iter().map(|text| pod("Failed", Some(text))).collect();
            assert_eq!(judged(&job, &pods, at(failures.last().unwrap())).1, NextAction::Wait(at(until)));
            assert_eq!(judged(&job, &pods, at(until)).1, NextAction::Create(vec![None]));
        }
    }

    #[test]
    fn a_job_ends_like_this() {
        let failed = |n: usize| vec![pod("Failed", Some("00:00")); n];
        let limit = || {
            JobOutcome::Failed(
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit".to_owned(),
            )
        };
        let mut late = job(json!({"activeDeadlineSeconds": 60}));
        late["status"]["startTime"] = json!("2026-01-01T09:00:00Z");
        let complete = || {
            let message = "Reached expected number of succeeded pods".to_owned();
            Some(JobOutcome::Complete("CompletionsReached", message))
        };
        let over = || {
            JobOutcome::Failed("DeadlineExceeded", "Job was active longer than specified deadline".to_owned())
        };
        for (what, job, pods, wanted) in [
            ("nothing yet", job(json!({})), vec![], None),
            ("done", job(json!({})), vec![pod("Succeeded", None)], complete()),
            ("half done", job(json!({"completions": 2})), vec![pod("Succeeded", None)], None),
            ("one may fail", job(json!({"backoffLimit": 1})), failed(1), None),
            ("two may not", job(json!({"backoffLimit": 1})), failed(2), Some(limit())),
            ("none may", job(json!({"backoffLimit": 0})), failed(1), Some(limit())),
            ("too late", late, vec![pod("Running", None)], Some(over())),
            (
                "a queue that is worked off",
                job(json!({"completions": null})),
                vec![pod("Succeeded", None)],
                complete(),
            ),
        ] {
            assert_eq!(judged(&job, &pods, at("10:00")).0, wanted, "{what}");
        }
    }

    #[test]
    fn a_suspended_job_lets_its_pods_go() {
        let running = pod("Running", None);
        let (_, next) = judged(&job(json!({"suspend": true})), std::slice::from_ref(&running), at("00:00"));
        assert_eq!(next, NextAction::Delete(vec![running]));
    }

    #[test]
    fn an_indexed_job_fills_the_gaps() {
        let mut job = job(json!({"completions": 4, "parallelism": 3, "completionMode": "Indexed"}));
        job["status"]["completedIndexes"] = json!("1");
        let mut busy = (*pod("Running", None)).clone();
        busy["metadata"]["annotations"] = json!({INDEX: "0"});
        let (_, next) = judged(&job, &[Arc::new(busy)], at("00:00"));
        assert_eq!(next, NextAction::Create(vec![Some(2), Some(3)]));
    }

    #[test]
    fn a_pod_is_counted_once() {
        let mut counted = (*pod("Failed", None)).clone();
        counted["metadata"]["finalizers"] = json!([]);
        let mut job = job(json!({}));
        job["status"]["failed"] = json!(1);
        let counts = count_pods(&job, &[Arc::new(counted)]);
        assert_eq!((counts.failed, counts.counted.len()), (1, 0));
    }

    fn indexed(index: i64, phase: &str, failures: i64) -> Arc<Value> {
        let mut pod = (*pod(phase, Some("00:00"))).clone();
        pod["metadata"]["annotations"] =
            json!({INDEX: index.to_string(), indexes::FAILURES: failures.to_string()});
        Arc::new(pod)
    }

    #[test]
    fn an_indexed_job_may_fail_index_by_index() {
        let spec = |more: Value| {
            let mut job = job(json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed",
                "backoffLimit": i32::MAX, "backoffLimitPerIndex": 1}));
            job["spec"]["maxFailedIndexes"] = more;
            job
        };
        let failed =
            |reason| move |outcome: JobOutcome| matches!(outcome, JobOutcome::Failed(r, _) if r == reason);
        let once = [indexed(0, "Failed", 0), indexed(1, "Running", 0), indexed(2, "Succeeded", 0)];
        let (outcome, next) = judged(&spec(Value::Null), &once, at("00:05"));
        assert_eq!((outcome, next), (None, NextAction::Wait(at("00:10"))));
        assert_eq!(judged(&spec(Value::Null), &once, at("00:10")).1, NextAction::Create(vec![Some(0)]));
        let twice = [indexed(0, "Failed", 1), indexed(1, "Running", 0), indexed(2, "Succeeded", 0)];
        let (outcome, next) = judged(&spec(Value::Null), &twice, at("10:00"));
        assert_eq!((outcome, next), (None, NextAction::Nothing));
        assert!(
            judged(&spec(json!(0)), &twice, at("10:00")).0.is_some_and(failed("MaxFailedIndexesExceeded"))
        );
        let over = [indexed(0, "Failed", 1), indexed(1, "Succeeded", 0), indexed(2, "Succeeded", 0)];
        assert!(judged(&spec(Value::Null), &over, at("10:00")).0.is_some_and(failed("FailedIndexes")));
    }

    #[test]
    fn a_job_whose_policy_says_so_succeeds_before_all_of_it_has() {
        let mut job = job(json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed"}));
        job["spec"]["successPolicy"] = json!({"rules": [{"succeededIndexes": "0"}]});
        let pods = [indexed(0, "Succeeded", 0), indexed(1, "Running", 0)];
        let wanted = JobOutcome::Complete("SuccessPolicy", "Matched rules at index 0".to_owned());
        assert_eq!(judged(&job, &pods, at("00:00")).0, Some(wanted));
    }

    #[test]
    fn a_pod_that_goes_is_replaced_at_once_or_when_it_has_failed_as_the_job_wants() {
        let mut going = (*indexed(0, "Running", 0)).clone();
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T09:00:30Z");
        going["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        let pods = [Arc::new(going)];
        for (policy, wanted) in
            [("TerminatingOrFailed", NextAction::Create(vec![Some(0)])), ("Failed", NextAction::Nothing)]
        {
            let job = job(json!({"completionMode": "Indexed", "podReplacementPolicy": policy}));
            assert_eq!(judged(&job, &pods, at("00:01")).1, wanted, "{policy}");
        }
    }
}
