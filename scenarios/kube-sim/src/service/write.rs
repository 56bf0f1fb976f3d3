//! Create, update, patch: from a body to a stored object.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admit::Admission;
use super::call::{Call, stored};
use super::response::ApiResponse;
use super::scope;
use super::target::Target;
use crate::admission::attributes::Operation;
use crate::kinds::Kind;
use crate::managed_fields::shown;
use crate::managed_fields::track::{self, Writer};
use crate::object::field::{is_terminating, list, name, number, text};
use crate::object::field_error::FieldErrors;
use crate::patch::Patch;
use crate::patch::apply::{ApplyOptions, apply};
use crate::pods::defaults::{fill_container_statuses, first_status, same_pod_ips};
use crate::pods::warnings as pod_warnings;
use crate::status::ApiError;
use crate::store::StoreError;
use crate::table::View;
use crate::{decode, defaults, meta, validation};

/// Attempts of a patch that loses against concurrent writes.
const PATCH_ATTEMPTS_MAX: usize = 5;

/// `POST` of a new object.
pub async fn create(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    if target.kind.namespaced && target.namespace.is_empty() {
        return Err(ApiError::method_not_allowed());
    }
    let kind = target.kind;
    let decoded = decode::object(&call.content_type, &call.body, &kind.api_version(), kind.kind)?;
    let mut warnings = decode::check_unknown_fields(kind, &decoded.unknown, call.option("fieldValidation"))?;
    let made = store_new(call, target, decoded.object, &mut warnings).await?;
    if kind.resource == "namespaces" && !call.dry_run("CreateOptions")? {
        defaults::create_namespace_defaults(&call.sim, name(&made));
    }
    answer(call, kind, &made).map(|answer| answer.created().warned(warnings))
}

fn answer(call: &Call, kind: &'static Kind, object: &Arc<Value>) -> Result<ApiResponse, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?;
    Ok(ApiResponse::written(view.at(call.sim.clock().now()).text(kind, object, true)))
}

/// Stores a new object.
async fn store_new(
    call: &Call,
    target: &Target,
    object: Value,
    warnings: &mut Vec<String>,
) -> Result<Arc<Value>, ApiError> {
    let kind = target.kind;
    let dry_run = call.dry_run("CreateOptions")?;
    let now = call.sim.clock().now();
    let mut object = kind.to_stored(object);
    let prefixed = name(&object).is_empty();
    meta::begin(&call.sim, kind, &target.namespace, &mut object, now)?;
    if !matches!(kind.resource, "nodes" | "events" | "leases")
        && kind.subresources.iter().any(|s| s.name == "status")
    {
        object.as_object_mut().and_then(|members| members.shift_remove("status"));
    }
    let filled_in = track::filled_in(kind, &object);
    defaults::fill(&call.sim, kind, &mut object, None);
    if !is_apply(call) {
        track::created(kind, &mut object, writer(call, ""), &filled_in);
    }
    let admission = Admission::new(call, target, Operation::Create, None, dry_run);
    warnings.extend(admission.mutate(&mut object).await?);
    if kind.group.is_empty() && kind.resource == "pods" {
        first_status(&mut object);
    }
    refused(kind, name(&object), &validation::new_object(kind, &object))?;
    admission.validate(&mut object, warnings).await?;
    warnings.extend(pod_warnings::of(kind, None, &object));
    if dry_run {
        return match call.sim.store().get(kind.storage(), &target.namespace, name(&object)) {
            None => Ok(Arc::new(object)),
            Some(there) => Err(ApiError::already_exists(kind, name(&object), is_terminating(&there))),
        };
    }
    for _ in 0..8 {
        match call.sim.store().create(kind.storage(), object.clone()) {
            Ok(stored) => return Ok(stored),
            Err(_) if prefixed => {
                let prefix = text(&object, "/metadata/generateName").to_owned();
                object["metadata"]["name"] = format!("{prefix}{}", meta::suffix(&call.sim)).into();
            }
            Err(_) => break,
        }
    }
    let there = call.sim.store().get(kind.storage(), &target.namespace, name(&object));
    Err(ApiError::already_exists(kind, name(&object), there.is_some_and(|object| is_terminating(&object))))
}

/// The manager of what a request writes.
fn writer<'a>(call: &'a Call, subresource: &'a str) -> Writer<'a> {
    // Whoever says nothing of itself is noted like this by the real server.
    let name = Some(call.field_manager()).filter(|name| !name.is_empty()).unwrap_or("unknown");
    Writer { name, subresource, now: call.sim.clock().now() }
}

/// True for a request that notes its manager by itself.
fn is_apply(call: &Call) -> bool {
    call.content_type.starts_with("application/apply-patch")
}

fn refused(kind: &Kind, name: &str, errors: &FieldErrors) -> Result<(), ApiError> {
    if errors.0.is_empty() { Ok(()) } else { Err(ApiError::invalid(kind, name, errors)) }
}

