//! The durability of calls: each is in the journal before it is answered, and rolled back where it cannot be.

use std::sync::{MutexGuard, PoisonError};

use super::EciSim;
use crate::persistence::PersistedParts;
use crate::persistence::journal::Record;
use crate::persistence::store::{Store, StoreError};
use crate::persistence::writer::Writer;
use crate::state::{PendingEntries, State};

impl EciSim {
    /// True when the world is persisted in a directory.
    pub fn is_persistent(&self) -> bool {
        self.writer().is_some()
    }

    /// Restores a new simulator from a store, and persists it there from now on.
    pub(super) fn persist_in(
        &self,
        store: Store,
        rate: Option<u32>,
        compact_from: u64,
    ) -> Result<(), StoreError> {
        let loaded = self.restore(&store, rate)?;
        let writer = Writer::begin(&self.persisted(), store, &loaded, compact_from)?;
        // Nobody else has the new simulator yet, so it is not set.
        let _first = self.0.writer.set(writer);
        Ok(())
    }

    pub(super) fn persisted(&self) -> PersistedParts<'_> {
        PersistedParts {
            clock: &self.0.clock,
            clients_clock: self.0.clients_clock.as_ref(),
            seed: self.0.seed,
            tariff: &self.0.tariff,
            state: &self.0.state,
            snapshots: &self.0.snapshots,
        }
    }

    fn writer(&self) -> Option<&Writer> {
        self.0.writer.get()
    }

    /// The error of the latest write, in a persistent world whose latest write failed.
    pub(crate) fn write_error(&self) -> Option<String> {
        self.writer().and_then(Writer::failed)
    }

    /// Rolls the world back where its latest write failed, then locks the order of journal entries: nobody else changes
    /// a persistent world while this is held. `None` in a world that is not persistent.
    pub(crate) fn journal_lock(&self) -> Option<MutexGuard<'_, ()>> {
        let writer = self.writer()?;
        if let Err(why) = self.recover(writer) {
            tracing::error!("the world is ahead of its disk: {why}");
        }
        Some(writer.order.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a record to the journal of a persistent world; returns the number of the latest record.
    pub(crate) fn journal(&self, record: impl FnOnce() -> Record) -> Option<u64> {
        self.state().pending.as_mut().map(|pending| {
            pending.push(record().to_bytes());
            pending.latest()
        })
    }

    /// The number of the latest record, in a persistent world.
    pub(crate) fn latest_record(&self) -> Option<u64> {
        self.state().pending.as_ref().map(PendingEntries::latest)
    }

    /// Returns once all records up to this number are on the disk.
    pub(crate) fn wait_until_written(&self, number: Option<u64>) -> Result<(), StoreError> {
        match (self.writer(), number) {
            (Some(writer), Some(number)) => writer.write(&self.persisted(), number),
            _ => Ok(()),
        }
    }

    /// Rolls the world back to what is on the disk, after a write that failed: a call that was answered with a failure
    /// did not happen.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be opened or read yet; the next call tries again.
    fn recover(&self, writer: &Writer) -> Result<(), StoreError> {
        let Some(recovery) = writer.begin_recovery()? else { return Ok(()) };
        let again = || {
            let now = self.clock().now();
            let twin = self.branch(now, State::fresh(self.seed(), now));
            twin.restore(recovery.store(), None).map(|loaded| (twin, loaded))
        };
        let (mut twin, mut loaded) = again()?;
        if loaded.number.is_some_and(|number| number > recovery.on_disk()) {
            recovery.store().truncate(recovery.on_disk())?;
            (twin, loaded) = again()?;
        }
        recovery.finish(&self.persisted(), &twin.persisted(), &loaded)?;
        tracing::warn!("the world is rolled back to what is on its disk");
        Ok(())
    }
}
