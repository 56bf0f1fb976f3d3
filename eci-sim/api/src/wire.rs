//! Gaps of the cloud's JSON: a field may be null where its default is meant; and the mark for values that are never
//! shown.

use serde::{Deserialize, Deserializer};

/// Text in place of passwords, contents of files and the like in debug output of a request or a reply.
pub(crate) const HIDDEN: &str = "hidden";

/// Reads null as the default.
///
/// # Errors
/// What the type's own reading gives.
pub fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
