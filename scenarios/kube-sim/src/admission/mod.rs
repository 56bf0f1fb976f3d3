//! Admission: the plugins and webhooks that every object passes before it is stored, in the real API server's order.

pub mod attributes;
pub mod certificates;
pub mod default_tolerations;
pub mod denial;
pub mod namespace_lifecycle;
pub mod node_taint;
pub mod priority;
pub mod service_account;
pub mod storage;
pub mod webhook;
