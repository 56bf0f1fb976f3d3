//! The garbage collector: deletes objects whose owners are all gone, and finishes cascading deletions.
//!
//! It keeps who owns whom, as the real one does, so that a change costs as much as the objects that it concerns.

mod graph;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::kinds::{KINDS, Kind};
use crate::object::field::{flag, is_terminating, list, name, namespace, text, uid};
use crate::object::finalizers;
use crate::service::controller_writes::{remove_finalizer, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use graph::{Graph, ObjectKey, Owned};

/// Collects until the future is dropped.
pub async fn run(sim: &KubeSim) {
    // One receiver of all writes, since to wait for each kind by itself costs more than all else here.
    let mut written = sim.store().written();
    let mut collector = Collector::default();
    loop {
        written.see();
        collector.round(sim);
        written.changed().await;
    }
}

/// The collector's knowledge, as of a revision.
#[derive(Debug, Default)]
struct Collector {
    graph: Graph,
    seen: u64,
}

/// What is to be done about one object, decided before anything of the round is done.
struct Decision {
    owned: Owned,
    is_orphaned: bool,
    dependents: Vec<Owned>,
    above: BTreeSet<String>,
}

impl Collector {
    /// Looks at what changed since the last round, and at what that concerns.
    fn round(&mut self, sim: &KubeSim) {
        let concerned = self.catch_up(sim);
        let decisions: Vec<_> = concerned.iter().filter_map(|key| self.decide(key)).collect();
        for decision in &decisions {
            act(sim, decision);
        }
    }

    /// Takes in what was written since; returns what that concerns.
    fn catch_up(&mut self, sim: &KubeSim) -> BTreeSet<ObjectKey> {
        let store = sim.store();
        if let Ok((changes, revision)) = store.all_since(self.seen) {
            self.seen = revision;
            let concerned = changes.iter().flat_map(|(resource, change)| self.graph.note(*resource, change));
            return concerned.collect();
        }
        self.graph = Graph::default();
        // What is written while the kinds are listed is told again by the next round.
        self.seen = store.revision();
        for kind in KINDS.iter().filter(|kind| kind.is_stored()) {
            let resource = kind.storage();
            store.list(resource, None).0.iter().for_each(|object| self.graph.insert(resource, object));
        }
        self.graph.all()
    }

    fn decide(&mut self, key: &ObjectKey) -> Option<Decision> {
        let owned = self.graph.get(key)?;
        let held = list(&owned.object, "/metadata/finalizers");
        let is_held = held.iter().any(|own| own == finalizers::FOREGROUND || own == finalizers::ORPHAN);
        let is_orphaned = self.graph.is_orphaned(&owned.object);
        if !is_terminating(&owned.object) {
            let (dependents, above) = (Vec::new(), BTreeSet::new());
            return is_orphaned.then_some(Decision { owned, is_orphaned, dependents, above });
        }
        if !is_held {
            return None;
        }
        let dependents = self.graph.dependents(&owned.object);
        let above = self.graph.ancestors(&owned.object);
        Some(Decision { owned, is_orphaned, dependents, above })
    }
}

fn act(sim: &KubeSim, decision: &Decision) {
    let Owned { kind, object } = &decision.owned;
    if is_terminating(object) {
        finish_deletion(sim, kind, object, decision);
    } else if decision.is_orphaned {
        let options = Options { uid: Some(uid(object).to_owned()), ..Options::default() };
        let _ = delete(sim.store(), kind, namespace(object), name(object), &options, sim.clock().now());
    }
}

/// Lets an owner that is being deleted go, once its dependents are deleted (`Foreground`) or orphaned.
fn finish_deletion(sim: &KubeSim, kind: &'static Kind, owner: &Arc<Value>, decision: &Decision) {
    let held = list(owner, "/metadata/finalizers");
    let has = |word: &str| held.iter().any(|finalizer| finalizer == word);
    let Decision { dependents, above, .. } = decision;
    if has(finalizers::FOREGROUND) {
        let mut blocking = 0;
        for Owned { kind, object: dependent } in dependents {
            let options = Options { propagation: "Foreground".to_owned(), ..Options::default() };
            let leaving = is_terminating(dependent);
            let references = list(dependent, "/metadata/ownerReferences");
            let blocks =
                references.iter().any(|o| text(o, "/uid") == uid(owner) && flag(o, "/blockOwnerDeletion"));
            // Of objects that own each other, each would wait for the other.
            let in_circle = leaving && above.contains(uid(dependent));
            blocking += usize::from(blocks && !in_circle);
            if !leaving {
                let (namespace, name) = (namespace(dependent), name(dependent));
                let _ = delete(sim.store(), kind, namespace, name, &options, sim.clock().now());
            }
        }
        if blocking == 0 {
            remove_finalizer(sim, kind, owner, finalizers::FOREGROUND);
        }
    } else if has(finalizers::ORPHAN) {
        for Owned { kind, object: dependent } in dependents {
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
