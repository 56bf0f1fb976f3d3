//! DefaultTolerationSeconds: pods stay 300 s on a node that is not ready or unreachable, unless they say otherwise.

use serde_json::{Value, json};

use crate::object::field::{list, list_mut, text};

const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const SECONDS: i64 = 300;

/// Adds the tolerations that `pod` lacks.
pub fn admit(pod: &mut Value) {
    let speaks_of = |pod: &Value, key: &str| {
        list(pod, "/spec/tolerations").iter().any(|t| {
            let covers_key = text(t, "/key") == key || text(t, "/key").is_empty();
            let covers_effect = matches!(text(t, "/effect"), "NoExecute" | "");
            covers_key && covers_effect
        })
    };
    for key in TAINTS {
        if !speaks_of(pod, key) {
            list_mut(&mut pod["spec"], "tolerations").push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_pod_leaves_open_is_added() {
        let added = |tolerations: Value| {
            let mut pod = json!({"spec": {"tolerations": tolerations}});
            admit(&mut pod);
            let of = |t: &Value| (text(t, "/key").to_owned(), t["tolerationSeconds"] == 300);
            list(&pod, "/spec/tolerations")
                .iter()
                .map(of)
                .filter(|(_, ours)| *ours)
                .map(|(k, _)| k)
                .collect::<Vec<_>>()
        };
        for (tolerations, wanted) in [
            (json!(null), &TAINTS[..]),
            (json!([{"key": "virtual-kubelet.io/provider", "operator": "Exists"}]), &TAINTS),
            (json!([{"operator": "Exists"}]), &[]),
            (json!([{"operator": "Exists", "effect": "NoSchedule"}]), &TAINTS),
            (json!([{"key": TAINTS[0], "operator": "Exists", "effect": "NoExecute"}]), &TAINTS[1..]),
        ] {
            assert_eq!(added(tolerations.clone()), wanted, "{tolerations}");
        }
    }
}
