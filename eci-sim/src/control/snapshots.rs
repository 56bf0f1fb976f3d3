//! Named snapshots of a world: restored, or forked into a second simulator.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Control;
use super::wire::SnapshotInfo;
use crate::EciSim;
use crate::server::State;

/// The most snapshots at once; each is a whole world.
const SNAPSHOTS_MAX: usize = 16;

/// The snapshots, by name.
#[derive(Default)]
pub(crate) struct Snapshots(BTreeMap<String, Snapshot>);

/// A world at an instant.
struct Snapshot {
    at: Timestamp,
    state: State,
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

impl Control {
    /// Saves the world as it is now under a name of 1 to 64 letters, digits, dots, dashes or underscores; replaces one
    /// of the same name.
    ///
    /// # Errors
    /// [`SnapshotError`] for another name, or when there are 16 already.
    pub fn save(&self, name: &str) -> Result<SnapshotInfo, SnapshotError> {
        let ordinary = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(ordinary) {
            return Err(SnapshotError::Name(name.to_owned()));
        }
        let mut snapshots = self.0.snapshots();
        if snapshots.0.len() >= SNAPSHOTS_MAX && !snapshots.0.contains_key(name) {
            return Err(SnapshotError::TooMany);
        }
        let snapshot = self.with_current_state(|state, at| Snapshot { at, state: state.copy() });
        let info = snapshot.info(name);
        snapshots.0.insert(name.to_owned(), snapshot);
        Ok(info)
    }

    /// Restores the world and the clock as they were saved.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is none of this name.
    pub fn load(&self, name: &str) -> Result<SnapshotInfo, SnapshotError> {
        let snapshots = self.0.snapshots();
        let snapshot = snapshots.named(name)?;
        let mut state = self.0.state();
        let back = snapshot.state.copy();
        state.restore(back);
        self.0.clock().set(snapshot.at);
        Ok(snapshot.info(name))
    }

    /// Starts a second simulator from a snapshot, with a clock of its own; this one is not affected.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is none of this name.
    pub fn fork(&self, name: &str) -> Result<EciSim, SnapshotError> {
        let snapshots = self.0.snapshots();
        let snapshot = snapshots.named(name)?;
        Ok(self.0.branch(snapshot.at, snapshot.state.copy()))
    }

    /// Deletes a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] when there is none of this name.
    pub fn drop_snapshot(&self, name: &str) -> Result<(), SnapshotError> {
        let dropped = self.0.snapshots().0.remove(name);
        dropped.map(drop).ok_or_else(|| SnapshotError::Unknown(name.to_owned()))
    }

    /// The snapshots, by name.
    pub fn snapshots(&self) -> Vec<SnapshotInfo> {
        self.0.snapshots().0.iter().map(|(name, snapshot)| snapshot.info(name)).collect()
    }
}

impl Snapshots {
    /// Names, times and states of all snapshots.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, Timestamp, &State)> {
        self.0.iter().map(|(name, snapshot)| (name.as_str(), snapshot.at, &snapshot.state))
    }

    /// Adds a snapshot that was read from a store.
    pub(crate) fn put(&mut self, name: String, at: Timestamp, state: State) {
        self.0.insert(name, Snapshot { at, state });
    }

    fn named(&self, name: &str) -> Result<&Snapshot, SnapshotError> {
        self.0.get(name).ok_or_else(|| SnapshotError::Unknown(name.to_owned()))
    }
}

impl Snapshot {
    fn info(&self, name: &str) -> SnapshotInfo {
        SnapshotInfo { name: name.to_owned(), at: self.at, groups: self.state.world.groups().count() }
    }
}
