//! Where a world is kept across the death of its process, in one file of `redb`: what was done to it, in order, and
//! what had come of all that was done before.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod killed;

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};

use crate::journal::Op;

/// What was done, numbered without a gap, from 1 or from behind what the summary covers; JSON.
const DONE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("done");
/// What had come of all that was done before, in parts, in order; JSON.
const SUMMARY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("summary");
/// The file in the directory.
const FILE: &str = "eci-sim.redb";
/// Pages that are kept in memory; the store is read once, from front to back.
const CACHE: usize = 1 << 20;

/// Opens the file, the first time and after each failure of the machine's to write it.
type Opening = dyn Fn() -> Result<Database, DatabaseError> + Send + Sync;

/// The file of one world, which no second process can open.
pub struct Store {
    /// None after a failed write, which leaves what is open unusable.
    file: Option<Database>,
    path: PathBuf,
    opening: Box<Opening>,
}

/// Why a world cannot be kept, or taken up again.
#[derive(Debug, thiserror::Error)]
pub enum StoreProblem {
    /// The directory cannot be made or written.
    #[error("the directory {dir} for the world cannot be used: {why}", dir = .dir.display())]
    Directory {
        /// Which.
        dir: PathBuf,
        /// What the machine says.
        why: String,
    },
    /// Somebody else has it.
    #[error("the world in {file} is open in another eci-sim; end that one, or give another --data", file = .file.display())]
    InUse {
        /// The file.
        file: PathBuf,
    },
    /// It is not what was written.
    #[error(
        "the world in {file} is damaged: {why}. Nothing was changed. To begin anew, move the file away \
         (mv {file} {file}.damaged); to go on, put a copy in its place that was made while no eci-sim had it open",
        file = .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing in it.
    #[error(
        "the world in {file} is empty (0 bytes), so it is not one that was kept. Nothing was changed. To begin anew, \
         remove the file; to go on, put a copy in its place that was made while no eci-sim had it open",
        file = .file.display()
    )]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// It was begun otherwise.
    #[error("the world in {file} was begun with {what} {kept}, not {given}; give that one, or another --data", file = .file.display())]
    Otherwise {
        /// The file.
        file: PathBuf,
        /// What differs.
        what: &'static str,
        /// As it was.
        kept: String,
        /// As it was asked for.
        given: String,
    },
    /// It cannot be written any more.
    #[error("the world cannot be written to {file}: {why}", file = .file.display())]
    Unwritten {
        /// The file.
        file: PathBuf,
        /// What the machine says.
        why: String,
    },
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.path.display())
    }
}

