//! The objects of a kind that a round has to look at: those that changed, those that own what changed, and those that are
//! due. The others have nothing to be done, however many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::following::{Follower, Key, News, key_of};
use crate::label_selector::selects;
use crate::object::field::{controller, namespace, text};
use crate::sim::KubeSim;
use crate::store::{Change, GroupResource, Store};

const REPLICA_SETS: GroupResource = ("apps", "replicasets");

/// The work of a controller between its rounds.
#[derive(Debug)]
pub struct Worklist {
    /// Kind and resource of the objects.
    kind: &'static str,
    resource: GroupResource,
    objects: Follower,
    /// Kinds whose objects are owned, or owned over a ReplicaSet between.
    owned: Vec<Follower>,
    due: BTreeSet<(Timestamp, Key)>,
    due_of: BTreeMap<Key, Timestamp>,
}

/// What a round has to look at.
#[derive(Debug, Default)]
struct Concerned {
    everything: bool,
    keys: BTreeSet<Key>,
    /// Owned objects without an owner, which the objects of their namespace may take.
    free: Vec<Arc<Value>>,
}

impl Worklist {
    /// The work on the objects of a kind, which own objects of other kinds.
    pub fn new(kind: &'static str, resource: GroupResource, owned: &[GroupResource]) -> Self {
        Self {
            kind,
            resource,
            objects: Follower::new(resource),
            owned: owned.iter().map(|resource| Follower::new(*resource)).collect(),
            due: BTreeSet::new(),
            due_of: BTreeMap::new(),
        }
    }

    /// The objects to look at, in order of namespace and name.
    pub fn take(&mut self, sim: &KubeSim) -> Vec<Arc<Value>> {
        let (store, mut concerned) = (sim.store(), Concerned::default());
        match self.objects.news(store) {
            News::Everything(_) => concerned.everything = true,
            News::Changes(changes) => {
                concerned.keys.extend(changes.iter().map(|change| key_of(&change.after)))
            }
        }
        for owned in &mut self.owned {
            match owned.news(store) {
                News::Everything(_) => concerned.everything = true,
                News::Changes(changes) => {
                    changes.iter().for_each(|change| concerned.owners_of(store, self.kind, change));
                }
            }
        }
        let now = sim.clock().now();
        let due = self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone());
        concerned.keys.extend(due);
        self.found(store, concerned)
    }

    fn found(&mut self, store: &Store, concerned: Concerned) -> Vec<Arc<Value>> {
        if concerned.everything {
            self.due.clear();
            self.due_of.clear();
            return store.list(self.resource, None).0;
        }
        let mut found = BTreeMap::new();
        for key in concerned.keys {
            match store.get(self.resource, &key.0, &key.1) {
                Some(object) => drop(found.insert(key, object)),
                None => self.set_due(&key, None),
            }
        }
        let places: BTreeSet<&str> = concerned.free.iter().map(|free| namespace(free)).collect();
        for object in places.iter().flat_map(|place| store.list(self.resource, Some(place)).0) {
            let selector = object.pointer("/spec/selector");
            let takes = |free: &Arc<Value>| namespace(free) == namespace(&object) && selects(selector, free);
            if concerned.free.iter().any(takes) {
                found.insert(key_of(&object), object);
            }
        }
        found.into_values().collect()
    }

    /// Notes the instant of the next round that an object needs without a change.
    pub fn set_due(&mut self, key: &Key, next: Option<Timestamp>) {
        if let Some(before) = self.due_of.remove(key) {
            self.due.remove(&(before, key.clone()));
        }
        if let Some(next) = next {
            self.due_of.insert(key.clone(), next);
            self.due.insert((next, key.clone()));
        }
    }

    /// The instant of the next round that is due without a change.
    pub fn due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }
}

impl Concerned {
    /// Notes who owned what changed, before and after.
    fn owners_of(&mut self, store: &Store, kind: &str, change: &Change) {
        for version in change.before.iter().chain([&change.after]) {
            match controller(version) {
                None => self.free.push(Arc::clone(version)),
                Some(owner) if text(owner, "/kind") == kind => {
                    self.keys.insert((namespace(version).to_owned(), text(owner, "/name").to_owned()));
                }
                Some(owner) if text(owner, "/kind") == "ReplicaSet" => {
                    let set = store.get(REPLICA_SETS, namespace(version), text(owner, "/name"));
                    let above = set.as_ref().and_then(|set| controller(set));
                    if let Some(above) = above.filter(|above| text(above, "/kind") == kind) {
                        self.keys.insert((namespace(version).to_owned(), text(above, "/name").to_owned()));
                    }
                }
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::field::name;

    const PODS: GroupResource = ("", "pods");
    const JOBS: GroupResource = ("batch", "jobs");

    fn job(at: usize) -> Value {
        let name = format!("j{at}");
        json!({"kind": "Job", "apiVersion": "batch/v1", "metadata": {"namespace": "default", "name": name, "uid": name},
            "spec": {"selector": {"matchLabels": {"job": name}}}})
    }

    fn pod(name: &str, job: &str, owned: bool) -> Value {
        let owner = json!([{"kind": "Job", "name": job, "uid": job, "controller": true}]);
        let owners = if owned { owner } else { json!([]) };
        json!({"metadata": {"namespace": "default", "name": name, "uid": name, "labels": {"job": job}, "ownerReferences": owners}})
    }

    fn taken(work: &mut Worklist, sim: &KubeSim) -> Vec<String> {
        work.take(sim).iter().map(|object| name(object).to_owned()).collect()
    }

    #[test]
    fn a_change_concerns_its_owner_alone_however_many_there_are() {
        let sim = KubeSim::builder().build();
        let mut work = Worklist::new("Job", JOBS, &[PODS]);
        for at in 0..100 {
            sim.store().create(JOBS, job(at)).unwrap();
        }
        assert_eq!(taken(&mut work, &sim).len(), 100);
        assert_eq!(taken(&mut work, &sim), Vec::<String>::new());
        let owned = sim.store().create(PODS, pod("a", "j7", true)).unwrap();
        assert_eq!(taken(&mut work, &sim), ["j7"]);
        sim.store().create(PODS, pod("b", "j8", false)).unwrap();
        assert_eq!(taken(&mut work, &sim), ["j8"], "that may take it");
        sim.store().remove(PODS, &owned).unwrap();
        assert_eq!(taken(&mut work, &sim), ["j7"]);
    }

    #[test]
    fn what_is_due_is_taken_until_it_is_settled() {
        let sim = KubeSim::builder().build();
        let mut work = Worklist::new("Job", JOBS, &[PODS]);
        sim.store().create(JOBS, job(1)).unwrap();
        assert_eq!(taken(&mut work, &sim), ["j1"]);
        let key = ("default".to_owned(), "j1".to_owned());
        work.set_due(&key, Some(Timestamp::MIN));
        assert_eq!((taken(&mut work, &sim), work.due()), (vec!["j1".to_owned()], Some(Timestamp::MIN)));
        work.set_due(&key, None);
        assert_eq!((taken(&mut work, &sim), work.due()), (Vec::new(), None));
    }
}
