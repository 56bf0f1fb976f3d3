//! Does this object contain what was expected; if not, where not.
//!
//! | expected | is met by |
//! |---|---|
//! | a mapping | an object that has at least these keys, each met |
//! | a list | a list in which each expected element is met by some element |
//! | `null` | nothing there |
//! | `"*"` | anything but nothing |
//! | a text with `*` at its end | a text that begins so |
//! | any other scalar | the same scalar; a number also by its text |

use serde_json::Value;

use crate::outcome::Fact;

/// One place where an object is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The place, as in `spec.containers[0].image`.
    pub path: String,
    /// The expected value.
    pub wanted: String,
    /// The value there, or `nothing`.
    pub seen: String,
}

/// All places where `seen` does not contain `wanted`; empty when it does.
pub fn differences(wanted: &Value, seen: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", wanted, Some(seen), &mut found);
    found
}

/// The differences as what was wanted and what was seen, line by line.
pub fn as_facts(differences: &[Difference]) -> (Vec<Fact>, Vec<Fact>) {
    differences
        .iter()
        .map(|d| (Fact::new(d.path.clone(), d.wanted.clone()), Fact::new(d.path.clone(), d.seen.clone())))
        .unzip()
}

fn compare(path: &str, wanted: &Value, seen: Option<&Value>, found: &mut Vec<Difference>) {
    let seen = seen.filter(|value| !value.is_null());
    match (wanted, seen) {
        (Value::Null, None) => {}
        (Value::String(any), Some(_)) if any == "*" => {}
        (Value::Object(wanted), Some(Value::Object(seen))) => {
            for (key, value) in wanted {
                compare(&join(path, key), value, seen.get(key), found);
            }
        }
        (Value::Object(wanted), None) if !wanted.is_empty() => {
            for (key, value) in wanted {
                compare(&join(path, key), value, None, found);
            }
        }
        (Value::Array(wanted), Some(Value::Array(seen))) => {
            for (index, element) in wanted.iter().enumerate() {
                compare_element(&format!("{path}[{index}]"), element, seen, found);
            }
        }
        (wanted, Some(seen)) if same(wanted, seen) => {}
        (wanted, seen) => found.push(Difference {
            path: path.to_owned(),
            wanted: shown(wanted),
            seen: seen.map_or_else(|| "nothing".to_owned(), shown),
        }),
    }
}

/// An element is met by any element; where none meets it, the nearest one tells the difference.
fn compare_element(path: &str, wanted: &Value, seen: &[Value], found: &mut Vec<Difference>) {
    let mut nearest: Option<Vec<Difference>> = None;
    for candidate in seen {
        let mut here = Vec::new();
        compare(path, wanted, Some(candidate), &mut here);
        if here.is_empty() {
            return;
        }
        if nearest.as_ref().is_none_or(|known| here.len() < known.len()) {
            nearest = Some(here);
        }
    }
    match nearest {
        Some(here) => found.extend(here),
        None => compare(path, wanted, None, found),
    }
}

fn same(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::String(pattern), Value::String(text)) => match pattern.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => pattern == text,
        },
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => wanted == seen,
        _ => shown(wanted) == shown(seen),
    }
}

fn join(path: &str, key: &str) -> String {
    match (path.is_empty(), key.contains(['.', '/'])) {
        (_, true) => format!("{path}[{key}]"),
        (true, false) => key.to_owned(),
        (false, false) => format!("{path}.{key}"),
    }
}

/// A value as one line for people.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_contains_what_was_expected() {
        for (wanted, seen) in [
            (json!({}), json!({"a": 1})),
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"a": null}), json!({"b": 2})),
            (json!({"a": "*"}), json!({"a": {"b": 1}})),
            (json!({"a": "eci-*"}), json!({"a": "eci-123"})),
            (json!({"cpu": 4}), json!({"cpu": "4"})),
            (
                json!([{"type": "Ready", "status": "True"}]),
                json!([{"type": "X"}, {"type": "Ready", "status": "True"}]),
            ),
        ] {
            assert_eq!(differences(&wanted, &seen), [], "{wanted} in {seen}");
        }
    }

    #[test]
    fn what_is_not_contained_is_told_with_its_place() {
        for (wanted, seen, path, shown) in [
            (json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), "a.b", "2"),
            (json!({"a": {"b": 1}}), json!({}), "a.b", "nothing"),
            (json!({"a": null}), json!({"a": 3}), "a", "3"),
            (json!({"a": "*"}), json!({}), "a", "nothing"),
            (json!({"labels": {"x.io/y": "z"}}), json!({"labels": {"x.io/y": "q"}}), "labels[x.io/y]", "q"),
            (json!([{"n": "a", "v": 1}]), json!([{"n": "b", "v": 3}, {"n": "a", "v": 2}]), "[0].v", "2"),
            (json!(["x"]), json!([]), "[0]", "nothing"),
        ] {
            let found = differences(&wanted, &seen);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].path.as_str(), found[0].seen.as_str()), (path, shown));
        }
    }
}
