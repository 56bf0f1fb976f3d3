//! The folder of a playground that is there tomorrow: the cloud's world, which keeps itself, and the cluster's objects beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube_sim::{SavedError, SavedObjects};
use tokio::time::Instant;

/// Name of the file with the objects.
const OBJECTS: &str = "cluster.jsonl";
/// Time between two writes of it, in which a kill may lose what was written to the cluster.
const PERIOD: Duration = Duration::from_secs(2);

/// The file of the cluster's objects.
#[derive(Debug)]
pub(super) struct ObjectsFile {
    path: PathBuf,
    /// The instant of the last write, and the revision that it holds.
    last: (Instant, u64),
}

/// The error of a folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DataError {
    /// The file cannot be read, or what stands there is damaged.
    #[error("{file}: {why}\n  move the folder away to begin anew, or put back a copy of it", file = .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: SavedError,
    },
    /// The file cannot be written.
    #[error("cannot keep the cluster in {file}: {why}", file = .file.display())]
    NotWritten {
        /// The file.
        file: PathBuf,
        /// The system's refusal.
        why: io::Error,
    },
}

impl ObjectsFile {
    /// The file in this folder, which is there, with the objects that it holds; `None` where it is new.
    ///
    /// # Errors
    /// [`DataError::Damaged`].
    pub(super) fn open(folder: &Path, now: Instant) -> Result<(Self, Option<SavedObjects>), DataError> {
        let path = folder.join(OBJECTS);
        let read = match File::open(&path) {
            Ok(file) => SavedObjects::read(BufReader::new(file)).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        };
        match read {
            Ok(saved) => Ok((Self { path, last: (now, 0) }, saved)),
            Err(why) => Err(DataError::Damaged { file: path, why }),
        }
    }

    /// True when it is time to write what has `revision`.
    pub(super) fn is_due(&self, now: Instant, revision: u64) -> bool {
        let (then, written) = self.last;
        revision != written && now.saturating_duration_since(then) >= PERIOD
    }

    /// Writes the objects, which have `revision`, in place of those that it held, in one step and for its owner alone.
    ///
    /// # Errors
    /// [`DataError::NotWritten`]; the file is as it was then.
    pub(super) fn write(
        &mut self,
        objects: &SavedObjects,
        now: Instant,
        revision: u64,
    ) -> Result<(), DataError> {
        let new = self.path.with_extension("new");
        let written = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            let mut file = BufWriter::new(file);
            objects.write(&mut file)?;
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&new, &self.path)
        };
        let written = written().map_err(|why| DataError::NotWritten { file: self.path.clone(), why });
        // What could not be written is due again after the same time.
        self.last = (now, if written.is_ok() { revision } else { self.last.1 });
        written
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use kube_sim::KubeSim;

    use super::*;

    #[test]
    fn objects_that_were_written_are_there_again_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let (mut file, none) = ObjectsFile::open(folder.path(), now).unwrap();
        assert!(none.is_none());
        let objects = KubeSim::builder().build().saved();
        file.write(&objects, now, objects.revision()).unwrap();
        let mode = fs::metadata(folder.path().join(OBJECTS)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(ObjectsFile::open(folder.path(), now).unwrap().1, Some(objects));
    }

    #[test]
    fn what_did_not_change_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let (mut file, _) = ObjectsFile::open(folder.path(), begun).unwrap();
        let objects = KubeSim::builder().build().saved();
        file.write(&objects, begun, 7).unwrap();
        let due = [(1, 8), (2, 8), (9, 7)]
            .map(|(s, revision)| file.is_due(begun + Duration::from_secs(s), revision));
        assert_eq!(due, [false, true, false]);
    }

    #[test]
    fn what_could_not_be_written_is_tried_again_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let (mut file, _) = ObjectsFile::open(&folder.path().join("gone"), now).unwrap();
        let objects = KubeSim::builder().build().saved();
        let why = file.write(&objects, now, 7).unwrap_err().to_string();
        assert!(why.starts_with("cannot keep the cluster in "), "{why}");
        assert!(!file.is_due(now, 7) && file.is_due(now + PERIOD, 7));
    }

    #[test]
    fn a_damaged_file_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(OBJECTS), "{\"version\":1,\"revision\":7}\n{").unwrap();
        let why = ObjectsFile::open(folder.path(), Instant::now()).unwrap_err().to_string();
        assert!(why.contains("cluster.jsonl: line 2: ") && why.contains("move the folder away"), "{why}");
    }
}
