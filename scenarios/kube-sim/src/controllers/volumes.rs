//! Volumes and claims: a claim is bound to a volume that fits it, or to a new one from its class's provisioner.

mod binding;

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::backoff::Backoff;
use super::owned::PODS;
use super::reconciling::{Concerns, Controller};
use super::recorder::{EventRecord, record};
use crate::kinds;
use crate::object::field::{is_set, is_terminating, list, map_mut, name, namespace, text, uid};
use crate::object::finalizers::{CLAIM_PROTECTION, VOLUME_PROTECTION};
use crate::object::timestamp;
use crate::pods::phase::is_terminal;
use crate::service::controller_writes::{create_as_controller, remove_finalizer, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

const CLAIMS: GroupResource = ("", "persistentvolumeclaims");
const VOLUMES: GroupResource = ("", "persistentvolumes");
const CLASSES: GroupResource = ("storage.k8s.io", "storageclasses");
const COMPONENT: &str = "persistentvolume-controller";
/// Time that the provisioner takes for a volume; ours.
const PROVISION_TIME: SignedDuration = SignedDuration::from_secs(3);
/// A provisioner that makes nothing.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// The controller of claims.
pub const OF_CLAIMS: Controller = Controller {
    objects: CLAIMS,
    watched: &[VOLUMES, CLASSES, PODS],
    concerns: Concerns::All,
    reconcile: |sim, claim, backoff| reconcile_claim(sim, claim, backoff).boxed(),
};

/// The controller of volumes.
pub const OF_VOLUMES: Controller = Controller {
    objects: VOLUMES,
    watched: &[CLAIMS],
    concerns: Concerns::All,
    reconcile: |sim, volume, _| async move { reconcile_volume(sim, volume) }.boxed(),
};

async fn reconcile_claim(sim: &KubeSim, claim: &Arc<Value>, backoff: &mut Backoff) -> Option<Timestamp> {
    if is_terminating(claim) {
        if consumers(sim, claim).next().is_none() {
            unprotect(sim, CLAIMS, claim, CLAIM_PROTECTION);
        }
        return None;
    }
    let wanted = text(claim, "/spec/volumeName");
    if !wanted.is_empty() {
        let volume = sim.store().get(VOLUMES, "", wanted);
        match volume.filter(|volume| binding::may_be_bound(volume, claim)) {
            Some(volume) if binding::are_bound(&volume, claim) => {}
            Some(volume) => binding::bind(sim, claim, &volume),
            None if text(claim, "/status/phase") == "Bound" => lose(sim, claim),
            None => {}
        }
        return None;
    }
    let class = class_of(sim, claim);
    let waits = class.as_ref().is_some_and(|class| waits_for_consumer(class))
        && consumers(sim, claim).next().is_none();
    let volumes = sim.store().list(VOLUMES, None).0;
    // A claim that waits for its first consumer takes only a volume that is kept for it.
    match binding::best(&volumes, claim).filter(|volume| !waits || is_set(volume, "/spec/claimRef")) {
        Some(volume) => {
            binding::bind(sim, claim, volume);
            None
        }
        None => provision(sim, claim, class.as_deref(), backoff).await,
    }
}

/// Pods that use a claim and have not ended.
fn consumers<'a>(sim: &'a KubeSim, claim: &'a Value) -> impl Iterator<Item = Arc<Value>> + 'a {
    let pods = sim.store().list(PODS, Some(namespace(claim))).0;
    pods.into_iter().filter(move |pod| {
        let mut volumes = list(pod, "/spec/volumes").iter();
        !is_terminal(pod)
            && volumes.any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name(claim))
    })
}

fn unprotect(sim: &KubeSim, resource: GroupResource, object: &Arc<Value>, finalizer: &str) {
    let held = list(object, "/metadata/finalizers").iter().any(|own| own == finalizer);
    if let Some(kind) = kinds::find(resource.0, resource.1).filter(|_| held) {
        remove_finalizer(sim, kind, object, finalizer);
    }
}

fn lose(sim: &KubeSim, claim: &Arc<Value>) {
    let mut next = (**claim).clone();
    next["status"]["phase"] = "Lost".into();
    if replace_as_controller(sim, CLAIMS, claim, next).is_ok() {
        let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
        emit(sim, claim, "Warning", "ClaimLost", message);
    }
}

/// Says why a claim waits, less and less often: each pod of the namespace wakes this controller.
fn remind(sim: &KubeSim, claim: &Value, kind: &str, reason: &str, message: &str, backoff: &mut Backoff) {
    let (key, now) = (format!("{}/{reason}", uid(claim)), sim.clock().now());
    if backoff.until(&key, now).is_none() {
        backoff.fail(&key, now);
        emit(sim, claim, kind, reason, message);
    }
}

/// The class that a claim names.
fn class_of(sim: &KubeSim, claim: &Value) -> Option<Arc<Value>> {
    sim.store().get(CLASSES, "", text(claim, "/spec/storageClassName"))
}

fn waits_for_consumer(class: &Value) -> bool {
    text(class, "/volumeBindingMode") == "WaitForFirstConsumer"
}

