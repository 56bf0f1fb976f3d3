//! Finding of an oracle.

use jiff::Timestamp;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The oracle that found it.
    pub oracle: &'static str,
    /// The time of it.
    pub at: Timestamp,
    /// The violation in words.
    pub words: String,
}

impl Violation {
    pub(super) fn new(oracle: &'static str, at: Timestamp, words: impl Into<String>) -> Self {
        Self { oracle, at, words: words.into() }
    }
}
