//! The next steps of a StatefulSet, decided from its pods alone.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::controllers::owned::available_from;
use crate::object::field::{is_set, is_terminating, label, number, text, uid};
use crate::pods::phase::is_terminal;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the pod of this number.
    Create(i64),
    /// Delete this pod.
    Delete(Arc<Value>),
}

/// The number of the first pod.
pub fn first_ordinal(set: &Value) -> i64 {
    number(set, "/spec/ordinals/start").unwrap_or(0)
}

/// True for a pod that is to be made of the revision from before the update.
pub fn is_of_current(set: &Value, ordinal: i64) -> bool {
    let place = ordinal - first_ordinal(set);
    match number(set, "/spec/updateStrategy/rollingUpdate/partition") {
        Some(partition) => place < partition,
        None => {
            text(set, "/spec/updateStrategy/type") == "RollingUpdate"
                && place < number(set, "/status/currentReplicas").unwrap_or(0)
        }
    }
}

/// True for a pod that runs and has been ready for as long as the set asks.
pub fn is_available(set: &Value, pod: &Value, now: Timestamp) -> bool {
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    text(pod, "/status/phase") == "Running" && available_from(pod, seconds).is_some_and(|at| at <= now)
}

/// The instant at which the next of the pods becomes available without a change.
pub fn next_available(set: &Value, pods: &[(i64, Arc<Value>)], now: Timestamp) -> Option<Timestamp> {
    let seconds = number(set, "/spec/minReadySeconds").filter(|seconds| *seconds > 0)?;
    pods.iter().filter_map(|(_, pod)| available_from(pod, seconds)).filter(|at| *at > now).min()
}

/// Steps of one round of a `Parallel` set, at most.
const BATCH_MAX: usize = 500;

/// The steps towards the set's pods; `pods` are those that there are, in the order of their numbers, and `update` is the name of the revision
/// of the present template.
///
/// One step at a time, and only while all pods before it are available, unless the set is `Parallel`.
pub fn steps(set: &Value, pods: &[(i64, Arc<Value>)], update: &str, now: Timestamp) -> Vec<Step> {
    let ordered = text(set, "/spec/podManagementPolicy") != "Parallel";
    let first = first_ordinal(set);
    let wanted = first..first.saturating_add(number(set, "/spec/replicas").unwrap_or(1));
    let find = |ordinal: i64| {
        let at = pods.binary_search_by_key(&ordinal, |(own, _)| *own).ok()?;
        pods.get(at).map(|(_, pod)| pod)
    };
    let works = |pod: &Value| is_available(set, pod, now) && !is_terminating(pod);
    let mut steps = Vec::new();
    for ordinal in wanted.clone() {
        match find(ordinal) {
            // the new pods wake the controller for the rest
            None if steps.len() >= BATCH_MAX => return steps,
            None => steps.push(Step::Create(ordinal)),
            Some(pod) if is_terminal(pod) => {
                if !is_terminating(pod) {
                    steps.push(Step::Delete(Arc::clone(pod)));
                }
            }
            Some(pod) if works(pod) => continue,
            Some(_) => {}
        }
        if ordered {
            return steps;
        }
    }
    let mut condemned: Vec<_> = pods.iter().filter(|(own, _)| !wanted.contains(own)).collect();
    condemned.sort_by_key(|(own, _)| std::cmp::Reverse(*own));
    let first_broken =
        condemned.iter().rev().find(|(_, pod)| !works(pod)).map(|(_, pod)| uid(pod).to_owned());
    for (_, pod) in condemned {
        let waits = !is_available(set, pod, now) && first_broken.as_deref() != Some(uid(pod));
        if !(is_terminating(pod) || ordered && waits) {
            steps.push(Step::Delete(Arc::clone(pod)));
        }
        if ordered {
            return steps;
        }
    }
    steps.extend(outdated(set, wanted, &find, update, now));
    steps
}

