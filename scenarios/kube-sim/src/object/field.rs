//! Reading fields of an untyped object by their path, where absent reads as empty.

use serde_json::{Map, Value};

/// The value at `path`, a JSON pointer. One without escapes needs no memory: fields are read more often than anything
/// else is done.
pub fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    if path.contains('~') {
        return object.pointer(path);
    }
    let mut value = object;
    for step in path.split('/').skip(1) {
        value = match value {
            Value::Object(members) => members.get(step)?,
            Value::Array(elements) => elements.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// The text at `path`; empty when absent.
pub fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of the list at `path`; none when absent.
pub fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The entries of the map at `path`; none when absent.
pub fn entries<'a>(object: &'a Value, path: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    at(object, path).and_then(Value::as_object).into_iter().flatten().map(|(k, v)| (k.as_str(), v))
}

/// True when the value at `path` is `true`.
pub fn flag(object: &Value, path: &str) -> bool {
    at(object, path).and_then(Value::as_bool).unwrap_or_default()
}

/// The whole number at `path`.
pub fn number(object: &Value, path: &str) -> Option<i64> {
    at(object, path).and_then(Value::as_i64)
}

/// True when the value at `path` is present and not null.
pub fn is_set(object: &Value, path: &str) -> bool {
    at(object, path).is_some_and(|v| !v.is_null())
}

/// The value of label `key`.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// The value of annotation `key`.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The object's name; empty when absent.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// The object's namespace; empty for cluster-scoped ones.
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// The object's uid; empty when absent.
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// True for an object that is being deleted: its deletion timestamp is set.
pub fn is_terminating(object: &Value) -> bool {
    is_set(object, "/metadata/deletionTimestamp")
}

/// The owner reference whose `controller` is true.
pub fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|r| r.get("controller") == Some(&Value::Bool(true)))
}

/// The map at `key` of `object`, made when it is absent or null.
pub fn map_mut<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let slot = child_mut(object, key);
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(map) => map,
        _ => unreachable!("made an object just above"),
    }
}

/// The list at `key` of `object`, made when it is absent or null.
pub fn list_mut<'a>(object: &'a mut Value, key: &str) -> &'a mut Vec<Value> {
    let slot = child_mut(object, key);
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    match slot {
        Value::Array(list) => list,
        _ => unreachable!("made a list just above"),
    }
}

/// Sets `key` of `object` to `value` if it is absent or null.
pub fn default_to(object: &mut Value, key: &str, value: impl Into<Value>) {
    let slot = child_mut(object, key);
    if slot.is_null() {
        *slot = value.into();
    }
}

fn child_mut<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    match object {
        Value::Object(map) => map.entry(key).or_insert(Value::Null),
        _ => unreachable!("made an object just above"),
    }
}
