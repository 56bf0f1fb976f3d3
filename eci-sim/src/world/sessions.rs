//! Sessions that may be opened: who has the address of one has it once, and for half a minute.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::runtime::engine::RunId;
use crate::runtime::played::Command;

/// How long an address serves (eci-openapi.md, section 8, says so of `HttpUrl`).
const SERVES: SignedDuration = SignedDuration::from_secs(30);

/// What runs in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The command, as it would be played.
    pub command: Command,
    /// The run that it runs in, where an Engine does them.
    pub run: Option<RunId>,
    /// Whether it hears what is typed.
    pub stdin: bool,
}

/// All that may be opened.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sessions {
    open: BTreeMap<String, (Timestamp, Wanted)>,
    offered: u64,
}

impl Sessions {
    /// How many were offered so far.
    pub fn offered(&self) -> u64 {
        self.offered
    }

    /// From now on a session may be opened by this name.
    pub fn offer(&mut self, name: String, wanted: Wanted, now: Timestamp) {
        self.offered += 1;
        self.open.retain(|_, (until, _)| *until >= now);
        self.open.insert(name, (now.saturating_add(SERVES).unwrap_or(Timestamp::MAX), wanted));
    }

    /// Whether it may be opened.
    pub fn is_open(&self, name: &str, now: Timestamp) -> bool {
        self.open.get(name).is_some_and(|(until, _)| *until >= now)
    }

    /// Opens it, which can be done once.
    pub fn take(&mut self, name: &str, now: Timestamp) -> Option<Wanted> {
        self.open.remove(name).filter(|(until, _)| *until >= now).map(|(_, wanted)| wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_serves_once_and_for_half_a_minute() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let command =
            Command { words: vec!["sh".to_owned()], environment: Vec::new(), tty: false, opened: at(0) };
        let wanted = Wanted { command, run: None, stdin: true };
        for (opened, serves) in [(0, true), (30, true), (31, false)] {
            let mut sessions = Sessions::default();
            sessions.offer("one".to_owned(), wanted.clone(), at(0));
            assert_eq!(sessions.take("one", at(opened)).is_some(), serves, "{opened} s");
            assert!(sessions.take("one", at(opened)).is_none());
        }
    }
}
