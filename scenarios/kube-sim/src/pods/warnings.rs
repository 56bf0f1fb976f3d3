//! Warnings about pods and pod templates that are valid and yet hardly meant so, in the real server's words.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kinds::Kind;
use crate::object::field::{entries, is_set, list, name, number, text};
use crate::object::{names, quantity};

/// Node labels that nobody should select by any more.
const DEPRECATED_LABELS: [(&str, &str); 5] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
];

/// Warnings about a new object, or about a changed one that is not what `old` was.
pub fn of(kind: &Kind, old: Option<&Value>, new: &Value) -> Vec<String> {
    let (path, used_in) = match (kind.group, kind.resource) {
        ("", "pods") => ("", "the Pod's hostname"),
        ("apps", "deployments" | "replicasets") | ("batch", "jobs") => {
            ("spec.template", "Pod names and hostnames")
        }
        _ => return Vec::new(),
    };
    let mut warnings = Vec::new();
    match old {
        // Nobody but programs changes pods, and those do it often.
        Some(_) if path.is_empty() => return warnings,
        Some(old) if old["spec"] == new["spec"] => return warnings,
        Some(_) => {}
        None => {
            let broken = names::dns_label(name(new));
            if !broken.is_empty() {
                warnings.push(format!(
                    "metadata.name: this is used in {used_in}, which can result in surprising behavior; \
                     a DNS label is recommended: [{}]",
                    broken.join(" ")
                ));
            }
        }
    }
    let pod = if path.is_empty() { new } else { &new["spec"]["template"] };
    let path = if path.is_empty() { "spec".to_owned() } else { format!("{path}.spec") };
    spec(&pod["spec"], &path, &mut warnings);
    warnings
}

fn spec(spec: &Value, path: &str, warnings: &mut Vec<String>) {
    for (key, _) in entries(spec, "/nodeSelector") {
        if let Some((_, said)) = DEPRECATED_LABELS.iter().find(|(label, _)| *label == key) {
            warnings.push(format!("{path}.nodeSelector[{key}]: {said}"));
        }
    }
    for (at, constraint) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        if !is_set(constraint, "/labelSelector") {
            warnings.push(format!(
                "{path}.topologySpreadConstraints[{at}].labelSelector: a null labelSelector results in matching no pod"
            ));
        }
    }
    repeated(spec, path, ("hostAliases", "ip"), warnings);
    repeated(spec, path, ("imagePullSecrets", "name"), warnings);
    for (at, secret) in list(spec, "/imagePullSecrets").iter().enumerate() {
        if name_in(secret).is_empty() {
            warnings.push(format!("{path}.imagePullSecrets[{at}].name: invalid empty name \"\""));
        }
    }
    fractions(&spec["overhead"], &format!("{path}.overhead"), warnings);
    let containers = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    let containers = containers.flat_map(|part| {
        let all = list(spec, &format!("/{part}")).iter().enumerate();
        all.map(move |(at, container)| (format!("{path}.{part}[{at}]"), container))
    });
    let containers: Vec<_> = containers.collect();
    for (path, container) in &containers {
        for part in ["limits", "requests"] {
            fractions(&container["resources"][part], &format!("{path}.resources.{part}"), warnings);
        }
        variables(container, path, warnings);
    }
    port_names(&containers, warnings);
    // A pod's own is made a second before it is looked at.
    let negative = number(spec, "/terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0);
    if negative && path != "spec" {
        warnings.push(format!(
            "{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
        ));
    }
}

fn name_in(item: &Value) -> &str {
    text(item, "/name")
}

/// Items of a list whose `key` an earlier one has as well.
fn repeated(spec: &Value, path: &str, (part, key): (&str, &str), warnings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (at, item) in list(spec, &format!("/{part}")).iter().enumerate() {
        let value = text(item, &format!("/{key}"));
        if !seen.insert(value) {
            warnings.push(format!("{path}.{part}[{at}].{key}: duplicate {key} {value:?}"));
        }
    }
}

/// Amounts of memory and of storage that are no whole number of bytes.
fn fractions(amounts: &Value, path: &str, warnings: &mut Vec<String>) {
    for resource in ["memory", "ephemeral-storage"] {
        let amount = &amounts[resource];
        if quantity::thousandths(amount) % 1000 != 0 {
            let shown = amount.as_str().unwrap_or_default();
            warnings.push(format!(
                "{path}[{resource}]: fractional byte value {shown:?} is invalid, must be an integer"
            ));
        }
    }
}

