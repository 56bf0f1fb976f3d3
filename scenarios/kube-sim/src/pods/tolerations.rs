//! Tolerations of taints.

use serde_json::Value;

use crate::object::field::{list, number, text};

/// True when one toleration covers one taint.
pub fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (effect, key) = (text(toleration, "/effect"), text(toleration, "/key"));
    if !effect.is_empty() && effect != text(taint, "/effect") {
        return false;
    }
    if !key.is_empty() && key != text(taint, "/key") {
        return false;
    }
    match text(toleration, "/operator") {
        "Exists" => true,
        "" | "Equal" => text(toleration, "/value") == text(taint, "/value"),
        _ => false,
    }
}

/// True when any toleration of the pod covers the taint.
pub fn pod_tolerates(pod: &Value, taint: &Value) -> bool {
    list(pod, "/spec/tolerations").iter().any(|t| tolerates(t, taint))
}

/// Time that a pod may stay on a node with NoExecute taints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TolerationTime {
    /// No limit.
    Unlimited,
    /// A number of seconds from the first such taint on.
    Seconds(u64),
    /// No time: a taint is not tolerated.
    None,
}

/// Time that `pod` may stay on a node with these NoExecute taints: the shortest of the tolerations it uses.
pub fn toleration_time(pod: &Value, taints: &[&Value]) -> TolerationTime {
    let tolerations = list(pod, "/spec/tolerations");
    let mut shortest = None;
    for taint in taints {
        let Some(used) = tolerations.iter().find(|t| tolerates(t, taint)) else {
            return TolerationTime::None;
        };
        if let Some(seconds) = number(used, "/tolerationSeconds") {
            let seconds = u64::try_from(seconds).unwrap_or(0);
            shortest = Some(shortest.map_or(seconds, |s: u64| s.min(seconds)));
        }
    }
    shortest.map_or(TolerationTime::Unlimited, TolerationTime::Seconds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_toleration_covers_exactly_these_taints() {
        let taint =
            json!({"key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule"});
        for (toleration, covered) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": "virtual-kubelet.io/provider", "operator": "Exists"}), true),
            (
                json!({"key": "virtual-kubelet.io/provider", "operator": "Exists", "effect": "NoExecute"}),
                false,
            ),
            (json!({"key": "virtual-kubelet.io/provider", "value": "alibabacloud"}), true),
            (json!({"key": "virtual-kubelet.io/provider", "operator": "Equal", "value": "other"}), false),
            (json!({"key": "other", "operator": "Exists"}), false),
        ] {
            assert_eq!(tolerates(&toleration, &taint), covered, "{toleration}");
        }
    }

    #[test]
    fn the_shortest_toleration_in_use_limits_the_stay() {
        let pod = json!({"spec": {"tolerations": [
            {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "b", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
            {"key": "c", "operator": "Exists"},
        ]}});
        let taint = |key: &str| json!({"key": key, "effect": "NoExecute"});
        let (a, b, c, d) = (taint("a"), taint("b"), taint("c"), taint("d"));
        for (taints, wanted) in [
            (vec![], TolerationTime::Unlimited),
            (vec![&a], TolerationTime::Seconds(300)),
            (vec![&a, &b], TolerationTime::Seconds(5)),
            (vec![&c], TolerationTime::Unlimited),
            (vec![&c, &a], TolerationTime::Seconds(300)),
            (vec![&a, &d], TolerationTime::None),
        ] {
            assert_eq!(toleration_time(&pod, &taints), wanted, "{taints:?}");
        }
    }
}
