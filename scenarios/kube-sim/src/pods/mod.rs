//! The API server's rules for pods: defaults, validation, updates, binding, deletion, logs, streams.

pub mod binding;
pub mod container_choice;
pub mod defaults;
pub mod deletion;
pub mod eviction;
pub mod log_options;
pub mod phase;
pub mod resize;
pub mod stream_options;
pub mod tolerations;
pub mod update;
pub mod validate;
pub mod warnings;
