//! Who sent a request: both signatures of the platform, made and verified side by side.
//!
//! Source of all rules: `eci-openapi.md`, sections 1 to 3.

pub mod acs3;
pub mod rpc;
mod verify;

pub use verify::{IncomingRequest, Scheme, SignatureProblem, Verified, identify, verify};

use subtle::ConstantTimeEq;

/// An access key's secret; never printed.
#[derive(Clone)]
pub struct Secret(String);

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.0, &other.0)
    }
}

impl Eq for Secret {}

impl Secret {
    /// Takes the secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the computation of a signature.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no secret at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Compares two signatures without telling by time how far they agree.
fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
