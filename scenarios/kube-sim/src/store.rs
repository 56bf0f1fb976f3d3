//! Objects, resource versions and the history that watches resume from.
//!
//! One counter numbers all writes, so the order of versions is the order of events. An object is never changed in
//! place: whoever holds one keeps seeing what it was.

mod contents;
mod signal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

pub use contents::{Change, TooOld};
pub use signal::{Receiver, Signal};

use crate::kinds::Kind;
use crate::object::field::{name, namespace, same};
use contents::Contents;

/// Lines of events kept for the watches that have not told them yet; the oldest is dropped first.
const LINES_MAX: usize = 64;
/// Texts of objects kept for those that read the same again; the oldest is dropped first.
const TEXTS_MAX: usize = 16;
/// Lists kept for their next pages; the oldest is dropped first.
const SNAPSHOTS_MAX: usize = 64;

/// Group and resource under which objects are stored.
pub type GroupResource = (&'static str, &'static str);

/// All objects of the cluster; clones share them.
#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    revision: u64,
    resources: BTreeMap<GroupResource, Contents>,
    snapshots: BTreeMap<u64, Snapshot>,
    next_snapshot: u64,
    cuts: Signal,
    written: Signal,
    lines: VecDeque<(LineKey, Bytes)>,
    texts: VecDeque<(Arc<Value>, &'static Kind, Bytes)>,
}

/// Kind, revision and type of an event.
type LineKey = (&'static Kind, u64, &'static str);

/// The rest of a list that is served in pages.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Objects of the pages still to come.
    pub rest: Vec<Arc<Value>>,
    /// The revision of the list.
    pub revision: u64,
}

/// Errors of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// An object of the name is stored already.
    #[error("an object of this name is stored already")]
    AlreadyExists,
    /// No object of the name is stored.
    #[error("no object of this name is stored")]
    NotFound,
    /// The object has changed since it was read.
    #[error("the object has changed since it was read")]
    Conflict,
}

impl Store {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the last write.
    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    /// The number of the last write of anything but `left_out`.
    pub fn revision_without(&self, left_out: GroupResource) -> u64 {
        let state = self.state();
        let others = state.resources.iter().filter(|(resource, _)| **resource != left_out);
        others.map(|(_, contents)| contents.changed.number()).max().unwrap_or_default()
    }

    /// One object; `namespace` is empty for cluster-scoped ones.
    pub fn get(&self, resource: GroupResource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let state = self.state();
        state.resources.get(&resource)?.objects.get(&(namespace.to_owned(), name.to_owned())).cloned()
    }

    /// All objects of a kind, or those of one namespace, in order of namespace and name; and the revision they are of.
    pub fn list(&self, resource: GroupResource, namespace: Option<&str>) -> (Vec<Arc<Value>>, u64) {
        let state = self.state();
        let Some(contents) = state.resources.get(&resource) else { return (Vec::new(), state.revision) };
        let found = match namespace {
            None => contents.objects.values().cloned().collect(),
            Some(wanted) => {
                let from = contents.objects.range((wanted.to_owned(), String::new())..);
                from.take_while(|((namespace, _), _)| namespace == wanted)
                    .map(|(_, object)| object.clone())
                    .collect()
            }
        };
        (found, state.revision)
    }

    /// The objects in a namespace that `controller` (a uid) controls, and those without a controller, in order of their names.
    pub fn claimable(&self, resource: GroupResource, namespace: &str, controller: &str) -> Vec<Arc<Value>> {
        let state = self.state();
        let Some(contents) = state.resources.get(&resource) else { return Vec::new() };
        let own = contents.controlled_by(controller, namespace);
        let free = contents.controlled_by("", namespace);
        let both: BTreeMap<_, _> = own.chain(free).collect();
        both.into_values().cloned().collect()
    }

    /// The line of an event, made once for all watches that tell it at about the same time.
    pub fn line_of(&self, key: LineKey, make: impl FnOnce() -> Bytes) -> Bytes {
        let is_it = |(known, _): &&(LineKey, Bytes)| {
            std::ptr::eq(known.0, key.0) && (known.1, known.2) == (key.1, key.2)
        };
        if let Some((_, line)) = self.state().lines.iter().rev().find(is_it) {
            return line.clone();
        }
        let line = make();
        let mut state = self.state();
        if state.lines.len() == LINES_MAX {
            state.lines.pop_front();
        }
        state.lines.push_back((key, line.clone()));
        line
    }

