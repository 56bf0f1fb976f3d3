//! Rules for changes of a stored pod.

use serde_json::Value;

use crate::object::field::{entries, list, number, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::object::names;

const UNCHANGEABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
                            `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
                            additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be \
                            set to 1 if it was previously negative)";

/// The errors of replacing `old`'s spec by `new`'s.
pub fn spec(old: &Value, new: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for kind in ["containers", "initContainers"] {
        let (before, after) = (list(old, &format!("/spec/{kind}")), list(new, &format!("/spec/{kind}")));
        if before.len() != after.len() {
            errors.forbidden(format!("spec.{kind}"), "pod updates may not add or remove containers");
            return errors;
        }
        for (i, container) in after.iter().enumerate() {
            if text(container, "/image").is_empty() {
                errors.required(format!("spec.{kind}[{i}].image"), "");
            }
        }
    }
    deadline(old, new, &mut errors);
    tolerations(old, new, &mut errors);
    gates(old, new, &mut errors);
    let changed = unchangeable_changes(old, new);
    if !changed.is_empty() {
        let what = format!("{UNCHANGEABLE}\n changed: {}", changed.join(", "));
        errors.forbidden("spec", &what);
    }
    errors
}

fn deadline(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let field = "spec.activeDeadlineSeconds";
    let of = |pod: &Value| number(pod, "/spec/activeDeadlineSeconds");
    match (of(old), of(new)) {
        (_, Some(new)) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            let why = format!("must be between 0 and {}, inclusive", i32::MAX);
            errors.invalid(field, new, why);
        }
        (Some(old), Some(new)) if new > old => {
            errors.invalid(field, new, "must be less than or equal to previous value");
        }
        (Some(_), None) => {
            errors.invalid(field, &Value::Null, "must not update from a positive integer to nil value");
        }
        _ => {}
    }
}

fn tolerations(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let bare = |t: &Value| {
        let mut t = t.clone();
        if let Value::Object(map) = &mut t {
            map.shift_remove("tolerationSeconds");
        }
        t
    };
    let after: Vec<_> = list(new, "/spec/tolerations").iter().map(bare).collect();
    for kept in list(old, "/spec/tolerations").iter().map(bare) {
        if !after.contains(&kept) {
            let why = "existing toleration can not be modified except its tolerationSeconds";
            errors.forbidden("spec.tolerations", why);
            return;
        }
    }
}

fn gates(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let before = list(old, "/spec/schedulingGates");
    for gate in list(new, "/spec/schedulingGates") {
        if !before.contains(gate) {
            let why =
                format!("only deletion is allowed, but found new scheduling gate '{}'", text(gate, "/name"));
            errors.forbidden("spec.schedulingGates", &why);
        }
    }
}

/// The top-level fields of the spec that changed though they may not.
fn unchangeable_changes(old: &Value, new: &Value) -> Vec<String> {
    let gated = !list(old, "/spec/schedulingGates").is_empty();
    let before = old.get("spec").cloned().unwrap_or_default();
    let mut after = new.get("spec").cloned().unwrap_or_default();
    for kind in ["containers", "initContainers"] {
        let images: Vec<_> = list(old, &format!("/spec/{kind}")).iter().map(|c| c.get("image")).collect();
        for (i, image) in images.into_iter().enumerate() {
            if let (Some(slot), Some(image)) = (after.pointer_mut(&format!("/{kind}/{i}/image")), image) {
                *slot = image.clone();
            }
        }
    }
    let mut free = vec!["activeDeadlineSeconds", "tolerations", "schedulingGates"];
    if number(old, "/spec/terminationGracePeriodSeconds").is_some_and(|s| s < 0)
        && number(new, "/spec/terminationGracePeriodSeconds") == Some(1)
    {
        free.push("terminationGracePeriodSeconds");
    }
    if gated && entries(old, "/spec/nodeSelector").all(|(k, v)| new["spec"]["nodeSelector"].get(k) == Some(v))
    {
        free.push("nodeSelector");
    }
    if gated && narrows(old, new) {
        free.push("affinity");
    }
    let keys = |v: &Value| v.as_object().into_iter().flat_map(|m| m.keys().cloned()).collect::<Vec<_>>();
    let mut changed: Vec<_> = keys(&before).into_iter().chain(keys(&after)).collect();
    changed.sort();
    changed.dedup();
    changed.retain(|key| !free.contains(&key.as_str()) && is_other(before.get(key), after.get(key)));
    changed
}

/// True when two values differ; absent, null, false, an empty text and an empty list are the same.
fn is_other(before: Option<&Value>, after: Option<&Value>) -> bool {
    let empty = |v: &Value| match v {
        Value::Null => true,
        Value::Array(a) => a.is_empty(),
        Value::Bool(b) => !b,
        Value::String(s) => s.is_empty(),
        _ => false,
    };
    before.filter(|v| !empty(v)) != after.filter(|v| !empty(v))
}

/// True when `new`'s affinity only adds to the required node terms that a gated pod has.
fn narrows(old: &Value, new: &Value) -> bool {
    const TERMS: &str =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let others = |pod: &Value| {
        let mut affinity = pod.pointer("/spec/affinity").cloned().unwrap_or_default();
        if let Some(Value::Object(node)) = affinity.pointer_mut("/nodeAffinity") {
            node.clear();
        }
        match affinity {
            Value::Object(mut map) => {
                map.retain(|_, v| v.as_object().is_none_or(|m| !m.is_empty()));
                map
            }
            _ => serde_json::Map::new(),
        }
    };
    let (before, after) = (list(old, TERMS), list(new, TERMS));
    let adds = |(old, new): (&Value, &Value)| {
        ["/matchExpressions", "/matchFields"].iter().all(|k| list(new, k).starts_with(list(old, k)))
    };
    others(old) == others(new)
        && (before.is_empty() || (before.len() == after.len() && before.iter().zip(after).all(adds)))
}

/// The errors of replacing `old`'s status by `new`'s.
pub fn status(old: &Value, new: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let qos = text(new, "/status/qosClass");
    if !qos.is_empty() && qos != text(old, "/status/qosClass") {
        errors.invalid("status.qosClass", qos, "field is immutable");
    }
    let nominated = text(new, "/status/nominatedNodeName");
    if !nominated.is_empty() {
        errors.rule("status.nominatedNodeName", nominated, names::dns_subdomain);
    }
    if let Some(generation) = number(new, "/status/observedGeneration").filter(|g| *g < 0) {
        let why = "must be greater than or equal to 0";
        errors.invalid("status.observedGeneration", generation, why);
    }
    for (i, condition) in list(new, "/status/conditions").iter().enumerate() {
        errors.rule(format!("status.conditions[{i}].Type"), text(condition, "/type"), names::qualified);
    }
    addresses(new, &mut errors);
    let sidecars: Vec<_> = list(new, "/spec/initContainers")
        .iter()
        .filter(|c| text(c, "/restartPolicy") == "Always")
        .map(|c| text(c, "/name"))
        .collect();
    ended_stays_ended(old, new, "containerStatuses", &[], &mut errors);
    ended_stays_ended(old, new, "initContainerStatuses", &sidecars, &mut errors);
    errors
}

fn addresses(pod: &Value, errors: &mut FieldErrors) {
    let (mut four, mut six) = (0, 0);
    for (i, ip) in list(pod, "/status/podIPs").iter().enumerate() {
        let ip = text(ip, "/ip");
        match ip.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => four += 1,
            Ok(std::net::IpAddr::V6(_)) => six += 1,
            Err(_) => {
                let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                errors.invalid(format!("status.podIPs[{i}]"), ip, why);
            }
        }
    }
    if four > 1 || six > 1 {
        let shown = pod["status"]["podIPs"].to_string();
        let why = "may specify no more than one IP for each IP family";
        errors.push("status.podIPs", FieldErrorKind::Invalid(shown, why.to_owned()));
    }
}

fn ended_stays_ended(old: &Value, new: &Value, kind: &str, free: &[&str], errors: &mut FieldErrors) {
    let policy = text(new, "/spec/restartPolicy");
    if policy == "Always" {
        return;
    }
    let path = format!("/status/{kind}");
    for (i, before) in list(old, &path).iter().enumerate() {
        let Some(ended) = before.pointer("/state/terminated").filter(|t| t.is_object()) else { continue };
        let may_restart = policy == "OnFailure" && number(ended, "/exitCode").unwrap_or(0) != 0;
        if may_restart || free.contains(&text(before, "/name")) {
            continue;
        }
        let after = list(new, &path).iter().find(|s| text(s, "/name") == text(before, "/name"));
        if after.is_some_and(|s| !s.pointer("/state/terminated").is_some_and(Value::is_object)) {
            let field = format!("status.{kind}[{i}].state");
            errors.forbidden(field, "may not be transitioned to non-terminated state");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({"spec": {
            "containers": [{"name": "c", "image": "a"}], "restartPolicy": "Never", "activeDeadlineSeconds": 60,
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}],
            "terminationGracePeriodSeconds": 30,
        }})
    }

    fn after(change: impl FnOnce(&mut Value)) -> String {
        let mut new = pod();
        change(&mut new["spec"]);
        let errors: Vec<_> = spec(&pod(), &new).0.iter().map(ToString::to_string).collect();
        errors.join("; ")
    }

    #[test]
    fn these_changes_are_allowed() {
        for (what, seen) in [
            ("nothing", after(|_| {})),
            ("an image", after(|s| s["containers"][0]["image"] = json!("b"))),
            ("a lower deadline", after(|s| s["activeDeadlineSeconds"] = json!(30))),
            ("a toleration more", after(|s| list_mut(s).push(json!({"key": "b", "operator": "Exists"})))),
            ("how long a taint is tolerated", after(|s| s["tolerations"][0]["tolerationSeconds"] = json!(9))),
        ] {
            assert_eq!(seen, "", "{what}");
        }
    }

    fn list_mut(spec: &mut Value) -> &mut Vec<Value> {
        crate::object::field::list_mut(spec, "tolerations")
    }

    #[test]
    fn these_changes_are_turned_down() {
        for (seen, said) in [
            (after(|s| s["containers"][0]["image"] = json!("")), "spec.containers[0].image: Required value"),
            (
                after(|s| s["containers"] = json!([])),
                "spec.containers: Forbidden: pod updates may not add or remove containers",
            ),
            (
                after(|s| s["activeDeadlineSeconds"] = json!(61)),
                "spec.activeDeadlineSeconds: Invalid value: 61: must be less than or equal to previous value",
            ),
            (
                after(|s| s["activeDeadlineSeconds"] = json!(null)),
                "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
            ),
            (
                after(|s| s["tolerations"][0]["key"] = json!("b")),
                "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
            ),
            (
                after(|s| s["schedulingGates"] = json!([{"name": "g"}])),
                "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'g'",
            ),
            (
                after(|s| s["nodeName"] = json!("n")),
                "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,\
              `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
              existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
              previously negative)",
            ),
            (
                after(|s| s["terminationGracePeriodSeconds"] = json!(1)),
                "spec: Forbidden: pod updates may not change",
            ),
        ] {
            assert!(seen.starts_with(said), "wanted {said}\nseen   {seen}");
        }
    }

    #[test]
    fn a_gated_pod_may_be_narrowed_but_not_widened() {
        let gated = |selector: Value| {
            json!({"spec": {
            "containers": [], "schedulingGates": [{"name": "g"}], "nodeSelector": selector}})
        };
        let (one, two) = (gated(json!({"a": "1"})), gated(json!({"a": "1", "b": "2"})));
        assert_eq!(spec(&one, &two), FieldErrors::default());
        assert_ne!(spec(&two, &one), FieldErrors::default());
    }

    #[test]
    fn a_container_that_ended_for_good_does_not_run_again() {
        let pod = |policy: &str, state: Value| {
            json!({
            "spec": {"restartPolicy": policy}, "status": {"containerStatuses": [{"name": "c", "state": state}]}})
        };
        let (running, waiting) = (json!({"running": {}}), json!({"waiting": {}}));
        let (clean, failed) =
            (json!({"terminated": {"exitCode": 0}}), json!({"terminated": {"exitCode": 1}}));
        for (policy, before, after, allowed) in [
            ("Never", &clean, &running, false),
            ("Never", &failed, &waiting, false),
            ("Never", &running, &clean, true),
            ("OnFailure", &clean, &running, false),
            ("OnFailure", &failed, &running, true),
            ("Always", &clean, &running, true),
        ] {
            let errors = status(&pod(policy, before.clone()), &pod(policy, after.clone()));
            assert_eq!(errors.0.is_empty(), allowed, "{policy} {before} → {after}");
        }
    }
}
