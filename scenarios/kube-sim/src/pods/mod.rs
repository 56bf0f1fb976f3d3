//! The API server's rules for pods: defaults, validation, updates, binding, deletion, logs.

pub mod amount;
pub mod binding;
pub mod conditions;
pub mod defaults;
pub mod deletion;
pub mod eviction;
pub mod field;
pub mod instant;
pub mod log_request;
pub mod names;
pub mod problem;
pub mod tolerations;
pub mod update;
pub mod validate;
