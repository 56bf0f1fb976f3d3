//! ControllerRevisions: the versions of the template of a StatefulSet or a DaemonSet.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::deployment::template_hash;
use super::owned::{claimed, reference};
use crate::kinds;
use crate::object::field::{is_terminating, label, map_mut, name, namespace, number, uid};
use crate::service::controller_writes::{create_as_controller, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

/// Group and resource of the revisions.
pub const REVISIONS: GroupResource = ("apps", "controllerrevisions");

/// Label of a set's pods with the revision, or the hash of the template, that they were made of.
pub const POD_LABEL: &str = "controller-revision-hash";

/// The owner's revisions, the oldest first.
pub fn all(sim: &KubeSim, owner: &Value) -> Vec<Arc<Value>> {
    let mut revisions = claimed(sim, owner, REVISIONS);
    revisions.sort_by_key(|revision| number(revision, "/revision").unwrap_or(0));
    revisions
}

/// The revision of the owner's present template: the newest of the same template, made when there is none; the hash
/// stands in the label `hash_label`.
pub async fn present(
    sim: &KubeSim,
    owner: &Value,
    revisions: &[Arc<Value>],
    hash_label: &str,
) -> Option<Arc<Value>> {
    let data = data_of(owner);
    let next = revisions.last().and_then(|last| number(last, "/revision")).unwrap_or(0) + 1;
    if let Some(same) = revisions.iter().rev().find(|revision| revision["data"] == data) {
        if number(same, "/revision") == Some(next - 1) {
            return Some(Arc::clone(same));
        }
        let mut newest = (**same).clone();
        newest["revision"] = next.into();
        return replace_as_controller(sim, REVISIONS, same, newest).ok();
    }
    let hash = template_hash::of(owner);
    let revision_name = format!("{}-{hash}", name(owner));
    let template = &owner["spec"]["template"];
    let mut revision = json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {"name": revision_name, "namespace": namespace(owner), "labels": template["metadata"]["labels"],
            "ownerReferences": [reference(owner)]},
        "data": data, "revision": next,
    });
    map_mut(&mut revision["metadata"], "labels").insert(hash_label.to_owned(), hash.into());
    if owner["metadata"]["annotations"].is_object() {
        revision["metadata"]["annotations"] = owner["metadata"]["annotations"].clone();
    }
    // One of this name that somebody else made is left alone, and the next round tries again.
    let _ = create_as_controller(sim, "apps", "controllerrevisions", revision).await;
    let made = sim.store().get(REVISIONS, namespace(owner), &revision_name)?;
    (made["data"] == data).then_some(made)
}

/// The template as a patch that brings it back.
fn data_of(owner: &Value) -> Value {
    let mut template = owner["spec"]["template"].clone();
    template["$patch"] = "replace".into();
    json!({"spec": {"template": template}})
}

/// The owner with the template of a revision.
pub fn applied(owner: &Value, revision: &Value) -> Value {
    let mut whole = owner.clone();
    let mut template = revision["data"]["spec"]["template"].clone();
    template.as_object_mut().and_then(|members| members.shift_remove("$patch"));
    whole["spec"]["template"] = template;
    whole
}

/// Deletes the oldest revisions beyond `revisionHistoryLimit` that are not in use.
pub fn prune(sim: &KubeSim, owner: &Value, revisions: &[Arc<Value>], is_live: impl Fn(&Value) -> bool) {
    let kept = usize::try_from(number(owner, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
    let unused: Vec<_> = revisions.iter().filter(|r| !is_live(r) && !is_terminating(r)).collect();
    let Some(kind) = kinds::find(REVISIONS.0, REVISIONS.1) else { return };
    for revision in &unused[..unused.len().saturating_sub(kept)] {
        let options = Options { uid: Some(uid(revision).to_owned()), ..Options::default() };
        // One that somebody else deleted first is deleted all the same.
        let _ = delete(sim.store(), kind, namespace(revision), name(revision), &options, sim.clock().now());
    }
}

/// The values of a label of pods.
pub fn labels_of<'a>(pods: impl Iterator<Item = &'a Arc<Value>>, key: &str) -> BTreeSet<&'a str> {
    pods.filter_map(|pod| label(pod, key)).collect()
}
