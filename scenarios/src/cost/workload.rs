//! Workloads: pods and what makes pods, with the number of pods that run at once.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Map, Value, json};

use super::figures::plain;
use super::manifests::{Document, FileRow};

/// A pod or a template of pods.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Its kind, as `Deployment`.
    pub kind: String,
    /// Its namespace; `default` where it names none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: FileRow,
    /// The number of pods that run at once.
    pub replicas: u32,
    /// True for what ends by itself, as a Job does.
    pub ends: bool,
    /// One of its pods.
    pub pod: Pod,
}

/// What a document holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// Workloads.
    Workloads(Vec<Workload>),
    /// A kind of which no pod comes, or whose pods do not run on a virtual node.
    PassedOver(String),
}

/// A document that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct WorkloadError {
    /// Where it stands.
    pub place: FileRow,
    /// The fault, as a sentence without its full stop.
    pub why: String,
}

/// The way from a kind to its pods.
struct Kind {
    name: &'static str,
    /// Pointer to the pod template; the document itself for an empty one.
    template: &'static str,
    /// Pointers to the number of pods; the smallest counts.
    replicas: &'static [&'static str],
    suspended: Option<&'static str>,
    ends: bool,
}

const fn kind(name: &'static str, template: &'static str, replicas: &'static [&'static str]) -> Kind {
    Kind { name, template, replicas, suspended: None, ends: false }
}

const REPLICAS: &[&str] = &["/spec/replicas"];
const KINDS: [Kind; 7] = [
    kind("Pod", "", &[]),
    kind("Deployment", "/spec/template", REPLICAS),
    kind("StatefulSet", "/spec/template", REPLICAS),
    kind("ReplicaSet", "/spec/template", REPLICAS),
    kind("ReplicationController", "/spec/template", REPLICAS),
    Kind {
        name: "Job",
        template: "/spec/template",
        replicas: &["/spec/parallelism", "/spec/completions"],
        suspended: Some("/spec/suspend"),
        ends: true,
    },
    Kind {
        name: "CronJob",
        template: "/spec/jobTemplate/spec/template",
        replicas: &["/spec/jobTemplate/spec/parallelism", "/spec/jobTemplate/spec/completions"],
        suspended: Some("/spec/suspend"),
        ends: true,
    },
];

/// The workloads of a document; of a list those of its items.
///
/// # Errors
/// [`WorkloadError`] for a document that is no manifest, or a workload without pods that can be read.
pub fn of(document: &Document) -> Result<Vec<Content>, WorkloadError> {
    let wrong = |why: String| WorkloadError { place: document.place.clone(), why };
    let Some(name) = document.value.get("kind").and_then(Value::as_str) else {
        return Err(wrong("this is no manifest: it has no `kind`; for a Helm chart, type `helm template CHART | scenarios cost -f -`".to_owned()));
    };
    if let Some(items) =
        document.value.get("items").and_then(Value::as_array).filter(|_| name.ends_with("List"))
    {
        // Items of a typed list do not name their kind.
        let of_items = name.trim_end_matches("List");
        let item = |item: &Value| {
            let mut value = item.clone();
            if let Some(fields) = value.as_object_mut().filter(|_| !of_items.is_empty()) {
                fields.entry("kind").or_insert_with(|| json!(of_items));
            }
            of(&Document { place: document.place.clone(), value })
        };
        return Ok(items.iter().map(item).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
    }
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(kind) => Ok(vec![Content::Workloads(vec![workload(document, kind)?])]),
        None => Ok(vec![Content::PassedOver(plain(name))]),
    }
}

fn workload(document: &Document, kind: &Kind) -> Result<Workload, WorkloadError> {
    let value = &document.value;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(plain);
    let name = text("/metadata/name").or_else(|| text("/metadata/generateName"));
    let name = name.unwrap_or_else(|| "without a name".to_owned());
    let namespace = text("/metadata/namespace").unwrap_or_else(|| "default".to_owned());
    let wrong = |why: String| {
        let why = format!("{} {namespace}/{name}: {why}", kind.name);
        WorkloadError { place: document.place.clone(), why }
    };
    let template = value
        .pointer(kind.template)
        .ok_or_else(|| wrong(format!("it has no `{}`", dotted(kind.template))))?;
    // What is not said of how many run at once is one, whatever `completions` says.
    let unsaid = |first: &&&str| value.pointer(first).is_none_or(Value::is_null);
    let mut replicas: Option<u32> = kind.replicas.first().filter(unsaid).map(|_| 1);
    for pointer in kind.replicas {
        let Some(given) = value.pointer(pointer).filter(|given| !given.is_null()) else { continue };
        let number = given
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| i32::try_from(*number).is_ok());
        let number = number.ok_or_else(|| {
            wrong(format!("`{}` is {given}; it should be a whole number, 0 or more", dotted(pointer)))
        })?;
        replicas = Some(replicas.map_or(number, |least: u32| least.min(number)));
    }
    let suspended = kind.suspended.and_then(|pointer| value.pointer(pointer)).and_then(Value::as_bool);
    let replicas = if suspended == Some(true) { 0 } else { replicas.unwrap_or(1) };
    let pod =
        pod(template, &namespace, &name).map_err(|why| wrong(format!("its pod cannot be read: {why}")))?;
    if pod.spec.as_ref().is_none_or(|spec| spec.containers.is_empty()) {
        return Err(wrong("its pod has no containers".to_owned()));
    }
    let (kind_name, ends) = (kind.name.to_owned(), kind.ends);
    Ok(Workload { kind: kind_name, namespace, name, place: document.place.clone(), replicas, ends, pod })
}

