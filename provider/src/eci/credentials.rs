//! Access keys, as they are given out and as requests are signed with them.

use eci_api::Secret;
use jiff::Timestamp;

/// An access key, as the cloud's console gives it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The id, which is no secret.
    pub access_key_id: String,
    /// The secret.
    pub secret: Secret,
}

/// An access key, and the end of its life where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub credentials: Credentials,
    /// What goes with each request of a temporary key.
    pub security_token: Option<Secret>,
    /// The end of its life.
    pub expires: Option<Timestamp>,
}
