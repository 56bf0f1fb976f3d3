//! Readings of the same outcomes: for people, for programs, and for build machines.

pub mod json;
pub mod junit;
mod measures;
pub mod text;

pub use self::measures::{money, priced, real, simulated};
