//! Where a world is kept across the death of its process: what was done to it, in order, in one file of `redb`.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};

use crate::journal::Op;

/// What was done, numbered from 1 without a gap; JSON.
const DONE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("done");
/// The file in the directory.
const FILE: &str = "eci-sim.redb";
/// Pages that are kept in memory; the store is read once, from front to back.
const CACHE: usize = 1 << 20;

/// The file of one world, which no second process can open.
#[derive(Debug)]
pub struct Store {
    file: Database,
    path: PathBuf,
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

impl Store {
    /// Opens the world in a directory, or begins one there; gives what was done to it so far.
    ///
    /// # Errors
    /// [`StoreProblem`] when the directory cannot be used, or what stands there is damaged.
    pub fn open(dir: &Path) -> Result<(Self, Vec<Op>), StoreProblem> {
        fs::create_dir_all(dir)
            .map_err(|why| StoreProblem::Directory { dir: dir.to_owned(), why: why.to_string() })?;
        let path = dir.join(FILE);
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        let file = builder.create(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreProblem::InUse { file: path.clone() },
            DatabaseError::Storage(redb::StorageError::Io(why))
                if why.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                StoreProblem::Directory { dir: dir.to_owned(), why: why.to_string() }
            }
            other => damaged(&path, other),
        })?;
        let store = Self { file, path };
        let done = store.read()?;
        Ok((store, done))
    }

    /// Adds what was done, the first of it with this number; when this returns, the machine has it on its disk.
    ///
    /// # Errors
    /// [`StoreProblem::Unwritten`] when the machine does not take it.
    pub fn append(&self, first: u64, entries: &[Vec<u8>]) -> Result<(), StoreProblem> {
        let written = || -> Result<(), redb::Error> {
            let mut transaction = self.file.begin_write()?;
            // So that a damaged last page is not taken for a commit that was never finished, and left out.
            transaction.set_two_phase_commit(true);
            {
                let mut table = transaction.open_table(DONE)?;
                for (number, entry) in (first..).zip(entries) {
                    table.insert(number, entry.as_slice())?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        written().map_err(|why| StoreProblem::Unwritten { file: self.path.clone(), why: why.to_string() })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<Vec<Op>, StoreProblem> {
        let entries = || -> Result<Vec<(u64, Vec<u8>)>, redb::Error> {
            let transaction = self.file.begin_read()?;
            let table = match transaction.open_table(DONE) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let mut entries = Vec::with_capacity(usize::try_from(table.len()?).unwrap_or(0));
            for entry in table.iter()? {
                let (number, bytes) = entry?;
                entries.push((number.value(), bytes.value().to_vec()));
            }
            Ok(entries)
        };
        let entries = entries().map_err(|why| damaged(&self.path, why))?;
        let read = |(wanted, (number, bytes)): (u64, (u64, Vec<u8>))| {
            if number != wanted {
                return Err(damaged(&self.path, format!("entry {wanted} is missing")));
            }
            serde_json::from_slice(&bytes)
                .map_err(|why| damaged(&self.path, format!("entry {number} cannot be read: {why}")))
        };
        (1..).zip(entries).map(read).collect()
    }
}

fn damaged(file: &Path, why: impl std::fmt::Display) -> StoreProblem {
    StoreProblem::Damaged { file: file.to_owned(), why: why.to_string() }
}
