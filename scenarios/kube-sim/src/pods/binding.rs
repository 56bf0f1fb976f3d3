//! Binding of a pod to a node: once, and only while it is neither deleted nor gated.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::conditions::{self, Condition};
use crate::object::field::{entries, is_terminating, list, list_mut, map_mut, name, text};
use crate::object::field_error::FieldErrors;

/// Reasons for which a pod cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// The pod is bound already.
    #[error("pod {pod} is already assigned to node {node:?}")]
    Assigned {
        /// Name of the pod.
        pod: String,
        /// Name of the node that the pod is bound to.
        node: String,
    },
    /// The pod is being deleted.
    #[error("pod {0} is being deleted, cannot be assigned to a host")]
    Terminating(String),
    /// The pod has scheduling gates.
    #[error("pod {0} has non-empty .spec.schedulingGates")]
    Gated(String),
}

/// The errors of the binding itself.
pub fn check(binding: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let kind = text(binding, "/target/kind");
    if !kind.is_empty() {
        errors.one_of("target.kind", kind, &["Node", "<empty>"]);
    }
    if text(binding, "/target/name").is_empty() {
        errors.required("target.name", "");
    }
    errors
}

/// Binds `pod` to the node that `binding` names.
///
/// # Errors
/// [`BindingError`] when the pod is bound, being deleted or gated.
pub fn bind(pod: &mut Value, binding: &Value, now: Timestamp) -> Result<(), BindingError> {
    let known = name(pod).to_owned();
    if is_terminating(pod) {
        return Err(BindingError::Terminating(known));
    }
    let node = text(pod, "/spec/nodeName");
    if !node.is_empty() {
        return Err(BindingError::Assigned { pod: known, node: node.to_owned() });
    }
    if !list(pod, "/spec/schedulingGates").is_empty() {
        return Err(BindingError::Gated(known));
    }
    pod["spec"]["nodeName"] = text(binding, "/target/name").into();
    for map in ["annotations", "labels"] {
        for (key, value) in entries(binding, &format!("/metadata/{map}")) {
            map_mut(&mut pod["metadata"], map).insert(key.to_owned(), value.clone());
        }
    }
    let scheduled = Condition { kind: "PodScheduled", status: "True", reason: "", message: "" };
    conditions::set(pod, &scheduled, now);
    // Unlike the scheduler's own writes, the binding names no generation.
    let conditions = list_mut(&mut pod["status"], "conditions");
    let scheduled = conditions.iter_mut().find(|condition| text(condition, "/type") == scheduled.kind);
    if let Some(Value::Object(scheduled)) = scheduled {
        scheduled.shift_remove("observedGeneration");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn noon() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_bound_pod_knows_its_node_and_takes_the_bindings_annotations() {
        let mut pod = json!({"metadata": {"name": "p", "generation": 2}, "spec": {}});
        let binding =
            json!({"metadata": {"annotations": {"a": "b"}}, "target": {"kind": "Node", "name": "n"}});
        bind(&mut pod, &binding, noon()).unwrap();
        assert_eq!(pod["spec"]["nodeName"], "n");
        assert_eq!(pod["metadata"]["annotations"], json!({"a": "b"}));
        assert!(conditions::holds(&pod, "PodScheduled"));
        assert_eq!(pod["status"]["conditions"][0].get("observedGeneration"), None);
    }

    #[test]
    fn these_pods_are_not_bound() {
        for (pod, said) in [
            (
                json!({"metadata": {"name": "p"}, "spec": {"nodeName": "m"}}),
                "pod p is already assigned to node \"m\"",
            ),
            (
                json!({"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T12:00:00Z"}, "spec": {}}),
                "pod p is being deleted, cannot be assigned to a host",
            ),
            (
                json!({"metadata": {"name": "p"}, "spec": {"schedulingGates": [{"name": "g"}]}}),
                "pod p has non-empty .spec.schedulingGates",
            ),
        ] {
            let binding = json!({"target": {"name": "n"}});
            assert_eq!(bind(&mut pod.clone(), &binding, noon()).unwrap_err().to_string(), said);
        }
    }

    #[test]
    fn a_binding_names_a_node() {
        let said = |binding: Value| check(&binding).0.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(said(json!({})), ["target.name: Required value"]);
        assert_eq!(
            said(json!({"target": {"kind": "Pod", "name": "n"}})),
            ["target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\""]
        );
    }
}
