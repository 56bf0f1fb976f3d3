//! Worlds that were kept under a name: put back, or gone on with beside the one they were taken from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Control;
use super::wire::Kept;
use crate::EciSim;
use crate::server::State;

/// How many are kept; each is a whole world.
const MOST: usize = 16;

/// The worlds that are kept, by name.
#[derive(Default)]
pub(crate) struct Snapshots(BTreeMap<String, Snapshot>);

/// A world at an instant.
struct Snapshot {
    at: Timestamp,
    state: State,
}

/// Why a world is not kept, or not put back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSnapshot {
    /// There is none.
    #[error("no snapshot is called `{0}`; GET /snapshots lists those there are")]
    Unknown(String),
    /// The name is none.
    #[error(
        "`{0}` is no name for a snapshot; it should be 1 to 64 letters, digits, dots, dashes or underscores"
    )]
    Name(String),
    /// There are enough.
    #[error("{MOST} snapshots are kept already, and each is a whole world; delete one first")]
    TooMany,
}

impl Control {
    /// Keeps the world as it is now under a name; one of the same name is replaced.
    ///
    /// # Errors
    /// [`NoSnapshot`] when the name is none, or there are enough.
    pub fn save(&self, name: &str) -> Result<Kept, NoSnapshot> {
        let ordinary = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(ordinary) {
            return Err(NoSnapshot::Name(name.to_owned()));
        }
        let mut snapshots = self.0.snapshots();
        if snapshots.0.len() >= MOST && !snapshots.0.contains_key(name) {
            return Err(NoSnapshot::TooMany);
        }
        let snapshot = self.at_present(|state, at| Snapshot { at, state: state.copy() });
        let kept = snapshot.kept(name);
        snapshots.0.insert(name.to_owned(), snapshot);
        Ok(kept)
    }

    /// Puts the world back as it was kept, and the clock with it.
    ///
    /// # Errors
    /// [`NoSnapshot`] when there is none of this name.
    pub fn load(&self, name: &str) -> Result<Kept, NoSnapshot> {
        let snapshots = self.0.snapshots();
        let snapshot = snapshots.named(name)?;
        let mut state = self.0.state();
        let back = snapshot.state.copy();
        state.put_back(back);
        self.0.clock().set(snapshot.at);
        Ok(snapshot.kept(name))
    }

    /// Goes on from a kept world in a second simulator, with a clock of its own; this one does not notice.
    ///
    /// # Errors
    /// [`NoSnapshot`] when there is none of this name.
    pub fn fork(&self, name: &str) -> Result<EciSim, NoSnapshot> {
        let snapshots = self.0.snapshots();
        let snapshot = snapshots.named(name)?;
        Ok(self.0.branch(snapshot.at, snapshot.state.copy()))
    }

    /// Forgets a kept world.
    ///
    /// # Errors
    /// [`NoSnapshot`] when there is none of this name.
    pub fn drop_snapshot(&self, name: &str) -> Result<(), NoSnapshot> {
        let dropped = self.0.snapshots().0.remove(name);
        dropped.map(drop).ok_or_else(|| NoSnapshot::Unknown(name.to_owned()))
    }

    /// The kept worlds, by name.
    pub fn snapshots(&self) -> Vec<Kept> {
        self.0.snapshots().0.iter().map(|(name, snapshot)| snapshot.kept(name)).collect()
    }
}

impl Snapshots {
    /// Their names, when each was kept, and their states.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, Timestamp, &State)> {
        self.0.iter().map(|(name, snapshot)| (name.as_str(), snapshot.at, &snapshot.state))
    }

    /// Puts one back that was kept elsewhere.
    pub(crate) fn put(&mut self, name: String, at: Timestamp, state: State) {
        self.0.insert(name, Snapshot { at, state });
    }

    fn named(&self, name: &str) -> Result<&Snapshot, NoSnapshot> {
        self.0.get(name).ok_or_else(|| NoSnapshot::Unknown(name.to_owned()))
    }
}

impl Snapshot {
    fn kept(&self, name: &str) -> Kept {
        Kept { name: name.to_owned(), at: self.at, groups: self.state.world.groups().count() }
    }
}
