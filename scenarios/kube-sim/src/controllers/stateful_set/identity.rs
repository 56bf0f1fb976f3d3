//! What a pod of a StatefulSet keeps: its number, its names, its claims.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{CLAIMS, decide};
use crate::controllers::owned::reference;
use crate::object::field::{
    entries, is_terminating, list, list_mut, map_mut, name, namespace, number, text, uid,
};
use crate::service::controller_writes::replace_as_controller;
use crate::sim::KubeSim;

/// The pods with their numbers, in their order; a pod that is not named after the set has none and is left out.
pub fn numbered(set: &Value, pods: Vec<Arc<Value>>) -> Vec<(i64, Arc<Value>)> {
    let mut numbered: Vec<_> = pods
        .into_iter()
        .filter_map(|pod| {
            let number = name(&pod).strip_prefix(name(set))?.strip_prefix('-')?.parse().ok()?;
            Some((number, pod))
        })
        .collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered
}

/// The new pod of a number.
pub fn pod(set: &Value, ordinal: i64) -> Value {
    let template = &set["spec"]["template"];
    let pod_name = format!("{}-{ordinal}", name(set));
    let mut metadata =
        json!({"name": pod_name, "generateName": format!("{}-", name(set)), "namespace": namespace(set)});
    for map in ["labels", "annotations", "finalizers"] {
        if let Some(given) = template.pointer(&format!("/metadata/{map}")).filter(|given| !given.is_null()) {
            metadata[map] = given.clone();
        }
    }
    let labels = map_mut(&mut metadata, "labels");
    labels.insert("apps.kubernetes.io/pod-index".to_owned(), ordinal.to_string().into());
    labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), pod_name.as_str().into());
    metadata["ownerReferences"] = json!([reference(set)]);
    let mut spec = template["spec"].clone();
    spec["hostname"] = pod_name.into();
    if !text(set, "/spec/serviceName").is_empty() {
        spec["subdomain"] = set["spec"]["serviceName"].clone();
    }
    let templates = list(set, "/spec/volumeClaimTemplates");
    if !templates.is_empty() {
        let own = templates.iter().map(|claim| {
            let claim_name = claim_name(set, claim, ordinal);
            json!({"name": name(claim), "persistentVolumeClaim": {"claimName": claim_name}})
        });
        let own: Vec<Value> = own.collect();
        let volumes = list_mut(&mut spec, "volumes");
        volumes.retain(|volume| !own.iter().any(|claim| claim["name"] == volume["name"]));
        volumes.splice(0..0, own);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

fn claim_name(set: &Value, claim: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", name(claim), name(set))
}

/// The claims of a number.
pub fn claims(set: &Value, ordinal: i64) -> Vec<Value> {
    let made = list(set, "/spec/volumeClaimTemplates").iter().map(|template| {
        let mut claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": template["metadata"], "spec": template["spec"]});
        claim["metadata"]["name"] = claim_name(set, template, ordinal).into();
        claim["metadata"]["namespace"] = namespace(set).into();
        let labels = map_mut(&mut claim["metadata"], "labels");
        for (key, value) in entries(set, "/spec/selector/matchLabels") {
            labels.insert(key.to_owned(), value.clone());
        }
        claim
    });
    made.collect()
}

/// Keeps the owners of the pods' claims as the retention policy has it: the set for claims that go with it, the pod for
/// those that go when the set is scaled in.
pub fn keep_owners_of_claims(sim: &KubeSim, set: &Value, pods: &[(i64, Arc<Value>)]) {
    let policy = |when: &str| text(set, &format!("/spec/persistentVolumeClaimRetentionPolicy/{when}"));
    let (with_set, when_scaled) = (policy("whenDeleted") == "Delete", policy("whenScaled") == "Delete");
    let end = decide::first_ordinal(set).saturating_add(number(set, "/spec/replicas").unwrap_or(1));
    for (ordinal, pod) in pods {
        let condemned = *ordinal >= end || *ordinal < decide::first_ordinal(set);
        let owner = match () {
            () if condemned && when_scaled => Some(pod.as_ref()),
            () if with_set => Some(set),
            () => None,
        };
        for template in list(set, "/spec/volumeClaimTemplates") {
            keep_owner(sim, set, pod, &claim_name(set, template, *ordinal), owner);
        }
    }
}

fn keep_owner(sim: &KubeSim, set: &Value, pod: &Value, claim: &str, owner: Option<&Value>) {
    let Some(stored) = sim.store().get(CLAIMS, namespace(set), claim) else { return };
    if is_terminating(&stored) {
        return;
    }
    let mut next = (*stored).clone();
    let owners = list_mut(&mut next["metadata"], "ownerReferences");
    owners.retain(|reference| ![uid(set), uid(pod)].contains(&text(reference, "/uid")));
    owners.extend(owner.map(|owner| {
        let mut reference = reference(owner);
        if owner["kind"].is_null() {
            reference["kind"] = "Pod".into();
            reference["apiVersion"] = "v1".into();
        }
        reference
    }));
    if owners.is_empty() {
        next["metadata"].as_object_mut().and_then(|metadata| metadata.shift_remove("ownerReferences"));
    }
    let _ = replace_as_controller(sim, CLAIMS, &stored, next); // whoever changed it meanwhile woke us again
}
