//! What manifests cost: pods are read, fitted to what is sold, priced by the hour and month, and compared with a budget.
//!
//! Everything but the reading is a pure function of manifests and price lists.

pub mod alternatives;
pub mod budget;
pub mod cluster;
pub mod columns;
pub mod difference;
pub mod estimate;
pub mod figures;
pub mod manifests;
pub mod markdown;
pub mod quote;
pub mod text;
pub mod workload;
