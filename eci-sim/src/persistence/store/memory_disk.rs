//! A disk in memory that can be full for a while, and whose process can be killed after so many writes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use redb::{Builder, StorageBackend};

use super::Store;

/// The disk; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct MemoryDisk {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Writes up to the kill; what is written later never happened.
    left: Arc<Mutex<u64>>,
    full: Arc<AtomicBool>,
}

impl Default for MemoryDisk {
    fn default() -> Self {
        Self::killed_after(u64::MAX, Vec::new())
    }
}

impl MemoryDisk {
    /// A disk with this content, whose process is killed after so many writes.
    pub(crate) fn killed_after(writes: u64, content: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(Mutex::new(content)),
            left: Arc::new(Mutex::new(writes)),
            full: Arc::default(),
        }
    }

    /// The store on this disk, opened as one on a real disk is.
    pub(crate) fn open(&self) -> Store {
        let disk = self.clone();
        let opening =
            move || Builder::new().set_check_integrity_on_open(true).create_with_backend(disk.clone());
        Store::over("disk".into(), opening).unwrap()
    }

    pub(crate) fn content(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    pub(crate) fn writes_left(&self) -> u64 {
        *self.left.lock().unwrap()
    }

    /// Makes the disk full, or gives it room again.
    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Relaxed);
    }

    fn has_room(&self) -> io::Result<()> {
        if self.full.load(Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Changes the content, unless the disk is full or the process killed.
    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.has_room()?;
        let mut left = self.left.lock().unwrap();
        if *left > 0 {
            change(&mut self.bytes.lock().unwrap());
        }
        *left = left.saturating_sub(1);
        Ok(())
    }
}

impl StorageBackend for MemoryDisk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.bytes.lock().unwrap()[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        self.change(|bytes| bytes.resize(usize::try_from(length).unwrap(), 0))
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.has_room()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let offset = usize::try_from(offset).unwrap();
        self.change(|bytes| bytes[offset..offset + data.len()].copy_from_slice(data))
    }
}
