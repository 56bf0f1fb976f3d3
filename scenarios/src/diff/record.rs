//! From a cluster's objects and their changes to a case's record.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::Record;
use super::normalize::Names;
use crate::objects::Fields;
use crate::outcome::ProgramOutput;

/// A change that a watch saw: the kind, `ADDED`, `MODIFIED` or `DELETED`, and the object.
pub(super) type Change = (String, &'static str, Value);

/// The text at a JSON pointer; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.text(path).unwrap_or_default()
}

/// True when an object belongs to the case, and not to the cluster's own housekeeping.
pub(super) fn counts(kind: &str, object: &Value) -> bool {
    let (name, namespace) = (text(object, "/metadata/name"), text(object, "/metadata/namespace"));
    match kind {
        "Namespace" => !name.starts_with("kube-"),
        "Lease" => namespace == "kube-node-lease",
        _ => !namespace.starts_with("kube-"),
    }
}

/// The name with what was drawn for it replaced by a star.
fn general(object: &Value) -> String {
    let name = text(object, "/metadata/name");
    let owner = text(object, "/metadata/ownerReferences/0/name");
    if !owner.is_empty() && name.strip_prefix(owner).is_some_and(|rest| rest.starts_with('-')) {
        return format!("{owner}-*");
    }
    match text(object, "/metadata/generateName") {
        "" => name.to_owned(),
        beginning => format!("{beginning}*"),
    }
}

/// The record of a case: the objects that it left, the changes of those that were watched, the programs' output.
pub(super) fn record_of(
    objects: Vec<(String, Value)>,
    changes: Vec<Change>,
    outputs: &[ProgramOutput],
    verdict: &str,
) -> Record {
    let mut names = Names::default();
    for (kind, object) in
        changes.iter().map(|(kind, _, object)| (kind, object)).chain(objects.iter().map(|(k, o)| (k, o)))
    {
        if kind != "Event" {
            names.add(text(object, "/metadata/name"), &general(object));
        }
        let hash = object.pointer("/metadata/labels/pod-template-hash").and_then(Value::as_str);
        hash.into_iter().for_each(|hash| names.add(hash, "*"));
    }
    let mut record = Record::from([("verdict".to_owned(), verdict.into())]);
    add_objects(&mut record, &names, objects);
    add_streams(&mut record, &names, changes);
    for (place, output) in outputs.iter().enumerate() {
        let value = json!({ "well": output.succeeded, "printed": names.printed(&output.text) });
        record.insert(format!("kubectl {}: {}", place + 1, output.step), value);
    }
    record
}

/// The forms of the things of one name, each once: the pods of a set have one name here, and mostly one form.
#[derive(Default)]
struct Forms(BTreeMap<String, Vec<Value>>);

impl Forms {
    fn add(&mut self, subject: String, form: Value) {
        let known = self.0.entry(subject).or_default();
        if !known.contains(&form) {
            known.push(form);
        }
    }

    fn end(self, record: &mut Record) {
        for (subject, mut forms) in self.0 {
            forms.sort_by_key(Value::to_string);
            let value = if forms.len() == 1 { forms.swap_remove(0) } else { Value::Array(forms) };
            record.insert(subject, value);
        }
    }
}

/// Objects by their name; those whose names were drawn, by their distinct forms.
fn add_objects(record: &mut Record, names: &Names, objects: Vec<(String, Value)>) {
    let mut forms = Forms::default();
    for (kind, object) in objects {
        let (subject, value) = if kind == "Event" {
            event(names, &object)
        } else {
            let namespace = names.text(text(&object, "/metadata/namespace"));
            let name = names.text(text(&object, "/metadata/name"));
            let place = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
            (format!("{} {place}", kind.to_lowercase()), names.object(object))
        };
        forms.add(subject, value);
    }
    forms.end(record);
}

/// An event: what it is about and its reason name it; how often it was seen says nothing.
fn event(names: &Names, event: &Value) -> (String, Value) {
    let about = |field: &str| names.text(text(event, &format!("/involvedObject/{field}")));
    let subject = format!(
        "event {}/{}/{} {}",
        about("namespace"),
        about("kind").to_lowercase(),
        about("name"),
        text(event, "/reason")
    );
    let value = json!({
        "type": event["type"],
        "message": names.text(text(event, "/message")),
        "fieldPath": event.pointer("/involvedObject/fieldPath"),
        "source": event.pointer("/source/component"),
        "reporter": event["reportingComponent"],
        "action": event["action"],
    });
    (subject, value)
}

