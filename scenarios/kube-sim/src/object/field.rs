//! Reading fields of an untyped object by their path, where absent reads as empty.

use serde_json::{Map, Value};

/// The members up to which looking at each key costs less than a hash of the wanted one.
const FEW: usize = 16;

/// The member of this name.
pub fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    match members.len() {
        0..=FEW => members.iter().find_map(|(own, value)| (own == name).then_some(value)),
        _ => members.get(name),
    }
}

/// True for equal values. Most that are compared have their members in the same order, where nothing has to be looked up.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let pairs = || one.iter().zip(other);
            one.len() == other.len()
                && match pairs().all(|((one, _), (other, _))| one == other) {
                    true => pairs().all(|((_, one), (_, other))| same(one, other)),
                    false => {
                        one.iter().all(|(name, value)| other.get(name).is_some_and(|its| same(value, its)))
                    }
                }
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (one, other) => one == other,
    }
}

/// The value at `path`, a JSON pointer. One without escapes needs no memory: fields are read more often than anything
/// else is done.
pub fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    if path.contains('~') {
        return object.pointer(path);
    }
    let mut value = object;
    for step in path.split('/').skip(1) {
        value = match value {
            Value::Object(members) => member(members, step)?,
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
    member(at(object, "/metadata/labels")?.as_object()?, key)?.as_str()
}

/// The value of annotation `key`.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    member(at(object, "/metadata/annotations")?.as_object()?, key)?.as_str()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Small values, so that equal ones and members in another order are drawn often.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0u8..3).prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 3, |inner| {
            let members = prop::collection::vec(("[ab]", inner.clone()), 0..3);
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(Value::Array),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn same_is_what_equal_is(one in value(), other in value()) {
            prop_assert_eq!(same(&one, &other), one == other);
            prop_assert!(same(&one, &one.clone()));
        }

        #[test]
        fn a_member_is_found_among_few_and_many(count in 0usize..40, wanted in 0usize..40) {
            let members: Map<String, Value> = (0..count).map(|at| (at.to_string(), at.into())).collect();
            prop_assert_eq!(member(&members, &wanted.to_string()), members.get(&wanted.to_string()));
        }
    }

    #[test]
    fn a_value_is_found_by_its_path() {
        let object = json!({"a": [{"b/c": 1}], "d": null});
        assert_eq!(at(&object, "/a/0/b~1c"), Some(&json!(1)));
        assert_eq!(at(&object, "/a/0/x"), None);
        assert_eq!(at(&object, "/d"), Some(&Value::Null));
    }
}
