//! The stage: scenarios say what is true of a virtual node, and a world in one process checks it.

pub mod cases;
pub mod cli;
pub mod cloud;
pub mod cluster;
pub mod cost;
pub mod diff;
pub mod eci;
pub mod load;
pub mod matching;
mod objects;
pub mod outcome;
mod pipe;
pub mod replay;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod shard;
pub mod sizes;
pub mod stage;
pub mod steps;
pub mod story;
pub mod sweep;
pub mod up;

pub use self::scenario::span::Span;
pub use self::stage::{StartError, World};
pub use self::steps::Script;
pub use eci_sim::Rule;
