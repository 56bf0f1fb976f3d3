//! Subresources of pods: binding, eviction, logs.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, stored};
use super::delete::{Options, delete};
use super::nodes;
use super::options;
use super::response::ApiResponse;
use super::target::Target;
use crate::decode;
use crate::kinds;
use crate::object::conditions::{self, Condition};
use crate::object::field::{list, name, number, text};
use crate::object::field_error::FieldErrors;
use crate::pods::binding::{self, BindingError};
use crate::pods::eviction;
use crate::pods::log_options::LogOptions;
use crate::status::ApiError;

/// `POST` of a binding: binds a pod to a node.
pub async fn bind(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let dry_run = call.dry_run("CreateOptions")?;
    let binding = decode::object(&call.content_type, &call.body, "v1", "Binding")?.object;
    let errors = binding::check(&binding);
    if !errors.0.is_empty() {
        return Err(ApiError::invalid_as("Binding", &target.name, &errors));
    }
    for _ in 0..8 {
        let pod = stored(call, target.kind, &target.namespace, &target.name)?;
        let mut bound = (*pod).clone();
        binding::bind(&mut bound, &binding, call.sim.clock().now())
            .map_err(|refused| refusal(target, &refused))?;
        if dry_run || call.sim.store().replace(target.kind.storage(), &pod, bound).is_ok() {
            return Ok(success().created());
        }
    }
    Err(ApiError::stale(target.kind, &target.name))
}

fn refusal(target: &Target, refused: &BindingError) -> ApiError {
    let message = format!("Operation cannot be fulfilled on pods/binding {:?}: {refused}", target.name);
    let details = json!({"name": target.name, "kind": "pods/binding"});
    ApiError { details, ..ApiError::new(409, "Conflict", message) }
}

fn success() -> ApiResponse {
    ApiResponse::json(
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    )
}

/// `POST` of an eviction: deletes a pod, unless a disruption budget forbids it.
pub async fn evict(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    call.dry_run("CreateOptions")?;
    let eviction = decode::object(&call.content_type, &call.body, "policy/v1", "Eviction")?.object;
    if !name(&eviction).is_empty() && name(&eviction) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let dry_run = eviction_dry_run(call, &eviction)?;
    let pod = stored(call, target.kind, &target.namespace, &target.name)?;
    let budgets: Vec<Value> = kinds::find("policy", "poddisruptionbudgets")
        .map(|kind| call.sim.store().list(kind.storage(), Some(&target.namespace)).0)
        .unwrap_or_default()
        .iter()
        .map(|budget| (**budget).clone())
        .collect();
    eviction::check(&pod, &budgets).map_err(|refused| match refused {
        eviction::EvictionError::SeveralBudgets => ApiError::new(500, "InternalError", refused.to_string()),
        eviction::EvictionError::Budget { .. } => {
            let message = "Cannot evict pod as it would violate the pod's disruption budget.";
            let details = json!({"causes": [{"reason": "DisruptionBudget", "message": refused.to_string()}]});
            ApiError { details, ..ApiError::new(429, "TooManyRequests", message) }
        }
    })?;
    let now = call.sim.clock().now();
    if !dry_run {
        mark_evicted(call, target, &pod, now)?;
    }
    let options = Options {
        grace: number(&eviction, "/deleteOptions/gracePeriodSeconds"),
        uid: eviction.pointer("/deleteOptions/preconditions/uid").and_then(Value::as_str).map(str::to_owned),
        dry_run,
        ..Options::default()
    };
    delete(call.sim.store(), target.kind, &target.namespace, &target.name, &options, now)?;
    Ok(success().created())
}

/// True for an eviction that is a dry run by its query or by its own options for the deletion.
fn eviction_dry_run(call: &Call, eviction: &Value) -> Result<bool, ApiError> {
    let in_query = call.options("dryRun");
    let in_body: Vec<_> = list(eviction, "/deleteOptions/dryRun").iter().filter_map(Value::as_str).collect();
    if !in_query.is_empty() && !in_body.is_empty() && in_query != in_body {
        let message = format!(
            "Non-matching dry-run options in request and content: [{}] and [{}]",
            in_query.join(" "),
            in_body.join(" ")
        );
        return Err(ApiError::new(500, "", message));
    }
    let mut errors = FieldErrors::default();
    let dry_run = options::dry_run(&in_body, &mut errors);
    match errors.0.is_empty() {
        true => Ok(dry_run || !in_query.is_empty()),
        false => Err(ApiError::invalid_as("DeleteOptions.meta.k8s.io", "", &errors)),
    }
}

/// Notes in the pod's conditions that it goes by an eviction.
fn mark_evicted(call: &Call, target: &Target, pod: &Arc<Value>, now: Timestamp) -> Result<(), ApiError> {
    let mut marked = (**pod).clone();
    let message = "Eviction API: evicting";
    let condition =
        Condition { kind: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message };
    conditions::set(&mut marked, &condition, now);
    let written = call.sim.store().replace(target.kind.storage(), pod, marked);
    written.map(drop).map_err(|_| ApiError::stale(target.kind, &target.name))
}

/// `GET` of a container's log, from the pod's node.
pub async fn log(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let pod = stored(call, target.kind, &target.namespace, &target.name)?;
    let pairs = call.query.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let options =
        LogOptions::read(pairs).map_err(|unreadable| ApiError::bad_request(unreadable.to_string()))?;
    let errors = options.check();
    if !errors.0.is_empty() {
        return Err(ApiError::invalid_as("PodLogOptions", &target.name, &errors));
    }
    let path = options.path_on_node(&pod).map_err(|missing| ApiError::bad_request(missing.to_string()))?;
    let node = text(&pod, "/spec/nodeName");
    if node.is_empty() {
        return Ok(ApiResponse::text(""));
    }
    nodes::get(call, node, &path).await
}
