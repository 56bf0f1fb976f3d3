//! Server-side apply: who wants which field to be what.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::schema::{self, Type};
use crate::status::ApiError;

/// A way to a field, one part a step, as `fieldsV1` writes them: `f:spec`, `k:{"name":"a"}`.
type Path = Vec<String>;

/// Who applies, and how firmly.
#[derive(Debug, Clone)]
pub struct Manager<'a> {
    /// The field manager's name.
    pub name: &'a str,
    /// Whether it takes what others own.
    pub force: bool,
    /// The subresource that is applied to; empty for the object itself.
    pub subresource: &'a str,
    /// The present, as it stands in `managedFields`.
    pub time: String,
}

/// What becomes of `current` when `manager` applies `wanted`.
///
/// # Errors
/// 409 with each field that somebody else wants otherwise.
pub fn apply(
    kind: &Kind,
    current: &Value,
    mut wanted: Value,
    manager: &Manager<'_>,
) -> Result<Value, ApiError> {
    if wanted.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let root = schema::of_kind(&kind.api_version(), kind.kind);
    for key in ["apiVersion", "kind"] {
        if let Some(members) = wanted.as_object_mut() {
            members.shift_remove(key);
        }
    }
    for key in ["name", "namespace", "creationTimestamp"] {
        if let Some(members) = wanted["metadata"].as_object_mut() {
            members.shift_remove(key);
        }
    }
    if let Some(members) = wanted.as_object_mut()
        && members.get("metadata").and_then(Value::as_object).is_none_or(Map::is_empty)
    {
        members.shift_remove("metadata");
    }
    let mut owned = BTreeSet::new();
    leaves(&wanted, root.as_ref(), &mut Vec::new(), &mut owned);
    let entries =
        current.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_own = |entry: &Value| {
        entry["manager"] == manager.name
            && entry["operation"] == "Apply"
            && entry["subresource"].as_str().unwrap_or_default() == manager.subresource
    };
    let sets: Vec<(Value, BTreeSet<Path>)> = entries
        .into_iter()
        .map(|entry| {
            let set = read_set(&entry["fieldsV1"]);
            (entry, set)
        })
        .collect();
    let conflicts = conflicts(current, &wanted, &owned, sets.iter().filter(|(entry, _)| !is_own(entry)));
    if !conflicts.is_empty() && !manager.force {
        return Err(conflict(&conflicts));
    }
    let mut next = current.clone();
    let dropped = sets
        .iter()
        .filter(|(entry, _)| is_own(entry))
        .flat_map(|(_, set)| set)
        .filter(|path| !owned.contains(*path));
    for path in dropped {
        let others = sets.iter().any(|(entry, set)| !is_own(entry) && set.contains(path));
        if !others {
            remove(&mut next, path);
        }
    }
    next = merge(next, wanted, root.as_ref());
    let taken: BTreeSet<&Path> = conflicts.iter().map(|(path, _)| path).collect();
    let mut all: Vec<Value> = Vec::new();
    for (mut entry, mut set) in sets.iter().filter(|(entry, _)| !is_own(entry)).cloned() {
        set.retain(|path| !taken.contains(path));
        entry["fieldsV1"] = write_set(&set);
        all.push(entry);
    }
    let mut own = json!({"manager": manager.name, "operation": "Apply", "apiVersion": kind.api_version(),
        "time": manager.time, "fieldsType": "FieldsV1", "fieldsV1": write_set(&owned)});
    if !manager.subresource.is_empty() {
        own["subresource"] = manager.subresource.into();
    }
    all.insert(0, own);
    next["metadata"]["managedFields"] = Value::Array(all);
    Ok(next)
}

fn conflict(conflicts: &[(Path, String)]) -> ApiError {
    let mut lines = Vec::new();
    let mut causes = Vec::new();
    for (path, manager) in conflicts {
        let field = shown(path);
        lines.push(format!("conflict with {manager:?}: {field}"));
        causes.push(json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager:?}"), "field": field}));
    }
    let count = conflicts.len();
    let plural = if count == 1 { "" } else { "s" };
    let message = format!("Apply failed with {count} conflict{plural}: {}", lines.join("\n"));
    ApiError { details: json!({"causes": causes}), ..ApiError::new(409, "Conflict", message) }
}

