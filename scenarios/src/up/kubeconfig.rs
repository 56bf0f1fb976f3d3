//! The kubeconfig file of a playground: known by its first line, locked while the playground lives, gone with it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The first line of every file that is ours to replace and to remove.
const MARKER: &str =
    "# Made by `scenarios up`, which replaces and removes this file; keep nothing of yours in it.\n";

/// The file; removed when it goes out of scope, so that an error on the way leaves nothing behind.
#[derive(Debug)]
pub(super) struct Kubeconfig {
    path: PathBuf,
    /// The open file; its lock says that a playground is alive.
    file: File,
    removed: bool,
}

/// A kubeconfig that cannot be written or removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum KubeconfigFileError {
    #[error(
        "{path} is there already and was not made by `up`, so it is left alone; give another --kubeconfig, or move the file away",
        path = .0.display()
    )]
    NotOurs(PathBuf),
    #[error("{path} belongs to a playground that is still up; end that one, or give another --kubeconfig", path = .0.display())]
    InUse(PathBuf),
    #[error("cannot {what} the kubeconfig {path}: {why}", path = .path.display())]
    Io { what: &'static str, path: PathBuf, why: io::Error },
}

impl Kubeconfig {
    /// Writes the file for its owner alone, since it holds a key, in the place of nothing or of one that an earlier
    /// playground has left behind.
    ///
    /// # Errors
    /// [`KubeconfigFileError`]; an existing file is as it was.
    pub fn write(path: &Path, text: &str) -> Result<Self, KubeconfigFileError> {
        let failed = |why| KubeconfigFileError::Io { what: "write", path: path.to_owned(), why };
        let left_over = left_over(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(MARKER.as_bytes()).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        file.as_file().lock().map_err(failed)?;
        let placed = match left_over {
            Some(_lock) => file.persist(path),
            None => file.persist_noclobber(path),
        };
        match placed {
            Ok(file) => Ok(Self { path: path.to_owned(), file, removed: false }),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KubeconfigFileError::NotOurs(path.to_owned()))
            }
            Err(error) => Err(failed(error.error)),
        }
    }

    /// Removes the file, unless it is another one by now.
    ///
    /// # Errors
    /// [`KubeconfigFileError::Io`].
    pub fn remove(mut self) -> Result<(), KubeconfigFileError> {
        self.removed = true;
        self.unlink().map_err(|why| KubeconfigFileError::Io { what: "remove", path: self.path.clone(), why })
    }

    fn unlink(&self) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;

        let own = self.file.metadata()?;
        match fs::symlink_metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {}
            _ => return Ok(()),
        }
        // An editor may have written into it.
        let mut first = Vec::new();
        let mut file = &self.file;
        file.rewind()?;
        file.take(MARKER.len() as u64).read_to_end(&mut first)?;
        if first == MARKER.as_bytes() { fs::remove_file(&self.path) } else { Ok(()) }
    }
}

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        if !self.removed {
            let _ = self.unlink(); // the error that brought us here is the one to be reported
        }
    }
}

/// The file that a playground has left behind, locked; none where there is no file.
fn left_over(path: &Path) -> Result<Option<File>, KubeconfigFileError> {
    let failed = |why| KubeconfigFileError::Io { what: "read", path: path.to_owned(), why };
    match fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(failed(why)),
        Ok(found) if !found.is_file() => return Err(KubeconfigFileError::NotOurs(path.to_owned())),
        Ok(_) => {}
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut first = Vec::new();
    (&mut file).take(MARKER.len() as u64).read_to_end(&mut first).map_err(failed)?;
    if first != MARKER.as_bytes() {
        return Err(KubeconfigFileError::NotOurs(path.to_owned()));
    }
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(KubeconfigFileError::InUse(path.to_owned())),
        Err(TryLockError::Error(why)) => Err(failed(why)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.kubeconfig");
        (folder, path)
    }

    #[test]
    fn the_kubeconfig_is_for_its_owner_alone_and_goes_with_the_playground() {
        let (_folder, path) = folder();
        let kubeconfig = Kubeconfig::write(&path, "secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().ends_with("\nsecret"));
        kubeconfig.remove().unwrap();
        assert!(!path.exists());
        drop(Kubeconfig::write(&path, "secret").unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_file_of_the_users_is_refused_and_left_as_it_is() {
        let (folder, path) = folder();
        for own in ["apiVersion: v1\n", ""] {
            fs::write(&path, own).unwrap();
            let error = Kubeconfig::write(&path, "secret").unwrap_err();
            assert!(error.to_string().contains("was not made by `up`"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), own);
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Kubeconfig::write(&link, "secret"), Err(KubeconfigFileError::NotOurs(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
    }

    #[test]
    fn one_left_over_by_a_killed_playground_is_replaced_and_one_in_use_is_not() {
        let (_folder, path) = folder();
        fs::write(&path, [MARKER, "old"].concat()).unwrap();
        let first = Kubeconfig::write(&path, "new").unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("\nnew"));
        assert!(matches!(Kubeconfig::write(&path, "newer"), Err(KubeconfigFileError::InUse(_))));
        first.remove().unwrap();
    }

    #[test]
    fn what_somebody_put_in_its_place_is_not_removed() {
        let (_folder, path) = folder();
        let kubeconfig = Kubeconfig::write(&path, "secret").unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        kubeconfig.remove().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(&path).unwrap();
        let kubeconfig = Kubeconfig::write(&path, "secret").unwrap();
        fs::write(&path, "mine").unwrap();
        drop(kubeconfig);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