    /// The text of an object, made once for all who read it one after another.
    pub fn text_of(&self, kind: &'static Kind, object: &Arc<Value>, make: impl FnOnce() -> Bytes) -> Bytes {
        let is_it = |(known, as_kind, _): &&(Arc<Value>, &'static Kind, Bytes)| {
            Arc::ptr_eq(known, object) && std::ptr::eq(*as_kind, kind)
        };
        if let Some((_, _, text)) = self.state().texts.iter().rev().find(is_it) {
            return text.clone();
        }
        let text = make();
        let mut state = self.state();
        if state.texts.len() == TEXTS_MAX {
            state.texts.pop_front();
        }
        state.texts.push_back((Arc::clone(object), kind, text.clone()));
        text
    }

    /// Stores a new object.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`].
    pub fn create(&self, resource: GroupResource, object: Value) -> Result<Arc<Value>, StoreError> {
        let mut state = self.state();
        let key = key_of(&object);
        if state.resources.entry(resource).or_default().objects.contains_key(&key) {
            return Err(StoreError::AlreadyExists);
        }
        Ok(state.write(resource, key, None, object))
    }

    /// Replaces `before` by `object`; an equal object is not written and gets no new revision.
    ///
    /// # Errors
    /// [`StoreError`] when the stored object is not `before` any more.
    pub fn replace(
        &self,
        resource: GroupResource,
        before: &Arc<Value>,
        object: Value,
    ) -> Result<Arc<Value>, StoreError> {
        let mut state = self.state();
        let key = state.unchanged(resource, before)?;
        if same(&object, before) {
            return Ok(before.clone());
        }
        Ok(state.write(resource, key, Some(before.clone()), object))
    }

    /// Removes `before` and returns it as it was last.
    ///
    /// # Errors
    /// [`StoreError`] when the stored object is not `before` any more.
    pub fn remove(&self, resource: GroupResource, before: &Arc<Value>) -> Result<Arc<Value>, StoreError> {
        let mut state = self.state();
        let key = state.unchanged(resource, before)?;
        Ok(state.remove(resource, &key, before.clone()))
    }

    /// The changes of a resource after `revision`, in their order.
    ///
    /// # Errors
    /// [`TooOld`] when history begins later.
    pub fn since(&self, resource: GroupResource, revision: u64) -> Result<Vec<Change>, TooOld> {
        self.progress(resource, revision).map(|(changes, _)| changes)
    }

    /// The changes of a resource after `revision`, and the revision of the store's last write, both of one
    /// instant: with no changes, a watch of this resource has seen everything up to that revision.
    ///
    /// # Errors
    /// [`TooOld`] when history begins later.
    pub fn progress(&self, resource: GroupResource, revision: u64) -> Result<(Vec<Change>, u64), TooOld> {
        let state = self.state();
        let current = state.revision;
        let contents = state.resources.get(&resource);
        let changes = contents.map_or(Ok(Vec::new()), |contents| contents.since(revision));
        changes.map(|changes| (changes, current))
    }

    /// The changes of all resources after `revision`, resource by resource, and the revision of the last write.
    ///
    /// # Errors
    /// [`TooOld`] when the history of one begins later.
    pub fn all_since(&self, revision: u64) -> Result<(Vec<(GroupResource, Change)>, u64), TooOld> {
        let (state, mut changes) = (self.state(), Vec::new());
        for (resource, contents) in &state.resources {
            if contents.forgotten > revision
                || contents.history.back().is_some_and(|last| last.revision > revision)
            {
                changes.extend(contents.since(revision)?.into_iter().map(|change| (*resource, change)));
            }
        }
        Ok((changes, state.revision))
    }

    /// Checks that a watch can be resumed after `revision`.
    ///
    /// # Errors
    /// [`TooOld`] when history was cut off since.
    pub fn check_resumes(&self, resource: GroupResource, revision: u64) -> Result<(), TooOld> {
        let mut state = self.state();
        state.resources.entry(resource).or_default().check_resumes(revision)
    }

