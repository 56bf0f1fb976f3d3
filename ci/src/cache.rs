//! Cache of everything that takes minutes to make or to download: outside the clone, complete or not there at all, and
//! bounded.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::command::building;

/// Age since its last request at which an entry is removed.
const UNUSED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// Size of all entries together in bytes, at most; beyond it the entry is removed whose last request is oldest.
const AT_MOST: u64 = 8 << 30;
/// The ending of the file beside each entry: locked while the entry is made, as old as the last use of it.
const LOCK: &str = "lock";
/// The ending of an entry that is being made.
const PARTIAL: &str = "partial";

/// The folder of all caches: outside the clone, so that a fresh one finds it again.
pub fn folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|base| !base.is_empty()) {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
            .join(".cache"),
    };
    let folder = base.join("virtual-node");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// The entry `name`, a folder; when it is not there yet, `bring` fills it first. Its name ends with a key: a version, or a
/// fingerprint of what it is made of.
///
/// Two that ask at once do not race: the second waits for the first. A folder under its own name is always complete,
/// since it is filled under another one.
pub fn entry(name: &str, bring: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let entry = folder()?.join(name);
    let beside = entry.parent().context("an entry has a parent")?;
    fs::create_dir_all(beside).with_context(|| format!("cannot make {}", beside.display()))?;
    let lock = with_ending(&entry, LOCK);
    if entry.is_dir() {
        touch(&lock)?;
        return Ok(entry);
    }
    let _alone = exclusively(&lock)?;
    if entry.is_dir() {
        return Ok(entry);
    }
    let partial = with_ending(&entry, PARTIAL);
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("cannot clear {}", partial.display()))?;
    }
    fs::create_dir_all(&partial).with_context(|| format!("cannot make {}", partial.display()))?;
    bring(&partial)?;
    fs::rename(&partial, &entry).with_context(|| format!("cannot keep {}", entry.display()))?;
    Ok(entry)
}

/// Locks a file until the result is dropped, or until this process is gone, whatever ended it.
pub fn exclusively(path: &Path) -> Result<File> {
    let file = touch(path)?;
    if file.try_lock().is_err() {
        eprintln!("somebody else holds {}; waiting", path.display());
        building(|| file.lock()).with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

/// Removes old entries, and then the least recently requested ones beyond the bound.
pub fn prune() -> Result<()> {
    prune_in(&folder()?, AT_MOST, now())
}

fn prune_in(folder: &Path, at_most: u64, now: SystemTime) -> Result<()> {
    let mut entries = Vec::new();
    for parent in [folder.to_owned()].into_iter().chain(folders_in(folder)) {
        for entry in folders_in(&parent).filter(|entry| entry.extension().is_none_or(|e| e != PARTIAL)) {
            // a folder without such a file is no entry
            if let Ok(used) = with_ending(&entry, LOCK).metadata().and_then(|lock| lock.modified()) {
                entries.push((used, size_of(&entry), entry));
            }
        }
    }
    entries.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
    let mut kept = 0;
    for (used, size, entry) in entries {
        let is_old = now.duration_since(used).is_ok_and(|age| age > UNUSED_FOR);
        if is_old || kept + size > at_most {
            println!("removing {}, {} MiB, from the cache", entry.display(), size >> 20);
            fs::remove_dir_all(&entry).with_context(|| format!("cannot remove {}", entry.display()))?;
            let _ = fs::remove_file(with_ending(&entry, LOCK)); // an empty file, to nobody's harm
        } else {
            kept += size;
        }
    }
    Ok(())
}

/// The bytes of all files below a folder, each counted once by its path.
pub fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size_of(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0, // gone meanwhile
    };
    entries.map(size).sum()
}

fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// Makes the file where it is not there, and makes it as new as if it had just been written.
fn touch(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.set_modified(now()).with_context(|| format!("cannot touch {}", path.display()))?;
    Ok(file)
}

#[allow(clippy::disallowed_methods, reason = "files are as old as the machine says")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// `path` under another ending; versions have dots of their own, so it is added, not replaced.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_added_to_a_version() {
        assert_eq!(with_ending(Path::new("/c/v1.34.4"), "lock"), Path::new("/c/v1.34.4.lock"));
    }

    #[test]
    fn beyond_its_bound_the_cache_loses_what_was_used_longest_ago_and_nothing_that_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let now = now();
        let entry = |name: &str, days: u64| {
            let entry = folder.path().join(name);
            fs::create_dir_all(&entry).unwrap();
            fs::write(entry.join("file"), [0; 100]).unwrap();
            let used = now - Duration::from_secs(days * 24 * 3600);
            touch(&with_ending(&entry, LOCK)).unwrap().set_modified(used).unwrap();
            entry
        };
        let today = entry("tools/helm-v2", 0);
        let yesterday = entry("sdk-python-1", 1);
        let last_week = entry("tools/helm-v1", 7);
        let other = folder.path().join("target");
        fs::create_dir_all(&other).unwrap();
        prune_in(folder.path(), 250, now).unwrap();
        assert!(today.exists() && yesterday.exists() && other.exists());
        assert!(!last_week.exists());
        prune_in(folder.path(), 250, now + UNUSED_FOR).unwrap();
        assert!(today.exists() && !yesterday.exists());
    }
}