fn conflicts<'a>(
    current: &Value,
    wanted: &Value,
    owned: &BTreeSet<Path>,
    others: impl Iterator<Item = &'a (Value, BTreeSet<Path>)>,
) -> Vec<(Path, String)> {
    let mut found = Vec::new();
    for (entry, set) in others {
        let manager = entry["manager"].as_str().unwrap_or_default();
        for path in owned.intersection(set).filter(|path| at(current, path) != at(wanted, path)) {
            found.push((path.clone(), manager.to_owned()));
        }
    }
    found
}

/// The keys by which items of a list are told apart when applied; empty for a list that is one value.
fn keys(name: &str, field: &schema::Field) -> Vec<&'static str> {
    match (name, field.merge_key.as_str()) {
        ("ports", "containerPort") => vec!["containerPort", "protocol"],
        ("ports", "port") => vec!["port", "protocol"],
        ("topologySpreadConstraints", _) => vec!["topologyKey", "whenUnsatisfiable"],
        (_, "name") => vec!["name"],
        (_, "type") => vec!["type"],
        (_, "ip") => vec!["ip"],
        (_, "uid") => vec!["uid"],
        (_, "mountPath") => vec!["mountPath"],
        (_, "devicePath") => vec!["devicePath"],
        _ => Vec::new(),
    }
}

fn item_step(item: &Value, keys: &[&str]) -> String {
    let mut key = Map::new();
    for name in keys {
        let value = item
            .get(*name)
            .cloned()
            .unwrap_or_else(|| if *name == "protocol" { "TCP".into() } else { Value::Null });
        key.insert((*name).to_owned(), value);
    }
    format!("k:{}", Value::Object(key))
}

fn leaves(value: &Value, kind: Option<&Type>, path: &mut Path, found: &mut BTreeSet<Path>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                path.push(format!("f:{name}"));
                let field = kind.and_then(|kind| schema::find(kind, name));
                let inner = match kind {
                    Some(Type::Map(item)) => Some(item.as_ref()),
                    _ => field.map(|field| &field.kind),
                };
                match (member, field) {
                    (Value::Array(items), Some(field)) if !keys(name, field).is_empty() => {
                        items_of(items, &keys(name, field), inner, path, found);
                    }
                    _ => leaves(member, inner, path, found),
                }
                path.pop();
            }
        }
        _ => {
            found.insert(path.clone());
        }
    }
}

fn items_of(
    items: &[Value],
    keys: &[&str],
    kind: Option<&Type>,
    path: &mut Path,
    found: &mut BTreeSet<Path>,
) {
    let item_kind = match kind {
        Some(Type::List(item)) => Some(item.as_ref()),
        _ => None,
    };
    for item in items {
        path.push(item_step(item, keys));
        leaves(item, item_kind, path, found);
        path.pop();
    }
}

fn merge(current: Value, wanted: Value, kind: Option<&Type>) -> Value {
    let (mut target, wanted) = match (current, wanted) {
        (Value::Object(target), Value::Object(wanted)) => (target, wanted),
        (_, wanted) => return wanted,
    };
    for (name, value) in wanted {
        let field = kind.and_then(|kind| schema::find(kind, &name));
        let inner = match kind {
            Some(Type::Map(item)) => Some(item.as_ref()),
            _ => field.map(|field| &field.kind),
        };
        let old = target.get(&name).cloned().unwrap_or_default();
        let merged = match (old, value, field) {
            (Value::Array(mut items), Value::Array(more), Some(field)) if !keys(&name, field).is_empty() => {
                let keys = keys(&name, field);
                let item_kind = match inner {
                    Some(Type::List(item)) => Some(item.as_ref()),
                    _ => None,
                };
                for item in more {
                    let step = item_step(&item, &keys);
                    match items.iter().position(|other| item_step(other, &keys) == step) {
                        Some(at) => items[at] = merge(items[at].take(), item, item_kind),
                        None => items.push(item),
                    }
                }
                Value::Array(items)
            }
            (old @ Value::Object(_), value @ Value::Object(_), _) => merge(old, value, inner),
            (_, value, _) => value,
        };
        target.insert(name, merged);
    }
    Value::Object(target)
}

fn find_item(items: &[Value], step: &str) -> Option<usize> {
    let key: Map<String, Value> = serde_json::from_str(step.strip_prefix("k:")?).ok()?;
    items.iter().position(|item| {
        key.iter().all(|(name, value)| {
            item.get(name) == Some(value) || (name == "protocol" && item.get(name).is_none())
        })
    })
}

fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, step| match value {
        Value::Array(items) => find_item(items, step).map(|at| &items[at]),
        value => value.get(step.strip_prefix("f:")?),
    })
}

fn remove(object: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    match object {
        Value::Array(items) => {
            let Some(at) = find_item(items, step) else { return };
            remove(&mut items[at], rest);
            let bare = items[at]
                .as_object()
                .is_some_and(|item| item.keys().all(|key| step.contains(&format!("{key:?}"))));
            if bare {
                items.remove(at);
            }
        }
        Value::Object(members) => {
            let name = step.strip_prefix("f:").unwrap_or(step);
            if rest.is_empty() {
                members.shift_remove(name);
            } else if let Some(inner) = members.get_mut(name) {
                remove(inner, rest);
                if inner.as_object().is_some_and(Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty)
                {
                    members.shift_remove(name);
                }
            }
        }
        _ => {}
    }
}

fn shown(path: &[String]) -> String {
    path.iter()
        .map(|step| match step.strip_prefix("k:") {
            Some(key) => {
                format!("[{}]", key.trim_matches(['{', '}']).replace("\":\"", "=\"").replacen('"', "", 1))
            }
            None => format!(".{}", step.strip_prefix("f:").unwrap_or(step)),
        })
        .collect()
}

fn write_set(set: &BTreeSet<Path>) -> Value {
    let mut root = json!({});
    for path in set {
        let mut node = &mut root;
        for step in path {
            node = &mut node[step.as_str()];
            if node.is_null() {
                *node = json!({});
            }
        }
    }
    root
}

fn read_set(fields: &Value) -> BTreeSet<Path> {
    fn walk(node: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
        match node.as_object().filter(|members| !members.is_empty()) {
            None => {
                found.insert(path.clone());
            }
            Some(members) => {
                for (step, inner) in members.iter().filter(|(step, _)| *step != ".") {
                    path.push(step.clone());
                    walk(inner, path, found);
                    path.pop();
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    if fields.as_object().is_some_and(|members| !members.is_empty()) {
        walk(fields, &mut Vec::new(), &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_maps() -> &'static Kind {
        crate::kinds::find("", "configmaps").unwrap()
    }

    fn by<'a>(name: &'a str, force: bool) -> Manager<'a> {
        Manager { name, force, subresource: "", time: "2026-01-01T00:00:00Z".to_owned() }
    }

    fn data(object: &Value) -> &Value {
        &object["data"]
    }

    #[test]
    fn what_a_manager_no_longer_wants_goes_and_what_others_want_stays() {
        let empty = json!({"metadata": {"name": "c"}});
        let first =
            apply(config_maps(), &empty, json!({"data": {"a": "1", "b": "2"}}), &by("m1", false)).unwrap();
        let second =
            apply(config_maps(), &first, json!({"data": {"c": "3", "b": "2"}}), &by("m2", false)).unwrap();
        let third = apply(config_maps(), &second, json!({"data": {}}), &by("m1", false)).unwrap();
        assert_eq!(data(&third), &json!({"b": "2", "c": "3"}));
    }

    #[test]
    fn two_managers_conflict_until_one_forces() {
        let empty = json!({"metadata": {"name": "c"}});
        let first = apply(config_maps(), &empty, json!({"data": {"a": "1"}}), &by("m1", false)).unwrap();
        let error = apply(config_maps(), &first, json!({"data": {"a": "2"}}), &by("m2", false)).unwrap_err();
        assert_eq!(error.message, "Apply failed with 1 conflict: conflict with \"m1\": .data.a");
        let forced = apply(config_maps(), &first, json!({"data": {"a": "2"}}), &by("m2", true)).unwrap();
        assert_eq!(data(&forced), &json!({"a": "2"}));
    }

    #[test]
    fn containers_are_told_apart_by_name() {
        let pods = crate::kinds::find("", "pods").unwrap();
        let current = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}});
        let wanted = json!({"spec": {"containers": [{"name": "b", "image": "2"}]}});
        let next = apply(pods, &current, wanted, &by("m", false)).unwrap();
        assert_eq!(
            next["spec"]["containers"],
            json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}])
        );
    }
}
