//! Who owns whom: objects by uid, and the dependents of each owner, kept up to date change by change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::kinds::{KINDS, Kind};
use crate::object::field::{is_terminating, list, name, namespace, text, uid};
use crate::store::{Change, GroupResource};

/// Key of an object among all: the kind's place, then namespaces and names.
pub type ObjectKey = (usize, String, String);

/// An object with its kind.
#[derive(Debug, Clone)]
pub struct Owned {
    /// The object's kind.
    pub kind: &'static Kind,
    /// The object as it was written last.
    pub object: Arc<Value>,
}

/// All objects but events, and who owns whom.
#[derive(Debug, Default)]
pub struct Graph {
    objects: BTreeMap<ObjectKey, Owned>,
    by_uid: BTreeMap<String, ObjectKey>,
    dependents: BTreeMap<String, BTreeSet<ObjectKey>>,
    /// Number of objects that were looked at.
    pub visited: usize,
}

/// The uids of an object's owners.
pub fn owners_of(object: &Value) -> impl Iterator<Item = &str> {
    list(object, "/metadata/ownerReferences").iter().map(|owner| text(owner, "/uid"))
}

/// The kind that is stored as a resource, and its place among the kinds; none for events, which own nothing.
fn kind_of((group, resource): GroupResource) -> Option<(usize, &'static Kind)> {
    let is_it =
        |kind: &Kind| kind.storage() == (group, resource) && kind.is_stored() && kind.resource != "events";
    KINDS.iter().enumerate().find(|(_, kind)| is_it(kind))
}

impl Graph {
    /// Takes in an object as it is.
    pub fn insert(&mut self, resource: GroupResource, object: &Arc<Value>) {
        let Some((at, kind)) = kind_of(resource) else { return };
        let key = (at, namespace(object).to_owned(), name(object).to_owned());
        self.forget(&key);
        for owner in owners_of(object) {
            self.dependents.entry(owner.to_owned()).or_default().insert(key.clone());
        }
        self.by_uid.insert(uid(object).to_owned(), key.clone());
        self.objects.insert(key, Owned { kind, object: Arc::clone(object) });
    }

    /// Takes in the new state of an object that is known; false where it is not known, or another one of its name.
    fn replace(&mut self, at: usize, Change { before, after, .. }: &Change) -> bool {
        let key = (at, namespace(after).to_owned(), name(after).to_owned());
        let known = self.objects.get_mut(&key);
        let known =
            known.filter(|known| before.as_ref().is_some_and(|before| Arc::ptr_eq(&known.object, before)));
        match known {
            Some(known) if uid(&known.object) == uid(after) => known.object = Arc::clone(after),
            _ => return false,
        }
        true
    }

    fn forget(&mut self, key: &ObjectKey) {
        let Some(Owned { object, .. }) = self.objects.remove(key) else { return };
        self.by_uid.remove(uid(&object));
        for owner in owners_of(&object) {
            if let Some(theirs) = self.dependents.get_mut(owner) {
                theirs.remove(key);
                if theirs.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }

    /// Takes in a change; returns the objects that may have to be collected for it.
    pub fn note(&mut self, resource: GroupResource, change: &Change) -> BTreeSet<ObjectKey> {
        let Some((at, _)) = kind_of(resource) else { return BTreeSet::new() };
        let after = &change.after;
        let mut concerned = BTreeSet::new();
        if change.removed {
            self.forget(&(at, namespace(after).to_owned(), name(after).to_owned()));
            concerned.extend(self.dependents.get(uid(after)).into_iter().flatten().cloned());
            concerned.extend(self.keys(owners_of(after)));
            return concerned;
        }
        let owners = list(after, "/metadata/ownerReferences");
        let before = change.before.as_ref().map(|before| list(before, "/metadata/ownerReferences"));
        let are_others = before.unwrap_or_default() != owners;
        if are_others || !self.replace(at, change) {
            self.insert(resource, after);
        }
        if is_terminating(after) || are_others {
            concerned.insert((at, namespace(after).to_owned(), name(after).to_owned()));
            concerned.extend(self.keys(owners_of(after)));
            concerned.extend(change.before.iter().flat_map(|before| self.keys(owners_of(before))));
        }
        concerned
    }

    /// The keys of all objects.
    pub fn all(&self) -> BTreeSet<ObjectKey> {
        self.objects.keys().cloned().collect()
    }

    fn keys<'a>(&self, uids: impl Iterator<Item = &'a str>) -> Vec<ObjectKey> {
        uids.filter_map(|uid| self.by_uid.get(uid)).cloned().collect()
    }

    /// The object of a key.
    pub fn get(&mut self, key: &ObjectKey) -> Option<Owned> {
        self.visited += 1;
        self.objects.get(key).cloned()
    }

    /// True for an object that had owners, of which none is left.
    pub fn is_orphaned(&self, object: &Value) -> bool {
        let mut owners = owners_of(object).peekable();
        owners.peek().is_some() && owners.all(|owner| !self.by_uid.contains_key(owner))
    }

    /// The objects that name an object as an owner, in the order of their keys.
    pub fn dependents(&mut self, owner: &Value) -> Vec<Owned> {
        let keys = self.dependents.get(uid(owner)).into_iter().flatten();
        let found: Vec<_> = keys.filter_map(|key| self.objects.get(key)).cloned().collect();
        self.visited += found.len();
        found
    }

    /// The uids of an object's owners, and of theirs, over any number of owners between them.
    pub fn ancestors(&self, object: &Value) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<String> = owners_of(object).map(str::to_owned).collect();
        while let Some(owner) = next.pop() {
            let above = self.by_uid.get(&owner).and_then(|key| self.objects.get(key));
            let above = above.map(|above| owners_of(&above.object).map(str::to_owned).collect::<Vec<_>>());
            if seen.insert(owner) {
                next.extend(above.unwrap_or_default());
            }
        }
        seen
    }
}
