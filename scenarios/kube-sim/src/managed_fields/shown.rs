//! Stored objects as clients see them: with `managedFields`.

use serde::Serialize;
use serde_json::{Map, Value};

use super::stored::{self, KEY};

/// The text of an object, without the members of these names.
pub fn text(object: &Value, without: &[&str]) -> String {
    let mut out = Vec::with_capacity(4096);
    members(
        object,
        &mut out,
        |name| !without.contains(&name),
        |name, value, out| match name {
            "metadata" if value.get(KEY).is_some() => metadata_text(value, out),
            _ => append(value, out),
        },
    );
    String::from_utf8(out).unwrap_or_default() // texts alone were written
}

fn metadata_text(metadata: &Value, out: &mut Vec<u8>) {
    members(
        metadata,
        out,
        |_| true,
        |name, value, out| match (name, value) {
            (KEY, Value::Array(entries)) => {
                let mut shown = String::with_capacity(2048);
                for (at, entry) in entries.iter().enumerate() {
                    if at > 0 {
                        shown.push(',');
                    }
                    stored::write(entry, &mut shown);
                }
                out.push(b'[');
                out.extend_from_slice(shown.as_bytes());
                out.push(b']');
            }
            _ => append(value, out),
        },
    );
}

/// Appends the members of an object that are wanted, each as `write` has it.
fn members(
    object: &Value,
    out: &mut Vec<u8>,
    wanted: impl Fn(&str) -> bool,
    write: impl Fn(&str, &Value, &mut Vec<u8>),
) {
    let Value::Object(members) = object else { return append(object, out) };
    out.push(b'{');
    let mut first = true;
    for (name, value) in members.iter().filter(|(name, _)| wanted(name)) {
        if !first {
            out.push(b',');
        }
        first = false;
        append(if name == KEY { "managedFields" } else { name }, out);
        out.push(b':');
        write(name, value, out);
    }
    out.push(b'}');
}

/// Appends the text of a value at its place, without one of its own.
fn append(value: &(impl Serialize + ?Sized), out: &mut Vec<u8>) {
    let length = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(length); // never: keys are texts, and memory takes all that is written
    }
}

/// An object as clients see it.
pub fn object(stored: &Value) -> Value {
    let Some(members) = stored.as_object() else { return stored.clone() };
    let shown = |(name, value): (&String, &Value)| match name.as_str() {
        "metadata" => (name.clone(), metadata(stored)),
        _ => (name.clone(), value.clone()),
    };
    Value::Object(members.iter().map(shown).collect())
}

/// The metadata of an object as clients see it.
pub fn metadata(stored: &Value) -> Value {
    let metadata = &stored["metadata"];
    let Some(members) = metadata.as_object().filter(|members| members.contains_key(KEY)) else {
        return metadata.clone();
    };
    let mut shown = Map::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            (KEY, Value::Array(entries)) => {
                shown.insert("managedFields".to_owned(), entries.iter().map(entry).collect());
            }
            _ => drop(shown.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(shown)
}

fn entry(entry: &Value) -> Value {
    let mut text = String::new();
    stored::write(entry, &mut text);
    serde_json::from_str(&text).unwrap_or_default() // a text of ours
}

/// An object without its managers, as patches of anything else see it.
pub fn without_managers(stored: &Value) -> Value {
    let mut bare = stored.clone();
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove(KEY);
    }
    bare
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::managed_fields::stored::Entry;

    #[test]
    fn an_object_is_shown_with_its_managed_fields_as_value_and_as_text() {
        let shown = json!({"kind": "ConfigMap", "metadata": {"name": "a", "managedFields": [
            {"manager": "m", "operation": "Update", "apiVersion": "v1", "time": "2026-01-05T01:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:x\"y": {}}}}]}, "data": {"x\"y": "z"}});
        let entry = Entry::read(&shown["metadata"]["managedFields"][0]).unwrap().to_stored();
        let kept =
            json!({"kind": "ConfigMap", "metadata": {"name": "a", KEY: [entry]}, "data": {"x\"y": "z"}});
        assert_eq!(object(&kept), shown);
        assert_eq!(text(&kept, &[]), shown.to_string());
        assert_eq!(text(&json!({"kind": "A", "b": 1}), &["kind"]), "{\"b\":1}");
        assert_eq!(without_managers(&kept)["metadata"], json!({"name": "a"}));
    }
}
