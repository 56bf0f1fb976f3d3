//! Names of fields in a part of an object: those that its kind does not have, which an object can never show.

use serde_json::Value;

use crate::schema::{self, Type};

/// A field that a kind does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// Place of the structure that lacks it, such as `spec.containers`; empty for the object itself.
    pub holder: String,
    /// Name that stands there.
    pub name: String,
    /// Names of the structure's fields.
    pub known: Vec<&'static str>,
}

/// The first field in `part` that objects of this kind do not have; `None` for a kind that is not known here.
pub fn unknown(api_version: &str, kind: &str, part: &Value) -> Option<UnknownField> {
    look(&schema::of_kind(api_version, kind)?, part, "")
}

fn look(kind: &Type, part: &Value, holder: &str) -> Option<UnknownField> {
    match (kind, part) {
        (Type::Struct(_), Value::Object(fields)) if !names(kind).is_empty() => {
            fields.iter().find_map(|(name, value)| match (schema::find(kind, name), holder) {
                (Some(field), _) => look(&field.kind, value, &below(holder, name)),
                (None, "") if matches!(name.as_str(), "apiVersion" | "kind") => None,
                (None, _) => {
                    Some(UnknownField { holder: holder.to_owned(), name: name.clone(), known: names(kind) })
                }
            })
        }
        (Type::Map(item), Value::Object(entries)) => {
            entries.iter().find_map(|(name, value)| look(item, value, &below(holder, name)))
        }
        (Type::List(item), Value::Array(items)) => items.iter().find_map(|value| look(item, value, holder)),
        _ => None,
    }
}

fn below(holder: &str, name: &str) -> String {
    if holder.is_empty() { name.to_owned() } else { format!("{holder}.{name}") }
}

/// The JSON names of a structure's fields, those that lie flat in it included.
fn names(kind: &Type) -> Vec<&'static str> {
    let each = schema::fields(kind).iter().flat_map(|field| match field.name.as_str() {
        "" => names(&field.kind),
        own => vec![own],
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_that_a_kind_does_not_have_is_found_with_its_place() {
        for (part, holder, name) in [
            (json!({ "metdata": { "deletionTimestamp": null } }), "", "metdata"),
            (
                json!({ "spec": { "containers": [{ "name": "a" }, { "imge": "b" }] } }),
                "spec.containers",
                "imge",
            ),
            (json!({ "status": { "conditions": [{ "typ": "Ready" }] } }), "status.conditions", "typ"),
        ] {
            let found = unknown("v1", "Pod", &part).unwrap();
            assert_eq!((found.holder.as_str(), found.name.as_str()), (holder, name));
            assert!(!found.known.is_empty());
        }
    }

    #[test]
    fn labels_and_kinds_that_are_not_known_may_have_any_names() {
        let part = json!({ "kind": "Pod", "metadata": { "labels": { "any.io/name": null } } });
        assert_eq!(unknown("v1", "Pod", &part), None);
        assert_eq!(unknown("example.com/v1", "Widget", &json!({ "anything": 1 })), None);
    }
}