/// Variables that hide an earlier one of the same name without using it.
fn variables(container: &Value, path: &str, warnings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (at, variable) in list(container, "/env").iter().enumerate() {
        let known = name_in(variable);
        if seen.insert(known) {
            continue;
        }
        let (value, earlier) = (text(variable, "/value"), format!("$({known})"));
        if is_set(variable, "/valueFrom") || value == earlier || !value.contains(&earlier) {
            warnings.push(format!(
                "{path}.env[{at}]: hides previous definition of {known:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Port names that a container before has given.
fn port_names(containers: &[(String, &Value)], warnings: &mut Vec<String>) {
    let mut seen: Vec<(&str, String)> = Vec::new();
    for (path, container) in containers {
        for (at, port) in list(container, "/ports").iter().enumerate().filter(|(_, p)| !name_in(p).is_empty())
        {
            let (known, own) = (name_in(port), format!("{path}.ports[{at}]"));
            match seen.iter().find(|(name, _)| *name == known) {
                Some((_, first)) => warnings.push(format!(
                    "{own}: duplicate port name {known:?} with {first}, services and probes that select ports by name \
                     will use {first}"
                )),
                None => seen.push((known, own)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn warned(spec: Value) -> Vec<String> {
        let pod = json!({"metadata": {"name": "p"}, "spec": spec});
        of(crate::kinds::find("", "pods").unwrap(), None, &pod)
    }

    fn container(fields: Value) -> Value {
        json!({"containers": [fields]})
    }

    #[test]
    fn a_pod_that_is_hardly_meant_so_is_warned_of() {
        let twice =
            |second: Value| container(json!({"name": "c", "env": [{"name": "A", "value": "1"}, second]}));
        let hidden = "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply";
        let named = json!({"name": "web", "containerPort": 80});
        for (spec, wanted) in [
            (twice(json!({"name": "A", "value": "2"})), hidden),
            (twice(json!({"name": "A", "value": "$(A)"})), hidden),
            (twice(json!({"name": "A", "value": "$(A)2"})), ""),
            (twice(json!({"name": "B"})), ""),
            (
                container(json!({"name": "c", "resources": {"limits": {"memory": "1500m", "cpu": "1m"}}})),
                "spec.containers[0].resources.limits[memory]: fractional byte value \"1500m\" is invalid, must be an integer",
            ),
            (
                json!({"imagePullSecrets": [{"name": "s"}, {"name": "s"}]}),
                "spec.imagePullSecrets[1].name: duplicate name \"s\"",
            ),
            (
                json!({"nodeSelector": {"beta.kubernetes.io/os": "linux"}}),
                "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
            ),
            (
                json!({"containers": [{"name": "a", "ports": [named]}, {"name": "b", "ports": [named]}]}),
                "spec.containers[1].ports[0]: duplicate port name \"web\" with spec.containers[0].ports[0], services and \
                 probes that select ports by name will use spec.containers[0].ports[0]",
            ),
        ] {
            assert_eq!(warned(spec.clone()).join("\n"), wanted, "{spec}");
        }
    }

    #[test]
    fn a_template_is_warned_of_when_it_changes_and_a_pod_only_when_it_is_new() {
        let bad = container(json!({"name": "c", "resources": {"limits": {"memory": "1m"}}}));
        let jobs = crate::kinds::find("batch", "jobs").unwrap();
        let pods = crate::kinds::find("", "pods").unwrap();
        let job = |spec: &Value| json!({"metadata": {"name": "j"}, "spec": {"template": {"spec": spec}}});
        let old = job(&json!({}));
        let warned = of(jobs, Some(&old), &job(&bad));
        assert!(warned[0].starts_with("spec.template.spec.containers[0].resources.limits[memory]: "));
        assert!(of(jobs, Some(&job(&bad)), &job(&bad)).is_empty());
        assert!(of(pods, Some(&json!({})), &json!({"metadata": {"name": "p"}, "spec": bad})).is_empty());
    }

    #[test]
    fn a_name_that_is_no_host_name_is_warned_of() {
        let pod = json!({"metadata": {"name": "a.b"}, "spec": {}});
        let warned = of(crate::kinds::find("", "pods").unwrap(), None, &pod);
        assert!(warned[0].starts_with("metadata.name: this is used in the Pod's hostname, which can"));
    }
}
