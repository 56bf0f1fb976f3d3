//! Graceful deletion of pods.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object::field::{is_terminating, number, text};
use crate::object::timestamp;

/// The effect of a DELETE on a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The pod is removed at once.
    Immediate,
    /// The pod is marked for deletion by `by`, and its node ends it.
    Graceful {
        /// The new deletion timestamp.
        by: Timestamp,
        /// The grace period in seconds.
        seconds: i64,
    },
    /// The pod is being deleted already, and no later than asked.
    AlreadyTerminating,
}

/// Decides the effect of a DELETE of `pod` at `now`, with `asked` seconds of grace or the pod's own.
pub fn decide(pod: &Value, asked: Option<i64>, now: Timestamp) -> Deletion {
    let own = number(pod, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
    let seconds = match asked.unwrap_or(own) {
        negative if negative < 0 => 1,
        other => other,
    };
    let nothing_runs = text(pod, "/spec/nodeName").is_empty()
        || matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    let seconds = if nothing_runs { 0 } else { seconds };
    if !is_terminating(pod) {
        return match seconds {
            0 => Deletion::Immediate,
            seconds => Deletion::Graceful { by: later(now, seconds), seconds },
        };
    }
    let current = number(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(0);
    if seconds == 0 && (current > 0 || asked.is_some()) {
        return Deletion::Immediate;
    }
    if asked.is_none() || seconds >= current {
        return Deletion::AlreadyTerminating;
    }
    let marked = timestamp::read(pod, "/metadata/deletionTimestamp").unwrap_or(now);
    Deletion::Graceful { by: later(marked, seconds - current), seconds }
}

fn later(from: Timestamp, seconds: i64) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Deletion::{AlreadyTerminating, Graceful, Immediate};
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-01T09:{text}Z").parse().unwrap()
    }

    #[test]
    fn a_pod_has_this_long_to_go() {
        let running = json!({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}});
        let unbound = json!({"spec": {"terminationGracePeriodSeconds": 30}});
        let done = json!({"spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}});
        let going = json!({
            "metadata": {"deletionTimestamp": "2026-01-01T09:00:30Z", "deletionGracePeriodSeconds": 30},
            "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}});
        for (what, pod, asked, wanted) in [
            ("its own time", &running, None, Graceful { by: at("01:30"), seconds: 30 }),
            ("the time asked for", &running, Some(5), Graceful { by: at("01:05"), seconds: 5 }),
            ("a negative time", &running, Some(-7), Graceful { by: at("01:01"), seconds: 1 }),
            ("force", &running, Some(0), Immediate),
            ("nothing to end", &unbound, None, Immediate),
            ("already over", &done, Some(30), Immediate),
            ("asked again", &going, None, AlreadyTerminating),
            ("asked again for longer", &going, Some(60), AlreadyTerminating),
            ("asked again for less", &going, Some(10), Graceful { by: at("00:10"), seconds: 10 }),
            ("forced at last", &going, Some(0), Immediate),
        ] {
            assert_eq!(decide(pod, asked, at("01:00")), wanted, "{what}");
        }
    }
}
