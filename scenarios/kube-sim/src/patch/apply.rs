//! Server-side apply: merges an applied object, and gives its fields to the manager who applied it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::managed_fields::compare::{Changes, SYSTEM, applied, changes, step_to};
use crate::managed_fields::field_set::{FieldSet, shown};
use crate::managed_fields::owner::{Operation, Owner};
use crate::managed_fields::stored::{Entry, entries, put};
use crate::object::field::{annotation, is_set};
use crate::schema::{self, Topology, Type};
use crate::status::ApiError;

/// Annotation with the object that kubectl last applied by itself.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Manager of all fields from before the first apply of an object without managers.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The options of an apply request.
#[derive(Debug, Clone)]
pub struct ApplyOptions<'a> {
    /// The field manager's name.
    pub name: &'a str,
    /// True when fields of other managers are taken over.
    pub force: bool,
    /// The subresource that is applied to; empty for the object itself.
    pub subresource: &'a str,
    /// The present.
    pub now: Timestamp,
}

impl ApplyOptions<'_> {
    fn owner(&self, kind: &Kind) -> Owner {
        Owner {
            manager: self.name.to_owned(),
            operation: Operation::Apply,
            api_version: kind.api_version(),
            subresource: self.subresource.to_owned(),
        }
    }
}

/// A field that another manager owns and that would get another value.
struct Conflict {
    path: String,
    manager: String,
}

/// Applies `wanted` to `current` on behalf of a manager, and returns the new object.
///
/// # Errors
/// 409 with each field that another manager owns and that has another value.
pub fn apply(
    kind: &Kind,
    current: &Value,
    wanted: Value,
    options: &ApplyOptions<'_>,
) -> Result<Value, ApiError> {
    if is_set(&wanted, "/metadata/managedFields") {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let root = schema::of_kind(&kind.api_version(), kind.kind);
    let wanted = bare(wanted);
    let mut all = known(kind, current, options.now);
    let owner = options.owner(kind);
    let before = all.iter().position(|entry| entry.owner().is_same(&owner)).map(|at| all.remove(at));
    let owned = within(kind, applied(kind, &wanted), options.subresource);
    let mut next = merge(current.clone(), wanted, root.as_ref(), &Topology::Members);
    if let Some(before) = &before {
        // An object keeps its name, whoever owns the rest of its metadata.
        let name = FieldSet::read(&json!({"f:metadata": {"f:name": {}}})).unwrap_or_default();
        let owners: Vec<_> = all.iter().map(Entry::fields).chain([&owned, &name]).collect();
        prune(&mut next, root.as_ref(), &Topology::Members, before.fields(), &owners);
    }
    let changes = changes(kind, current, &next);
    if !options.force {
        let mut taken = changes.taken.clone();
        if options.name == "kubectl" {
            taken.subtract(&last_applied(kind, current));
        }
        refuse(&conflicts(&taken, &all))?;
    }
    // The same object applied again changes nothing, not even the time.
    let same = before.filter(|own| *own.fields() == owned && changes == Changes::default());
    for entry in &mut all {
        entry.subtract(&changes.removed);
        entry.subtract(&changes.taken);
    }
    all.push(same.unwrap_or_else(|| Entry::new(owner, options.now, owned)));
    put(&mut next, all);
    Ok(next)
}

/// Keeps of an applied set what the subresource can set.
fn within(kind: &Kind, mut fields: FieldSet, subresource: &str) -> FieldSet {
    let has_status = kind.subresources.iter().any(|below| below.name == "status");
    match subresource {
        "status" => drop(fields.take("f:spec")),
        "" if has_status => drop(fields.take("f:status")),
        _ => {}
    }
    fields
}

/// The entries of an object; of one without, what is there belongs to nobody who is known.
fn known(kind: &Kind, current: &Value, now: Timestamp) -> Vec<Entry> {
    let all = entries(current);
    if !all.is_empty() {
        return all;
    }
    let owner = Owner {
        manager: BEFORE_FIRST_APPLY.to_owned(),
        operation: Operation::Update,
        api_version: kind.api_version(),
        subresource: String::new(),
    };
    let fields = within(kind, changes(kind, &Value::Null, current).taken, "");
    vec![Entry::new(owner, now, fields)]
}

/// The applied fields, without those that identify the object.
fn bare(mut wanted: Value) -> Value {
    if let Some(members) = wanted.as_object_mut() {
        members.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind"));
        if let Some(metadata) = members.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !SYSTEM.contains(&key.as_str()));
        }
        if members.get("metadata").and_then(Value::as_object).is_none_or(Map::is_empty) {
            members.shift_remove("metadata");
        }
    }
    wanted
}

/// Fields of kubectl's last-applied annotation that still have its values, and the annotation: kubectl takes them over from
/// its own earlier client-side apply.
fn last_applied(kind: &Kind, object: &Value) -> FieldSet {
    let last = annotation(object, LAST_APPLIED).and_then(|last| serde_json::from_str::<Value>(last).ok());
    let Some(last) = last else { return FieldSet::default() };
    let mut fields = applied(kind, &last);
    let changed = changes(kind, &last, object);
    fields.subtract(&changed.taken);
    fields.subtract(&changed.removed);
    let written = json!({"metadata": {"annotations": {LAST_APPLIED: ""}}});
    fields.add(&applied(kind, &written));
    fields
}

