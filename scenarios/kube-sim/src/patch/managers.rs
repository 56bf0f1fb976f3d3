//! `managedFields`: the manager of each field, tracked from the first apply of an object on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fields::{Path, at, leaves, read_set, write_set};
use crate::kinds::Kind;
use crate::object::field::{annotation, list, text};
use crate::schema;

/// Metadata fields that have no manager.
pub const SYSTEM: [&str; 10] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
];

/// Annotation with the object that kubectl last applied by itself.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// ApplyOptions of the fields in that annotation.
const BY_KUBECTL: &str = "kubectl-client-side-apply";
/// ApplyOptions of all other fields from before the first apply.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// One entry: a manager and the fields that it owns.
#[derive(Debug, Clone)]
pub struct ManagedFieldsEntry {
    entry: Value,
    /// Paths of the fields that the manager owns.
    pub fields: BTreeSet<Path>,
}

impl ManagedFieldsEntry {
    /// An entry of (name, operation, subresource).
    pub fn new(
        kind: &Kind,
        (name, operation, subresource): (&str, &str, &str),
        time: &str,
        fields: BTreeSet<Path>,
    ) -> Self {
        let mut entry = json!({"manager": name, "operation": operation, "apiVersion": kind.api_version(), "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": Value::Null});
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        Self { entry, fields }
    }

    /// True for the entry of this manager, operation and subresource.
    pub fn is(&self, name: &str, operation: &str, subresource: &str) -> bool {
        text(&self.entry, "/manager") == name
            && text(&self.entry, "/operation") == operation
            && text(&self.entry, "/subresource") == subresource
    }

    /// The entry's time, as in RFC 3339.
    pub fn time(&self) -> &str {
        text(&self.entry, "/time")
    }

    /// The manager as conflicts name it.
    pub fn shown(&self) -> String {
        let mut shown = format!("{:?}", text(&self.entry, "/manager"));
        let below = text(&self.entry, "/subresource");
        if !below.is_empty() {
            shown = format!("{shown} with subresource {below:?}");
        }
        if text(&self.entry, "/operation") == "Update" {
            shown = format!("{shown} using {}", text(&self.entry, "/apiVersion"));
        }
        shown
    }
}

/// All entries of an object; what was there before the first of them belongs to one of its own.
pub fn read(kind: &Kind, object: &Value, time: &str) -> Vec<ManagedFieldsEntry> {
    let entries = list(object, "/metadata/managedFields");
    if entries.is_empty() {
        return first(kind, object, time);
    }
    let entries = entries.iter();
    entries
        .map(|entry| ManagedFieldsEntry { entry: entry.clone(), fields: read_set(&entry["fieldsV1"]) })
        .collect()
}

/// The entries of an object before its first apply.
fn first(kind: &Kind, object: &Value, time: &str) -> Vec<ManagedFieldsEntry> {
    let mut fields = fields_of(kind, object);
    let mut by_kubectl = last_applied(kind, object);
    by_kubectl.retain(|path| fields.contains(path));
    fields.retain(|path| !by_kubectl.contains(path));
    let entries = [(BY_KUBECTL, by_kubectl), (BEFORE_FIRST_APPLY, fields)].into_iter();
    let entries = entries.filter(|(_, fields)| !fields.is_empty());
    entries.map(|(name, fields)| ManagedFieldsEntry::new(kind, (name, "Update", ""), time, fields)).collect()
}

/// Fields of kubectl's last-applied annotation that still have its values, and the annotation; empty without one.
pub fn last_applied(kind: &Kind, object: &Value) -> BTreeSet<Path> {
    let last = annotation(object, LAST_APPLIED);
    let Some(last) = last.and_then(|last| serde_json::from_str::<Value>(last).ok()) else {
        return BTreeSet::new();
    };
    let mut fields = fields_of(kind, &last);
    fields.retain(|path| {
        !path.starts_with(&["f:metadata".to_owned(), "f:annotations".to_owned()]) || path.len() > 2
    });
    // A field that was changed since is no longer kubectl's.
    fields.retain(|path| at(&last, path) == at(object, path));
    fields.insert(["f:metadata", "f:annotations", &format!("f:{LAST_APPLIED}")].map(str::to_owned).to_vec());
    fields
}