/// `PUT` of an object, or of its status.
pub async fn update(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let kind = target.kind;
    let decoded = decode::object(&call.content_type, &call.body, &kind.api_version(), kind.kind)?;
    let mut warnings = decode::check_unknown_fields(kind, &decoded.unknown, call.option("fieldValidation"))?;
    let old = match stored(call, kind, &target.namespace, &target.name) {
        Ok(old) => old,
        Err(_) if kind.traits.create_on_update && target.subresource.is_empty() => {
            let mut object = decoded.object;
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.shift_remove("resourceVersion");
            }
            let made = store_new(call, target, object, &mut warnings).await?;
            return answer(call, kind, &made).map(|answer| answer.created().warned(warnings));
        }
        Err(error) => return Err(error),
    };
    let next = kind.to_stored(decoded.object);
    let updated = store_update(call, (target, &target.subresource), &old, next, false, &mut warnings).await;
    let updated = updated.map_err(|error| error.into_error(target))?;
    answer(call, kind, &updated).map(|answer| answer.warned(warnings))
}

/// `PATCH` of an object, or of its status.
pub async fn patch(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let kind = target.kind;
    let patch = Patch::read(&call.content_type, &call.body)?;
    check_patch_options(call, &patch)?;
    let mut last = ApiError::stale(kind, &target.name);
    for _ in 0..PATCH_ATTEMPTS_MAX {
        let mut warnings = Vec::new();
        let Some(old) = call.sim.store().get(kind.storage(), &target.namespace, &target.name) else {
            if patch.creates() && target.subresource.is_empty() {
                return create_by_apply(call, target, &patch).await;
            }
            return Err(ApiError::not_found(kind, &target.name));
        };
        let next = patched(call, target, &patch, &old, &mut warnings)?;
        match store_update(call, (target, &target.subresource), &old, next, true, &mut warnings).await {
            Ok(updated) => return answer(call, kind, &updated).map(|answer| answer.warned(warnings)),
            Err(UpdateError::Refused(error)) => return Err(error),
            Err(UpdateError::Store(StoreError::NotFound)) => {
                return Err(ApiError::not_found(kind, &target.name));
            }
            Err(UpdateError::Store(_)) => last = ApiError::stale(kind, &target.name),
        }
    }
    Err(last)
}

fn patched(
    call: &Call,
    target: &Target,
    patch: &Patch,
    old: &Value,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let kind = target.kind;
    let Patch::Apply(wanted) = patch else {
        let shown = match call.body.windows(13).any(|word| word == b"managedFields") {
            true => shown::object(old),
            false => shown::without_managers(old),
        };
        let shown = kind.to_shown(shown);
        let decoded = patch.apply_to(kind, &shown)?;
        warnings.extend(patch.check_unknown_fields(
            &shown,
            decoded.unknown,
            call.option("fieldValidation"),
        )?);
        return Ok(kind.to_stored(decoded.object));
    };
    for (key, wanted_word) in [("apiVersion", kind.api_version()), ("kind", kind.kind.to_owned())] {
        let given = text(wanted, &format!("/{key}"));
        if given.is_empty() {
            return Err(ApiError::bad_request(format!(
                "Object '{}' is missing in '{wanted}'",
                capitalised(key)
            )));
        }
        if given != wanted_word {
            let message = format!(
                "the {key} of what is applied ({given}) does not match the expected one ({wanted_word})"
            );
            return Err(ApiError::bad_request(message));
        }
    }
    let decoded = decode::conform(wanted.clone(), &kind.api_version(), kind.kind)?;
    warnings.extend(decode::check_unknown_fields(kind, &decoded.unknown, call.option("fieldValidation"))?);
    if kind.conversion.is_none() {
        return apply(kind, old, decoded.object, &apply_options(call, target));
    }
    let old = kind.to_shown(old.clone());
    Ok(kind.to_stored(apply(kind, &old, decoded.object, &apply_options(call, target))?))
}

fn capitalised(key: &str) -> &'static str {
    if key == "kind" { "Kind" } else { "apiVersion" }
}

fn apply_options<'a>(call: &'a Call, target: &'a Target) -> ApplyOptions<'a> {
    ApplyOptions {
        name: call.option("fieldManager"),
        force: call.flag("force"),
        subresource: &target.subresource,
        now: call.sim.clock().now(),
    }
}

fn check_patch_options(call: &Call, patch: &Patch) -> Result<(), ApiError> {
    let mut errors = FieldErrors::default();
    if patch.creates() && call.option("fieldManager").is_empty() {
        errors.required("fieldManager", "is required for apply patch");
    }
    if !patch.creates() && call.flag("force") {
        errors.forbidden("force", "may not be specified for non-apply patch");
    }
    match errors.0.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid_as("PatchOptions.meta.k8s.io", "", &errors)),
    }
}

