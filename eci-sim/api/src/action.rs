//! What makes a request type an operation: its name, and the reply it fixes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The one version of the API that is spoken here.
pub const VERSION: &str = "2018-08-08";

/// A request type of the ECI OpenAPI.
pub trait Action: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The operation's name on the wire, as in `CreateContainerGroup`.
    const NAME: &'static str;
    /// What answers it when it succeeds.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}
