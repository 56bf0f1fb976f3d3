//! Strategic merge: maps merge, lists merge by the key that the schema names, directives do the rest.

use serde_json::{Map, Value};

use crate::schema::{self, Field, Type};
use crate::status::ApiError;

/// Merges `patch` into `current`, both of this type.
///
/// # Errors
/// 500 when an item of a list lacks its merge key, as the real server answers.
pub fn merge(current: Value, patch: Value, kind: Option<&Type>) -> Result<Value, ApiError> {
    let (mut target, mut patch) = match (current, patch) {
        (Value::Object(target), Value::Object(patch)) => (target, patch),
        (_, Value::Object(patch)) => (Map::new(), patch),
        (_, patch) => return Ok(patch),
    };
    match patch.shift_remove("$patch").as_ref().and_then(Value::as_str) {
        Some("replace") => return Ok(Value::Object(patch)),
        Some("delete") => return Ok(Value::Object(Map::new())),
        _ => {}
    }
    let retained = patch.shift_remove("$retainKeys");
    let mut orders = Vec::new();
    for list in patch.keys().filter_map(|key| key.strip_prefix("$setElementOrder/")) {
        let before = target.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        orders.push((list.to_owned(), before));
    }
    let orders: Vec<_> = orders
        .into_iter()
        .filter_map(|(list, before)| {
            Some((patch.shift_remove(&format!("$setElementOrder/{list}"))?, list, before))
        })
        .collect();
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (target.get_mut(list), &value) {
                items.retain(|item| !gone.contains(item));
            }
        } else if value.is_null() {
            target.shift_remove(&key);
        } else {
            let merged = member(target.get(&key).cloned(), value, &key, kind)?;
            target.insert(key, merged);
        }
    }
    if let Some(Value::Array(keys)) = retained {
        target.retain(|key, _| keys.iter().any(|kept| kept == key));
    }
    for (order, list, before) in orders {
        let key = kind.and_then(|kind| schema::find(kind, &list)).map(|field| field.merge_key.as_str());
        if let (Some(Value::Array(items)), Value::Array(order)) = (target.get_mut(&list), &order) {
            *items = arranged(std::mem::take(items), order, &before, key.unwrap_or_default());
        }
    }
    Ok(Value::Object(target))
}

fn member(current: Option<Value>, patch: Value, key: &str, kind: Option<&Type>) -> Result<Value, ApiError> {
    let field = kind.and_then(|kind| schema::find(kind, key));
    let inner = match (kind, field) {
        (Some(Type::Map(item)), _) => Some(item.as_ref()),
        (_, field) => field.map(|field| &field.kind),
    };
    match patch {
        Value::Object(_) => merge(current.unwrap_or_default(), patch, inner),
        Value::Array(items) => match (current, field) {
            (Some(Value::Array(current)), Some(field)) if field.strategy.contains("merge") => {
                list(current, items, field)
            }
            (None, Some(field)) if field.strategy.contains("merge") => list(Vec::new(), items, field),
            _ => Ok(Value::Array(items)),
        },
        other => Ok(other),
    }
}

