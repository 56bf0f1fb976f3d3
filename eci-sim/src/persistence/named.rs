//! Named snapshots of a world.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::State;

/// The most snapshots at once; each is a whole world.
const SNAPSHOTS_MAX: usize = 16;

/// The snapshots, by name.
#[derive(Default)]
pub(crate) struct Snapshots(BTreeMap<String, Snapshot>);

/// A world at an instant.
pub(crate) struct Snapshot {
    pub at: Timestamp,
    pub state: State,
}

/// A snapshot that cannot be saved, or does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// No snapshot of this name.
    #[error("no snapshot is called `{0}`; GET /snapshots lists the snapshots")]
    Unknown(String),
    /// A name that is not allowed.
    #[error(
        "`{0}` is no name for a snapshot; it should be 1 to 64 letters, digits, dots, dashes or underscores"
    )]
    Name(String),
    /// As many snapshots as there may be.
    #[error("there are {SNAPSHOTS_MAX} snapshots already, and each is a whole world; delete one first")]
    TooMany,
}

/// A named snapshot of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotInfo {
    /// Name of the snapshot.
    pub name: String,
    /// Simulated time of the snapshot.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Number of groups in it.
    pub groups: usize,
}

impl Snapshots {
    /// Names, times and states of all snapshots.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, Timestamp, &State)> {
        self.0.iter().map(|(name, snapshot)| (name.as_str(), snapshot.at, &snapshot.state))
    }

    /// The snapshots as the control API shows them, by name.
    pub(crate) fn infos(&self) -> impl Iterator<Item = SnapshotInfo> {
        self.0.iter().map(|(name, snapshot)| snapshot.info(name))
    }

    /// Adds a snapshot that was read from a store.
    pub(crate) fn put(&mut self, name: String, at: Timestamp, state: State) {
        self.0.insert(name, Snapshot { at, state });
    }

    /// Saves a snapshot under a name of 1 to 64 letters, digits, dots, dashes or underscores; replaces one of the same
    /// name.
    ///
    /// # Errors
    /// [`SnapshotError`] for another name, or when there are 16 already.
    pub(crate) fn save(
        &mut self,
        name: &str,
        snapshot: impl FnOnce() -> Snapshot,
    ) -> Result<SnapshotInfo, SnapshotError> {
        let ordinary = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(ordinary) {
            return Err(SnapshotError::Name(name.to_owned()));
        }
        if self.0.len() >= SNAPSHOTS_MAX && !self.0.contains_key(name) {
            return Err(SnapshotError::TooMany);
        }
        let snapshot = snapshot();
        let info = snapshot.info(name);
        self.0.insert(name.to_owned(), snapshot);
        Ok(info)
    }

    /// Deletes a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is none of this name.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), SnapshotError> {
        self.0.remove(name).map(drop).ok_or_else(|| SnapshotError::Unknown(name.to_owned()))
    }

    /// The snapshot of this name.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is none.
    pub(crate) fn named(&self, name: &str) -> Result<&Snapshot, SnapshotError> {
        self.0.get(name).ok_or_else(|| SnapshotError::Unknown(name.to_owned()))
    }
}

impl Snapshot {
    /// The snapshot as the control API shows it.
    pub(crate) fn info(&self, name: &str) -> SnapshotInfo {
        SnapshotInfo { name: name.to_owned(), at: self.at, groups: self.state.world.groups().count() }
    }
}
