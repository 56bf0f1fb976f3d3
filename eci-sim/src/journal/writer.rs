//! The writer of a kept world: whoever comes first writes for all who wait, and what cannot be written is taken back.

use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use super::summary;
use super::{Heading, Loaded, Op, Unwritten, load};
use crate::EciSim;
use crate::store::{Store, StoreProblem};

/// How far the clock may be from where a world that went back says it is, as it always is by the time that takes.
const DRIFT_MAX: SignedDuration = SignedDuration::from_secs(1);

/// The writer: whoever comes first writes for all who wait.
#[derive(Debug)]
pub(crate) struct Writer {
    written: Mutex<Written>,
    /// From how many bytes of entries on they are summed up.
    sums_up_from: u64,
    /// Held by whoever does something, so that calls of the control door have their place among the others.
    pub order: Mutex<()>,
    /// Why the latest write failed. The world is then ahead of its disk, and goes back to it before the next call.
    failed: Mutex<Option<String>>,
}

/// How much is on the disk.
#[derive(Debug)]
struct Written {
    store: Store,
    /// The number of the latest entry.
    number: u64,
    /// Entries that could not be written and were taken back, by their numbers: those between the two. The second is
    /// nobody's, and the next entry has the number behind it.
    lost: Vec<(u64, u64)>,
    /// How long the entries are that no summary covers.
    bytes: u64,
    /// How long they may become.
    bytes_max: u64,
}

impl Written {
    /// An entry's number in the store, where those that were lost never were.
    fn stored(&self, number: u64) -> u64 {
        number - self.lost.iter().map(|(behind, before)| before - behind).sum::<u64>()
    }

    fn was_lost(&self, number: u64) -> bool {
        self.lost.iter().any(|(behind, before)| (behind + 1..*before).contains(&number))
    }

    fn unwritten(&self, why: &str) -> StoreProblem {
        StoreProblem::Unwritten { file: self.store.path().to_owned(), why: why.to_owned() }
    }
}

impl Writer {
    /// Waits until everything up to this number is on the disk.
    pub fn write(&self, sim: &EciSim, upto: u64) -> Result<(), StoreProblem> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.was_lost(upto) {
            return Err(written.unwritten("it was taken back, since the machine did not take it"));
        }
        if written.number >= upto {
            return Ok(());
        }
        if let Some(why) = self.failed() {
            if let Some(unwritten) = &mut sim.state().unwritten {
                unwritten.taken = unwritten.latest();
                unwritten.entries.clear(); // none of them will be written
            }
            return Err(written.unwritten(&why));
        }
        let entries = match &mut sim.state().unwritten {
            Some(unwritten) => {
                let entries = std::mem::take(&mut unwritten.entries);
                unwritten.taken += entries.len() as u64;
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
                    self.sum_up(sim, &mut written);
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

    /// Takes the world back to what is on the disk, after a write that failed: what was answered with a failure did not
    /// happen.
    ///
    /// # Errors
    /// [`StoreProblem`] when the store cannot be opened or read yet; the next call tries again.
    pub fn recover(&self, sim: &EciSim) -> Result<(), StoreProblem> {
        if self.failed().is_none() {
            return Ok(());
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // In this order everywhere.
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
            written.store.take_back(on_disk)?;
            (twin, loaded) = again(&written.store)?;
        }
        let Some(number) = loaded.number.filter(|number| *number == on_disk) else {
            let why = format!("{on_disk} entries were written, and {:?} are there", loaded.number);
            return Err(StoreProblem::Damaged { file: written.store.path().to_owned(), why });
        };
        written.bytes = loaded.bytes;
        self.go_back(sim, &twin, &mut written, number);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        tracing::warn!("the world is again as it was kept");
        Ok(())
    }

    /// Puts the state, the snapshots and the clock of `twin` in the place of those of `sim`.
    fn go_back(&self, sim: &EciSim, twin: &EciSim, written: &mut Written, number: u64) {
        let mut state = sim.state();
        let latest = state.unwritten.as_ref().map_or(written.number, Unwritten::latest);
        std::mem::swap(&mut *state, &mut *twin.state());
        let next = latest + 1;
        state.number_requests(sim.seed().chance(&format!("requests/{number}/{latest}")));
        state.unwritten = Some(Unwritten { entries: Vec::new(), taken: next });
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

    /// Puts the world as it is in the place of all that was done to it. What was acknowledged is on the disk before and
    /// after; where this fails, it stays as it was done.
    fn sum_up(&self, sim: &EciSim, written: &mut Written) {
        let summed_up = |written: &Written| -> Result<(u64, u64), StoreProblem> {
            let mut draft = written.store.summarise()?;
            let number = {
                // In this order everywhere.
                let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
                let number = sim.state().unwritten.as_ref().map_or(written.number, Unwritten::latest);
                summary::write(sim, &mut draft, written.stored(number))?;
                number
            };
            Ok((number, draft.commit()?))
        };
        match summed_up(written) {
            Ok((number, bytes)) => {
                if let Some(unwritten) = &mut sim.state().unwritten {
                    // What came while it was written down is in it, or follows it.
                    let covered = number.saturating_sub(unwritten.taken);
                    unwritten.entries.drain(..usize::try_from(covered).unwrap_or(0));
                    unwritten.taken = number;
                }
                (written.number, written.bytes) = (number, 0);
                written.bytes_max = bytes.max(self.sums_up_from);
            }
            Err(why) => {
                tracing::error!("the world could not be summed up: {why}");
                written.bytes_max = written.bytes_max.saturating_mul(2);
                // What is open may be unusable now; where it cannot be opened again, the next write says so.
                written.store.close();
                let _next_write_says_so = written.store.reopen();
            }
        }
    }

    /// Why the latest could not be written.
    pub fn failed(&self) -> Option<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Brings a simulator to where the world of a store was, or begins one there; entries are summed up from so many bytes on.
pub(crate) fn take_up(
    sim: &EciSim,
    store: Store,
    rate: Option<u32>,
    sums_up_from: u64,
) -> Result<Writer, StoreProblem> {
    let Loaded { number, mut bytes, summary_bytes } = load(sim, &store, rate)?;
    let number = match number {
        Some(number) => number,
        None => {
            let began = serde_json::to_vec(&Op::Began(Heading::of(sim))).unwrap_or_default();
            bytes = began.len() as u64;
            store.append(1, &[began])?;
            1
        }
    };
    let mut state = sim.state();
    state.number_requests(sim.seed().chance(&format!("requests/{number}")));
    state.unwritten = Some(Unwritten { entries: Vec::new(), taken: number });
    drop(state);
    let bytes_max = sums_up_from.max(summary_bytes);
    let written = Written { store, number, lost: Vec::new(), bytes, bytes_max };
    Ok(Writer {
        written: Mutex::new(written),
        sums_up_from,
        order: Mutex::default(),
        failed: Mutex::default(),
    })
}
