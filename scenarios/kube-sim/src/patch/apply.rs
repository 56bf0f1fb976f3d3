//! Server-side apply: merges an applied object and tracks the owners of its fields.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::fields::{Path, at, is_atomic, is_set, item_step, keys, leaves, remove, shown};
use super::managers::{self, ManagedFieldsEntry};
use crate::kinds::Kind;
use crate::schema::{self, Type};
use crate::status::ApiError;

/// The options of an apply request.
#[derive(Debug, Clone)]
pub struct ApplyOptions<'a> {
    /// The field manager's name.
    pub name: &'a str,
    /// True when fields of other managers are taken over.
    pub force: bool,
    /// The subresource that is applied to; empty for the object itself.
    pub subresource: &'a str,
    /// The present, as it stands in `managedFields`.
    pub time: String,
}

impl ApplyOptions<'_> {
    fn owns(&self, managed: &ManagedFieldsEntry) -> bool {
        managed.is(self.name, "Apply", self.subresource)
    }
}

/// Applies `wanted` to `current` on behalf of `manager`, and returns the new object.
///
/// # Errors
/// 409 with each field that another manager owns and that has another value.
pub fn apply(
    kind: &Kind,
    current: &Value,
    wanted: Value,
    manager: &ApplyOptions<'_>,
) -> Result<Value, ApiError> {
    if wanted.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let root = schema::of_kind(&kind.api_version(), kind.kind);
    let wanted = bare(wanted);
    let mut owned = BTreeSet::new();
    leaves(&wanted, root.as_ref(), &mut Vec::new(), &mut owned);
    let all = managers::read(kind, current, &manager.time);
    let others: Vec<&ManagedFieldsEntry> = all.iter().filter(|managed| !manager.owns(managed)).collect();
    let before = all.iter().find(|managed| manager.owns(managed));
    let conflicts = conflicts(current, &wanted, &owned, &others);
    if !conflicts.is_empty() && !manager.force && !is_upgrade(kind, current, manager, &conflicts) {
        return Err(conflict(&conflicts));
    }
    let mut next = current.clone();
    for path in before.into_iter().flat_map(|own| &own.fields).filter(|path| !owned.contains(*path)) {
        if !others.iter().any(|other| other.fields.contains(path)) {
            remove(&mut next, path);
        }
    }
    next = merge(next, wanted, root.as_ref());
    let taken: BTreeSet<&Path> = conflicts.iter().map(|(path, _)| path).collect();
    // The same object applied again changes nothing, not even the time.
    let unchanged = before.filter(|own| own.fields == owned);
    let time = unchanged.map_or(manager.time.as_str(), |own| own.time());
    let own = ManagedFieldsEntry::new(kind, (manager.name, "Apply", manager.subresource), time, owned);
    let mut entries = vec![own];
    for other in others {
        let mut other = other.clone();
        other.fields.retain(|path| !taken.contains(path));
        entries.push(other);
    }
    managers::write(&mut next, &entries);
    Ok(next)
}

/// The applied fields, without those that identify the object.
fn bare(mut wanted: Value) -> Value {
    if let Some(members) = wanted.as_object_mut() {
        members.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind"));
        if let Some(metadata) = members.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !managers::SYSTEM.contains(&key.as_str()));
        }
        if members.get("metadata").and_then(Value::as_object).is_none_or(Map::is_empty) {
            members.shift_remove("metadata");
        }
    }
    wanted
}

/// True when kubectl only takes over fields of its own earlier client-side apply.
fn is_upgrade(
    kind: &Kind,
    current: &Value,
    manager: &ApplyOptions<'_>,
    conflicts: &[(Path, String)],
) -> bool {
    let known = managers::last_applied(kind, current);
    manager.name == "kubectl" && conflicts.iter().all(|(path, _)| known.contains(path))
}

