//! The pods of the node.

pub mod annotations;
pub mod identity;
pub mod quantity;
pub mod request;
pub mod sources;
