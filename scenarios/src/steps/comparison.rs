//! What an expectation wants beside what it sees, fact by fact.

use serde::Serialize;
use serde_json::{Map, Value};

use super::expect::unmet;
use crate::matching;
use crate::outcome::{Fact, Miss};

/// Facts that differ, as wanted and as seen.
#[derive(Default)]
pub(super) struct Comparison {
    wanted: Vec<Fact>,
    seen: Vec<Fact>,
}

impl Comparison {
    /// Notes the fact when the texts differ.
    pub(super) fn compare(&mut self, name: &str, wanted: impl Into<String>, seen: impl Into<String>) {
        let (wanted, seen) = (wanted.into(), seen.into());
        if wanted != seen {
            self.differs(name, wanted, seen);
        }
    }

    /// Notes a fact that differs.
    pub(super) fn differs(&mut self, name: &str, wanted: impl Into<String>, seen: impl Into<String>) {
        self.wanted.push(Fact::new(name, wanted.into()));
        self.seen.push(Fact::new(name, seen.into()));
    }

    /// Notes the fields of `has` that the object does not contain.
    ///
    /// # Errors
    /// [`Miss::Refused`] for an object that is no JSON.
    pub(super) fn contains(&mut self, has: &Map<String, Value>, object: &impl Serialize) -> Result<(), Miss> {
        let object = serde_json::to_value(object).map_err(|error| Miss::Refused(error.to_string()))?;
        let differences = matching::differences(&Value::Object(has.clone()), &object);
        let (wanted, seen) = matching::as_facts(&differences);
        self.wanted.extend(wanted);
        self.seen.extend(seen);
        Ok(())
    }

    /// Fails when anything differs; `because` is a reason that was seen beside.
    ///
    /// # Errors
    /// [`Miss::Unmet`].
    pub(super) fn result(self, because: Option<String>) -> Result<(), Miss> {
        unmet(self.wanted, self.seen, because)
    }
}
