//! Load: pods made and taken away at a rate, their lives measured by what the watch and the cloud's ledger saw.
//!
//! Three parts that know nothing of each other's work. Gathering (`driver`, `watch`, `cloud_side`, `calls`, `processes`, `usage`) fills a
//! [`history::History`]; computing (`stage`, `percentiles`, `report`, `threshold`, `comparison`, `merge`) is pure and ends in a
//! [`report::Report`]; rendering (`text`, `html`, `plot`) turns a report into words and pictures.

pub mod calls;
mod chart;
mod cloud_side;
pub mod comparison;
pub mod driver;
pub mod error;
pub mod history;
pub mod html;
pub mod job;
pub mod merge;
pub mod percentiles;
pub mod place;
pub mod plan;
pub mod processes;
pub mod progress;
mod recorder;
pub mod report;
pub mod stage;
pub mod text;
pub mod threshold;
mod usage;
mod watch;
mod workload;

pub use self::plan::Plan;
pub use self::report::Report;
