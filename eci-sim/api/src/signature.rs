//! Signatures of requests: both of the platform's schemes, made and verified side by side.
//!
//! Source of all rules: `eci-openapi.md`, sections 1 to 3.

pub mod acs3;
pub mod rpc;
mod verify;

pub use verify::{IncomingRequest, Scheme, SignatureProblem, Verified, identify, verify};

use subtle::ConstantTimeEq;

/// Secret of an access key; never printed.
#[derive(Clone)]
pub struct Secret(String);

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Text of the secret, for the computation of a signature.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Text of a secret that goes with a request itself, as a security token does.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True for an empty secret.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Compares two signatures in a time that does not depend on how far they agree.
fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
