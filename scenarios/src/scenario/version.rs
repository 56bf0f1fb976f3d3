//! Version of the form of case files; another one is refused before anything else of a file is read.

use super::mistake::{Mistake, Source};
use super::yaml::{Node, Value};

/// Version that this program reads. It goes up when a file that was read before is read otherwise or no more.
pub const CURRENT: u32 = 1;

/// Checks the version of a file; one that names none is of the current version.
///
/// # Errors
/// A [`Mistake`] at the version, for another one and for what is none.
pub(super) fn check(source: &Source<'_>, tree: &Node) -> Result<(), Mistake> {
    let Some(node) = tree.get("version") else { return Ok(()) };
    let message = match node.value {
        Value::Whole(version) if version == i64::from(CURRENT) => return Ok(()),
        Value::Whole(version) if version > i64::from(CURRENT) => format!(
            "this case is written in version {version} of case files, and this program reads version {CURRENT}; play it with a newer one"
        ),
        Value::Whole(version) if version >= 0 => format!(
            "this case is written in version {version} of case files, which is no longer read; CHANGELOG.md says what version {CURRENT} changed"
        ),
        _ => format!("`version` should be a whole number; this program reads version {CURRENT}"),
    };
    Err(source.mistake(node.at, message))
}
