//! The clusters that a world runs on: one trait for all kinds, with the capabilities of each.

mod cleanup;
pub(crate) mod embedded;
pub mod error;
mod existing;
mod foreign;
mod installed;
pub(crate) mod interface;
pub(crate) mod marks;
pub(crate) mod observations;
pub(crate) mod real;
mod shared;

pub use self::embedded::{EMBEDDED, Embedded};
pub use self::error::{ClusterError, KubeconfigError, SharedClusterError, StartError};
pub use self::existing::ExistingCluster;
pub use self::foreign::ForeignNode;
pub(crate) use self::interface::NODE;
pub use self::interface::{Cluster, Measurements, ProviderSettings, WorldParts};
pub use self::shared::SharedCluster;
