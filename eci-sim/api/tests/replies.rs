//! The reply of every operation has every field of the published tree, under the wire's own spelling.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use eci_api::action::Action;
use serde_json::{Map, Value, json};

const PUBLISHED: &str = include_str!("../data/actions.json");

/// A value for each field of a published tree.
fn sample(tree: &Value) -> Value {
    match tree["type"].as_str().unwrap_or_default() {
        "object" => match tree["fields"].as_object() {
            Some(fields) => {
                Value::Object(fields.iter().map(|(name, tree)| (name.clone(), sample(tree))).collect())
            }
            None => Value::Object(Map::new()),
        },
        "array" => json!([sample(&tree["items"])]),
        "boolean" => json!(true),
        "int32" | "int64" | "integer" => json!(7),
        "float" | "double" | "number" => json!(0.25),
        "map" if tree["values"]["type"] == "number" => json!({ "key": 16.5 }),
        kind if kind.starts_with("map") => json!({ "key": "text" }),
        _ => json!("text"),
    }
}

fn published() -> Value {
    serde_json::from_str(PUBLISHED).unwrap()
}

/// Paths of the values in `wanted` that `seen` lacks, or has otherwise.
fn lost(path: &str, wanted: &Value, seen: &Value, into: &mut Vec<String>) {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => {
            for (name, value) in wanted {
                lost(&format!("{path}.{name}"), value, seen.get(name).unwrap_or(&Value::Null), into);
            }
        }
        (Value::Array(wanted), Value::Array(seen)) if wanted.len() == seen.len() => {
            wanted.iter().zip(seen).for_each(|(wanted, seen)| lost(path, wanted, seen, into));
        }
        _ if wanted == seen => {}
        _ => into.push(format!("{path}: {wanted} became {seen}")),
    }
}

macro_rules! replies {
    ($($action:path),*) => {
        #[test]
        fn every_published_field_of_every_reply_survives_reading_and_writing() {
            let published = published();
            let mut all = Vec::new();
            $(
                let name = <$action as Action>::NAME;
                let wanted = sample(&published["actions"][name]["response"]);
                let reply: <$action as Action>::Reply = serde_json::from_value(wanted.clone())
                    .unwrap_or_else(|e| panic!("{name}: {e}: {wanted}"));
                lost(name, &wanted, &serde_json::to_value(&reply).unwrap(), &mut all);
            )*
            assert!(all.is_empty(), "{all:#?}");
        }

        #[test]
        fn every_reply_is_read_from_nothing_and_with_null_for_each_field() {
            let published = published();
            $(
                let name = <$action as Action>::NAME;
                assert!(serde_json::from_str::<<$action as Action>::Reply>("{}").is_ok(), "{name}");
                let fields = published["actions"][name]["response"]["fields"].as_object().unwrap();
                let nulls = fields.keys().map(|field| (field.clone(), Value::Null)).collect();
                let read = serde_json::from_value::<<$action as Action>::Reply>(Value::Object(nulls));
                assert!(read.is_ok(), "{name}");
            )*
        }
    };
}
eci_api::every_action!(replies);
