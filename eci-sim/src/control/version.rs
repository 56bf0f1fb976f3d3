//! Version of the control API: named by each answer, and by requests that hold to one.

/// Header in which an answer names the version that is served, and a request the one that it is written for.
pub const VERSION_HEADER: &str = "eci-sim-control-version";
/// Version that is served. It goes up when a request or an answer that was understood before no longer is.
pub const VERSION: u32 = 1;

/// A request for a version that is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// A version of before.
    #[error(
        "this request is written for version {0} of the control API, which is no longer served; CHANGELOG.md says what \
         version {VERSION} changed"
    )]
    Older(u32),
    /// A version that is not known yet.
    #[error(
        "this request is written for version {0} of the control API, and this eci-sim serves version {VERSION}; ask a \
         newer one"
    )]
    Newer(u32),
    /// A text that is no version.
    #[error("`{VERSION_HEADER}: {0}` names no version; it should be a whole number, such as {VERSION}")]
    NotANumber(String),
}

/// Checks the version that a request names; one that names none is of the current version.
///
/// # Errors
/// [`VersionError`] for any other version, and for a text that is none.
pub fn check(named: Option<&str>) -> Result<(), VersionError> {
    let Some(text) = named else { return Ok(()) };
    match text.trim().parse::<u32>() {
        Ok(VERSION) => Ok(()),
        Ok(version) if version < VERSION => Err(VersionError::Older(version)),
        Ok(version) => Err(VersionError::Newer(version)),
        Err(_) => Err(VersionError::NotANumber(text.to_owned())),
    }
}
