//! Tolerations with which pods outlive a cloud that is away: they bear a node that is not heard of for as long as it
//! takes.
//!
//! When the cloud does not answer, the node is not kept alive, and the cluster taints it. By default pods bear such a
//! taint for five minutes, and are then evicted. But their instances run on without the node, so that an eviction would
//! end them for nothing as soon as the cloud is back. The vendor's own virtual node gives its pods these tolerations
//! without an end, and so does this one; a pod that names another time than the default keeps it.

use k8s_openapi::api::core::v1::{Pod, Toleration};
use serde_json::{Value, json};

/// The taints of a node that is not heard of, or not ready.
const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// The seconds that the API gives every pod that says nothing.
const DEFAULT_SECONDS: i64 = 300;

/// The patch that makes the pod's default tolerations endless; `None` when there is nothing to change. It holds only for
/// the very version of the pod that was read.
pub fn patch(pod: &Pod) -> Option<Value> {
    let tolerations = pod.spec.as_ref()?.tolerations.as_ref()?;
    let by_default = |toleration: &Toleration| {
        let key = toleration.key.as_deref().unwrap_or_default();
        TAINTS.contains(&key)
            && toleration.operator.as_deref() == Some("Exists")
            && toleration.effect.as_deref() == Some("NoExecute")
            && toleration.toleration_seconds == Some(DEFAULT_SECONDS)
    };
    if !tolerations.iter().any(by_default) {
        return None;
    }
    let endless: Vec<Toleration> = tolerations
        .iter()
        .map(|toleration| match by_default(toleration) {
            true => Toleration { toleration_seconds: None, ..toleration.clone() },
            false => toleration.clone(),
        })
        .collect();
    Some(json!({
        "metadata": { "uid": pod.metadata.uid, "resourceVersion": pod.metadata.resource_version },
        "spec": { "tolerations": endless }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(seconds: Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "uid": "u", "resourceVersion": "7" },
            "spec": { "containers": [], "tolerations": [
                { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds },
                { "key": "virtual-kubelet.io/provider", "operator": "Exists" }
            ] }
        }))
        .unwrap()
    }

    #[test]
    fn the_default_time_is_taken_away_and_all_else_stays() {
        let patch = patch(&pod(json!(300))).unwrap();
        assert_eq!(
            patch["spec"]["tolerations"],
            json!([
                { "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute" },
                { "key": "virtual-kubelet.io/provider", "operator": "Exists" }
            ])
        );
        assert_eq!(patch["metadata"], json!({ "uid": "u", "resourceVersion": "7" }));
    }

    #[test]
    fn a_time_that_somebody_chose_stays() {
        for seconds in [json!(60), json!(null)] {
            assert_eq!(patch(&pod(seconds)), None);
        }
    }
}
