//! The namespace lifecycle: deletes the content of a namespace that is being deleted, then the namespace.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::owned::{ConditionTime, set_condition};
use super::waiting::ChangeWatcher;
use crate::kinds::{self, KINDS, Kind};
use crate::object::conditions::Condition;
use crate::object::field::{is_terminating, list, name};
use crate::service::controller_writes::replace_as_controller;
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;

/// Empties and removes namespaces until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let resources: Vec<_> = KINDS.iter().filter(|kind| kind.is_stored()).map(Kind::storage).collect();
    let mut namespaces = ChangeWatcher::new(sim, &[("", "namespaces")]);
    let mut everything = ChangeWatcher::new(sim, &resources);
    loop {
        namespaces.mark_seen();
        everything.mark_seen();
        match reconcile(sim) {
            // The rest of the cluster matters only while a namespace is being deleted.
            true => everything.wait(sim, None).await,
            false => namespaces.wait(sim, None).await,
        }
    }
}

/// Reconciles all namespaces that are being deleted; true while one has content left or was changed meanwhile.
fn reconcile(sim: &KubeSim) -> bool {
    let Some(kind) = kinds::find("", "namespaces") else { return false };
    let (namespaces, _) = sim.store().list(kind.storage(), None);
    let mut going = false;
    for namespace in namespaces.iter().filter(|namespace| is_terminating(namespace)) {
        let left = empty(sim, name(namespace));
        if !left.is_empty() {
            going = true;
            report_remaining(sim, kind, namespace, &left);
            continue;
        }
        let mut done = (**namespace).clone();
        done["spec"]["finalizers"] = json!([]);
        let removed = match list(namespace, "/metadata/finalizers").is_empty() {
            true => sim.store().remove(kind.storage(), namespace).is_ok(),
            false => replace_as_controller(sim, kind.storage(), namespace, done).is_ok(),
        };
        going |= !removed;
    }
    going
}

/// Deletes the objects in a namespace, pods first and the rest when these are gone; returns those that are left.
fn empty(sim: &KubeSim, namespace: &str) -> Vec<(&'static Kind, Arc<Value>)> {
    let is_pod = |kind: &&Kind| (kind.group, kind.resource) == ("", "pods");
    let kinds = || KINDS.iter().filter(|kind| kind.namespaced && kind.is_stored());
    let left = empty_of(sim, namespace, kinds().filter(is_pod));
    if !left.is_empty() {
        return left;
    }
    empty_of(sim, namespace, kinds().filter(|kind| !is_pod(kind)))
}

/// Deletes the objects of some kinds in a namespace; returns those that are left all the same.
fn empty_of(
    sim: &KubeSim,
    namespace: &str,
    kinds: impl Iterator<Item = &'static Kind>,
) -> Vec<(&'static Kind, Arc<Value>)> {
    let mut left = Vec::new();
    for kind in kinds {
        let (objects, _) = sim.store().list(kind.storage(), Some(namespace));
        for object in objects.iter().filter(|object| !is_terminating(object)) {
            let options = Options { propagation: "Background".to_owned(), ..Options::default() };
            // An object that somebody else deleted first is deleted all the same.
            let _ = delete(sim.store(), kind, namespace, name(object), &options, sim.clock().now());
        }
        let objects = sim.store().list(kind.storage(), Some(namespace)).0;
        left.extend(objects.into_iter().map(|object| (kind, object)));
    }
    left
}

/// Writes into the namespace's conditions what its deletion still waits for.
fn report_remaining(
    sim: &KubeSim,
    kind: &Kind,
    namespace: &Arc<Value>,
    left: &[(&'static Kind, Arc<Value>)],
) {
    let mut next = (**namespace).clone();
    for (about, reason, message) in [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    ] {
        let condition = Condition { kind: about, status: "False", reason, message };
        set_condition(&mut next, &condition, ConditionTime::Transition, sim.clock().now());
    }
    let (remaining, held) = (remaining(left), held(left));
    let condition = Condition {
        kind: "NamespaceContentRemaining",
        status: "True",
        reason: "SomeResourcesRemain",
        message: &format!("Some resources are remaining: {remaining}"),
    };
    set_condition(&mut next, &condition, ConditionTime::Transition, sim.clock().now());
    let condition = match held.is_empty() {
        true => Condition {
            kind: "NamespaceFinalizersRemaining",
            status: "False",
            reason: "ContentHasNoFinalizers",
            message: "All content-preserving finalizers finished",
        },
        false => Condition {
            kind: "NamespaceFinalizersRemaining",
            status: "True",
            reason: "SomeFinalizersRemain",
            message: &format!("Some content in the namespace has finalizers remaining: {held}"),
        },
    };
    set_condition(&mut next, &condition, ConditionTime::Transition, sim.clock().now());
    let _ = replace_as_controller(sim, kind.storage(), namespace, next); // whoever changed it meanwhile woke us again
}

/// `configmaps. has 1 resource instances, pods. has 2 resource instances`
fn remaining(left: &[(&'static Kind, Arc<Value>)]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (kind, _) in left {
        *counts.entry(format!("{}.{}", kind.resource, kind.group)).or_default() += 1;
    }
    let parts = counts.iter().map(|(kind, count)| format!("{kind} has {count} resource instances"));
    parts.collect::<Vec<_>>().join(", ")
}

/// `example.com/hold in 1 resource instances`
fn held(left: &[(&'static Kind, Arc<Value>)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, object) in left {
        for finalizer in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str) {
            *counts.entry(finalizer).or_default() += 1;
        }
    }
    let parts = counts.iter().map(|(finalizer, count)| format!("{finalizer} in {count} resource instances"));
    parts.collect::<Vec<_>>().join(", ")
}