fn conflicts(taken: &FieldSet, others: &[Entry]) -> Vec<Conflict> {
    let mut found = Vec::new();
    for other in others {
        let common = other.fields().common(taken);
        let paths = common.paths();
        found.extend(paths.iter().map(|path| Conflict { path: shown(path), manager: other.owner().shown() }));
    }
    found
}

fn refuse(conflicts: &[Conflict]) -> Result<(), ApiError> {
    let message = match conflicts {
        [] => return Ok(()),
        [Conflict { path, manager }] => {
            format!("Apply failed with 1 conflict: conflict with {manager}: {path}")
        }
        several => {
            let managers: BTreeSet<&String> = several.iter().map(|conflict| &conflict.manager).collect();
            let mut lines = Vec::new();
            for manager in managers {
                lines.push(format!("conflicts with {manager}:"));
                let own = several.iter().filter(|conflict| conflict.manager == *manager);
                lines.extend(own.map(|conflict| format!("- {}", conflict.path)));
            }
            format!("Apply failed with {} conflicts: {}", several.len(), lines.join("\n"))
        }
    };
    let causes = conflicts.iter().map(|Conflict { path, manager }| {
        json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": path})
    });
    let causes: Vec<Value> = causes.collect();
    Err(ApiError { details: json!({"causes": causes}), ..ApiError::new(409, "Conflict", message) })
}

fn merge(current: Value, wanted: Value, kind: Option<&Type>, topology: &Topology) -> Value {
    match (topology, current, wanted) {
        (Topology::Members, Value::Object(mut target), Value::Object(wanted)) => {
            for (name, value) in wanted {
                let old = target.get_mut(&name).map(Value::take).unwrap_or_default();
                let (inner, topology) = member(kind, &name);
                target.insert(name, merge(old, value, inner, &topology));
            }
            Value::Object(target)
        }
        (Topology::Items(_) | Topology::Set, Value::Array(mut items), Value::Array(more)) => {
            let (inner, own) = item(kind);
            for item in more {
                let step = step_to(topology, &item);
                match items.iter().position(|other| step_to(topology, other) == step) {
                    Some(at) => items[at] = merge(items[at].take(), item, inner, &own),
                    None => items.push(item),
                }
            }
            Value::Array(items)
        }
        (_, _, wanted) => wanted,
    }
}

/// Type and topology of a member.
fn member<'a>(kind: Option<&'a Type>, name: &str) -> (Option<&'a Type>, Topology) {
    let field = kind.and_then(|kind| schema::find(kind, name));
    match (kind, field) {
        (_, Some(field)) => (Some(&field.kind), field.topology.clone()),
        (Some(Type::Map(item)), None) => (Some(item), of(item)),
        _ => (None, Topology::Members),
    }
}

/// Type and topology of a list's items.
fn item(kind: Option<&Type>) -> (Option<&Type>, Topology) {
    match kind {
        Some(Type::List(item)) => (Some(item), of(item)),
        _ => (None, Topology::Whole),
    }
}

fn of(kind: &Type) -> Topology {
    if schema::has_members(kind) { Topology::Members } else { Topology::Whole }
}

/// Removes each field of `fields` of which none of the `owners` owns anything, with all that is below it.
fn prune(
    value: &mut Value,
    kind: Option<&Type>,
    topology: &Topology,
    fields: &FieldSet,
    owners: &[&FieldSet],
) {
    let keys: &[String] = if let Topology::Items(keys) = topology { keys } else { &[] };
    for (step, node) in fields.nodes() {
        let owned: Vec<&FieldSet> =
            owners.iter().filter_map(|owner| owner.get(step)).map(|node| &node.below).collect();
        match &mut *value {
            Value::Object(members) => {
                let Some(name) = step.strip_prefix("f:") else { continue };
                if owned.is_empty() {
                    members.shift_remove(name);
                } else if let Some(inner) = members.get_mut(name) {
                    let (kind, topology) = member(kind, name);
                    prune(inner, kind, &topology, &node.below, &owned);
                }
            }
            Value::Array(items) => {
                let at = items.iter().position(|item| step_to(topology, item) == *step);
                let Some(at) = at else { continue };
                if owned.is_empty() {
                    items.remove(at);
                    continue;
                }
                // What tells an item from others stays as long as the item.
                let mut below = node.below.clone();
                for key in keys {
                    below.take(&format!("f:{key}"));
                }
                let (kind, topology) = item(kind);
                prune(&mut items[at], kind, &topology, &below, &owned);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_maps() -> &'static Kind {
        crate::kinds::find("", "configmaps").unwrap()
    }

    fn by<'a>(name: &'a str, force: bool) -> ApplyOptions<'a> {
        ApplyOptions { name, force, subresource: "", now: "2026-01-01T00:00:00Z".parse().unwrap() }
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
        let later = ApplyOptions { now: "2026-01-01T09:00:00Z".parse().unwrap(), ..by("m", false) };
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
