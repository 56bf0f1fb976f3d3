//! The pods of the node.

pub mod annotations;
pub mod conditions;
pub mod decide;
pub mod identity;
pub mod phase;
pub mod quantity;
pub mod request;
pub mod sources;
pub mod status;
