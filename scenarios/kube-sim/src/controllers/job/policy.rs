//! A Job's podFailurePolicy: failures that end the Job, and failures that do not count.

use serde_json::Value;

use crate::object::field::{list, name, namespace, number, text};

/// The policy's action for a failed pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyAction {
    /// The Job has failed, with this message.
    FailJob(String),
    /// The failure does not count against `backoffLimit`.
    Ignore,
    /// The failure counts against `backoffLimit`.
    Count,
    /// The failure counts, and the pod's index is not tried again.
    FailIndex,
}

/// The action of the first rule that matches the failed pod; `None` when none does.
pub fn action(job: &Value, pod: &Value) -> Option<PolicyAction> {
    if text(pod, "/status/phase") != "Failed" {
        return None;
    }
    let rules = list(job, "/spec/podFailurePolicy/rules").iter().enumerate();
    rules.into_iter().find_map(|(i, rule)| {
        let because = by_exit_code(rule, pod).or_else(|| by_condition(rule, pod))?;
        Some(match text(rule, "/action") {
            "FailJob" => PolicyAction::FailJob(format!("{because} matching FailJob rule at index {i}")),
            "Ignore" => PolicyAction::Ignore,
            "FailIndex" => PolicyAction::FailIndex,
            _ => PolicyAction::Count,
        })
    })
}

fn by_exit_code(rule: &Value, pod: &Value) -> Option<String> {
    let wanted = rule.get("onExitCodes")?;
    let values: Vec<_> = list(wanted, "/values").iter().filter_map(Value::as_i64).collect();
    let only = text(wanted, "/containerName");
    let kinds = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let ended = kinds.into_iter().flat_map(|kind| list(pod, kind)).filter_map(|status| {
        let code = number(status, "/state/terminated/exitCode")?;
        Some((text(status, "/name"), code))
    });
    let found = ended.into_iter().find(|(container, code)| {
        let meant = only.is_empty() || only == *container;
        let listed = values.contains(code) == (text(wanted, "/operator") == "In");
        meant && *code != 0 && listed
    });
    found.map(|(container, code)| {
        format!("Container {container} for pod {}/{} failed with exit code {code}", namespace(pod), name(pod))
    })
}

fn by_condition(rule: &Value, pod: &Value) -> Option<String> {
    let patterns = list(rule, "/onPodConditions");
    let found = list(pod, "/status/conditions").iter().find(|condition| {
        patterns.iter().any(|pattern| {
            let status = Some(text(pattern, "/status")).filter(|s| !s.is_empty()).unwrap_or("True");
            text(pattern, "/type") == text(condition, "/type") && status == text(condition, "/status")
        })
    });
    found.map(|condition| {
        format!("Pod {}/{} has condition {}", namespace(pod), name(pod), text(condition, "/type"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let job = json!({"spec": {"podFailurePolicy": {"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
            {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}},
            {"action": "Count", "onExitCodes": {"operator": "NotIn", "values": [42]}},
        ]}}});
        let pod = |container: &str, code: i64, disrupted: bool| {
            let status = if disrupted { "True" } else { "False" };
            json!({"metadata": {"name": "p", "namespace": "ns"}, "status": {"phase": "Failed",
                "conditions": [{"type": "DisruptionTarget", "status": status}],
                "containerStatuses": [{"name": container, "state": {"terminated": {"exitCode": code}}}]}})
        };
        let fails = "Container main for pod ns/p failed with exit code 42 matching FailJob rule at index 1";
        for (pod, wanted) in [
            (pod("main", 42, false), Some(PolicyAction::FailJob(fails.to_owned()))),
            (pod("main", 42, true), Some(PolicyAction::Ignore)),
            (pod("main", 1, false), Some(PolicyAction::Count)),
            (pod("other", 42, false), None),
            (pod("main", 0, false), None),
        ] {
            assert_eq!(action(&job, &pod), wanted, "{pod}");
        }
    }
}
