//! The store of a persistent world: one file of `redb` with its journal and its latest snapshot.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod memory_disk;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::fmt::Display;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};

use super::journal::Record;
use crate::refusal::Refusal;

/// Journal entries as JSON, numbered without a gap, from 1 or from behind those that the snapshot covers.
const JOURNAL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("done");
/// Rows of the snapshot as JSON, in order.
const SNAPSHOT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("summary");
/// Name of the file in the directory.
const FILE: &str = "eci-sim.redb";
/// Cache size in bytes; the store is read once, from front to back.
const CACHE: usize = 1 << 20;

/// Opens the file: at first, and after each failed write.
type Opening = dyn Fn() -> Result<Database, DatabaseError> + Send + Sync;

/// The file of one world, which no second process can open.
pub struct Store {
    /// `None` after a failed write, which leaves an open file unusable.
    file: Option<Database>,
    path: PathBuf,
    opening: Box<Opening>,
}

/// A store that cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A directory that cannot be made or written.
    #[error("the directory {dir} for the world cannot be used: {why}", dir = .dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// Error of the operating system.
        why: String,
    },
    /// A store that another process has open.
    #[error("the world in {file} is open in another eci-sim; end that one, or give another --data", file = .file.display())]
    InUse {
        /// The file.
        file: PathBuf,
    },
    /// Content that was not written by a store.
    #[error(
        "the world in {file} is damaged: {why}. Nothing was changed. To begin anew, move the file away \
         (mv {file} {file}.damaged); to go on, put a copy in its place that was made while no eci-sim had it open",
        file = .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Description of the damage.
        why: String,
    },
    /// A file without any content.
    #[error(
        "the world in {file} is empty (0 bytes), so it was never written. Nothing was changed. To begin anew, \
         remove the file; to go on, put a copy in its place that was made while no eci-sim had it open",
        file = .file.display()
    )]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A store that was begun with other settings.
    #[error("the world in {file} was begun with {what} {stored}, not {given}; give that one, or another --data", file = .file.display())]
    Otherwise {
        /// The file.
        file: PathBuf,
        /// Setting that differs.
        what: &'static str,
        /// Value in the store.
        stored: String,
        /// Value that was given.
        given: String,
    },
    /// A write that failed.
    #[error("the world cannot be written to {file}: {why}", file = .file.display())]
    WriteFailed {
        /// The file.
        file: PathBuf,
        /// Error of the operating system.
        why: String,
    },
}

/// An entry or row that is not as it was written.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("row {number} of its snapshot cannot be read: {why}")]
    Row { number: u64, why: String },
    #[error("entry {number} cannot be read: {why}")]
    Entry { number: u64, why: serde_json::Error },
    #[error("entry {0} is missing")]
    Missing(u64),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

