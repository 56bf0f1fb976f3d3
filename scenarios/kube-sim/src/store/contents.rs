//! The objects of one resource, and their latest changes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::signal::Signal;

/// Changes of a resource that history keeps.
const HISTORY_MAX: usize = 10_000;

/// The objects of a resource, and their history.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) objects: BTreeMap<(String, String), Arc<Value>>,
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