/// Adds each object's changes, as a watch saw them; a repeated one once.
fn add_streams(record: &mut Record, names: &Names, changes: Vec<Change>) {
    let mut streams: BTreeMap<String, (String, Vec<Value>)> = BTreeMap::new();
    for (kind, how, object) in changes {
        let place = names.text(&format!(
            "{}/{}",
            text(&object, "/metadata/namespace"),
            text(&object, "/metadata/name")
        ));
        let subject = format!("stream {} {}", kind.to_lowercase(), place.trim_start_matches('/'));
        let stage = names.text(&stage(&kind, how, &object));
        let (_, stages) =
            streams.entry(text(&object, "/metadata/uid").to_owned()).or_insert_with(|| (subject, Vec::new()));
        let how_changed = stage.replacen("ADDED", "MODIFIED", 1);
        // The first look at an object repeats what is known of it, and a change that changes no stage is no stage.
        let known = |value: &Value| {
            value.as_str().is_some_and(|known| known.replacen("ADDED", "MODIFIED", 1) == how_changed)
        };
        if !stages.last().is_some_and(known) {
            stages.push(stage.into());
        }
    }
    let mut forms = Forms::default();
    for (subject, stages) in streams.into_values() {
        forms.add(subject, Value::Array(stages));
    }
    forms.end(record);
}

/// The stage of an object's life, in a few words.
fn stage(kind: &str, how: &str, object: &Value) -> String {
    let mut words = vec![how.to_owned()];
    if kind == "Pod" || kind == "Namespace" {
        words.push(text(object, "/status/phase").to_owned());
    }
    if kind == "Pod" && !text(object, "/spec/nodeName").is_empty() {
        words.push("bound".to_owned());
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    for condition in conditions.into_iter().flatten() {
        let (name, status) = (text(condition, "/type"), text(condition, "/status"));
        if ["Ready", "Available", "Complete", "Failed"].contains(&name) && status == "True" {
            words.push(name.to_owned());
        }
    }
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        words.push("deleting".to_owned());
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str, phase: &str) -> Value {
        json!({
            "metadata": {
                "name": format!("web-5d4f-{uid}"), "namespace": "vk", "uid": uid, "generateName": "web-5d4f-",
                "labels": { "pod-template-hash": "5d4f" },
                "ownerReferences": [{ "kind": "ReplicaSet", "name": "web-5d4f" }],
            },
            "spec": { "nodeName": "virtual-kubelet" },
            "status": { "phase": phase },
        })
    }

    #[test]
    fn pods_of_one_owner_are_one_subject_with_their_distinct_forms() {
        let objects =
            vec![("Pod".to_owned(), pod("aaaaa", "Running")), ("Pod".to_owned(), pod("bbbbb", "Running"))];
        let record = record_of(objects, Vec::new(), &[], "passed");
        assert_eq!(record.keys().collect::<Vec<_>>(), ["pod vk/web-*-*", "verdict"]);
        assert_eq!(record["pod vk/web-*-*"]["status"]["phase"], "Running");
    }

    #[test]
    fn a_stream_tells_each_stage_once() {
        let change = |how, phase| ("Pod".to_owned(), how, pod("aaaaa", phase));
        let changes = vec![
            change("ADDED", "Pending"),
            change("MODIFIED", "Pending"),
            change("MODIFIED", "Running"),
            change("DELETED", "Running"),
        ];
        let record = record_of(Vec::new(), changes, &[], "passed");
        assert_eq!(
            record["stream pod vk/web-*-*"],
            json!(["ADDED Pending bound", "MODIFIED Running bound", "DELETED Running bound"])
        );
    }

    #[test]
    fn an_event_is_named_by_what_it_is_about_and_its_reason() {
        let event = json!({
            "metadata": { "name": "nginx.1", "namespace": "vk" },
            "involvedObject": { "kind": "Pod", "namespace": "vk", "name": "nginx" },
            "reason": "Pulled", "type": "Normal", "message": "from 10.0.0.1", "count": 3,
        });
        let record = record_of(vec![("Event".to_owned(), event)], Vec::new(), &[], "passed");
        assert_eq!(record["event vk/pod/nginx Pulled"]["message"], "from <address>");
    }

    #[test]
    fn housekeeping_of_the_cluster_is_left_out() {
        for (kind, namespace, name, counted) in [
            ("Namespace", "", "kube-system", false),
            ("Namespace", "", "vk", true),
            ("ConfigMap", "kube-system", "x", false),
            ("Lease", "kube-node-lease", "virtual-kubelet", true),
            ("Node", "", "virtual-kubelet", true),
        ] {
            let object = json!({ "metadata": { "name": name, "namespace": namespace } });
            assert_eq!(counts(kind, &object), counted, "{kind} {namespace}/{name}");
        }
    }
}
