//! Managers, and how they wrote.

/// The way in which a manager set its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    /// The operation as it stands in an entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// A manager, and how it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The manager's name.
    pub manager: String,
    /// The way in which it wrote.
    pub operation: Operation,
    /// The API version in which it wrote.
    pub api_version: String,
    /// The subresource that it wrote; empty for the object itself.
    pub subresource: String,
}

impl Owner {
    /// True for the same manager; one that applies is the same in all versions.
    pub fn is_same(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The manager as conflicts name it.
    pub fn shown(&self) -> String {
        let mut shown = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            shown = format!("{shown} with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            shown = format!("{shown} using {}", self.api_version);
        }
        shown
    }
}
