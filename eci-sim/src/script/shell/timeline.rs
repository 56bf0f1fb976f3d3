//! Changes of files by others that a script will meet: its own commands in the background, and other containers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Again;
use super::marks::times;
use super::play::Play;
use crate::script::files::{Change, FileError, Layer, Space};

/// Changes that are kept, at most.
const ENTRIES_MAX: usize = 4096;
/// Rounds of a loop in the background whose changes are met.
const ROUNDS_MAX: u64 = 50;
/// Changes of a run that are kept; a run that changes more leaves the rest out.
const WRITES_MAX: usize = 4096;

/// Changes to come, in order of time.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    entries: BTreeMap<(Duration, usize), Entry>,
    count: usize,
}

#[derive(Debug, Clone)]
enum Entry {
    Change(Change),
    Layers(Vec<Layer>),
}

impl Timeline {
    /// The timeline of the states that others have left, each from its time on.
    pub fn of(later: Vec<(Duration, Vec<Layer>)>) -> Self {
        let mut timeline = Self::default();
        for (at, layers) in later {
            timeline.insert(at, Entry::Layers(layers));
        }
        timeline
    }

    fn insert(&mut self, at: Duration, entry: Entry) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.insert((at, self.count), entry);
            self.count += 1;
        }
    }

    /// Adds a change.
    pub fn add(&mut self, at: Duration, change: Change) {
        self.insert(at, Entry::Change(change));
    }

    /// Adds the changes of the first rounds of a loop.
    pub fn add_rounds(&mut self, again: &Again) {
        for round in 0..again.rounds.unwrap_or(u64::MAX).min(ROUNDS_MAX) {
            if self.entries.len() >= ENTRIES_MAX {
                return;
            }
            let begun = again.from.saturating_add(times(again.every, round));
            for (at, change) in &again.writes {
                self.add(begun.saturating_add(*at), change.clone());
            }
        }
    }

    /// Number of changes to come.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Time of the next change.
    pub fn next(&self) -> Option<Duration> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    fn due(&mut self, now: Duration) -> Option<Entry> {
        let first = self.entries.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

impl Play {
    /// Lets everything happen to the files that has come by now.
    pub(super) fn catch_up(&mut self) {
        while let Some(entry) = self.timeline.due(self.now) {
            match entry {
                Entry::Change(change) => self.space.apply(&change),
                Entry::Layers(layers) => self.space.set_layers(layers),
            }
        }
    }

    /// Does something with the files as they are now; what it changes is part of the run.
    pub(super) fn file<T>(
        &mut self,
        act: impl FnOnce(&mut Space) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        self.catch_up();
        let done = act(&mut self.space);
        if matches!(&done, Err(FileError::Full)) {
            self.pass_over("files of more than 1 MiB, or more than 1000, in one place");
        }
        let room = WRITES_MAX.saturating_sub(self.run.writes.len());
        let changes = std::mem::take(&mut self.space.changes);
        self.run.writes.extend(changes.into_iter().take(room).map(|change| (self.now, change)));
        done
    }

    /// The absolute path of a file that a command names.
    pub(super) fn path(&self, name: &str) -> String {
        crate::script::files::normal(&self.directory, name)
    }
}
