//! The questions, by what is asked.

pub mod cases;
pub mod cloud;
pub mod kubernetes;
pub mod provider;
pub mod scheduler;
