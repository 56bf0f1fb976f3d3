//! Operations of the API: a request type with a name and the reply it fixes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the API, the only one that is spoken here.
pub const VERSION: &str = "2018-08-08";

/// A request type of the ECI OpenAPI.
pub trait Action: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Name of the operation on the wire, as in `CreateContainerGroup`.
    const NAME: &'static str;
    /// Reply of the operation when it succeeds.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}
