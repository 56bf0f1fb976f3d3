//! Finding of an oracle.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The oracle that found it.
    pub oracle: Cow<'static, str>,
    /// The time of it.
    pub at: Timestamp,
    /// The violation in words.
    pub words: String,
}

impl Violation {
    pub(in crate::sweep) fn new(oracle: &'static str, at: Timestamp, words: impl Into<String>) -> Self {
        Self { oracle: Cow::Borrowed(oracle), at, words: words.into() }
    }
}