    /// A kind as it was at `revision`.
    ///
    /// # Errors
    /// [`TooOld`] when history begins later.
    pub fn list_at(
        &self,
        resource: GroupResource,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Vec<Arc<Value>>, TooOld> {
        let mut state = self.state();
        let contents = state.resources.entry(resource).or_default();
        contents.check_resumes(revision)?;
        let mut objects = contents.objects.clone();
        for change in contents.since(revision)?.into_iter().rev() {
            let key = key_of(&change.after);
            match change.before {
                Some(before) => objects.insert(key, before),
                None => objects.remove(&key),
            };
        }
        let here = |(of, _): &(String, String)| namespace.is_none_or(|wanted| of == wanted);
        Ok(objects.into_iter().filter(|(key, _)| here(key)).map(|(_, object)| object).collect())
    }

    /// All objects, kind by kind, and the number of the last write.
    pub fn all(&self) -> (Vec<(GroupResource, Arc<Value>)>, u64) {
        let state = self.state();
        let of = |(resource, contents): (&GroupResource, &Contents)| {
            let objects: Vec<_> =
                contents.objects.values().map(|object| (*resource, object.clone())).collect();
            objects
        };
        (state.resources.iter().flat_map(of).collect(), state.revision)
    }

    /// Puts the objects of another store in place of its own; history begins with them, after the other's write of this number.
    pub fn restore(&self, objects: Vec<(GroupResource, Arc<Value>)>, revision: u64) {
        let mut state = self.state();
        state.resources.clear();
        for (resource, object) in objects {
            state.resources.entry(resource).or_default().put(key_of(&object), object);
        }
        for contents in state.resources.values_mut() {
            (contents.forgotten, contents.compacted) = (revision, revision);
            contents.changed.set(revision);
        }
        state.revision = revision;
        state.written.set(revision);
    }

    /// The receiver of the writes of a kind.
    pub fn subscribe(&self, resource: GroupResource) -> Receiver {
        self.state().resources.entry(resource).or_default().changed.subscribe()
    }

    /// Forgets all history: a watch that resumes from before gets [`TooOld`]; one that has seen everything goes on.
    pub fn compact(&self) {
        let mut state = self.state();
        let revision = state.revision;
        for contents in state.resources.values_mut() {
            if let Some(last) = contents.history.back() {
                contents.forgotten = last.revision;
            }
            contents.history.clear();
            contents.compacted = revision;
        }
        state.snapshots.clear();
    }

    /// Forgets the changes up to `revision`: a watch that resumes from before gets [`TooOld`].
    pub fn forget(&self, revision: u64) {
        let mut state = self.state();
        state.resources.values_mut().for_each(|contents| contents.forget(revision));
    }

    /// Number of changes that history holds.
    pub fn remembered(&self) -> usize {
        self.state().resources.values().map(|contents| contents.history.len()).sum()
    }

    /// The receiver of the number of the last write of all.
    pub fn written(&self) -> Receiver {
        self.state().written.subscribe()
    }

    /// Ends all watches, as a restart of the API server does.
    pub fn cut_watches(&self) {
        self.state().cuts.raise();
    }

    /// The receiver of the end of all watches.
    pub fn cuts(&self) -> Receiver {
        self.state().cuts.subscribe()
    }

    /// Saves the rest of a list for its next page and returns the page's number.
    pub fn save_snapshot(&self, snapshot: Snapshot) -> u64 {
        let mut state = self.state();
        state.next_snapshot += 1;
        let number = state.next_snapshot;
        state.snapshots.insert(number, snapshot);
        if state.snapshots.len() > SNAPSHOTS_MAX {
            state.snapshots.pop_first();
        }
        number
    }

    /// The saved rest of a list; `None` when it was dropped.
    pub fn saved_snapshot(&self, number: u64) -> Option<Snapshot> {
        self.state().snapshots.get(&number).cloned()
    }
}

impl State {
    fn unchanged(
        &self,
        resource: GroupResource,
        before: &Arc<Value>,
    ) -> Result<(String, String), StoreError> {
        let key = key_of(before);
        match self.resources.get(&resource).and_then(|contents| contents.objects.get(&key)) {
            None => Err(StoreError::NotFound),
            Some(stored) if Arc::ptr_eq(stored, before) => Ok(key),
            Some(_) => Err(StoreError::Conflict),
        }
    }

    fn write(
        &mut self,
        resource: GroupResource,
        key: (String, String),
        before: Option<Arc<Value>>,
        object: Value,
    ) -> Arc<Value> {
        let object = self.stamp(object);
        let contents = self.resources.entry(resource).or_default();
        contents.put(key, object.clone());
        contents.note(Change { revision: self.revision, before, after: object.clone(), removed: false });
        object
    }

    fn remove(&mut self, resource: GroupResource, key: &(String, String), before: Arc<Value>) -> Arc<Value> {
        let last = self.stamp((*before).clone());
        let contents = self.resources.entry(resource).or_default();
        contents.take(key);
        contents.note(Change {
            revision: self.revision,
            before: Some(before),
            after: last.clone(),
            removed: true,
        });
        last
    }

    /// Gives the object the number of the write that is being done.
    fn stamp(&mut self, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        self.written.set(self.revision);
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        Arc::new(object)
    }
}

fn key_of(object: &Value) -> (String, String) {
    (namespace(object).to_owned(), name(object).to_owned())
}
