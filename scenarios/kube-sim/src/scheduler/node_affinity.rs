//! `nodeSelector` and node affinity, required and preferred.

use serde_json::Value;

use crate::label_selector::holds;
use crate::object::field::{entries, is_set, label, list, name, number, text};

const REQUIRED: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
const PREFERRED: &str = "/spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution";

/// True when the node has all of `nodeSelector` and at least one of the required terms.
pub fn allows(pod: &Value, node: &Value) -> bool {
    if !entries(pod, "/spec/nodeSelector").all(|(key, wanted)| label(node, key) == wanted.as_str()) {
        return false;
    }
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    !is_set(pod, required) || list(pod, REQUIRED).iter().any(|term| term_matches(term, node))
}

/// The sum of the weights of the preferred terms that the node meets.
pub fn preference(pod: &Value, node: &Value) -> i64 {
    let met = list(pod, PREFERRED).iter().filter(|p| match p.get("preference") {
        Some(term) => term_matches(term, node),
        None => false,
    });
    met.map(|p| number(p, "/weight").unwrap_or(0)).sum()
}

/// The only nodes the pod can be on, when each of its required terms names some by `metadata.name`.
pub fn named_nodes(pod: &Value) -> Option<Vec<&str>> {
    let terms = list(pod, REQUIRED);
    if terms.is_empty() {
        return None;
    }
    let mut names = Vec::new();
    for term in terms {
        let mut of_term: Option<Vec<&str>> = None;
        for field in list(term, "/matchFields") {
            if text(field, "/key") == "metadata.name" && text(field, "/operator") == "In" {
                let these = list(field, "/values").iter().filter_map(Value::as_str);
                of_term = Some(match of_term {
                    None => these.collect(),
                    Some(known) => these.filter(|n| known.contains(n)).collect(),
                });
            }
        }
        names.extend(of_term?);
    }
    Some(names)
}

fn term_matches(term: &Value, node: &Value) -> bool {
    let (labels, fields) = (list(term, "/matchExpressions"), list(term, "/matchFields"));
    if labels.is_empty() && fields.is_empty() {
        return false;
    }
    labels.iter().all(|e| holds(e, |key| label(node, key)))
        && fields.iter().all(|e| holds(e, |key| (key == "metadata.name").then(|| name(node))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn requiring(terms: Value) -> Value {
        json!({"spec": {"affinity": {"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms},
        }}}})
    }

    #[test]
    fn these_pods_may_be_on_the_virtual_node() {
        let node = json!({"metadata": {"name": "virtual-kubelet", "labels": {"type": "virtual-kubelet"}}});
        let virtual_type = json!({"key": "type", "operator": "In", "values": ["virtual-kubelet"]});
        let other_type = json!({"key": "type", "operator": "NotIn", "values": ["virtual-kubelet"]});
        let by_name = json!({"key": "metadata.name", "operator": "In", "values": ["virtual-kubelet"]});
        for (pod, allowed) in [
            (json!({}), true),
            (json!({"spec": {"nodeSelector": {"type": "virtual-kubelet"}}}), true),
            (json!({"spec": {"nodeSelector": {"type": "ecs"}}}), false),
            (requiring(json!([{"matchExpressions": [virtual_type]}])), true),
            (requiring(json!([{"matchExpressions": [other_type]}])), false),
            (
                requiring(json!([{"matchExpressions": [other_type]}, {"matchExpressions": [virtual_type]}])),
                true,
            ),
            (requiring(json!([{"matchExpressions": [virtual_type, other_type]}])), false),
            (requiring(json!([{"matchFields": [by_name]}])), true),
            (requiring(json!([{}])), false),
        ] {
            assert_eq!(allows(&pod, &node), allowed, "{pod}");
        }
    }

    #[test]
    fn a_pod_names_its_nodes_only_when_every_term_does() {
        let by_name = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a"]}]});
        assert_eq!(named_nodes(&requiring(json!([by_name]))), Some(vec!["a"]));
        let by_label = json!({"matchExpressions": [{"key": "x", "operator": "Exists"}]});
        assert_eq!(named_nodes(&requiring(json!([by_name, by_label]))), None);
        assert_eq!(named_nodes(&json!({})), None);
    }
}
