//! Metadata of every object: uid, timestamps, generation, names; set on create and kept on update.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::managed_fields::shown;
use crate::object::field::{is_terminating, member, name, same, text, uid};
use crate::object::field_error::FieldErrors;
use crate::object::timestamp;
use crate::sim::KubeSim;
use crate::status::ApiError;

/// Letters of generated names: no vowels, so that no words come out.
const NAME_LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The random end of a generated name.
pub fn suffix(sim: &KubeSim) -> String {
    sim.draw(|chance| chance.text(NAME_LETTERS, 5))
}

/// Makes a new object's metadata: name, namespace, uid, creation time, generation.
///
/// # Errors
/// 500 for an object with a resource version, 400 for one of another namespace, 422 for one without a name.
pub fn begin(
    sim: &KubeSim,
    kind: &Kind,
    namespace: &str,
    object: &mut Value,
    now: Timestamp,
) -> Result<(), ApiError> {
    if !text(object, "/metadata/resourceVersion").is_empty() {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let given = text(object, "/metadata/namespace").to_owned();
    if kind.namespaced && !given.is_empty() && given != namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    let prefix: String = text(object, "/metadata/generateName").chars().take(58).collect();
    if name(object).is_empty() && !prefix.is_empty() {
        object["metadata"]["name"] = format!("{prefix}{}", suffix(sim)).into();
    }
    if name(object).is_empty() && !kind.traits.computed {
        let mut errors = FieldErrors::default();
        errors.required("metadata.name", "name or generateName is required");
        return Err(ApiError::invalid(kind, "", &errors));
    }
    let fresh = sim.draw(determinism::Chance::uuid).to_string();
    let metadata = map(object, "metadata");
    for key in [
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    ] {
        metadata.shift_remove(key);
    }
    if kind.namespaced {
        metadata.insert("namespace".to_owned(), namespace.into());
    } else {
        metadata.shift_remove("namespace");
    }
    metadata.insert("uid".to_owned(), fresh.into());
    metadata.insert("creationTimestamp".to_owned(), timestamp::seconds(now).into());
    if kind.traits.generation {
        metadata.insert("generation".to_owned(), 1.into());
    }
    Ok(())
}

/// Carries the metadata that an update may not change over to `next`, its generation among it.
///
/// # Errors
/// When the update is of another object, stale, or changes what may not change.
pub fn carry(kind: &Kind, old: &Value, next: &mut Value, is_patch: bool) -> Result<(), ApiError> {
    let known = name(old);
    check_identity(kind, old, next, is_patch)?;
    let version = text(next, "/metadata/resourceVersion");
    if !version.is_empty() && version != "0" && version != text(old, "/metadata/resourceVersion") {
        return Err(ApiError::stale(kind, known));
    }
    if (version.is_empty() || version == "0") && kind.traits.needs_version && !is_patch {
        let mut errors = FieldErrors::default();
        errors.invalid("metadata.resourceVersion", 0, "must be specified for an update");
        let mut error = ApiError::invalid_as(&kind.qualified(), known, &errors);
        error.details["group"] = kind.group.into();
        return Err(error);
    }
    check_finalizers(kind, old, next)?;
    check_leaving(kind, old, next)?;
    let none = Map::new();
    let kept = old.get("metadata").and_then(Value::as_object).unwrap_or(&none);
    let metadata = map(next, "metadata");
    for (key, is_kept) in [("name", true), ("namespace", kind.namespaced)] {
        if is_kept {
            keep(metadata, key, Some(member(kept, key).unwrap_or(&Value::Null)));
        }
    }
    for key in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "generation",
    ] {
        keep(metadata, key, member(kept, key));
    }
    Ok(())
}

