//! Errors of a load that cannot begin, one clear sentence each.

use eci_sim::control::client::ClientError;

use super::plan::PlanError;
use crate::cluster::{ClusterError, SharedClusterError, StartError};
use crate::outcome::Miss;

/// The reason for which a load cannot begin, or cannot be ended in order.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plan contradicts itself.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The node offers less than the pods ask for.
    #[error(
        "the cluster has no room: {pods} pods ask for {requested} {resource}, and the node {node} offers {offered}; ask for fewer pods, or \
         let the node offer more with `--capacity {resource}={requested}`"
    )]
    NoRoom {
        /// Number of pods.
        pods: u32,
        /// What is short: `pods`, `cpu` or `memory`.
        resource: &'static str,
        /// How much the pods ask for.
        requested: String,
        /// How much the node offers.
        offered: String,
        /// The node.
        node: String,
    },
    /// A size that is none.
    #[error("`{text}` is no quantity for --{flag}; it should be one such as `{example}`")]
    Size {
        /// What was given.
        text: String,
        /// The flag.
        flag: &'static str,
        /// A right one.
        example: &'static str,
    },
    /// The world did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The cluster cannot be used, or not left as it was.
    #[error(transparent)]
    Shared(#[from] SharedClusterError),
    /// The provider did not do as it should.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The API turned something down.
    #[error("Kubernetes does not answer: {}", provider::with_causes(.0))]
    Kubernetes(#[from] kube::Error),
    /// A simulator somewhere else does not answer.
    #[error("the local ECI does not answer: {0}")]
    Cloud(#[from] ClientError),
    /// A step of the world could not be done.
    #[error("{0}")]
    Refused(String),
}

impl From<Miss> for LoadError {
    fn from(miss: Miss) -> Self {
        Self::Refused(miss.in_short())
    }
}
