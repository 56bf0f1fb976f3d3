//! What the cloud's JSON leaves open: a field may be null where its default is meant; and what is never shown.

use serde::{Deserialize, Deserializer};

/// Stands for passwords, contents of files and the like where a request or a reply is shown for debugging.
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
