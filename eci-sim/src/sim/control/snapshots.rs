//! Named snapshots of a world: restored, or forked into a second simulator.

use super::Control;
use crate::persistence::named::{Snapshot, SnapshotError, SnapshotInfo};
use crate::sim::EciSim;

impl Control {
    /// Saves the world as it is now under a name of 1 to 64 letters, digits, dots, dashes or underscores; replaces one
    /// of the same name.
    ///
    /// # Errors
    /// [`SnapshotError`] for another name, or when there are 16 already.
    pub fn save(&self, name: &str) -> Result<SnapshotInfo, SnapshotError> {
        self.0.snapshots().save(name, || {
            let (state, at) = self.0.state_now();
            Snapshot { at, state: state.copy() }
        })
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
        self.0.snapshots().remove(name)
    }

    /// The snapshots, by name.
    pub fn snapshots(&self) -> Vec<SnapshotInfo> {
        self.0.snapshots().infos().collect()
    }
}
