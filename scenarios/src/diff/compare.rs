//! Compares two records field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Everything seen of one case on one kind of cluster, by name, with everything drawn taken out.
///
/// The names begin with the kind: `pod default/nginx`, `event default/pod/nginx Scheduled`, `stream pod default/nginx`,
/// `kubectl 3: get pods`, `verdict`.
pub type Record = BTreeMap<String, Value>;

/// One field that is not the same on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The thing that differs, as a [`Record`] calls it.
    pub subject: String,
    /// The field, dots between its parts; empty for the whole.
    pub path: String,
    /// The value on the left, if there is one.
    pub left: Option<Value>,
    /// The value on the right, if there is one.
    pub right: Option<Value>,
}

/// Every field in which the two records differ, in the order of their names.
pub fn differences(left: &Record, right: &Record) -> Vec<Difference> {
    let mut found = Vec::new();
    let subjects: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for subject in subjects {
        compare(subject, "", left.get(subject), right.get(subject), &mut found);
    }
    found
}

fn compare(
    subject: &str,
    path: &str,
    left: Option<&Value>,
    right: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    match (left, right) {
        (Some(left), Some(right)) if left == right => {}
        (Some(Value::Object(_)), Some(Value::Object(_))) | (Some(Value::Array(_)), Some(Value::Array(_))) => {
            let (left, right) = (parts(left), parts(right));
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side = |parts: &BTreeMap<String, &Value>| parts.get(key.as_str()).copied().cloned();
                compare(subject, &path, side(&left).as_ref(), side(&right).as_ref(), found);
            }
        }
        (None, None) => {}
        (left, right) => found.push(Difference {
            subject: subject.to_owned(),
            path: path.to_owned(),
            left: left.cloned(),
            right: right.cloned(),
        }),
    }
}

/// The parts of an object by their field, those of a list by what names them, or else by their place.
fn parts(value: Option<&Value>) -> BTreeMap<String, &Value> {
    match value {
        Some(Value::Object(fields)) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Some(Value::Array(items)) => {
            let names: Vec<String> = items.iter().map(name).collect();
            let distinct = names.iter().collect::<BTreeSet<_>>().len() == names.len();
            let by_name = distinct && names.iter().all(|name| !name.is_empty());
            let key = |(place, name): (usize, String)| {
                if by_name { format!("[{name}]") } else { format!("[{place}]") }
            };
            names.into_iter().enumerate().map(key).zip(items).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// The name of a list's item, as the API's own merge keys give it.
fn name(item: &Value) -> String {
    let first =
        ["name", "type", "uid", "containerPort", "mountPath", "ip"].into_iter().find_map(|key| item.get(key));
    let manager = item
        .get("manager")
        .map(|_| super::normalize::text_of(item, &["manager", "operation", "subresource"]));
    match (manager, first, item.get("key")) {
        (Some(texts), _, _) => texts.join(" ").trim_end().to_owned(),
        (_, Some(Value::String(text)), _) => text.clone(),
        (_, Some(other), _) => other.to_string(),
        // Tolerations and taints: two may have the same key.
        (_, None, Some(Value::String(key))) => {
            format!("{key} {}", item["effect"].as_str().unwrap_or_default())
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(value: Value) -> Record {
        BTreeMap::from([("pod default/nginx".to_owned(), value)])
    }

    fn found(left: Value, right: Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let fields = |difference: Difference| (difference.path, difference.left, difference.right);
        differences(&record(left), &record(right)).into_iter().map(fields).collect()
    }

    #[test]
    fn equal_records_differ_in_nothing() {
        let object = json!({ "a": [{ "name": "x" }], "b": 1 });
        assert_eq!(found(object.clone(), object), []);
    }

    #[test]
    fn each_field_is_told_by_its_path() {
        let left = json!({ "spec": { "a": 1, "b": "x" }, "status": {} });
        let right = json!({ "spec": { "a": 2, "c": "y" }, "status": {} });
        assert_eq!(
            found(left, right),
            [
                ("spec.a".to_owned(), Some(json!(1)), Some(json!(2))),
                ("spec.b".to_owned(), Some(json!("x")), None),
                ("spec.c".to_owned(), None, Some(json!("y"))),
            ]
        );
    }

    #[test]
    fn list_items_are_matched_by_name_whatever_their_order() {
        let left =
            json!([{ "type": "Ready", "status": "True" }, { "type": "Initialized", "status": "True" }]);
        let right =
            json!([{ "type": "Initialized", "status": "True" }, { "type": "Ready", "status": "False" }]);
        assert_eq!(
            found(left, right),
            [("[Ready].status".to_owned(), Some(json!("True")), Some(json!("False")))]
        );
    }

    #[test]
    fn nameless_items_are_matched_by_place() {
        assert_eq!(found(json!(["a", "b"]), json!(["a"])), [("[1]".to_owned(), Some(json!("b")), None)]);
    }

    #[test]
    fn what_is_on_one_side_only_is_one_difference() {
        let found = differences(&record(json!({ "a": { "b": 1 } })), &Record::new());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), &found[0].right), ("", &None));
    }
}