async fn create_by_apply(call: &Call, target: &Target, patch: &Patch) -> Result<ApiResponse, ApiError> {
    let kind = target.kind;
    let mut warnings = Vec::new();
    let empty =
        json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": {"name": target.name}});
    let mut object = patched(call, target, patch, &empty, &mut warnings)?;
    object["metadata"]["name"] = target.name.as_str().into();
    let made = store_new(call, target, object, &mut warnings).await?;
    answer(call, kind, &made).map(|answer| answer.created().warned(warnings))
}

/// Errors of an update.
enum UpdateError {
    Refused(ApiError),
    Store(StoreError),
}

impl From<ApiError> for UpdateError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl UpdateError {
    fn into_error(self, target: &Target) -> ApiError {
        match self {
            Self::Refused(error) => error,
            Self::Store(StoreError::NotFound) => ApiError::not_found(target.kind, &target.name),
            Self::Store(_) => ApiError::stale(target.kind, &target.name),
        }
    }
}

/// Admits, validates and stores `next` in the place of `old`; `written_as` is the subresource for its managers.
async fn store_update(
    call: &Call,
    (target, written_as): (&Target, &str),
    old: &Arc<Value>,
    next: Value,
    is_patch: bool,
    warnings: &mut Vec<String>,
) -> Result<Arc<Value>, UpdateError> {
    let kind = target.kind;
    let dry_run = call.dry_run("UpdateOptions")?;
    let mut next = scope::within(target, old, next, call.sim.clock().now());
    if !is_apply(call) {
        track::carry(old, &mut next, &target.subresource);
    }
    meta::carry(kind, old, &mut next, is_patch)?;
    defaults::fill(&call.sim, kind, &mut next, Some(&**old));
    if kind.resource == "pods" {
        same_pod_ips(&mut next);
        fill_container_statuses(&mut next);
    }
    if !is_apply(call) {
        track::updated(kind, old, &mut next, writer(call, written_as));
    }
    let admission = Admission::new(call, target, Operation::Update, Some(&**old), dry_run);
    warnings.extend(admission.mutate(&mut next).await?);
    meta::count_change(kind, old, &mut next, &target.subresource);
    let errors = validation::changed_object(kind, &target.subresource, old, &next);
    refused(kind, &target.name, &errors)?;
    admission.validate(&mut next, warnings).await?;
    if target.subresource.is_empty() {
        warnings.extend(pod_warnings::of(kind, Some(&**old), &next));
    }
    if dry_run {
        return Ok(Arc::new(next));
    }
    let store = call.sim.store();
    let updated = store.replace(kind.storage(), old, next).map_err(UpdateError::Store)?;
    if !is_finished(kind, &updated) {
        return Ok(updated);
    }
    store.remove(kind.storage(), &updated).map_err(UpdateError::Store)
}

/// True for an object that is being deleted and that nothing holds any more.
pub fn is_finished(kind: &Kind, object: &Value) -> bool {
    let held = || !list(object, "/metadata/finalizers").is_empty();
    let grace = || number(object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) > 0;
    let namespace_held = || kind.resource == "namespaces" && !list(object, "/spec/finalizers").is_empty();
    is_terminating(object) && !held() && !grace() && !namespace_held()
}

/// `scale`: reads or sets the number of replicas, whatever the kind.
pub async fn scale(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let view = View::read(&call.accept, call.option("includeObject"))?.at(call.sim.clock().now());
    let owner = Target { subresource: String::new(), ..target.clone() };
    let old = stored(call, target.kind, &target.namespace, &target.name)?;
    let current = scale_of(&old);
    if call.method == http::Method::GET {
        return Ok(ApiResponse::json(view.scale(current)));
    }
    let wanted = match call.method {
        http::Method::PUT => decode::raw(&call.content_type, &call.body)?,
        _ => match Patch::read(&call.content_type, &call.body)? {
            Patch::Json(patch) => {
                let mut next = current.clone();
                json_patch::patch(&mut next, &patch).map_err(|e| ApiError::bad_request(e.to_string()))?;
                next
            }
            Patch::Merge(patch) | Patch::Strategic(patch) | Patch::Apply(patch) => {
                let mut next = current.clone();
                json_patch::merge(&mut next, &patch);
                next
            }
        },
    };
    let Some(replicas) = wanted.pointer("/spec/replicas").and_then(Value::as_i64).filter(|n| *n >= 0) else {
        return Err(ApiError::bad_request("spec.replicas: must be a whole number that is not negative"));
    };
    let mut next = (*old).clone();
    next["spec"]["replicas"] = replicas.into();
    let updated = store_update(call, (&owner, "scale"), &old, next, true, &mut Vec::new())
        .await
        .map_err(|error| error.into_error(&owner))?;
    Ok(ApiResponse::json(view.scale(scale_of(&updated))))
}

fn scale_of(object: &Value) -> Value {
    let labels = crate::object::field::entries(object, "/spec/selector/matchLabels");
    let selector: Vec<_> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    let metadata = &object["metadata"];
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {"replicas": object["spec"]["replicas"]},
        "status": {"replicas": number(object, "/status/replicas").unwrap_or(0), "selector": selector.join(",")},
    })
}