/// Says what a claim waits for whose class binds only when a pod comes.
fn remind_of_consumer(sim: &KubeSim, claim: &Value, backoff: &mut Backoff) {
    let unbound = consumers(sim, claim).filter(|pod| text(pod, "/spec/nodeName").is_empty());
    let names: Vec<_> = unbound.map(|pod| name(&pod).to_owned()).collect();
    let (reason, message) = match names.as_slice() {
        [] => ("WaitForFirstConsumer", "waiting for first consumer to be created before binding".to_owned()),
        [pod] => ("WaitForPodScheduled", format!("waiting for pod {pod} to be scheduled")),
        pods => ("WaitForPodScheduled", format!("waiting for pods {} to be scheduled", pods.join(","))),
    };
    remind(sim, claim, "Normal", reason, &message, backoff);
}

/// Makes a volume for a claim when its class provisions and its time has come; returns when that is.
async fn provision(
    sim: &KubeSim,
    claim: &Arc<Value>,
    class: Option<&Value>,
    backoff: &mut Backoff,
) -> Option<Timestamp> {
    let class_name = text(claim, "/spec/storageClassName");
    if class_name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        remind(sim, claim, "Normal", "FailedBinding", message, backoff);
        return None;
    }
    let Some(class) = class else {
        let message = format!("storageclass.storage.k8s.io {class_name:?} not found");
        remind(sim, claim, "Warning", "ProvisioningFailed", &message, backoff);
        return None;
    };
    let mut begun = timestamp::read(claim, "/metadata/creationTimestamp")?;
    let provisioner = text(class, "/provisioner");
    if waits_for_consumer(class) {
        let first = consumers(sim, claim).next().filter(|_| provisioner != NO_PROVISIONER);
        let Some(first) = first else {
            remind_of_consumer(sim, claim, backoff);
            return None;
        };
        begun = begun.max(timestamp::read(&first, "/metadata/creationTimestamp")?);
    }
    if provisioner == NO_PROVISIONER {
        let message = format!("no volume plugin matched name: {NO_PROVISIONER}");
        remind(sim, claim, "Warning", "ProvisioningFailed", &message, backoff);
        return None;
    }
    let ready = begun.saturating_add(PROVISION_TIME).ok()?;
    if ready > sim.clock().now() {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system \
             administrator. If volume creation is delayed, please verify that the provisioner is running and correctly \
             registered."
        );
        remind(sim, claim, "Normal", "ExternalProvisioning", &message, backoff);
        return Some(ready);
    }
    let volume_name = format!("pvc-{}", uid(claim));
    let made = create_as_controller(sim, VOLUMES.0, VOLUMES.1, new_volume(claim, class, &volume_name)).await;
    match made {
        Ok(()) => {
            let message = format!("Successfully provisioned volume {volume_name}");
            emit(sim, claim, "Normal", "ProvisioningSucceeded", &message);
        }
        Err(error) => emit(sim, claim, "Warning", "ProvisioningFailed", &error.to_string()),
    }
    None
}

fn new_volume(claim: &Value, class: &Value, volume_name: &str) -> Value {
    let provisioner = text(class, "/provisioner");
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume_name, "annotations": {"pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
            "storageClassName": name(class),
            "volumeMode": claim["spec"]["volumeMode"],
            "claimRef": binding::reference(claim),
            "csi": {"driver": provisioner, "volumeHandle": volume_name},
        },
    });
    if !list(class, "/mountOptions").is_empty() {
        volume["spec"]["mountOptions"] = class["mountOptions"].clone();
    }
    volume
}

fn emit(sim: &KubeSim, about: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, about, EventRecord { kind, reason, message, component: COMPONENT });
}

/// Brings a volume's phase up to date; one whose claim is gone is deleted or kept, as its policy has it.
fn reconcile_volume(sim: &KubeSim, volume: &Arc<Value>) -> Option<Timestamp> {
    let reference = &volume["spec"]["claimRef"];
    let claim = sim.store().get(CLAIMS, text(reference, "/namespace"), text(reference, "/name"));
    let of_same =
        |claim: &Arc<Value>| text(reference, "/uid").is_empty() || text(reference, "/uid") == uid(claim);
    let claim = claim.filter(of_same);
    let phase = match &claim {
        Some(claim) if text(claim, "/spec/volumeName") == name(volume) => "Bound",
        Some(_) => "Available",
        None if is_set(reference, "/uid") => "Released",
        None => "Available",
    };
    if is_terminating(volume) {
        if phase != "Bound" {
            unprotect(sim, VOLUMES, volume, VOLUME_PROTECTION);
        }
        return None;
    }
    if phase == "Released" && text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        let kind = kinds::find(VOLUMES.0, VOLUMES.1)?;
        let options = Options { uid: Some(uid(volume).to_owned()), ..Options::default() };
        // One that somebody else deleted first is deleted all the same.
        let _ = delete(sim.store(), kind, "", name(volume), &options, sim.clock().now());
        return None;
    }
    if text(volume, "/status/phase") != phase {
        let mut next = (**volume).clone();
        map_mut(&mut next, "status");
        next["status"]["phase"] = phase.into();
        next["status"]["lastPhaseTransitionTime"] = timestamp::seconds(sim.clock().now()).into();
        let _ = replace_as_controller(sim, VOLUMES, volume, next); // whoever changed it meanwhile woke us again
    }
    None
}
