//! Keeps the access key of a client as its source has it: files are looked at, temporary keys are renewed before they end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Eci;
use super::credentials::Key;
use super::key_source::{KeyReader, KeySource};

/// The pause between two looks at the source: a mounted Secret comes within a minute or so, and a clock may be moved.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// The pauses between tries to renew a key, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The time before its end at which a temporary key is renewed: a quarter of its life, within these bounds. The metadata
/// service has another one from half an hour before the end on.
const EARLIEST: SignedDuration = SignedDuration::from_mins(20);
const LATEST: SignedDuration = SignedDuration::from_mins(1);

/// Keeps one client's key.
pub struct KeyRotation {
    /// The client.
    pub eci: Eci,
    /// The source of its keys.
    pub source: KeySource,
    /// The way to the source.
    pub reader: KeyReader,
}

/// The time from which on a key is renewed that was read at `read`; `None` of one that has no end.
fn renewed_from(read: Timestamp, expires: Option<Timestamp>) -> Option<Timestamp> {
    let expires = expires?;
    let life = expires.duration_since(read).max(SignedDuration::ZERO);
    let before = (life / 4).clamp(LATEST, EARLIEST);
    expires.checked_sub(before).ok()
}

impl KeyRotation {
    /// Keeps the key, for ever; `key` is the one that the client has.
    pub async fn run(self, key: Key) {
        if matches!(self.source, KeySource::Fixed(_)) {
            return std::future::pending().await;
        }
        let is_filed = matches!(self.source, KeySource::Files(_));
        let mut due = renewed_from(self.reader.clock.now(), key.expires);
        let (mut current, mut pause) = (key, FIRST_PAUSE);
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let now = self.reader.clock.now();
            let is_refused = self.eci.is_key_refused();
            if !is_filed && !is_refused && due.is_some_and(|due| now < due) {
                continue;
            }
            match self.source.read(&self.reader).await {
                Ok(key) if key != current => {
                    tracing::info!("{} is another one; calls are signed with it from now on", self.source);
                    self.eci.set_key(key.clone());
                    (due, current, pause) = (renewed_from(now, key.expires), key, FIRST_PAUSE);
                }
                // the source has no other one yet
                Ok(_) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "the access key cannot be renewed; the last one is used on");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_key_is_renewed_well_before_its_end() {
        let read: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        for (life, renewed) in [(900, 675), (3600, 2700), (6 * 3600, 6 * 3600 - 1200), (30, -30)] {
            let expires = read + SignedDuration::from_secs(life);
            let from = renewed_from(read, Some(expires)).unwrap();
            assert_eq!(from.duration_since(read).as_secs(), renewed, "{life} s");
        }
        assert_eq!(renewed_from(read, None), None);
    }
}
