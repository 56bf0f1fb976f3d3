//! A store whose process is killed after any of its writes: what was acknowledged is there, and nothing is damaged.

use std::io;
use std::sync::{Arc, Mutex};

use redb::{Builder, StorageBackend};

use super::Store;

/// A disk as it is after so many writes; what is written later never happened.
#[derive(Debug, Clone, Default)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    left: Arc<Mutex<u64>>,
}

impl Disk {
    fn with(bytes: Vec<u8>, writes: u64) -> Self {
        Self { bytes: Arc::new(Mutex::new(bytes)), left: Arc::new(Mutex::new(writes)) }
    }

    fn open(&self) -> Store {
        let disk = self.clone();
        let opening =
            move || Builder::new().set_check_integrity_on_open(true).create_with_backend(disk.clone());
        Store::over("disk".into(), opening).unwrap()
    }

    /// False once the process is killed.
    fn lives(&self) -> bool {
        let mut left = self.left.lock().unwrap();
        let lives = *left > 0;
        *left = left.saturating_sub(1);
        lives
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.bytes.lock().unwrap()[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        if self.lives() {
            self.bytes.lock().unwrap().resize(usize::try_from(length).unwrap(), 0);
        }
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        if self.lives() {
            let offset = usize::try_from(offset).unwrap();
            self.bytes.lock().unwrap()[offset..offset + data.len()].copy_from_slice(data);
        }
        Ok(())
    }
}

/// An entry that differs from all others.
fn entry(number: u64) -> Vec<u8> {
    let call = serde_json::json!({ "control": {
        "at": "2026-01-01T09:00:00Z", "client_time": "2026-01-01T09:00:00Z",
        "command": { "save-snapshot": format!("{number} {}", "x".repeat(500)) },
    }});
    serde_json::to_vec(&call).unwrap()
}

/// Appends fifteen entries, with a snapshot after each fifth; returns the number of the last that was acknowledged
/// before the kill.
fn work(disk: &Disk) -> u64 {
    let store = disk.open();
    let mut acknowledged = 0;
    for number in 1..=15 {
        store.append(number, &[entry(number)]).unwrap();
        if *disk.left.lock().unwrap() > 0 {
            acknowledged = number;
        }
        if number % 5 == 0 {
            let mut draft = store.begin_snapshot().unwrap();
            // Larger than what it stands for, so that it is many pages.
            (1..=number).for_each(|number| draft.put(&entry(number)).unwrap());
            draft.commit().unwrap();
        }
    }
    acknowledged
}

#[test]
fn a_store_that_is_killed_at_any_write_has_all_that_was_acknowledged_and_nothing_else() {
    let whole = Disk::with(Vec::new(), u64::MAX);
    work(&whole);
    let writes = u64::MAX - *whole.left.lock().unwrap();
    assert!(writes > 100, "{writes}");
    let begun = Disk::with(Vec::new(), u64::MAX);
    drop(begun.open());
    let begun = std::mem::take(&mut *begun.bytes.lock().unwrap());
    for killed_after in 0..writes {
        let disk = Disk::with(begun.clone(), killed_after);
        let acknowledged = work(&disk);
        let left = Disk::with(disk.bytes.lock().unwrap().clone(), u64::MAX);
        let store = left.open();
        let mut covered = 0;
        store
            .read_snapshot(|row| {
                covered += 1;
                if row == entry(covered) { Ok(()) } else { Err("another row".to_owned()) }
            })
            .unwrap();
        let (done, _) = store.read_journal(covered).unwrap();
        let there = covered + done.len() as u64;
        assert!(covered % 5 == 0, "after write {killed_after}, a snapshot of {covered} is incomplete");
        assert!(
            (acknowledged..=acknowledged + 1).contains(&there),
            "after write {killed_after}, {acknowledged} were acknowledged and {there} are there"
        );
    }
}
