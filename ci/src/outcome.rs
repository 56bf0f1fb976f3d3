//! Outcome of a check that does not fail, and the extent of its scope.

/// Outcome of a check that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    Passed,
    /// Not run on this machine, for this reason.
    Skipped(String),
}

/// Extent of a check's scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Scope that decides if a change lands.
    Landing,
    /// Everything, as the weekly workflow does.
    All,
}