/// Writes entries into an object; those without fields are left out.
pub fn write(object: &mut Value, entries: &[ManagedFieldsEntry]) {
    let entries = entries.iter().filter(|managed| !managed.fields.is_empty());
    let entries = entries.map(|managed| {
        let mut entry = managed.entry.clone();
        entry["fieldsV1"] = write_set(&managed.fields);
        entry
    });
    object["metadata"]["managedFields"] = Value::Array(entries.collect());
}

/// Records the manager of each field that an update changed; nothing before an object's first apply.
pub fn record_update(
    kind: &Kind,
    old: &Value,
    next: &mut Value,
    (name, subresource): (&str, &str),
    time: &str,
) {
    if list(next, "/metadata/managedFields").is_empty() || list(old, "/metadata/managedFields").is_empty() {
        return;
    }
    let (before, after) = (fields_of(kind, old), fields_of(kind, next));
    let changed: BTreeSet<Path> =
        after.iter().filter(|path| at(old, path) != at(next, path)).cloned().collect();
    let gone: BTreeSet<&Path> = before.difference(&after).collect();
    if changed.is_empty() && gone.is_empty() {
        return;
    }
    let mut entries = read(kind, next, time);
    let mut own = BTreeSet::new();
    entries.retain_mut(|managed| {
        managed.fields.retain(|path| !gone.contains(path));
        if managed.is(name, "Update", subresource) {
            own = std::mem::take(&mut managed.fields);
            return false;
        }
        managed.fields.retain(|path| !changed.contains(path));
        true
    });
    own.extend(changed);
    entries.push(ManagedFieldsEntry::new(kind, (name, "Update", subresource), time, own));
    write(next, &entries);
}

fn fields_of(kind: &Kind, object: &Value) -> BTreeSet<Path> {
    let root = schema::of_kind(&kind.api_version(), kind.kind);
    let mut found = BTreeSet::new();
    leaves(object, root.as_ref(), &mut Vec::new(), &mut found);
    found.retain(|path| match path.as_slice() {
        [first] => !matches!(first.as_str(), "f:kind" | "f:apiVersion" | "f:metadata"),
        [first, second, ..] if first == "f:metadata" => {
            !SYSTEM.contains(&second.strip_prefix("f:").unwrap_or(second))
        }
        _ => true,
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::apply::{ApplyOptions, apply};

    fn by(name: &str) -> ApplyOptions<'_> {
        ApplyOptions { name, force: false, subresource: "", time: "2026-01-01T00:00:00Z".to_owned() }
    }

    #[test]
    fn what_somebody_changed_after_kubectl_applied_it_is_not_kubectls_any_more() {
        let kind = crate::kinds::find("", "configmaps").unwrap();
        let last = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}).to_string();
        let there =
            json!({"metadata": {"name": "c", "annotations": {LAST_APPLIED: last}}, "data": {"a": "1"}});
        let applied = apply(kind, &there, json!({"data": {"a": "2"}}), &by("kubectl")).unwrap();
        let mut edited = applied.clone();
        edited["data"]["a"] = "9".into();
        record_update(kind, &applied, &mut edited, ("kubectl-set", ""), "2026-01-01T01:00:00Z");
        let error = apply(kind, &edited, json!({"data": {"a": "2"}}), &by("kubectl")).unwrap_err();
        assert_eq!(
            error.message,
            "Apply failed with 1 conflict: conflict with \"kubectl-set\" using v1: .data.a"
        );
    }

    #[test]
    fn an_update_takes_what_it_changes_and_a_later_apply_is_told() {
        let kind = crate::kinds::find("", "configmaps").unwrap();
        let empty = json!({"metadata": {"name": "c"}});
        let applied = apply(kind, &empty, json!({"data": {"a": "1", "b": "1"}}), &by("m1")).unwrap();
        let mut edited = applied.clone();
        edited["data"]["a"] = "2".into();
        record_update(kind, &applied, &mut edited, ("kubectl-edit", ""), "2026-01-01T01:00:00Z");
        let error = apply(kind, &edited, json!({"data": {"a": "1", "b": "1"}}), &by("m1")).unwrap_err();
        assert_eq!(
            error.message,
            "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.a"
        );
        assert!(apply(kind, &edited, json!({"data": {"a": "2", "b": "3"}}), &by("m1")).is_ok());
    }
}
