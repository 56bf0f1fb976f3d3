//! The loop of a controller that reconciles the objects of one kind, one by one.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use super::backoff::Backoff;
use super::waiting::{ChangeWatcher, earliest};
use crate::object::field::uid;
use crate::sim::KubeSim;
use crate::store::GroupResource;

/// Reconciles one object; returns the instant of the next round that is due without a change. Keys of the back-off begin
/// with the object's uid.
pub type Reconcile =
    for<'a> fn(&'a KubeSim, &'a Arc<Value>, &'a mut Backoff) -> BoxFuture<'a, Option<Timestamp>>;

/// A controller of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Controller {
    /// The kind whose objects are reconciled.
    pub objects: GroupResource,
    /// Other kinds whose changes matter to them.
    pub watched: &'static [GroupResource],
    /// What is done for each object.
    pub reconcile: Reconcile,
}

/// Reconciles the controller's objects until the future is dropped.
pub async fn run(sim: &KubeSim, controller: &Controller) {
    let resources: Vec<_> = controller.watched.iter().copied().chain([controller.objects]).collect();
    let mut changes = ChangeWatcher::new(sim, &resources);
    let mut backoff = Backoff::default();
    loop {
        changes.mark_seen();
        let objects = sim.store().list(controller.objects, None).0;
        backoff.retain(|key| objects.iter().any(|object| key.starts_with(uid(object))));
        let mut due = None;
        for object in &objects {
            let next = (controller.reconcile)(sim, object, &mut backoff).await;
            due = earliest(due, next);
        }
        changes.wait(sim, due).await;
    }
}