fn list(mut current: Vec<Value>, patch: Vec<Value>, field: &Field) -> Result<Value, ApiError> {
    let before = current.clone();
    if field.merge_key.is_empty() {
        for item in &patch {
            if !current.contains(item) {
                current.push(item.clone());
            }
        }
        return Ok(Value::Array(arranged(current, &patch, &before, "")));
    }
    if patch.iter().any(|item| item["$patch"] == "replace") {
        return Ok(Value::Array(patch.into_iter().filter(|item| item["$patch"] != "replace").collect()));
    }
    let item_kind = match &field.kind {
        Type::List(item) => Some(item.as_ref()),
        _ => None,
    };
    let order = patch.clone();
    for item in patch {
        let Some(key) = item.get(&field.merge_key).cloned() else {
            let shown = super::go::text(&item);
            let message = format!("map: {shown} does not contain declared merge key: {}", field.merge_key);
            return Err(ApiError::new(500, "", message));
        };
        let at = current.iter().position(|other| other.get(&field.merge_key) == Some(&key));
        match (at, item["$patch"] == "delete") {
            (Some(at), true) => {
                current.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => current[at] = merge(current[at].take(), item, item_kind)?,
            (None, false) => current.push(merge(Value::Null, item, item_kind)?),
        }
    }
    Ok(Value::Array(arranged(current, &order, &before, &field.merge_key)))
}

/// Brings the items of a merged list into order, as the real server does: those that `order` names as it names them, the
/// others as they stood `before`; of the first in both rows, that comes first which stood before the other, and else the
/// named one.
fn arranged(items: Vec<Value>, order: &[Value], before: &[Value], key: &str) -> Vec<Value> {
    let place = |list: &[Value], item: &Value| {
        list.iter()
            .position(|other| if key.is_empty() { other == item } else { other.get(key) == item.get(key) })
    };
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(before, item));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut all = Vec::new();
    while let (Some(one), Some(other)) = (named.peek(), others.peek()) {
        let other_stood_first = match (place(before, other), place(before, one)) {
            (Some(other), Some(one)) => other < one,
            _ => false,
        };
        all.extend(if other_stood_first { others.next() } else { named.next() });
    }
    all.extend(named);
    all.extend(others);
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn on_pod(current: Value, patch: Value) -> Value {
        merge(current, patch, schema::of_kind("v1", "Pod").as_ref()).unwrap()
    }

    #[test]
    fn what_a_patch_adds_to_a_list_stands_before_what_was_there() {
        let condition = |kind: &str| json!({"type": kind, "status": "True"});
        let pod = |kinds: &[&str]| json!({"status": {"conditions": kinds.iter().map(|k| condition(k)).collect::<Vec<_>>()}});
        let kinds = |pod: Value| -> Vec<String> {
            let all = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
            all.iter().map(|c| c["type"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(
            kinds(on_pod(pod(&["PodScheduled"]), pod(&["Initialized", "Ready"]))),
            ["Initialized", "Ready", "PodScheduled"]
        );
        assert_eq!(kinds(on_pod(pod(&["A", "B", "C"]), pod(&["C", "A"]))), ["B", "C", "A"]);
    }

    #[test]
    fn lists_merge_as_the_schema_says() {
        let conditions = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Own", "status": "True"}]}});
        for (what, current, patch, wanted) in [
            (
                "by key",
                conditions.clone(),
                json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
                json!({"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Own", "status": "True"}]}}),
            ),
            (
                "deleted by key",
                conditions,
                json!({"status": {"conditions": [{"type": "Own", "$patch": "delete"}]}}),
                json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
            ),
            (
                "as a whole",
                json!({"spec": {"tolerations": [{"key": "a"}]}}),
                json!({"spec": {"tolerations": [{"key": "b"}]}}),
                json!({"spec": {"tolerations": [{"key": "b"}]}}),
            ),
            (
                "as a set",
                json!({"metadata": {"finalizers": ["a/b"]}}),
                json!({"metadata": {"finalizers": ["c/d"]}}),
                json!({"metadata": {"finalizers": ["c/d", "a/b"]}}),
            ),
            (
                "null deletes",
                json!({"metadata": {"labels": {"a": "1", "b": "2"}}}),
                json!({"metadata": {"labels": {"a": null}}}),
                json!({"metadata": {"labels": {"b": "2"}}}),
            ),
            (
                "only retained keys stay",
                json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}),
                json!({"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]}}),
                json!({"spec": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}}),
            ),
            (
                "in the patch's order",
                json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}),
                json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b", "image": "i"}]}}),
                json!({"spec": {"containers": [{"name": "b", "image": "i"}, {"name": "a"}]}}),
            ),
        ] {
            assert_eq!(on_pod(current, patch), wanted, "{what}");
        }
    }

    #[test]
    fn an_item_without_its_key_is_told() {
        let error = merge(
            json!({}),
            json!({"spec": {"containers": [{"image": "i"}]}}),
            schema::of_kind("v1", "Pod").as_ref(),
        );
        assert!(error.unwrap_err().message.ends_with("does not contain declared merge key: name"));
    }
}