/// Sets a member to `kept`, or takes it away; nothing is done where it is so already.
fn keep(metadata: &mut Map<String, Value>, key: &str, kept: Option<&Value>) {
    match (member(metadata, key), kept) {
        (None, None) => {}
        (Some(given), Some(kept)) if given == kept => {}
        (_, Some(kept)) => drop(metadata.insert(key.to_owned(), kept.clone())),
        (Some(_), None) => drop(metadata.shift_remove(key)),
    }
}

/// Counts the generation of a changed object, whose defaults are filled in and which admission has seen.
pub fn count_change(kind: &Kind, old: &Value, next: &mut Value, subresource: &str) {
    if kind.traits.generation && subresource != "status" && is_wanted_otherwise(old, next) {
        count_generation(next);
    }
}

/// True when anything but metadata and status differs.
fn is_wanted_otherwise(old: &Value, next: &Value) -> bool {
    fn wanted(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let members = object.as_object().into_iter().flatten();
        members.filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion" | "metadata" | "status"))
    }
    let has = |(key, value): (&String, &Value)| old.get(key).is_some_and(|old| same(old, value));
    wanted(old).count() != wanted(next).count() || !wanted(next).all(has)
}

/// Refuses an update that sets the deletion timestamp or the grace period.
fn check_leaving(kind: &Kind, old: &Value, next: &Value) -> Result<(), ApiError> {
    let mut errors = FieldErrors::default();
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        let given = &next["metadata"][key];
        if !given.is_null() && *given != old["metadata"][key] {
            errors.invalid(format!("metadata.{key}"), given, "field is immutable");
        }
    }
    if errors.0.is_empty() { Ok(()) } else { Err(ApiError::invalid(kind, name(old), &errors)) }
}

/// Adds one to `metadata.generation`.
pub fn count_generation(object: &mut Value) {
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
    object["metadata"]["generation"] = (generation + 1).into();
}

fn check_identity(kind: &Kind, old: &Value, next: &Value, is_patch: bool) -> Result<(), ApiError> {
    let known = name(old);
    let given = name(next);
    if given.is_empty() && !is_patch {
        let message = format!(
            "the name of the object ({known} based on URL) was undeterminable: name must be provided"
        );
        return Err(ApiError::bad_request(message));
    }
    if !given.is_empty() && given != known {
        let message =
            format!("the name of the object ({given}) does not match the name on the URL ({known})");
        return Err(ApiError::bad_request(message));
    }
    let namespace = text(next, "/metadata/namespace");
    if kind.namespaced && !namespace.is_empty() && namespace != text(old, "/metadata/namespace") {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    let given = uid(next);
    if given.is_empty() || given == uid(old) {
        return Ok(());
    }
    if is_patch {
        let mut errors = FieldErrors::default();
        errors.invalid("metadata.uid", given, "field is immutable");
        errors.invalid("metadata.uid", given, "field is immutable");
        return Err(ApiError::invalid(kind, known, &errors));
    }
    let key = format!("/registry/{}/{}/{known}", kind.resource, text(old, "/metadata/namespace"));
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: \
         UID in precondition: {given}, UID in object meta: {}",
        uid(old)
    );
    Err(ApiError::conflict(kind, known, &why))
}

fn check_finalizers(kind: &Kind, old: &Value, next: &Value) -> Result<(), ApiError> {
    if !is_terminating(old) {
        return Ok(());
    }
    let names = |object: &Value| -> Vec<String> {
        let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|f| f.as_str().map(str::to_owned)).collect()
    };
    let known = names(old);
    let new: Vec<_> = names(next).into_iter().filter(|finalizer| !known.contains(finalizer)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut errors = FieldErrors::default();
    let list: Vec<_> = new.iter().map(|finalizer| format!("{finalizer:?}")).collect();
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        list.join(", ")
    );
    errors.forbidden("metadata.finalizers", &why);
    Err(ApiError::invalid(kind, name(old), &errors))
}

/// The map under `key`, made when it is not there.
pub fn map<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    crate::object::field::map_mut(object, key)
}

/// The object as `PartialObjectMetadata`.
pub fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": shown::metadata(object)})
}
