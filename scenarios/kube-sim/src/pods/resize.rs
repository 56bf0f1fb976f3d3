//! The `resize` subresource of pods: other amounts of CPU and memory for containers that are there.

use serde_json::{Map, Value};

use super::defaults::qos_class;
use super::validate;
use crate::object::field::{entries, is_set, list, text};
use crate::object::field_error::FieldErrors;

/// The two lists of containers that may be resized, and whether only sidecars of it may.
const KINDS: [(&str, bool); 2] = [("containers", false), ("initContainers", true)];
/// Metadata of a resize that is not the stored pod's.
const OWN_METADATA: [&str; 5] = ["uid", "name", "namespace", "resourceVersion", "managedFields"];
/// The amounts that may change.
const RESIZABLE: [&str; 2] = ["cpu", "memory"];

/// Keeps of `next` only the containers' resources and resize policies, unless its containers are others than `old`'s.
pub fn within(old: &Value, next: &Value) -> Value {
    let mut kept = old.clone();
    for key in OWN_METADATA {
        if let Some(given) = next["metadata"].get(key) {
            kept["metadata"][key] = given.clone();
        }
    }
    for (kind, _) in KINDS {
        let (before, after) = (list(old, &format!("/spec/{kind}")), list(next, &format!("/spec/{kind}")));
        if names(before) != names(after) {
            // Validation says what is wrong with it.
            kept["spec"][kind] = after.into();
            continue;
        }
        for (i, container) in after.iter().enumerate() {
            for key in ["resources", "resizePolicy"] {
                set(&mut kept["spec"][kind][i], key, container.get(key));
            }
        }
    }
    kept
}

fn names(containers: &[Value]) -> Vec<&str> {
    containers.iter().map(|container| text(container, "/name")).collect()
}

fn set(object: &mut Value, key: &str, value: Option<&Value>) {
    let Some(members) = object.as_object_mut() else { return };
    match value {
        Some(value) => drop(members.insert(key.to_owned(), value.clone())),
        None => drop(members.shift_remove(key)),
    }
}

/// The errors of resizing `old` to `new`.
pub fn check(old: &Value, new: &Value) -> FieldErrors {
    let mut errors = validate::new_pod(new);
    if entries(old, "/spec/resources/requests").chain(entries(old, "/spec/resources/limits")).next().is_some()
    {
        errors.forbidden("", "pods with pod-level resources cannot be resized");
        return errors;
    }
    if qos_class(old) != qos_class(new) {
        let why = "Pod QOS Class may not change as a result of resizing";
        errors.invalid("spec", text(old, "/status/qosClass"), why);
    }
    if !node_supports(old) {
        errors.forbidden("spec", "Pod running on node without support for resize");
    }
    if order(old, new, &mut errors) {
        containers(old, new, &mut errors);
    }
    errors
}

/// False when the node tells of a running container, and not of the resources that it has.
fn node_supports(pod: &Value) -> bool {
    let mut running = list(pod, "/status/containerStatuses").iter().filter(|c| is_set(c, "/state/running"));
    running.next().is_none_or(|container| is_set(container, "/resources"))
}

/// True when the containers are the same ones in the same order.
fn order(old: &Value, new: &Value, errors: &mut FieldErrors) -> bool {
    let before = errors.0.len();
    for (kind, _) in KINDS {
        let path = format!("/spec/{kind}");
        let (known, given) = (names(list(old, &path)), names(list(new, &path)));
        if known.len() != given.len() {
            errors
                .forbidden(format!("spec.{kind}"), &format!("{kind} may not be added or removed on resize"));
            continue;
        }
        for i in (0..known.len()).filter(|i| known[*i] != given[*i]) {
            let why = format!("{kind} may not be renamed or reordered on resize");
            errors.forbidden(format!("spec.{kind}[{i}].name"), &why);
        }
    }
    errors.0.len() == before
}

