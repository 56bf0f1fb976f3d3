//! The API server's rules for pods: defaults, validation, updates, binding, deletion, logs.

pub mod binding;
pub mod defaults;
pub mod deletion;
pub mod eviction;
pub mod log_options;
pub mod phase;
pub mod tolerations;
pub mod update;
pub mod validate;
pub mod warnings;
