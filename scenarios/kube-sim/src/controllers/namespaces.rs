//! A namespace that goes takes everything in it along, and only then is gone.

use serde_json::{Value, json};

use super::waiting::Changes;
use crate::KubeSim;
use crate::kinds::{self, KINDS, Kind};
use crate::pods::field::{is_leaving, list, name};
use crate::service::delete::{Options, delete};

/// Empties and removes namespaces until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let shelves: Vec<_> = KINDS.iter().filter(|kind| !kind.traits.computed).map(Kind::shelf).collect();
    let mut namespaces = Changes::of(sim, &[("", "namespaces")]);
    let mut everything = Changes::of(sim, &shelves);
    loop {
        namespaces.seen();
        everything.seen();
        match round(sim) {
            // Only while one is going does the rest of the cluster matter.
            true => everything.next(sim, None).await,
            false => namespaces.next(sim, None).await,
        }
    }
}

/// Whether a namespace is still going.
fn round(sim: &KubeSim) -> bool {
    let Some(kind) = kinds::find("", "namespaces") else { return false };
    let (namespaces, _) = sim.store().list(kind.shelf(), None);
    let mut going = false;
    for namespace in namespaces.iter().filter(|namespace| is_leaving(namespace)) {
        if !empty(sim, name(namespace)) {
            going = true;
            continue;
        }
        let mut done = (**namespace).clone();
        done["spec"]["finalizers"] = json!([]);
        let removed = match list(namespace, "/metadata/finalizers").is_empty() {
            true => sim.store().remove(kind.shelf(), namespace).is_ok(),
            false => sim.store().replace(kind.shelf(), namespace, done).is_ok(),
        };
        going |= !removed;
    }
    going
}

/// Deletes what is in a namespace; true when nothing is left.
fn empty(sim: &KubeSim, namespace: &str) -> bool {
    let mut left = 0;
    for kind in KINDS.iter().filter(|kind| kind.namespaced && !kind.traits.computed) {
        let (objects, _) = sim.store().list(kind.shelf(), Some(namespace));
        for object in objects.iter().filter(|object| !is_leaving(object)) {
            let options = Options { propagation: "Background".to_owned(), ..Options::default() };
            // What somebody else deleted first is as good as deleted.
            let _ = delete(sim.store(), kind, namespace, name(object), &options, sim.clock().now());
        }
        left += sim
            .store()
            .list(kind.shelf(), Some(namespace))
            .0
            .iter()
            .filter(|o: &&std::sync::Arc<Value>| !o.is_null())
            .count();
    }
    left == 0
}
