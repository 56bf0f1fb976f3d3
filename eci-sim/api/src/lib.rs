//! The contract of Alibaba Cloud ECI OpenAPI 2018-08-08, shared by client and server; it does no I/O.

pub mod action;
pub mod actions;
pub mod error;
pub mod group;
pub mod ids;
pub mod number;
pub mod query;
pub mod signature;
pub mod size;
pub mod validate;
pub mod wire;
pub mod xml;

pub use action::{Action, VERSION};
pub use error::{ErrorBody, ErrorCode};
pub use number::Number;
pub use signature::Secret;
