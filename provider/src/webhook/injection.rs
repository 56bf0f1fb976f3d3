//! The choice of pods that are sent to the virtual node, and the patch that sends them.

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorTerm, Pod, PodSpec, Toleration,
};
use serde_json::{Value, json};

/// The key of the virtual node's taint.
pub const TAINT_KEY: &str = "virtual-kubelet.io/provider";
/// The value of the virtual node's taint.
pub const TAINT_VALUE: &str = "alibabacloud";
/// The label by which the virtual node is found.
pub const TYPE_LABEL: &str = "type";
/// The value of that label.
pub const TYPE_VALUE: &str = "virtual-kubelet";
/// The label that puts a namespace's pods on the virtual node, and with `disabled` keeps one pod away from it.
pub const INJECTION_LABEL: &str = "virtual-node-affinity-injection";

/// Strengths of the affinity that pods get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Injection {
    /// Pods run on the virtual node or not at all.
    #[default]
    Required,
    /// Pods prefer the virtual node with this weight, 1 to 100.
    Preferred {
        /// The weight.
        weight: i32,
    },
}

/// Reasons to leave a pod as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// The pod has a node already.
    #[error("the pod names its node itself")]
    NodeName,
    /// A DaemonSet's pod belongs to a certain node.
    #[error("the pod belongs to a DaemonSet")]
    DaemonSet,
    /// The reflection of a static pod.
    #[error("the pod is the mirror of a static pod")]
    Mirror,
    /// The cluster's own pods.
    #[error("pods of kube-system stay where they are")]
    KubeSystem,
    /// The pod asks not to be sent.
    #[error("the pod's label virtual-node-affinity-injection keeps it away")]
    OptOut,
    /// Nothing is left to add.
    #[error("the pod is sent to the virtual node already")]
    Done,
}

/// The JSON patch that sends `pod`, which is being created in `namespace`, to the virtual node.
///
/// # Errors
/// [`Skip`] when it is to stay as it is.
pub fn patch(pod: &Pod, namespace: &str, injection: Injection) -> Result<Vec<Value>, Skip> {
    let spec = pod.spec.as_ref().ok_or(Skip::Done)?;
    if let Some(skip) = skips(pod, spec, namespace) {
        return Err(skip);
    }
    let mut patch = Vec::new();
    if let Some(tolerations) = with_toleration(spec) {
        patch.push(json!({ "op": "add", "path": "/spec/tolerations", "value": tolerations }));
    }
    if let Some(affinity) = with_affinity(spec, injection) {
        patch.push(json!({ "op": "add", "path": "/spec/affinity", "value": affinity }));
    }
    if patch.is_empty() { Err(Skip::Done) } else { Ok(patch) }
}

fn skips(pod: &Pod, spec: &PodSpec, namespace: &str) -> Option<Skip> {
    let labels = pod.metadata.labels.as_ref();
    let label = labels.and_then(|labels| labels.get(INJECTION_LABEL)).map(String::as_str);
    let annotations = pod.metadata.annotations.as_ref();
    let owners = pod.metadata.owner_references.iter().flatten();
    if namespace == "kube-system" {
        Some(Skip::KubeSystem)
    } else if label == Some("disabled") {
        Some(Skip::OptOut)
    } else if spec.node_name.as_ref().is_some_and(|name| !name.is_empty()) {
        Some(Skip::NodeName)
    } else if owners.into_iter().any(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true)) {
        Some(Skip::DaemonSet)
    } else if annotations.is_some_and(|all| all.contains_key("kubernetes.io/config.mirror")) {
        Some(Skip::Mirror)
    } else {
        None
    }
}

fn with_toleration(spec: &PodSpec) -> Option<Vec<Toleration>> {
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let tolerates = |toleration: &Toleration| {
        let effect = toleration.effect.as_deref().unwrap_or_default();
        let key = toleration.key.as_deref().unwrap_or_default();
        let exists = toleration.operator.as_deref() == Some("Exists");
        let value = toleration.value.as_deref() == Some(TAINT_VALUE);
        let keyed = key == TAINT_KEY && (exists || value);
        (effect.is_empty() || effect == "NoSchedule") && (keyed || key.is_empty() && exists)
    };
    if tolerations.iter().any(tolerates) {
        return None;
    }
    let added = Toleration {
        key: Some(TAINT_KEY.to_owned()),
        operator: Some("Exists".to_owned()),
        ..Toleration::default()
    };
    Some(tolerations.iter().cloned().chain([added]).collect())
}

fn with_affinity(spec: &PodSpec, injection: Injection) -> Option<Affinity> {
    let mut affinity = spec.affinity.clone().unwrap_or_default();
    let mut node = affinity.node_affinity.take().unwrap_or_default();
    let changed = match injection {
        Injection::Required => require(&mut node),
        Injection::Preferred { weight } => prefer(&mut node, weight),
    };
    affinity.node_affinity = Some(node);
    changed.then_some(affinity)
}

/// Terms are alternatives, so each of them gets the condition; what the user asked for stays in each.
fn require(node: &mut NodeAffinity) -> bool {
    let required =
        node.required_during_scheduling_ignored_during_execution.get_or_insert_with(Default::default);
    let NodeSelector { node_selector_terms: terms } = required;
    // A term without any condition selects nothing: it stays as it is, or it would begin to select.
    let matches_some =
        |term: &NodeSelectorTerm| !(is_empty(&term.match_expressions) && is_empty(&term.match_fields));
    if terms.is_empty() {
        terms.push(NodeSelectorTerm::default());
        terms[0].match_expressions = Some(vec![wanted()]);
        return true;
    }
    let mut changed = false;
    for term in terms.iter_mut().filter(|term| matches_some(term)) {
        let expressions = term.match_expressions.get_or_insert_with(Vec::new);
        if !expressions.contains(&wanted()) {
            expressions.push(wanted());
            changed = true;
        }
    }
    changed
}

fn prefer(node: &mut NodeAffinity, weight: i32) -> bool {
    let term = NodeSelectorTerm { match_expressions: Some(vec![wanted()]), match_fields: None };
    let preferred = node.preferred_during_scheduling_ignored_during_execution.get_or_insert_with(Vec::new);
    if preferred.iter().any(|preference| preference.preference == term) {
        return false;
    }
    preferred.push(k8s_openapi::api::core::v1::PreferredSchedulingTerm {
        weight: weight.clamp(1, 100),
        preference: term,
    });
    true
}

fn wanted() -> k8s_openapi::api::core::v1::NodeSelectorRequirement {
    k8s_openapi::api::core::v1::NodeSelectorRequirement {
        key: TYPE_LABEL.to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![TYPE_VALUE.to_owned()]),
    }
}

fn is_empty<T>(list: &Option<Vec<T>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests;