/// The pod of a template, or a pod itself; it is called as what makes it.
pub(super) fn pod(template: &Value, namespace: &str, name: &str) -> Result<Pod, serde_json::Error> {
    let mut spec = template.get("spec").cloned().unwrap_or_default();
    quantities_as_text(&mut spec);
    let mut metadata = Map::new();
    for key in ["labels", "annotations"] {
        if let Some(given) = template.pointer("/metadata").and_then(|own| own.get(key)) {
            metadata.insert(key.to_owned(), given.clone());
        }
    }
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("namespace".to_owned(), json!(namespace));
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec }))
}

/// Makes numbers texts where a quantity belongs, as the API server does with `cpu: 2`.
fn quantities_as_text(value: &mut Value) {
    const LISTS: [&str; 4] = ["limits", "requests", "overhead", "capacity"];
    const SINGLE: [&str; 2] = ["sizeLimit", "divisor"];
    match value {
        Value::Array(items) => items.iter_mut().for_each(quantities_as_text),
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::Object(list) if LISTS.contains(&key.as_str()) => {
                        list.values_mut().for_each(as_text)
                    }
                    field if SINGLE.contains(&key.as_str()) => as_text(field),
                    field => quantities_as_text(field),
                }
            }
        }
        _ => {}
    }
}

fn as_text(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(number.to_string());
    }
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::manifests::parse;

    fn read(text: &str) -> Result<Vec<String>, WorkloadError> {
        let mut all = Vec::new();
        for document in parse("x.yaml", text).unwrap() {
            for content in of(&document)? {
                all.extend(match content {
                    Content::Workloads(some) => some
                        .iter()
                        .map(|one| format!("{} {}/{} ×{}", one.kind, one.namespace, one.name, one.replicas))
                        .collect(),
                    Content::PassedOver(kind) => vec![format!("not {kind}")],
                });
            }
        }
        Ok(all)
    }

    #[test]
    fn pods_are_found_in_all_that_makes_them_and_counted() {
        let spec = "{ containers: [{ name: c, image: a, resources: { limits: { cpu: 2 } } }] }";
        let template = format!("template: {{ spec: {spec} }}");
        for (text, found) in [
            (format!("kind: Pod\nmetadata: {{ name: a, namespace: n }}\nspec: {spec}\n"), "Pod n/a ×1"),
            (
                format!("kind: Deployment\nmetadata: {{ name: a }}\nspec: {{ replicas: 3, {template} }}\n"),
                "Deployment default/a ×3",
            ),
            (
                format!("kind: StatefulSet\nmetadata: {{ name: a }}\nspec: {{ {template} }}\n"),
                "StatefulSet default/a ×1",
            ),
            (
                format!("kind: Deployment\nmetadata: {{ name: a }}\nspec: {{ replicas: 0, {template} }}\n"),
                "Deployment default/a ×0",
            ),
            (
                format!(
                    "kind: Job\nmetadata: {{ name: a }}\nspec: {{ parallelism: 5, completions: 2, {template} }}\n"
                ),
                "Job default/a ×2",
            ),
            (
                format!("kind: Job\nmetadata: {{ name: a }}\nspec: {{ completions: 5, {template} }}\n"),
                "Job default/a ×1",
            ),
            (
                format!("kind: Job\nmetadata: {{ name: a }}\nspec: {{ suspend: true, {template} }}\n"),
                "Job default/a ×0",
            ),
            (
                format!(
                    "kind: CronJob\nmetadata: {{ name: a }}\nspec: {{ jobTemplate: {{ spec: {{ parallelism: 2, {template} }} }} }}\n"
                ),
                "CronJob default/a ×2",
            ),
            (
                format!("kind: PodList\nitems: [{{ metadata: {{ generateName: a- }}, spec: {spec} }}]\n"),
                "Pod default/a- ×1",
            ),
            (format!("kind: DaemonSet\nmetadata: {{ name: a }}\nspec: {{ {template} }}\n"), "not DaemonSet"),
            ("kind: Service\nmetadata: { name: a }\n".to_owned(), "not Service"),
        ] {
            assert_eq!(read(&text).unwrap(), [found], "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (text, told) in [
            ("a: b\n", "x.yaml:1: this is no manifest: it has no `kind`"),
            (
                "\nkind: Deployment\nmetadata: { name: a }\n",
                "x.yaml:2: Deployment default/a: it has no `spec.template`",
            ),
            (
                "kind: Deployment\nmetadata: { name: a }\nspec: { replicas: many, template: {} }\n",
                "`spec.replicas` is \"many\"; it should be",
            ),
            (
                "kind: Deployment\nmetadata: { name: a }\nspec: { replicas: -1, template: {} }\n",
                "`spec.replicas` is -1; it should be",
            ),
            ("kind: Pod\nmetadata: { name: a }\nspec: { containers: [] }\n", "its pod has no containers"),
            ("kind: Pod\nmetadata: { name: a }\nspec: { containers: 7 }\n", "its pod cannot be read: "),
        ] {
            let why = read(text).unwrap_err().to_string();
            assert!(why.contains(told), "{why}");
        }
    }
}
