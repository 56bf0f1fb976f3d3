//! Snapshots of a persistent world: its whole state in rows, so that a store grows with the groups that live and not
//! with time.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PersistedParts;
use super::journal::JournalHeader;
use super::store::{Draft, StoreError};
use crate::faults::Faults;
use crate::quota::Throttle;
use crate::state::State;
use crate::world::snapshot::{UnknownGroup, WorldLoader, WorldPart};

/// Format of the rows; a snapshot of another format is not read.
const FORMAT: u32 = 5;

/// One row of a snapshot. After the header, each world's parts come before the rest of its state.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SnapshotRow<'a> {
    /// The header.
    Header(Box<SnapshotHeader>),
    /// A part of a world.
    World(WorldPart<'a>),
    /// The rest of a state, which is then complete.
    State(Box<StateRecord<'a>>),
}

/// The header of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SnapshotHeader {
    format: u32,
    /// Start of the world, and the rate of its clock when this was written.
    pub journal: JournalHeader,
    /// Number of the last journal entry that it covers.
    pub number: u64,
}

/// The state beside its world.
#[derive(Serialize, Deserialize)]
struct StateRecord<'a> {
    /// Name and time of a named snapshot; none for the present state.
    snapshot: Option<(String, Timestamp)>,
    faults: Cow<'a, Faults>,
    throttle: Cow<'a, Throttle>,
    nonces: Vec<(Timestamp, Timestamp, Arc<str>)>,
}

/// Writes a simulator's state and its named snapshots; locks the state meanwhile.
pub(super) fn write(
    parts: &PersistedParts<'_>,
    draft: &mut Draft<'_>,
    number: u64,
) -> Result<(), StoreError> {
    let journal = JournalHeader::of(parts);
    put(draft, &SnapshotRow::Header(Box::new(SnapshotHeader { format: FORMAT, journal, number })))?;
    for (name, at, state) in parts.snapshots().each() {
        write_state(state, draft, Some((name.to_owned(), at)))?;
    }
    write_state(&parts.state(), draft, None)
}

fn write_state(
    state: &State,
    draft: &mut Draft<'_>,
    snapshot: Option<(String, Timestamp)>,
) -> Result<(), StoreError> {
    state.world.serialize(&mut |part| put(draft, &SnapshotRow::World(part)))?;
    let (faults, throttle) = (Cow::Borrowed(&state.faults), Cow::Borrowed(&state.throttle));
    let nonces = state.nonces().cloned().collect();
    put(draft, &SnapshotRow::State(Box::new(StateRecord { snapshot, faults, throttle, nonces })))
}

fn put(draft: &mut Draft<'_>, row: &SnapshotRow<'_>) -> Result<(), StoreError> {
    // A row is made of texts, numbers and lists, which can always be written.
    draft.put(&serde_json::to_vec(row).unwrap_or_default())
}

/// A row, or all rows together, that are no snapshot.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("its format is {0}, not {FORMAT}")]
    Format(u32),
    #[error("it belongs to no world")]
    NoWorld,
    #[error(transparent)]
    Ledger(#[from] UnknownGroup),
    #[error("its snapshot is incomplete")]
    Incomplete,
}

/// Reads a snapshot row by row.
pub(super) struct SnapshotReader<'a> {
    parts: PersistedParts<'a>,
    /// The header, once it was read.
    pub header: Option<SnapshotHeader>,
    loader: Option<WorldLoader>,
    complete: bool,
}

impl<'a> SnapshotReader<'a> {
    /// Reads into the state of these parts.
    pub fn new(parts: PersistedParts<'a>) -> Self {
        Self { parts, header: None, loader: None, complete: false }
    }

    /// Reads the next row.
    pub fn add(&mut self, row: &[u8]) -> Result<(), RowError> {
        let row: SnapshotRow<'_> = serde_json::from_slice(row)?;
        match (row, &mut self.loader) {
            (SnapshotRow::Header(header), _) if header.format == FORMAT => self.header = Some(*header),
            (SnapshotRow::Header(header), _) => return Err(RowError::Format(header.format)),
            (SnapshotRow::World(WorldPart::Header(world_header)), _) => {
                self.loader = Some(WorldLoader::begin(self.parts.seed, *world_header));
            }
            (SnapshotRow::World(WorldPart::Ledger(ledger)), Some(loader)) => loader.add_ledger(ledger)?,
            (SnapshotRow::World(WorldPart::Groups(groups)), Some(loader)) => loader.add_groups(groups),
            (SnapshotRow::State(record), _) => self.finish_state(*record)?,
            (SnapshotRow::World(_), None) => return Err(RowError::NoWorld),
        }
        Ok(())
    }

    /// Ends the reading; `None` for a store without a snapshot.
    pub fn finish(self) -> Result<Option<SnapshotHeader>, RowError> {
        match (self.header, self.complete) {
            (header @ Some(_), true) => Ok(header),
            (None, false) => Ok(None),
            _ => Err(RowError::Incomplete),
        }
    }

    fn finish_state(&mut self, record: StateRecord<'_>) -> Result<(), RowError> {
        let world = self.loader.take().ok_or(RowError::NoWorld)?.end();
        let rules = (world, record.faults.into_owned(), record.throttle.into_owned());
        let state = State::of(rules, record.nonces, self.parts.seed.chance("requests"));
        match record.snapshot {
            Some((name, at)) => self.parts.snapshots().put(name, at, state),
            None => {
                *self.parts.state() = state;
                self.complete = true;
            }
        }
        Ok(())
    }
}
