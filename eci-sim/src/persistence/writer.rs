//! The journal's writer: the first caller writes for all who wait, and entries that cannot be written are rolled back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use super::journal::{JournalHeader, Record};
use super::store::{Store, StoreError};
use super::{Loaded, PersistedParts, snapshot};
use crate::state::PendingEntries;

/// Default size in bytes from which the journal is compacted.
pub(crate) const COMPACT_FROM_BYTES: u64 = 1 << 20;

/// Bound of the clock's difference from a world that was rolled back, below which the clock is left alone; reading the
/// store takes that long.
const DRIFT_MAX: SignedDuration = SignedDuration::from_secs(1);

/// The journal's writer: the first caller writes for all who wait.
#[derive(Debug)]
pub(crate) struct Writer {
    written: Mutex<Written>,
    /// Size of the journal in bytes from which it is compacted.
    compact_from: u64,
    /// Lock of the order of entries: calls of the control API have their place among the others.
    pub order: Mutex<()>,
    /// Error of the latest write. The world is then ahead of its disk, and is rolled back before the next call.
    failed: Mutex<Option<String>>,
}

/// The state of the store.
#[derive(Debug)]
struct Written {
    store: Store,
    /// The number of the latest entry.
    number: u64,
    /// Ranges of entries that could not be written and were rolled back: those between the two numbers. The second
    /// number is nobody's, and the next entry has the number behind it.
    lost: Vec<(u64, u64)>,
    /// Size of the entries since the latest snapshot, in bytes.
    bytes: u64,
    /// Size at which they are compacted, in bytes.
    bytes_max: u64,
}

impl Written {
    /// The number of an entry in the store, which never had those that were lost.
    fn stored(&self, number: u64) -> u64 {
        number - self.lost.iter().map(|(behind, before)| before - behind).sum::<u64>()
    }

    fn was_lost(&self, number: u64) -> bool {
        self.lost.iter().any(|(behind, before)| (behind + 1..*before).contains(&number))
    }

    fn write_failed(&self, why: &str) -> StoreError {
        StoreError::WriteFailed { file: self.store.path().to_owned(), why: why.to_owned() }
    }
}

impl Writer {
    /// Writes all entries up to this number, unless another caller has.
    pub fn write(&self, parts: &PersistedParts<'_>, upto: u64) -> Result<(), StoreError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.was_lost(upto) {
            return Err(written.write_failed("it was taken back, since the machine did not take it"));
        }
        if written.number >= upto {
            return Ok(());
        }
        if let Some(why) = self.failed() {
            if let Some(pending) = &mut parts.state().pending {
                let _not_to_be_written = pending.take();
            }
            return Err(written.write_failed(&why));
        }
        let entries = match &mut parts.state().pending {
            Some(pending) => pending.take(),
            None => return Ok(()),
        };
        let first = written.stored(written.number) + 1;
        let result = written.store.append(first, &entries);
        match &result {
            Ok(()) => {
                written.number += entries.len() as u64;
                written.bytes += entries.iter().map(|entry| entry.len() as u64).sum::<u64>();
                if written.bytes > written.bytes_max {
                    self.compact(parts, &mut written);
                }
            }
            Err(why) => {
                tracing::error!("{why}");
                written.store.close();
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_string());
            }
        }
        result
    }

    /// Begins the recovery from a write that failed; `None` where none did. The store is open again, and nobody else
    /// writes or changes the world while the recovery lasts.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be opened yet; the next call tries again.
    pub fn begin_recovery(&self) -> Result<Option<Recovery<'_>>, StoreError> {
        if self.failed().is_none() {
            return Ok(None);
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks are taken in this order everywhere.
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failed().is_none() {
            return Ok(None); // somebody else did
        }
        written.store.reopen()?;
        Ok(Some(Recovery { writer: self, written, _order: order }))
    }

    /// Replaces the journal by a snapshot of the world. What was acknowledged is on the disk before and after; where
    /// this fails, the journal stays.
    fn compact(&self, parts: &PersistedParts<'_>, written: &mut Written) {
        let compacted = |written: &Written| -> Result<(u64, u64), StoreError> {
            let mut draft = written.store.begin_snapshot()?;
            let number = {
                // Locks are taken in this order everywhere.
                let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
                let number = parts.state().pending.as_ref().map_or(written.number, PendingEntries::latest);
                snapshot::write(parts, &mut draft, written.stored(number))?;
                number
            };
            Ok((number, draft.commit()?))
        };
        match compacted(written) {
            Ok((number, bytes)) => {
                if let Some(pending) = &mut parts.state().pending {
                    // Entries that came meanwhile are in the snapshot, or follow it.
                    pending.cover(number);
                }
                (written.number, written.bytes) = (number, 0);
                written.bytes_max = bytes.max(self.compact_from);
            }
            Err(why) => {
                tracing::error!("the journal could not be compacted: {why}");
                written.bytes_max = written.bytes_max.saturating_mul(2);
                // The open file may be unusable now; where it cannot be reopened, the next write fails.
                written.store.close();
                let _next_write_says_so = written.store.reopen();
            }
        }
    }

    /// The error of the latest write, if it failed.
    pub fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A recovery from a write that failed.