fn containers(old: &Value, new: &Value, errors: &mut FieldErrors) {
    for (kind, only_sidecars) in KINDS {
        let path = format!("/spec/{kind}");
        for (i, (before, after)) in list(old, &path).iter().zip(list(new, &path)).enumerate() {
            if only_sidecars && text(before, "/restartPolicy") != "Always" {
                if before != after {
                    errors.forbidden("spec", "resources for non-sidecar init containers are immutable");
                }
                continue;
            }
            for (part, what) in [("requests", "resource requests"), ("limits", "resource limits")] {
                let path = format!("/resources/{part}");
                let kept = |name: &str| entries(after, &path).any(|(other, _)| other == name);
                if !entries(before, &path).all(|(name, _)| kept(name)) {
                    let field = format!("spec.{kind}[{i}].resources.{part}");
                    errors.forbidden(field, &format!("{what} cannot be removed"));
                }
            }
            if fixed(before) != fixed(after) {
                let whose = if only_sidecars { " for sidecar containers" } else { "" };
                errors.forbidden("spec", &format!("only cpu and memory resources{whose} are mutable"));
            }
        }
    }
}

/// The resources of a container that may not change.
fn fixed(container: &Value) -> Vec<Map<String, Value>> {
    let others = |part| {
        let all = entries(container, part).filter(|(name, _)| !RESIZABLE.contains(name));
        all.map(|(name, amount)| (name.to_owned(), amount.clone())).collect()
    };
    vec![others("/resources/requests"), others("/resources/limits")]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({
            "metadata": {"name": "p", "namespace": "ns", "labels": {"a": "1"}},
            "spec": {
                "containers": [{"name": "c", "image": "a", "imagePullPolicy": "Always",
                    "terminationMessagePolicy": "File",
                    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2"}}}],
                "initContainers": [{"name": "i", "image": "a", "imagePullPolicy": "Always",
                    "terminationMessagePolicy": "File"}],
                "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
            },
            "status": {"qosClass": "Burstable"},
        })
    }

    fn refused(old: &Value, change: impl FnOnce(&mut Value)) -> String {
        let mut next = old.clone();
        change(&mut next);
        let errors: Vec<_> = check(old, &within(old, &next)).0.iter().map(ToString::to_string).collect();
        errors.join("; ")
    }

    #[test]
    fn a_resize_changes_nothing_but_resources() {
        let mut next = pod();
        next["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("3");
        next["spec"]["containers"][0]["image"] = json!("b");
        next["metadata"]["labels"]["a"] = json!("2");
        let kept = within(&pod(), &next);
        let mut wanted = pod();
        wanted["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("3");
        assert_eq!(kept, wanted);
        assert_eq!(check(&pod(), &kept), FieldErrors::default());
    }

    #[test]
    fn these_resizes_are_turned_down() {
        let running = |resources: Value| {
            let mut pod = pod();
            pod["status"]["containerStatuses"] =
                json!([{"name": "c", "state": {"running": {}}, "resources": resources}]);
            pod
        };
        let mut alone = pod();
        alone["spec"]["initContainers"] = json!([]);
        let cpu = |pod: &mut Value| pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("2");
        for (seen, said) in [
            (refused(&running(json!({})), cpu), ""),
            (
                refused(&running(json!(null)), cpu),
                "spec: Forbidden: Pod running on node without support for resize",
            ),
            (
                refused(&pod(), |pod| pod["spec"]["containers"][0]["resources"]["limits"] = json!({})),
                "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
            ),
            (
                refused(&alone, |pod| {
                    pod["spec"]["containers"][0]["resources"] = json!({
                        "requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}});
                }),
                "spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing",
            ),
            (
                refused(&pod(), |pod| {
                    pod["spec"]["containers"][0]["resources"]["limits"]["ephemeral-storage"] = json!("1Gi");
                }),
                "spec: Forbidden: only cpu and memory resources are mutable",
            ),
            (
                refused(&pod(), |pod| {
                    pod["spec"]["initContainers"][0]["resources"] = json!({"limits": {"cpu": "1"}})
                }),
                "spec: Forbidden: resources for non-sidecar init containers are immutable",
            ),
            (
                refused(&pod(), |pod| pod["spec"]["initContainers"] = json!([])),
                "spec.initContainers: Forbidden: initContainers may not be added or removed on resize",
            ),
            (
                refused(&pod(), |pod| pod["spec"]["containers"][0]["name"] = json!("d")),
                "spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize",
            ),
        ] {
            assert_eq!(seen, said);
        }
    }
}
