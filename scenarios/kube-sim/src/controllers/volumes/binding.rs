//! The volume that fits a claim best, and the two tied to each other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{CLAIMS, VOLUMES};
use crate::label_selector::selects;
use crate::object::field::{annotation, is_set, is_terminating, list, map_mut, name, namespace, text, uid};
use crate::object::quantity::thousandths;
use crate::object::timestamp;
use crate::service::controller_writes::replace_as_controller;
use crate::sim::KubeSim;

/// Annotation of a claim, or of a volume, that the controller chose the other for.
const BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// Annotation of a claim whose binding is done.
const COMPLETED: &str = "pv.kubernetes.io/bind-completed";

/// The reference to a claim, as it stands in a volume.
pub fn reference(claim: &Value) -> Value {
    json!({"kind": "PersistentVolumeClaim", "namespace": namespace(claim), "name": name(claim), "uid": uid(claim),
        "apiVersion": "v1", "resourceVersion": claim["metadata"]["resourceVersion"]})
}

/// True for a volume that is free, or kept for this claim.
pub fn may_be_bound(volume: &Value, claim: &Value) -> bool {
    let kept = &volume["spec"]["claimRef"];
    !is_set(volume, "/spec/claimRef")
        || (text(kept, "/namespace") == namespace(claim)
            && text(kept, "/name") == name(claim)
            && ["", uid(claim)].contains(&text(kept, "/uid")))
}

/// True for a volume and a claim that are tied to each other already, so that there is nothing to write.
pub fn are_bound(volume: &Value, claim: &Value) -> bool {
    text(volume, "/spec/claimRef/uid") == uid(claim)
        && text(volume, "/status/phase") == "Bound"
        && text(claim, "/status/phase") == "Bound"
        && claim["status"]["capacity"] == volume["spec"]["capacity"]
        && claim["status"]["accessModes"] == volume["spec"]["accessModes"]
        && annotation(claim, COMPLETED).is_some()
}

/// The smallest volume that is large enough for the claim, of its class, mode and access; one kept for it goes first.
pub fn best<'a>(volumes: &'a [Arc<Value>], claim: &Value) -> Option<&'a Arc<Value>> {
    let size = |object: &Value, path: &str| object.pointer(path).map(thousandths);
    let wanted = size(claim, "/spec/resources/requests/storage")?;
    let fits = |volume: &&Arc<Value>| {
        let modes = list(volume, "/spec/accessModes");
        let selector = claim.pointer("/spec/selector").filter(|selector| !selector.is_null());
        !is_terminating(volume)
            && may_be_bound(volume, claim)
            && text(volume, "/spec/storageClassName") == text(claim, "/spec/storageClassName")
            && text(volume, "/spec/volumeMode") == text(claim, "/spec/volumeMode")
            && list(claim, "/spec/accessModes").iter().all(|mode| modes.contains(mode))
            && size(volume, "/spec/capacity/storage").is_some_and(|size| size >= wanted)
            && selector.is_none_or(|selector| selects(Some(selector), volume))
    };
    volumes.iter().filter(fits).min_by_key(|volume| {
        let free = !is_set(volume, "/spec/claimRef");
        (free, size(volume, "/spec/capacity/storage"), name(volume).to_owned())
    })
}

/// Ties a claim and a volume to each other.
pub fn bind(sim: &KubeSim, claim: &Arc<Value>, volume: &Arc<Value>) {
    let mut bound = (**volume).clone();
    if text(&bound, "/spec/claimRef/uid") != uid(claim) {
        bound["spec"]["claimRef"] = reference(claim);
        let annotations = map_mut(&mut bound["metadata"], "annotations");
        annotations.insert(BY_CONTROLLER.to_owned(), "yes".into());
    }
    if text(&bound, "/status/phase") != "Bound" {
        map_mut(&mut bound, "status");
        bound["status"]["phase"] = "Bound".into();
        bound["status"]["lastPhaseTransitionTime"] = timestamp::seconds(sim.clock().now()).into();
    }
    // Whoever changed it meanwhile woke us again.
    if replace_as_controller(sim, VOLUMES, volume, bound).is_err() {
        return;
    }
    let mut next = (**claim).clone();
    let own_choice = text(claim, "/spec/volumeName").is_empty();
    next["spec"]["volumeName"] = name(volume).into();
    let annotations = map_mut(&mut next["metadata"], "annotations");
    annotations.insert(COMPLETED.to_owned(), "yes".into());
    if own_choice {
        annotations.insert(BY_CONTROLLER.to_owned(), "yes".into());
    }
    map_mut(&mut next, "status");
    next["status"]["phase"] = "Bound".into();
    next["status"]["accessModes"] = volume["spec"]["accessModes"].clone();
    next["status"]["capacity"] = volume["spec"]["capacity"].clone();
    let _ = replace_as_controller(sim, CLAIMS, claim, next); // whoever changed it meanwhile woke us again
}