impl Store {
    /// Opens the world in a directory, or begins one there.
    ///
    /// # Errors
    /// [`StoreProblem`] when the directory cannot be used, or what stands there is damaged.
    pub fn open(dir: &Path) -> Result<Self, StoreProblem> {
        let unusable =
            |why: std::io::Error| StoreProblem::Directory { dir: dir.to_owned(), why: why.to_string() };
        // A directory that is there already is somebody's, and keeps its mode.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unusable)?;
        let path = dir.join(FILE);
        match fs::metadata(&path) {
            Ok(there) if there.len() == 0 => return Err(StoreProblem::Empty { file: path }),
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

    /// The world of a file that is opened like this.
    pub(crate) fn over(
        path: PathBuf,
        opening: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Result<Self, StoreProblem> {
        let mut store = Self { file: None, path, opening: Box::new(opening) };
        store.reopen()?;
        Ok(store)
    }

    /// Closes the file, since what is open cannot be used any more after a failed write.
    pub fn close(&mut self) {
        self.file = None;
    }

    /// Opens the file where it is closed.
    ///
    /// # Errors
    /// [`StoreProblem`] when it cannot be used, or is damaged.
    pub fn reopen(&mut self) -> Result<(), StoreProblem> {
        if self.file.is_none() {
            let path = &self.path;
            self.file = Some((self.opening)().map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => StoreProblem::InUse { file: path.clone() },
                DatabaseError::Storage(redb::StorageError::Io(why))
                    if why.kind() == ErrorKind::PermissionDenied =>
                {
                    let dir = path.parent().unwrap_or(path).to_owned();
                    StoreProblem::Directory { dir, why: why.to_string() }
                }
                other => damaged(path, other),
            })?);
        }
        Ok(())
    }

    /// Takes back what was done behind this number: a write that failed may have reached the disk all the same.
    ///
    /// # Errors
    /// [`StoreProblem::Unwritten`] when the machine does not take it.
    pub fn take_back(&self, after: u64) -> Result<(), StoreProblem> {
        let taken_back = || -> Result<(), redb::Error> {
            let transaction = self.begin()?;
            transaction.open_table(DONE)?.retain_in(after + 1.., |_, _| false)?;
            transaction.commit()?;
            Ok(())
        };
        taken_back().map_err(|why| self.unwritten(why))
    }

    /// Adds what was done, the first of it with this number; when this returns, the machine has it on its disk.
    ///
    /// # Errors
    /// [`StoreProblem::Unwritten`] when the machine does not take it.
    pub fn append(&self, first: u64, entries: &[Vec<u8>]) -> Result<(), StoreProblem> {
        let written = || -> Result<(), redb::Error> {
            let transaction = self.begin()?;
            {
                let mut table = transaction.open_table(DONE)?;
                for (number, entry) in (first..).zip(entries) {
                    table.insert(number, entry.as_slice())?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        written().map_err(|why| self.unwritten(why))
    }

    /// Begins a summary that takes the place of all that stands here when it is committed, and of nothing before.
    ///
    /// # Errors
    /// [`StoreProblem::Unwritten`] when the machine does not take it.
    pub fn summarise(&self) -> Result<Draft<'_>, StoreProblem> {
        let emptied = || -> Result<WriteTransaction, redb::Error> {
            let transaction = self.begin()?;
            transaction.delete_table(DONE)?;
            transaction.delete_table(SUMMARY)?;
            Ok(transaction)
        };
        let transaction = emptied().map_err(|why| self.unwritten(why))?;
        Ok(Draft { store: self, transaction, rows: 0, bytes: 0 })
    }

    /// What had come of all that was done before, row by row, as far as `each` can read it.
    ///
    /// # Errors
    /// [`StoreProblem::Damaged`] when it cannot be read.
    pub fn summary(&self, mut each: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), StoreProblem> {
        self.each(SUMMARY, |number, bytes| {
            each(bytes).map_err(|why| format!("row {number} of its summary cannot be read: {why}"))
        })
    }

    /// What was done behind this number, and how many bytes that are.
    ///
    /// # Errors
    /// [`StoreProblem::Damaged`] when it cannot be read.
    pub fn done(&self, after: u64) -> Result<(Vec<Op>, u64), StoreProblem> {
        let (mut done, mut size) = (Vec::new(), 0);
        self.each(DONE, |number, bytes| {
            let wanted = after + 1 + done.len() as u64;
            if number != wanted {
                return Err(format!("entry {wanted} is missing"));
            }
            let op = serde_json::from_slice(bytes)
                .map_err(|why| format!("entry {number} cannot be read: {why}"))?;
            done.push(op);
            size += bytes.len() as u64;
            Ok(())
        })?;
        Ok((done, size))
    }

    /// Its file.
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
        mut look: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), StoreProblem> {
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

    fn unwritten(&self, why: impl std::fmt::Display) -> StoreProblem {
        StoreProblem::Unwritten { file: self.path.clone(), why: why.to_string() }
    }
}

/// A summary that is being written; dropped before it is committed, it was never there.
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
    /// [`StoreProblem::Unwritten`] when the machine does not take it.
    pub fn put(&mut self, row: &[u8]) -> Result<(), StoreProblem> {
        let written = || -> Result<(), redb::Error> {
            let mut table = self.transaction.open_table(SUMMARY)?;
            table.insert(self.rows, row)?;
            Ok(())
        };
        written().map_err(|why| self.store.unwritten(why))?;
        self.rows += 1;
        self.bytes += row.len() as u64;
        Ok(())
    }

    /// Puts the summary in the place of all that stood here; gives its size.
    ///
    /// # Errors
    /// [`StoreProblem::Unwritten`] when the machine does not take it; what stood there stands there still.
    pub fn commit(self) -> Result<u64, StoreProblem> {
        self.transaction.commit().map_err(|why| self.store.unwritten(why))?;
        Ok(self.bytes)
    }
}

fn damaged(file: &Path, why: impl std::fmt::Display) -> StoreProblem {
    StoreProblem::Damaged { file: file.to_owned(), why: why.to_string() }
}
