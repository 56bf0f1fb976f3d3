//! How a check ends that does not fail, and how much of the project it looks at.

/// How a check ended when it did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    Passed,
    /// Not run on this machine, and why.
    Skipped(String),
}

/// How much a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What decides whether a change lands.
    Landing,
    /// Everything, as the weekly workflow does.
    All,
}
