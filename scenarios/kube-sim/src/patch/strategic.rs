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
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$setElementOrder/") {
            orders.push((list.to_owned(), value));
        } else if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
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
    for (list, order) in orders {
        let key = kind.and_then(|kind| schema::find(kind, &list)).map(|field| field.merge_key.as_str());
        if let (Some(Value::Array(items)), Value::Array(order)) = (target.get_mut(&list), &order) {
            sort(items, order, key.unwrap_or_default());
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
    if field.merge_key.is_empty() {
        for item in patch {
            if !current.contains(&item) {
                current.push(item);
            }
        }
        return Ok(Value::Array(current));
    }
    if patch.iter().any(|item| item["$patch"] == "replace") {
        return Ok(Value::Array(patch.into_iter().filter(|item| item["$patch"] != "replace").collect()));
    }
    let item_kind = match &field.kind {
        Type::List(item) => Some(item.as_ref()),
        _ => None,
    };
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
    Ok(Value::Array(current))
}

/// Brings the items into the order of the patch; those that it does not name keep their place after what they followed.
fn sort(items: &mut Vec<Value>, order: &[Value], key: &str) {
    let place = |item: &Value| {
        order
            .iter()
            .position(|wanted| if key.is_empty() { wanted == item } else { wanted.get(key) == item.get(key) })
    };
    let mut ranked: Vec<(usize, usize, Value)> = Vec::new();
    let mut last = 0;
    for (at, item) in items.drain(..).enumerate() {
        let rank = place(&item).map_or(last, |place| place + 1);
        last = rank;
        ranked.push((rank, at, item));
    }
    ranked.sort_by_key(|(rank, at, _)| (*rank, *at));
    items.extend(ranked.into_iter().map(|(_, _, item)| item));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn on_pod(current: Value, patch: Value) -> Value {
        merge(current, patch, schema::of_kind("v1", "Pod").as_ref()).unwrap()
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
                json!({"metadata": {"finalizers": ["a/b", "c/d"]}}),
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