impl Store {
    /// Opens the world in a directory, or creates one there.
    ///
    /// # Errors
    /// [`StoreError`] when the directory cannot be used, or the file is damaged.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let unusable =
            |why: std::io::Error| StoreError::Directory { dir: dir.to_owned(), why: why.to_string() };
        // A directory that exists is somebody's, and keeps its mode.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable)?;
        let path = dir.join(FILE);
        match fs::metadata(&path) {
            Ok(there) if there.len() == 0 => return Err(StoreError::Empty { file: path }),
            Ok(there) if there.permissions().mode() & 0o077 != 0 => {
                fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(unusable)?;
            }
            Ok(_) => {}
            Err(why) if why.kind() == ErrorKind::NotFound => {
                let mut new = OpenOptions::new();
                new.write(true).create_new(true).mode(0o600).open(&path).map_err(unusable)?;
            }
            Err(why) => return Err(unusable(why)),
        }
        let file = path.clone();
        Self::over(path, move || {
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
            builder.create(&file)
        })
    }

    /// A store over any database that `opening` opens.
    pub(crate) fn over(
        path: PathBuf,
        opening: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let mut store = Self { file: None, path, opening: Box::new(opening) };
        store.reopen()?;
        Ok(store)
    }

    /// Closes the file, which is unusable after a failed write.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Opens the file where it is closed.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be used, or is damaged.
    pub fn reopen(&mut self) -> Result<(), StoreError> {
        if self.file.is_none() {
            let path = &self.path;
            self.file = Some((self.opening)().map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { file: path.clone() },
                DatabaseError::Storage(redb::StorageError::Io(why))
                    if why.kind() == ErrorKind::PermissionDenied =>
                {
                    let dir = path.parent().unwrap_or(path).to_owned();
                    StoreError::Directory { dir, why: why.to_string() }
                }
                other => damaged(path, other),
            })?);
        }
        Ok(())
    }

    /// Removes the entries behind this number: a write that failed may have reached the disk all the same.
    ///
    /// # Errors
    /// [`StoreError::WriteFailed`] when the machine does not take it.
    pub fn truncate(&self, after: u64) -> Result<(), StoreError> {
        let taken_back = || -> Result<(), redb::Error> {
            let transaction = self.begin()?;
            transaction.open_table(JOURNAL)?.retain_in(after + 1.., |_, _| false)?;
            transaction.commit()?;
            Ok(())
        };
        taken_back().map_err(|why| self.write_failed(why))
    }

    /// Appends entries, the first of them with this number; they are on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::WriteFailed`] when the machine does not take it.
    pub fn append(&self, first: u64, entries: &[Vec<u8>]) -> Result<(), StoreError> {
        let written = || -> Result<(), redb::Error> {
            let transaction = self.begin()?;
            {
                let mut table = transaction.open_table(JOURNAL)?;
                for (number, entry) in (first..).zip(entries) {
                    table.insert(number, entry.as_slice())?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        written().map_err(|why| self.write_failed(why))
    }

    /// Begins a snapshot, which replaces journal and snapshot when it is committed, and not before.
    ///
    /// # Errors
    /// [`StoreError::WriteFailed`] when the machine does not take it.
    pub fn begin_snapshot(&self) -> Result<Draft<'_>, StoreError> {
        let emptied = || -> Result<WriteTransaction, redb::Error> {
            let transaction = self.begin()?;
            transaction.delete_table(JOURNAL)?;
            transaction.delete_table(SNAPSHOT)?;
            Ok(transaction)
        };
        let transaction = emptied().map_err(|why| self.write_failed(why))?;
        Ok(Draft { store: self, transaction, rows: 0, bytes: 0 })
    }

    /// Reads the snapshot row by row.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it cannot be read.
    pub fn read_snapshot<E: Display>(
        &self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), StoreError> {
        self.each(SNAPSHOT, |number, bytes| {
            each(bytes).map_err(|why| Damage::Row { number, why: why.to_string() })
        })
    }

    /// The journal's entries behind this number, and their size in bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it cannot be read.
    pub fn read_journal(&self, after: u64) -> Result<(Vec<Record>, u64), StoreError> {
        let (mut done, mut size) = (Vec::new(), 0);
        self.each(JOURNAL, |number, bytes| {
            let wanted = after + 1 + done.len() as u64;
            if number != wanted {
                return Err(Damage::Missing(wanted));
            }
            let record = serde_json::from_slice(bytes).map_err(|why| Damage::Entry { number, why })?;
            done.push(record);
            size += bytes.len() as u64;
            Ok(())
        })?;
        Ok((done, size))
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn begin(&self) -> Result<WriteTransaction, redb::Error> {
        let file = self.file.as_ref().ok_or(redb::Error::PreviousIo)?;
        let mut transaction = file.begin_write()?;
        // So that a damaged last page is not taken for a commit that was never finished, and left out.
        transaction.set_two_phase_commit(true);
        Ok(transaction)
    }

    fn each(
        &self,
        table: TableDefinition<'_, u64, &[u8]>,
        mut look: impl FnMut(u64, &[u8]) -> Result<(), Damage>,
    ) -> Result<(), StoreError> {
        let damage = |why: redb::Error| damaged(&self.path, why);
        let file = self.file.as_ref().ok_or_else(|| damage(redb::Error::PreviousIo))?;
        let transaction = file.begin_read().map_err(|why| damage(why.into()))?;
        let table = match transaction.open_table(table) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            table => table.map_err(|why| damage(why.into()))?,
        };
        for entry in table.iter().map_err(|why| damage(why.into()))? {
            let (number, bytes) = entry.map_err(|why| damage(why.into()))?;
            look(number.value(), bytes.value()).map_err(|why| damaged(&self.path, why))?;
        }
        Ok(())
    }

    fn write_failed(&self, why: impl Display) -> StoreError {
        StoreError::WriteFailed { file: self.path.clone(), why: why.to_string() }
    }
}

/// A snapshot that is being written; it has no effect unless it is committed.
pub struct Draft<'s> {
    store: &'s Store,
    transaction: WriteTransaction,
    rows: u64,
    bytes: u64,
}

impl Draft<'_> {
    /// Adds a row.
    ///
    /// # Errors
    /// [`StoreError::WriteFailed`] when the machine does not take it.
    pub fn put(&mut self, row: &[u8]) -> Result<(), StoreError> {
        let written = || -> Result<(), redb::Error> {
            let mut table = self.transaction.open_table(SNAPSHOT)?;
            table.insert(self.rows, row)?;
            Ok(())
        };
        written().map_err(|why| self.store.write_failed(why))?;
        self.rows += 1;
        self.bytes += row.len() as u64;
        Ok(())
    }

    /// Replaces journal and snapshot; returns the new snapshot's size in bytes.
    ///
    /// # Errors
    /// [`StoreError::WriteFailed`] when the machine does not take it; the store is then unchanged.
    pub fn commit(self) -> Result<u64, StoreError> {
        self.transaction.commit().map_err(|why| self.store.write_failed(why))?;
        Ok(self.bytes)
    }
}

fn damaged(file: &Path, why: impl Display) -> StoreError {
    StoreError::Damaged { file: file.to_owned(), why: why.to_string() }
}

impl From<StoreError> for Refusal {
    fn from(why: StoreError) -> Self {
        Self::by_rule("InternalError", Some(500), Some(why.to_string()))
    }
}
