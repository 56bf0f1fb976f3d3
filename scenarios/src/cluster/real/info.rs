//! A real cluster as a world on it knows it: names, addresses and the way to its API.

use std::net::IpAddr;
use std::path::PathBuf;

/// The name and the addresses of a real cluster.
#[derive(Clone)]
pub(crate) struct ClusterInfo {
    /// The cluster's name in reports.
    pub name: String,
    /// A client with every right.
    pub client: kube::Client,
    /// A file that kubectl and the provider find it by.
    pub kubeconfig: PathBuf,
    /// The address of this machine at which the API server finds the node and its webhook.
    pub address: IpAddr,
    /// True when the virtual node is the only one.
    pub is_lone: bool,
}
