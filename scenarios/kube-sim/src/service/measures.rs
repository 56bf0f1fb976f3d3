//! Reads of measures: they are asked of the nodes, and are neither stored nor watched.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::call::Call;
use super::read::selector;
use super::response::ApiResponse;
use super::target::Target;
use crate::measures;
use crate::object::field::name;
use crate::status::ApiError;
use crate::store::GroupResource;
use crate::table::View;

/// `GET` of the measures of one node or pod, or of all that the selectors match.
///
/// # Errors
/// 404 for an object that is not there, or of which nothing is measured; 405 for any other method, and for a watch.
pub async fn read(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    let watches = call.flag("watch") || target.watch;
    if !matches!(call.method, Method::GET | Method::HEAD) || !target.subresource.is_empty() || watches {
        return Err(ApiError::method_not_allowed());
    }
    let view = View::read(&call.accept, call.option("includeObject"))?.at(call.sim.clock().now());
    if target.name.is_empty() {
        let selector = selector(call, target)?;
        let objects = call.sim.store().list(measured(target), target.scope()).0;
        let objects: Vec<_> = objects.into_iter().filter(|object| selector.matches(object)).collect();
        let all: Vec<_> = of(call, target, &objects).await.into_iter().map(Arc::new).collect();
        return Ok(ApiResponse::written(view.list(target.kind, &all, 0, None)));
    }
    let object = call.sim.store().get(measured(target), &target.namespace, &target.name);
    let known: Vec<_> = object.into_iter().collect();
    let found = of(call, target, &known).await.into_iter().find(|object| name(object) == target.name);
    let object = Arc::new(found.ok_or_else(|| not_found(target))?);
    Ok(ApiResponse::written(view.text(target.kind, &object, true)))
}

/// The objects that are measured: nodes or pods.
fn measured(target: &Target) -> GroupResource {
    ("", target.kind.resource)
}

async fn of(call: &Call, target: &Target, objects: &[Arc<Value>]) -> Vec<Value> {
    match target.kind.namespaced {
        true => measures::of_pods(&call.sim, objects).await,
        false => measures::of_nodes(&call.sim, objects).await,
    }
}

/// The error in the words of the real server of measures, which names the kind in the place of the resource.
fn not_found(target: &Target) -> ApiError {
    let shown = match target.kind.namespaced {
        true => format!("{}/{}", target.namespace, target.name),
        false => target.name.clone(),
    };
    let kind = target.kind.kind.to_ascii_lowercase();
    let message = format!("{kind}.{} {shown:?} not found", target.kind.group);
    let details = serde_json::json!({"name": shown, "group": target.kind.group, "kind": kind});
    ApiError { details, ..ApiError::new(404, "NotFound", message) }
}
