//! Operations of the API: a request type with a name and the reply it fixes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the ECI OpenAPI, the only one that is spoken here.
pub const VERSION: &str = "2018-08-08";
/// Version of the billing API, which is signed in the same way (bss-openapi.md, section 1).
pub const BILLING_VERSION: &str = "2017-12-14";

/// The product whose operation is called, by the version that a request names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Product {
    /// ECI.
    #[default]
    Eci,
    /// The bills of all products.
    Billing,
}

impl Product {
    /// The product of this version.
    pub fn of_version(version: &str) -> Option<Self> {
        match version {
            VERSION => Some(Self::Eci),
            BILLING_VERSION => Some(Self::Billing),
            _ => None,
        }
    }
}

/// A request type of the ECI OpenAPI.
pub trait Action: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the operation on the wire, as in `CreateContainerGroup`.
    const NAME: &'static str;
    /// Reply of the operation when it succeeds.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}
