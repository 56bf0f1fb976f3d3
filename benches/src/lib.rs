//! Questions of the benches, and what they are asked of: each is timed by a criterion bench, and counted in instructions by
//! `hot-paths`, from the same definition.

pub mod cloud;
pub mod conversation;
pub mod question;
pub mod questions;
pub mod world;
