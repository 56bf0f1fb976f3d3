//! The persistence of a world: its calls in order, each written before it is answered, and replayed at the next start.
//!
//! A world is a function of its seed and of the calls that reached it, each at its instant; so the calls are all that
//! has to be stored. Reads are not stored, except while fault rules count them. Once the journal is larger than the
//! world that came of it, a snapshot of the world takes its place.

pub mod journal;
pub mod named;
mod snapshot;
pub mod store;
pub(crate) mod writer;

use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};

use determinism::{Clock, Seed};

use crate::prices::Tariff;
use crate::state::State;
use journal::{JournalHeader, Record};
use named::Snapshots;
use snapshot::SnapshotReader;
use store::{Store, StoreError};

/// The parts of a simulator that are persisted.
#[derive(Clone, Copy)]
pub(crate) struct PersistedParts<'a> {
    pub clock: &'a Clock,
    pub clients_clock: Option<&'a Clock>,
    pub seed: Seed,
    pub tariff: &'a Tariff,
    pub state: &'a Mutex<State>,
    pub snapshots: &'a Mutex<Snapshots>,
}

/// The contents of a store.
pub(crate) struct Loaded {
    /// The number of the latest record; `None` for a new store.
    pub number: Option<u64>,
    /// The journal's header; `None` for a new store.
    pub header: Option<JournalHeader>,
    /// The records behind the snapshot, to be performed again.
    pub records: Vec<Record>,
    /// Size of these records in bytes.
    pub bytes: u64,
    pub snapshot_bytes: u64,
}

impl PersistedParts<'_> {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshots(&self) -> MutexGuard<'_, Snapshots> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a store: its snapshot becomes the state, and its records are returned.
///
/// # Errors
/// [`StoreError`] for contents that are damaged, or that another version or seed wrote.
pub(crate) fn load(parts: &PersistedParts<'_>, store: &Store) -> Result<Loaded, StoreError> {
    let damaged =
        |why: &dyn Display| StoreError::Damaged { file: store.path().to_owned(), why: why.to_string() };
    let mut reader = SnapshotReader::new(*parts);
    let mut snapshot_bytes = 0;
    store.read_snapshot(|row| {
        snapshot_bytes += row.len() as u64;
        reader.add(row)
    })?;
    let snapshot = reader.finish().map_err(|why| damaged(&why))?;
    let covered = snapshot.as_ref().map_or(0, |header| header.number);
    let (records, bytes) = store.read_journal(covered)?;
    let header = match (snapshot, records.first()) {
        (Some(snapshot), _) => snapshot.journal,
        (None, Some(Record::Began(header))) => {
            *parts.state() = State::fresh(parts.seed, header.at);
            header.clone()
        }
        (None, Some(_)) => return Err(damaged(&"its first entry is not its beginning")),
        (None, None) => return Ok(Loaded { number: None, header: None, records, bytes, snapshot_bytes }),
    };
    header.check(store.path(), parts)?;
    let number = Some(covered + records.len() as u64);
    Ok(Loaded { number, header: Some(header), records, bytes, snapshot_bytes })
}