fn conflict(conflicts: &[(Path, String)]) -> ApiError {
    let causes: Vec<_> = conflicts
        .iter()
        .map(|(path, manager)| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": shown(path)})
        })
        .collect();
    let message = match conflicts {
        [(path, manager)] => {
            format!("Apply failed with 1 conflict: conflict with {manager}: {}", shown(path))
        }
        several => {
            let managers: BTreeSet<&String> = several.iter().map(|(_, manager)| manager).collect();
            let mut lines = Vec::new();
            for manager in managers {
                lines.push(format!("conflicts with {manager}:"));
                lines.extend(
                    several
                        .iter()
                        .filter(|(_, other)| other == manager)
                        .map(|(path, _)| format!("- {}", shown(path))),
                );
            }
            format!("Apply failed with {} conflicts: {}", several.len(), lines.join("\n"))
        }
    };
    ApiError { details: json!({"causes": causes}), ..ApiError::new(409, "Conflict", message) }
}

fn conflicts(
    current: &Value,
    wanted: &Value,
    owned: &BTreeSet<Path>,
    others: &[&ManagedFieldsEntry],
) -> Vec<(Path, String)> {
    let mut found = Vec::new();
    for other in others {
        for path in owned.intersection(&other.fields).filter(|path| at(current, path) != at(wanted, path)) {
            found.push((path.clone(), other.shown()));
        }
    }
    found
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
            (_, value, _) if is_atomic(&name, inner) => value,
            (Value::Array(mut items), Value::Array(more), Some(field)) if is_set(field) => {
                let new: Vec<_> = more.into_iter().filter(|item| !items.contains(item)).collect();
                items.extend(new);
                Value::Array(items)
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config_maps() -> &'static Kind {
        crate::kinds::find("", "configmaps").unwrap()
    }

    fn by<'a>(name: &'a str, force: bool) -> ApplyOptions<'a> {
        ApplyOptions { name, force, subresource: "", time: "2026-01-01T00:00:00Z".to_owned() }
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
    fn what_was_there_before_anybody_applied_is_not_taken_silently() {
        let there = json!({"metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}});
        let error =
            apply(config_maps(), &there, json!({"data": {"a": "2", "b": "2"}}), &by("m", false)).unwrap_err();
        assert_eq!(
            error.message,
            "Apply failed with 2 conflicts: conflicts with \"before-first-apply\" using v1:\n- .data.a\n- .data.b"
        );
        let same = apply(config_maps(), &there, json!({"data": {"a": "1"}}), &by("m", false)).unwrap();
        assert_eq!(same["data"], there["data"]);
    }

    #[test]
    fn kubectl_may_take_over_what_it_applied_by_itself() {
        let last = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}).to_string();
        let there = json!({"metadata": {"name": "c", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": last}}, "data": {"a": "1", "b": "1"}});
        assert!(apply(config_maps(), &there, json!({"data": {"a": "2"}}), &by("kubectl", false)).is_ok());
        assert!(apply(config_maps(), &there, json!({"data": {"b": "2"}}), &by("kubectl", false)).is_err());
    }

    #[test]
    fn applying_the_same_again_changes_nothing() {
        let empty = json!({"metadata": {"name": "c"}});
        let first = apply(config_maps(), &empty, json!({"data": {"a": "1"}}), &by("m", false)).unwrap();
        let later = ApplyOptions { time: "2026-01-01T09:00:00Z".to_owned(), ..by("m", false) };
        assert_eq!(apply(config_maps(), &first, json!({"data": {"a": "1"}}), &later).unwrap(), first);
    }

    #[test]
    fn containers_are_told_apart_by_name() {
        let pods = crate::kinds::find("", "pods").unwrap();
        let current = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}});
        let wanted = json!({"spec": {"containers": [{"name": "b", "image": "2"}]}});
        let next = apply(pods, &current, wanted, &by("m", true)).unwrap();
        assert_eq!(
            next["spec"]["containers"],
            json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}])
        );
    }
}
