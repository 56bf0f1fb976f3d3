//! The objects of one resource, and their latest changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::signal::Signal;
use crate::object::field::{controller, text};

/// Changes of a resource that history keeps.
const HISTORY_MAX: usize = 10_000;

/// Namespace and name of an object.
pub(super) type Key = (String, String);

/// The objects of a resource, and their history.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) objects: BTreeMap<Key, Arc<Value>>,
    /// The objects by the uid of their controller, which is empty for those without one.
    controlled: BTreeMap<String, BTreeSet<Key>>,
    pub(super) history: VecDeque<Change>,
    /// Revision of the newest change that history no longer holds.
    pub(super) forgotten: u64,
    /// Revision of the last compaction; no watch resumes from before.
    pub(super) compacted: u64,
    pub(super) changed: Signal,
}

/// One write of an object.
#[derive(Debug, Clone)]
pub struct Change {
    /// Revision of the write; all writes of the store share one counter.
    pub revision: u64,
    /// The object before; absent when it is new.
    pub before: Option<Arc<Value>>,
    /// The object as written, or as it was last when it was removed; its resource version is this write's.
    pub after: Arc<Value>,
    /// True when the object was removed.
    pub removed: bool,
}

/// History begins later than asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("history begins at revision {oldest}")]
pub struct TooOld {
    /// The oldest revision that can still be resumed from.
    pub oldest: u64,
}

impl Contents {
    pub(super) fn check_resumes(&self, revision: u64) -> Result<(), TooOld> {
        let oldest = self.forgotten.max(self.compacted);
        if revision < oldest { Err(TooOld { oldest }) } else { Ok(()) }
    }

    pub(super) fn since(&self, revision: u64) -> Result<Vec<Change>, TooOld> {
        if revision < self.forgotten {
            return Err(TooOld { oldest: self.forgotten });
        }
        let from = self.history.partition_point(|change| change.revision <= revision);
        Ok(self.history.range(from..).cloned().collect())
    }

    /// Puts an object in its place.
    pub(super) fn put(&mut self, key: Key, object: Arc<Value>) {
        let now = controller_uid(&object).to_owned();
        let before = self.objects.insert(key.clone(), object);
        if let Some(before) = before {
            if controller_uid(&before) == now {
                return;
            }
            self.unlist(controller_uid(&before), &key);
        }
        self.controlled.entry(now).or_default().insert(key);
    }

    /// Takes an object away.
    pub(super) fn take(&mut self, key: &Key) {
        if let Some(object) = self.objects.remove(key) {
            self.unlist(controller_uid(&object), key);
        }
    }

    fn unlist(&mut self, uid: &str, key: &Key) {
        if let Some(theirs) = self.controlled.get_mut(uid) {
            theirs.remove(key);
            if theirs.is_empty() {
                self.controlled.remove(uid);
            }
        }
    }

    /// The objects in a namespace with this controller (none where the uid is empty), in order of their names.
    pub(super) fn controlled_by<'a>(
        &'a self,
        uid: &str,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Value>)> {
        let keys = self.controlled.get(uid).map(|keys| keys.range((namespace.to_owned(), String::new())..));
        let here = keys.into_iter().flatten().take_while(move |(of, _)| of == namespace);
        here.filter_map(|key| self.objects.get_key_value(key))
    }

    /// Forgets the changes up to `revision`, and gives their memory back.
    pub(super) fn forget(&mut self, revision: u64) {
        let old = self.history.partition_point(|change| change.revision <= revision);
        if let Some(last) = self.history.drain(..old).next_back() {
            self.forgotten = last.revision;
        }
        self.history.shrink_to_fit();
    }

    pub(super) fn note(&mut self, change: Change) {
        let revision = change.revision;
        self.history.push_back(change);
        if self.history.len() > HISTORY_MAX
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        self.changed.set(revision);
    }
}

/// The uid of an object's controller; empty without one.
fn controller_uid(object: &Value) -> &str {
    controller(object).map_or("", |reference| text(reference, "/uid"))
}
