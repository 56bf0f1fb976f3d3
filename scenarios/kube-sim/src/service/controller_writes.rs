//! Writes of controllers, which are not requests: new objects, and finalizers taken off.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::call::Call;
use super::target::Target;
use super::write;
use crate::authn::{AUTHENTICATED, MASTERS, User};
use crate::kinds::{self, Kind};
use crate::managed_fields::track::{self, Writer};
use crate::object::field;
use crate::sim::KubeSim;
use crate::status::ApiError;
use crate::store::{GroupResource, StoreError};

/// The manager of what controllers write.
const CONTROLLERS: &str = "kube-controller-manager";

/// Takes a finalizer off an object that is being deleted, and removes the object when it was the last.
pub fn remove_finalizer(sim: &KubeSim, kind: &Kind, object: &Arc<Value>, finalizer: &str) {
    let mut next = (**object).clone();
    if let Some(finalizers) = next.pointer_mut("/metadata/finalizers").and_then(Value::as_array_mut) {
        finalizers.retain(|other| other != finalizer);
        if finalizers.is_empty()
            && let Some(metadata) = next["metadata"].as_object_mut()
        {
            metadata.shift_remove("finalizers");
        }
    }
    let finished = write::is_finished(kind, &next);
    // Whoever changed the object meanwhile woke us again.
    if let Ok(stored) = replace_as_controller(sim, kind.storage(), object, next)
        && finished
    {
        let _ = sim.store().remove(kind.storage(), &stored);
    }
}

/// Replaces an object as a controller does.
///
/// # Errors
/// [`StoreError`] when the stored object is not `before` any more.
pub fn replace_as_controller(
    sim: &KubeSim,
    resource: GroupResource,
    before: &Arc<Value>,
    next: Value,
) -> Result<Arc<Value>, StoreError> {
    replace_as(sim, CONTROLLERS, resource, before, next)
}

/// Replaces an object as a controller does that writes its metadata along with its status.
///
/// # Errors
/// [`StoreError`] when the stored object is not `before` any more.
pub fn replace_with_status_as_controller(
    sim: &KubeSim,
    resource: GroupResource,
    before: &Arc<Value>,
    mut next: Value,
) -> Result<Arc<Value>, StoreError> {
    if let Some(kind) = kinds::find(resource.0, resource.1) {
        let writer = Writer { name: CONTROLLERS, subresource: "status", now: sim.clock().now() };
        track::updated(kind, before, &mut next, writer);
    }
    sim.store().replace(resource, before, next)
}

/// Replaces an object, and notes the manager of what changed.
///
/// # Errors
/// [`StoreError`] when the stored object is not `before` any more.
pub fn replace_as(
    sim: &KubeSim,
    manager: &str,
    resource: GroupResource,
    before: &Arc<Value>,
    mut next: Value,
) -> Result<Arc<Value>, StoreError> {
    if let Some(kind) = kinds::find(resource.0, resource.1) {
        track::updated_with_status(kind, before, &mut next, manager, sim.clock().now());
    }
    sim.store().replace(resource, before, next)
}

/// Creates an object as a controller does: through admission and validation, like anybody's.
pub async fn create_as_controller(
    sim: &KubeSim,
    group: &str,
    resource: &str,
    object: Value,
) -> Result<(), ApiError> {
    let kind = kinds::find(group, resource).ok_or_else(ApiError::no_such_resource)?;
    let namespace = field::namespace(&object).to_owned();
    let target = Target { kind, namespace, name: String::new(), subresource: String::new(), watch: false };
    write::create(&call(sim, Method::POST, &object), &target).await.map(drop)
}

/// Sets the number of replicas of a workload through its `scale`, as a controller does.
///
/// # Errors
/// When admission or validation refuses it, or the workload is gone.
pub async fn scale_as_controller(
    sim: &KubeSim,
    kind: &'static Kind,
    workload: &Value,
    replicas: i64,
) -> Result<(), ApiError> {
    let [namespace, name] = [field::namespace(workload), field::name(workload)].map(str::to_owned);
    let target = Target { kind, namespace, name, subresource: "scale".to_owned(), watch: false };
    let scale = json!({"spec": {"replicas": replicas}});
    write::scale(&call(sim, Method::PUT, &scale), &target).await.map(drop)
}

/// A request of the controllers.
fn call(sim: &KubeSim, method: Method, body: &Value) -> Call {
    Call {
        sim: sim.clone(),
        user: User::of("system:kube-controller-manager", &[MASTERS, AUTHENTICATED]),
        method,
        uri: Uri::default(),
        headers: HeaderMap::new(),
        query: Vec::new(),
        accept: String::new(),
        content_type: "application/json".to_owned(),
        user_agent: CONTROLLERS.to_owned(),
        if_none_match: String::new(),
        body: Bytes::from(body.to_string()),
    }
}
