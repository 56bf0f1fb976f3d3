//! The control API over HTTP: its server, its client, and the bodies that both share.

pub mod client;
mod endpoints;
pub mod server;
pub mod wire;

pub use crate::sim::control::{Control, GroupSummary};
