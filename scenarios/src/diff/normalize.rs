//! Takes out of an object or a text what no two clusters have in common: identities, instants, addresses, drawn names.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// The placeholder of a value that differs from cluster to cluster.
const SET: &str = "<set>";

/// Patterns and what they become, in the order in which they are applied.
static DRAWN: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let table = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
        (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
        (r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
        (r"\beci-[0-9a-z]{16,}\b", "<group>"),
        (r"\beni-[0-9a-z]{16,}\b", "<interface>"),
        (r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b", "<address>"),
        (r"\bkube-api-access-[0-9a-z]{5}\b", "kube-api-access-*"),
        (r"\bsha256:[0-9a-f]{64}\b", "<digest>"),
        (r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*", "<certificate>"),
    ];
    // A pattern that does not compile would be found by the first test of this module.
    table.into_iter().filter_map(|(pattern, text)| Some((Regex::new(pattern).ok()?, text))).collect()
});

/// Ages and durations, which only kubectl prints.
static AGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(^|[\s(])(\d+(ms|[smhdy]))+(\d+[smhd])?($|[\s),])").ok());

/// Names that were drawn, and the names that stand for them.
#[derive(Debug, Default, Clone)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// `drawn` is called `general` from now on, wherever it occurs.
    pub fn add(&mut self, drawn: &str, general: &str) {
        if drawn != general && !self.0.iter().any(|(known, _)| known == drawn) {
            self.0.push((drawn.to_owned(), general.to_owned()));
            // The longest first, since a pod's name begins with its replica set's.
            self.0.sort_by_key(|(drawn, _)| std::cmp::Reverse(drawn.len()));
        }
    }

    /// The text with everything drawn taken out.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (drawn, general) in &self.0 {
            if text.contains(drawn.as_str()) {
                text = text.replace(drawn.as_str(), general);
            }
        }
        for (pattern, stand_in) in DRAWN.iter() {
            if pattern.is_match(&text) {
                text = pattern.replace_all(&text, *stand_in).into_owned();
            }
        }
        text
    }

    /// The output of kubectl, a value a line: ages, widths of columns and everything drawn taken out.
    pub fn printed(&self, text: &str) -> Value {
        let line = |line: &str| {
            let columns: Vec<&str> =
                line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
            let indent = if line.starts_with(' ') { "  " } else { "" };
            let mut line = format!("{indent}{}", self.text(&columns.join("  ")));
            if let Some(age) = AGE.as_ref() {
                line = age.replace_all(&line, "${1}<age>${5}").into_owned();
            }
            Value::String(line)
        };
        let mut lines: Vec<Value> = text.lines().map(line).collect();
        // Events of one instant stand in any order.
        for events in lines.chunk_by_mut(|one, other| is_event(one) && is_event(other)) {
            events.sort_by_key(Value::to_string);
        }
        Value::Array(lines)
    }

    /// The object with everything drawn taken out.
    pub fn object(&self, mut object: Value) -> Value {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in ["uid", "resourceVersion"] {
                if let Some(value) = metadata.get_mut(field) {
                    *value = SET.into();
                }
            }
            if let Some(Value::Array(entries)) = metadata.get_mut("managedFields") {
                entries.iter_mut().for_each(by_field);
                entries.sort_by_key(|entry| text_of(entry, &["manager", "operation", "subresource"]));
            }
        }
        self.value(object)
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Object(fields) => {
                let fields: Map<_, _> =
                    fields.into_iter().map(|(key, value)| (self.text(&key), self.value(value))).collect();
                Value::Object(fields)
            }
            other => other,
        }
    }
}

/// True for a line of an event in kubectl's description.
fn is_event(line: &Value) -> bool {
    line.as_str().is_some_and(|line| line.starts_with("  Normal  ") || line.starts_with("  Warning  "))
}

/// Lists the fields that a manager owns as paths, since their nesting says nothing more.
fn by_field(entry: &mut Value) {
    let Some(owned) = entry.get_mut("fieldsV1") else { return };
    let mut paths = Vec::new();
    walk(owned, String::new(), &mut paths);
    paths.sort();
    *owned = paths.into_iter().map(|path| (path, Value::Bool(true))).collect::<Map<_, _>>().into();
}

fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
    match value.as_object() {
        Some(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let key = key.strip_prefix("f:").unwrap_or(key);
                walk(value, if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") }, paths);
            }
        }
        _ => paths.push(path),
    }
}

/// The texts of these fields, one after the other.
pub fn text_of(value: &Value, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| value[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(DRAWN.len(), 9);
        assert!(AGE.is_some());
    }

    #[test]
    fn what_differs_from_cluster_to_cluster_is_taken_out() {
        let mut names = Names::default();
        names.add("web-7d9c5b6f4", "web-*");
        names.add("web-7d9c5b6f4-x2x4z", "web-*-*");
        for (text, general) in [
            ("at 2026-01-05T01:30:00Z", "at <time>"),
            ("at 2026-01-05T01:30:00.123456+08:00.", "at <time>."),
            ("Start Time:       Mon, 05 Jan 2026 01:30:00 +0000", "Start Time:       <time>"),
            ("pod 8c2b6f1e-0d5f-4a51-9c53-0123456789ab", "pod <uid>"),
            ("group eci-bp1abcdefghijklmnopq is gone", "group <group> is gone"),
            ("https://127.0.0.1:40123/x 10.0.0.1", "https://<address>/x <address>"),
            ("kube-api-access-x7k2p", "kube-api-access-*"),
            ("Created pod: web-7d9c5b6f4-x2x4z", "Created pod: web-*-*"),
            ("replica set web-7d9c5b6f4", "replica set web-*"),
            ("0/1 nodes are available", "0/1 nodes are available"),
        ] {
            assert_eq!(names.text(text), general);
        }
    }

    #[test]
    fn what_kubectl_prints_keeps_its_words_and_loses_its_widths_and_ages() {
        let printed = Names::default().printed(
            "NAME    READY   AGE\nnginx   1/1     2m30s\n  Normal  Pulled  3s (x2 over 15s)  kubelet",
        );
        assert_eq!(
            printed,
            json!([
                "NAME  READY  AGE",
                "nginx  1/1  <age>",
                "  Normal  Pulled  <age> (x2 over <age>)  kubelet"
            ])
        );
    }

    #[test]
    fn an_absent_time_stays_absent_and_a_set_one_stays_set() {
        let names = Names::default();
        let object =
            names.object(json!({ "metadata": { "uid": "x" }, "a": null, "b": "2026-01-05T01:30:00Z" }));
        assert_eq!(object, json!({ "metadata": { "uid": "<set>" }, "a": null, "b": "<time>" }));
    }

    #[test]
    fn owned_fields_are_listed_whatever_the_order_of_their_managers() {
        let entry =
            |manager: &str| json!({ "manager": manager, "fieldsV1": { "f:spec": { "f:a": {}, "f:b": {} } } });
        let object =
            |first, second| json!({ "metadata": { "managedFields": [entry(first), entry(second)] } });
        let names = Names::default();
        assert_eq!(names.object(object("a", "b")), names.object(object("b", "a")));
        let owned = &names.object(object("a", "b"))["metadata"]["managedFields"][0]["fieldsV1"];
        assert_eq!(owned, &json!({ "spec/a": true, "spec/b": true }));
    }
}
