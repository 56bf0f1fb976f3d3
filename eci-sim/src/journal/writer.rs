//! The journal's writer: the first caller writes for all who wait, and entries that cannot be written are rolled back.

use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use super::snapshot;
use super::{JournalHeader, Loaded, Op, PendingEntries, load};
use crate::EciSim;
use crate::store::{Store, StoreError};

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
    pub fn write(&self, sim: &EciSim, upto: u64) -> Result<(), StoreError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.was_lost(upto) {
            return Err(written.write_failed("it was taken back, since the machine did not take it"));
        }
        if written.number >= upto {
            return Ok(());
        }
        if let Some(why) = self.failed() {
            if let Some(pending) = &mut sim.state().pending {
                pending.taken = pending.latest();
                pending.entries.clear(); // none of them will be written
            }
            return Err(written.write_failed(&why));
        }
        let entries = match &mut sim.state().pending {
            Some(pending) => {
                let entries = std::mem::take(&mut pending.entries);
                pending.taken += entries.len() as u64;
                entries
            }
            None => return Ok(()),
        };
        let first = written.stored(written.number) + 1;
        let result = written.store.append(first, &entries);
        match &result {
            Ok(()) => {
                written.number += entries.len() as u64;
                written.bytes += entries.iter().map(|entry| entry.len() as u64).sum::<u64>();
                if written.bytes > written.bytes_max {
                    self.compact(sim, &mut written);
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

    /// Rolls the world back to what is on the disk, after a write that failed: a call that was answered with a failure
    /// did not happen.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be opened or read yet; the next call tries again.
    pub fn recover(&self, sim: &EciSim) -> Result<(), StoreError> {
        if self.failed().is_none() {
            return Ok(());
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks are taken in this order everywhere.
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if self.failed().is_none() {
            return Ok(()); // somebody else did
        }
        written.store.reopen()?;
        let on_disk = written.stored(written.number);
        let again = |store: &Store| {
            let twin = sim.branch(sim.clock().now(), EciSim::fresh_state(sim.clock(), sim.seed()));
            load(&twin, store, None).map(|loaded| (twin, loaded))
        };
        let (mut twin, mut loaded) = again(&written.store)?;
        if loaded.number.is_some_and(|number| number > on_disk) {
            written.store.truncate(on_disk)?;
            (twin, loaded) = again(&written.store)?;
        }
        let Some(number) = loaded.number.filter(|number| *number == on_disk) else {
            let why = format!("{on_disk} entries were written, and {:?} are there", loaded.number);
            return Err(StoreError::Damaged { file: written.store.path().to_owned(), why });
        };
        written.bytes = loaded.bytes;
        self.roll_back(sim, &twin, &mut written, number);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        tracing::warn!("the world is rolled back to what is on its disk");
        Ok(())
    }

    /// Moves the state, the snapshots and the clock of `twin` to `sim`.
    fn roll_back(&self, sim: &EciSim, twin: &EciSim, written: &mut Written, number: u64) {
        let mut state = sim.state();
        let latest = state.pending.as_ref().map_or(written.number, PendingEntries::latest);
        std::mem::swap(&mut *state, &mut *twin.state());
        let next = latest + 1;
        state.set_request_ids(sim.seed().chance(&format!("requests/{number}/{latest}")));
        state.pending = Some(PendingEntries { entries: Vec::new(), taken: next });
        drop(state);
        std::mem::swap(&mut *sim.snapshots(), &mut *twin.snapshots());
        let behind = std::mem::replace(&mut written.number, next);
        written.lost.push((behind, next));
        let (clock, kept) = (sim.clock(), twin.clock());
        if clock.rate() != kept.rate() || kept.now().duration_until(clock.now()).abs() > DRIFT_MAX {
            clock.set_rate(kept.rate());
            clock.set(kept.now());
        }
    }

    /// Replaces the journal by a snapshot of the world. What was acknowledged is on the disk before and after; where
    /// this fails, the journal stays.
    fn compact(&self, sim: &EciSim, written: &mut Written) {
        let compacted = |written: &Written| -> Result<(u64, u64), StoreError> {
            let mut draft = written.store.begin_snapshot()?;
            let number = {
                // Locks are taken in this order everywhere.
                let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
                let number = sim.state().pending.as_ref().map_or(written.number, PendingEntries::latest);
                snapshot::write(sim, &mut draft, written.stored(number))?;
                number
            };
            Ok((number, draft.commit()?))
        };
        match compacted(written) {
            Ok((number, bytes)) => {
                if let Some(pending) = &mut sim.state().pending {
                    // Entries that came meanwhile are in the snapshot, or follow it.
                    let covered = number.saturating_sub(pending.taken);
                    pending.entries.drain(..usize::try_from(covered).unwrap_or(0));
                    pending.taken = number;
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

/// Restores a simulator from a store, or begins a world there; compacts the journal from so many bytes on.
pub(crate) fn restore(
    sim: &EciSim,
    store: Store,
    rate: Option<u32>,
    compact_from: u64,
) -> Result<Writer, StoreError> {
    let Loaded { number, mut bytes, snapshot_bytes } = load(sim, &store, rate)?;
    let number = match number {
        Some(number) => number,
        None => {
            let began = serde_json::to_vec(&Op::Began(JournalHeader::of(sim))).unwrap_or_default();
            bytes = began.len() as u64;
            store.append(1, &[began])?;
            1
        }
    };
    let mut state = sim.state();
    state.set_request_ids(sim.seed().chance(&format!("requests/{number}")));
    state.pending = Some(PendingEntries { entries: Vec::new(), taken: number });
    drop(state);
    let bytes_max = compact_from.max(snapshot_bytes);
    let written = Written { store, number, lost: Vec::new(), bytes, bytes_max };
    Ok(Writer {
        written: Mutex::new(written),
        compact_from,
        order: Mutex::default(),
        failed: Mutex::default(),
    })
}
