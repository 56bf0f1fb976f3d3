//! The control API over HTTP: its server, its client, and the bodies that both share.

pub mod client;
mod endpoints;
pub mod server;
mod version;
pub mod wire;

pub use crate::sim::control::{Control, GroupSummary};
