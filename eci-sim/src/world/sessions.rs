//! Exec sessions that may be opened: each address serves once, and for half a minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::orders::RunId;
use crate::runtime::played::Command;

/// Lifetime of a session's address (eci-openapi.md, section 8, says so of `HttpUrl`).
const SESSION_TTL: SignedDuration = SignedDuration::from_secs(30);

/// A session that may be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSession {
    /// Command, as a scripted runtime plays it.
    pub command: Command,
    /// Run of the container, where an engine runs it.
    pub run: Option<RunId>,
    /// Passes on what is typed.
    pub stdin: bool,
}

/// All sessions that may be opened.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sessions {
    open: BTreeMap<String, (Timestamp, PendingSession)>,
    offered: u64,
}

impl Sessions {
    /// The number of sessions that were offered so far.
    pub fn offered(&self) -> u64 {
        self.offered
    }

    /// Offers a session under this name.
    pub fn offer(&mut self, name: String, wanted: PendingSession, now: Timestamp) {
        self.offered += 1;
        self.open.retain(|_, (until, _)| *until >= now);
        self.open.insert(name, (now.saturating_add(SESSION_TTL).unwrap_or(Timestamp::MAX), wanted));
    }

    /// True while the session may be opened.
    pub fn is_open(&self, name: &str, now: Timestamp) -> bool {
        self.open.get(name).is_some_and(|(until, _)| *until >= now)
    }

    /// Opens the session, which works once.
    pub fn take(&mut self, name: &str, now: Timestamp) -> Option<PendingSession> {
        self.open.remove(name).filter(|(until, _)| *until >= now).map(|(_, wanted)| wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_serves_once_and_for_half_a_minute() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (group, container) = ("eci-1".to_owned(), "main".to_owned());
        let command = Command { group, container, words: vec!["sh".into()], tty: false, opened: at(0) };
        let wanted = PendingSession { command, run: None, stdin: true };
        for (opened, serves) in [(0, true), (30, true), (31, false)] {
            let mut sessions = Sessions::default();
            sessions.offer("one".to_owned(), wanted.clone(), at(0));
            assert_eq!(sessions.take("one", at(opened)).is_some(), serves, "{opened} s");
            assert!(sessions.take("one", at(opened)).is_none());
        }
    }
}
