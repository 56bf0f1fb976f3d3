//! Subresources of pods and nodes: binding, eviction, logs, the node's own API.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, stored};
use super::delete::{Options, delete};
use super::options;
use super::response::ApiResponse;
use super::target::Target;
use crate::authn::{Token, User};
use crate::kinds;
use crate::object::conditions::{self, Condition};
use crate::object::field::{list, name, number, text};
use crate::object::field_error::FieldErrors;
use crate::pods::binding::{self, BindingError};
use crate::pods::eviction;
use crate::pods::log_options::LogOptions;
use crate::status::ApiError;
use crate::{decode, node_proxy};

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
    ask_node(call, node, &path).await
}

/// `GET` of a path of the node's own API.
pub async fn node_proxy(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let known = target.name.trim_start_matches("https:");
    let known = known.split(':').next().unwrap_or_default();
    let query: Vec<_> = call.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    ask_node(call, known, &format!("/{}{query}", target.rest)).await
}

/// Sends a request to a node, as the API server's own user.
async fn ask_node(call: &Call, node: &str, path: &str) -> Result<ApiResponse, ApiError> {
    let Some(kind) = kinds::find("", "nodes") else { return Err(ApiError::no_such_resource()) };
    let node = stored(call, kind, "", node)?;
    let base = node_proxy::address(&node).ok_or_else(|| {
        let message = format!(
            "no preferred addresses found; known addresses: {:?}",
            list(&node, "/status/addresses").len()
        );
        ApiError::internal(message)
    })?;
    let url = format!("{base}{path}");
    let now = call.sim.clock().now();
    let user = User::of("kube-apiserver-kubelet-client", &["system:masters", "system:authenticated"]);
    let expires = now.saturating_add(jiff::SignedDuration::from_mins(5)).unwrap_or(jiff::Timestamp::MAX);
    let token = call.sim.tokens().issue(Token { user, expires, audiences: Vec::new(), bound: None });
    let request = Request::get(&url).header("authorization", format!("Bearer {token}")).body(Bytes::new());
    // The real server passes the text of its client on as it is, without a reason.
    let unreached = |why: String| ApiError::new(500, "", format!("Get {url:?}: {why}"));
    let request = request.map_err(|e| unreached(e.to_string()))?;
    let response = call.sim.outbound().send(request, None).await;
    let response = response.map_err(|e| unreached(e.to_string()))?;
    let (parts, body) = response.into_parts();
    let content_type =
        parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    if parts.status.is_success() {
        return Ok(ApiResponse::proxied(parts.status.as_u16(), content_type, body));
    }
    let said = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let reason = match parts.status.as_u16() {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        500 => "InternalError",
        _ => "",
    };
    Err(ApiError::new(parts.status.as_u16(), reason, said))
}