/// The pod of the highest number that is not of the present template, once all above it are and work.
fn outdated<'a>(
    set: &Value,
    wanted: std::ops::Range<i64>,
    find: &impl Fn(i64) -> Option<&'a Arc<Value>>,
    update: &str,
    now: Timestamp,
) -> Option<Step> {
    if text(set, "/spec/updateStrategy/type") == "OnDelete" {
        return None;
    }
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for ordinal in (wanted.start.saturating_add(partition)..wanted.end).rev() {
        let pod = find(ordinal)?;
        let is_old = label(pod, super::POD_REVISION) != Some(update);
        if is_old && !is_terminating(pod) {
            return Some(Step::Delete(Arc::clone(pod)));
        }
        if !is_available(set, pod, now) || is_set(pod, "/metadata/deletionTimestamp") {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(more: Value) -> Value {
        let mut set = json!({"spec": {"replicas": 3, "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}});
        for (key, value) in more.as_object().unwrap() {
            set["spec"][key] = value.clone();
        }
        set
    }

    /// Pods by their letters: `r`eady, `p`ending, `f`ailed, `t`erminating; capitals are of the old revision, and a dot is
    /// no pod.
    fn pods(letters: &str) -> Vec<(i64, Arc<Value>)> {
        let made = letters.chars().zip(0..).filter(|(letter, _)| *letter != '.').map(|(letter, ordinal)| {
            let revision = if letter.is_uppercase() { "old" } else { "new" };
            let phase = match letter.to_ascii_lowercase() {
                'p' => "Pending",
                'f' => "Failed",
                _ => "Running",
            };
            let ready = if matches!(letter.to_ascii_lowercase(), 'r' | 't') { "True" } else { "False" };
            let mut pod = json!({
                "metadata": {"name": ordinal.to_string(), "uid": ordinal.to_string(), "labels": {super::super::POD_REVISION: revision}},
                "status": {"phase": phase, "conditions": [
                    {"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
            if letter.eq_ignore_ascii_case(&'t') {
                pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            }
            (ordinal, Arc::new(pod))
        });
        made.collect()
    }

    #[test]
    fn pods_come_and_go_in_their_order_unless_the_set_is_parallel() {
        let parallel = json!({"podManagementPolicy": "Parallel"});
        let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
        let partition =
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        let fewer = json!({"replicas": 1});
        let later = json!({"ordinals": {"start": 1}, "replicas": 2});
        for (more, there, wanted) in [
            (json!({}), "", "+0"),
            (json!({}), "p", ""),
            (json!({}), "r", "+1"),
            (json!({}), "rr", "+2"),
            (json!({}), "rrr", ""),
            (json!({}), "rfr", "-1"),
            (json!({}), "rt", ""),
            (json!({}), "r.r", "+1"),
            (json!({}), "RRR", "-2"),
            (json!({}), "RRp", ""),
            (json!({}), "RRr", "-1"),
            (json!({}), "RPr", ""),
            (fewer.clone(), "rrr", "-2"),
            (fewer.clone(), "rrt", ""),
            (fewer.clone(), "rpr", "-2"),
            (fewer.clone(), "rrp", "-2"),
            (fewer, "prr", ""),
            (parallel.clone(), "", "+0+1+2"),
            (parallel.clone(), "p.p", "+1"),
            (parallel, "RRR", "-2"),
            (on_delete, "RRR", ""),
            (partition.clone(), "RRR", "-2"),
            (partition, "RRr", ""),
            (later, "", "+1"),
        ] {
            let steps =
                steps(&set(more.clone()), &pods(there), "new", "2026-01-02T00:00:00Z".parse().unwrap());
            let shown = steps.iter().map(|step| match step {
                Step::Create(ordinal) => format!("+{ordinal}"),
                Step::Delete(pod) => format!("-{}", text(pod, "/metadata/name")),
            });
            assert_eq!(shown.collect::<String>(), wanted, "{more} {there}");
        }
    }
}