pub(crate) struct Recovery<'a> {
    writer: &'a Writer,
    written: MutexGuard<'a, Written>,
    _order: MutexGuard<'a, ()>,
}

impl Recovery<'_> {
    pub fn store(&self) -> &Store {
        &self.written.store
    }

    /// The number of the last entry that was acknowledged as written.
    pub fn on_disk(&self) -> u64 {
        self.written.stored(self.written.number)
    }

    /// Moves the state, the snapshots and the clock of `twin`, which was loaded from the store, to `own`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the store has not as many entries as were written.
    pub fn finish(
        mut self,
        own: &PersistedParts<'_>,
        twin: &PersistedParts<'_>,
        loaded: &Loaded,
    ) -> Result<(), StoreError> {
        let on_disk = self.on_disk();
        let Some(number) = loaded.number.filter(|number| *number == on_disk) else {
            let why = format!("{on_disk} entries were written, and {:?} are there", loaded.number);
            return Err(StoreError::Damaged { file: self.store().path().to_owned(), why });
        };
        self.written.bytes = loaded.bytes;
        self.roll_back(own, twin, number);
        *self.writer.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn roll_back(&mut self, own: &PersistedParts<'_>, twin: &PersistedParts<'_>, number: u64) {
        let written = &mut *self.written;
        let mut state = own.state();
        let latest = state.pending.as_ref().map_or(written.number, PendingEntries::latest);
        std::mem::swap(&mut *state, &mut *twin.state());
        let next = latest + 1;
        state.set_request_ids(own.seed.chance(&format!("requests/{number}/{latest}")));
        state.pending = Some(PendingEntries::after(next));
        drop(state);
        std::mem::swap(&mut *own.snapshots(), &mut *twin.snapshots());
        let behind = std::mem::replace(&mut written.number, next);
        written.lost.push((behind, next));
        let (clock, kept) = (own.clock, twin.clock);
        if clock.rate() != kept.rate() || kept.now().duration_until(clock.now()).abs() > DRIFT_MAX {
            clock.set_rate(kept.rate());
            clock.set(kept.now());
        }
    }
}

impl Writer {
    /// The writer of a store that was loaded, or of a new one, in which it begins a journal; compacts the journal from so
    /// many bytes on.
    ///
    /// # Errors
    /// [`StoreError`] when a new journal cannot be begun.
    pub fn begin(
        parts: &PersistedParts<'_>,
        store: Store,
        loaded: &Loaded,
        compact_from: u64,
    ) -> Result<Self, StoreError> {
        let (number, bytes) = match loaded.number {
            Some(number) => (number, loaded.bytes),
            None => {
                let began = Record::Began(JournalHeader::of(parts)).to_bytes();
                let bytes = began.len() as u64;
                store.append(1, &[began])?;
                (1, bytes)
            }
        };
        let mut state = parts.state();
        state.set_request_ids(parts.seed.chance(&format!("requests/{number}")));
        state.pending = Some(PendingEntries::after(number));
        drop(state);
        let bytes_max = compact_from.max(loaded.snapshot_bytes);
        let written = Written { store, number, lost: Vec::new(), bytes, bytes_max };
        Ok(Self {
            written: Mutex::new(written),
            compact_from,
            order: Mutex::default(),
            failed: Mutex::default(),
        })
    }
}
