//! Runtimes of containers: played from scripts, or done for real by an Engine beside the world.
//!
//! The cloud's account of a container, its lifecycle, events and bill, is the same code in both. [`driver`] stands
//! between a world and an Engine: it takes [`crate::orders`] and reports observations.

pub mod attach;
#[cfg(feature = "docker")]
pub mod docker;
pub mod driver;
pub mod engine;
mod hooks;
pub mod played;
mod probing;
pub mod queries;
mod worker;
