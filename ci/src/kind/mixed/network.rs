//! The Engine's network that a cluster's nodes are in, seen from beside the cluster.

use anyhow::{Context, Result};

use crate::command::output_of;
use crate::kind::cluster::Cluster;
use crate::kind::guide::kubectl;

/// Name of the Engine's network of all kind nodes.
pub const NETWORK: &str = "kind";
/// Address range of Services, kind's usual one.
pub const SERVICES: &str = "10.96.0.0/16";
/// Addresses as seen from the Engine's network.
pub struct Network {
    /// Address of this machine in the network.
    pub gateway: String,
    pub node: String,
    /// Address range of the node's pods.
    pub pods: String,
}

impl Network {
    /// Asks the Engine and the cluster for the addresses.
    pub fn of(cluster: &Cluster) -> Result<Self> {
        let docker = |arguments: &[&str]| {
            output_of(cluster.command("docker").args(arguments)).map(|said| said.trim().to_owned())
        };
        // the network has a range of each kind, of which this is the one with dots
        let gateways = docker(&[
            "network",
            "inspect",
            NETWORK,
            "--format",
            "{{range .IPAM.Config}}{{.Gateway}} {{end}}",
        ])?;
        let gateway = gateways.split_whitespace().find(|address| address.contains('.'));
        let node = format!("{}-control-plane", cluster.name);
        let address = "{{.NetworkSettings.Networks.kind.IPAddress}}";
        Ok(Self {
            gateway: gateway.context("the network kind has no gateway")?.to_owned(),
            pods: kubectl(cluster, &format!("get node {node} --output jsonpath='{{.spec.podCIDR}}'"), "")?,
            node: docker(&["inspect", &node, "--format", address])?,
        })
    }
}
