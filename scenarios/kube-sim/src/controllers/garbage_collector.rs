//! The garbage collector: deletes objects whose owners are all gone, and finishes cascading deletions.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::kinds::{KINDS, Kind};
use crate::object::field::{flag, is_terminating, list, name, namespace, text, uid};
use crate::object::finalizers;
use crate::service::controller_writes::{remove_finalizer, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;

/// Collects until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let kinds: Vec<&'static Kind> = KINDS.iter().filter(|kind| kind.is_stored()).collect();
    // One receiver of all writes, since to wait for each kind by itself costs more than all else here.
    let mut written = sim.store().written();
    let mut seen = 0;
    loop {
        let revision = written.see();
        if needs_round(sim, seen) {
            reconcile(sim, &kinds);
        }
        seen = revision;
        written.changed().await;
    }
}

/// True when anything was removed, is being deleted, or was created with owners after the revision `seen`.
fn needs_round(sim: &KubeSim, seen: u64) -> bool {
    let Ok(changes) = sim.store().all_since(seen) else { return true };
    changes.iter().any(|change| {
        let fresh = change.before.is_none() && !list(&change.after, "/metadata/ownerReferences").is_empty();
        change.removed || fresh || is_terminating(&change.after)
    })
}

fn reconcile(sim: &KubeSim, kinds: &[&'static Kind]) {
    let mut all: Vec<(&'static Kind, Arc<Value>)> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.resource != "events") {
        all.extend(sim.store().list(kind.storage(), None).0.into_iter().map(|object| (*kind, object)));
    }
    let uids: BTreeSet<&str> = all.iter().map(|(_, object)| uid(object)).collect();
    for (kind, object) in &all {
        let owners = list(object, "/metadata/ownerReferences");
        let orphaned = !owners.is_empty() && owners.iter().all(|owner| !uids.contains(text(owner, "/uid")));
        if orphaned && !is_terminating(object) {
            let options = Options { uid: Some(uid(object).to_owned()), ..Options::default() };
            let _ = delete(sim.store(), kind, namespace(object), name(object), &options, sim.clock().now());
        }
        if is_terminating(object) {
            finish_deletion(sim, kind, object, &all);
        }
    }
}

/// Lets an owner that is being deleted go, once its dependents are deleted (`Foreground`) or orphaned.
fn finish_deletion(
    sim: &KubeSim,
    kind: &'static Kind,
    owner: &Arc<Value>,
    all: &[(&'static Kind, Arc<Value>)],
) {
    let held = list(owner, "/metadata/finalizers");
    let has = |word: &str| held.iter().any(|finalizer| finalizer == word);
    let owned = |object: &Value| {
        list(object, "/metadata/ownerReferences").iter().any(|o| text(o, "/uid") == uid(owner))
    };
    let dependents: Vec<_> = all.iter().filter(|(_, object)| owned(object)).collect();
    if has(finalizers::FOREGROUND) {
        let above = ancestors(owner, all);
        let mut blocking = 0;
        for (kind, dependent) in &dependents {
            let options = Options { propagation: "Foreground".to_owned(), ..Options::default() };
            let leaving = is_terminating(dependent);
            let references = list(dependent, "/metadata/ownerReferences");
            let blocks =
                references.iter().any(|o| text(o, "/uid") == uid(owner) && flag(o, "/blockOwnerDeletion"));
            // Of objects that own each other, each would wait for the other.
            let in_circle = leaving && above.contains(uid(dependent));
            blocking += usize::from(blocks && !in_circle);
            if !leaving {
                let _ = delete(
                    sim.store(),
                    kind,
                    namespace(dependent),
                    name(dependent),
                    &options,
                    sim.clock().now(),
                );
            }
        }
        if blocking == 0 {
            remove_finalizer(sim, kind, owner, finalizers::FOREGROUND);
        }
    } else if has(finalizers::ORPHAN) {
        for (kind, dependent) in &dependents {
            let mut free = (**dependent).clone();
            if let Some(references) =
                free.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut)
            {
                references.retain(|reference| text(reference, "/uid") != uid(owner));
            }
            let _ = replace_as_controller(sim, kind.storage(), dependent, free);
        }
        remove_finalizer(sim, kind, owner, finalizers::ORPHAN);
    }
}

/// The uids of an object's owners, and of theirs, over any number of owners between them.
fn ancestors<'a>(object: &'a Value, all: &'a [(&'static Kind, Arc<Value>)]) -> BTreeSet<&'a str> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&str> = owners_of(object).collect();
    while let Some(owner) = next.pop() {
        if seen.insert(owner)
            && let Some((_, owner)) = all.iter().find(|(_, object)| uid(object) == owner)
        {
            next.extend(owners_of(owner));
        }
    }
    seen
}

fn owners_of(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "/metadata/ownerReferences").iter().map(|owner| text(owner, "/uid"))
}
