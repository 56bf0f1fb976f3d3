//! The loop of a controller that reconciles the objects of one kind, one by one.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use super::backoff::Backoff;
use super::following::key_of;
use super::waiting::{ChangeWatcher, earliest};
use super::worklist::Worklist;
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
    /// What a change of those concerns.
    pub concerns: Concerns,
    /// What is done for each object.
    pub reconcile: Reconcile,
}

/// The objects that a change of a watched kind concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// All of them.
    All,
    /// Those of this kind that control what changed.
    Owners(&'static str),
}

/// Reconciles the controller's objects until the future is dropped.
pub async fn run(sim: &KubeSim, controller: &Controller) {
    match controller.concerns {
        Concerns::All => reconcile_all(sim, controller).await,
        Concerns::Owners(kind) => reconcile_owners(sim, controller, kind).await,
    }
}

async fn reconcile_all(sim: &KubeSim, controller: &Controller) {
    let mut changes = watcher(sim, controller);
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

async fn reconcile_owners(sim: &KubeSim, controller: &Controller, kind: &'static str) {
    let mut changes = watcher(sim, controller);
    let mut work = Worklist::new(kind, controller.objects, controller.watched);
    let mut backoff = Backoff::default();
    loop {
        changes.mark_seen();
        for object in work.take(sim) {
            let next = (controller.reconcile)(sim, &object, &mut backoff).await;
            work.set_due(&key_of(&object), next);
        }
        if !backoff.is_empty() {
            let objects = sim.store().list(controller.objects, None).0;
            backoff.retain(|key| objects.iter().any(|object| key.starts_with(uid(object))));
        }
        changes.wait(sim, work.due()).await;
    }
}

fn watcher(sim: &KubeSim, controller: &Controller) -> ChangeWatcher {
    let resources: Vec<_> = controller.watched.iter().copied().chain([controller.objects]).collect();
    ChangeWatcher::new(sim, &resources)
}
