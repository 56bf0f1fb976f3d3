//! The configuration of a virtual node, and the settings of a process that runs one.

pub mod capacity;
mod settings;

use std::net::IpAddr;
use std::time::Duration;

pub use self::capacity::{AccountLimits, Capacity};
pub use self::settings::{ConfigError, Settings, Sources, read_file};
use crate::policy::Policy;
use crate::webhook::injection::Injection;

/// Grace of an orphan, unless `--orphan-grace` says otherwise.
pub const ORPHAN_GRACE: Duration = Duration::from_secs(600);

/// The name of the node where nobody chose another.
pub const NODE_NAME: &str = "virtual-kubelet";
/// The region where nobody chose another.
pub const REGION: &str = "cn-hangzhou";
/// The DNS suffix of a cluster's Services where nobody chose another.
pub const CLUSTER_DOMAIN: &str = "cluster.local";
/// The port on which the API server asks a node.
pub const KUBELET_PORT: u16 = 10250;

/// Settings of a virtual node besides its clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The node's name.
    pub node_name: String,
    /// The vSwitches of the instances, separated by commas.
    pub vswitch: String,
    /// The security group of the instances.
    pub security_group: String,
    /// The resource group of the instances; the account's default group when absent.
    pub resource_group: Option<String>,
    /// The id that tells this cluster's instances from another's; the UID of kube-system when absent.
    pub cluster_id: Option<String>,
    /// The zone that the node claims to be in.
    pub zone: Option<String>,
    /// The address at which the API server reaches the node's port.
    pub node_ip: Option<IpAddr>,
    /// The node's port.
    pub kubelet_port: u16,
    /// The addresses of the cluster's DNS; found in kube-system when empty.
    pub cluster_dns: Vec<IpAddr>,
    /// The DNS suffix of the cluster's Services, as `cluster.local`.
    pub cluster_domain: String,
    /// The processor architecture of the instances.
    pub architecture: Architecture,
    /// The resources that the node offers to the scheduler, instead of what the account may have.
    pub capacity: Capacity,
    /// The changes that the webhook makes to pods.
    pub injection: Injection,
    /// The purchases that pods' authors may make.
    pub policy: Policy,
    /// The namespaces whose pods the node runs; all when empty.
    pub namespaces: Vec<String>,
    /// The time for which a group is kept whose pod was gone when this process found it, where the node object or the
    /// view of the cloud gives cause for doubt.
    pub orphan_grace: Duration,
    /// Groups that the cloud does not show are lost, whatever speaks against it.
    pub accept_loss: bool,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Architecture {
    /// x86.
    #[default]
    Amd64,
    /// Arm.
    Arm64,
}

impl Config {
    /// A node with the usual name and the least that must be said.
    pub fn new(vswitch: impl Into<String>, security_group: impl Into<String>) -> Self {
        Self {
            node_name: NODE_NAME.to_owned(),
            vswitch: vswitch.into(),
            security_group: security_group.into(),
            resource_group: None,
            cluster_id: None,
            zone: None,
            node_ip: None,
            kubelet_port: KUBELET_PORT,
            cluster_dns: Vec::new(),
            cluster_domain: CLUSTER_DOMAIN.to_owned(),
            architecture: Architecture::default(),
            capacity: Capacity::default(),
            injection: Injection::default(),
            policy: Policy::default(),
            namespaces: Vec::new(),
            orphan_grace: ORPHAN_GRACE,
            accept_loss: false,
        }
    }
}

impl Architecture {
    /// As Kubernetes writes it.
    pub fn in_kubernetes(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// As ECI writes it.
    pub fn in_eci(self) -> &'static str {
        match self {
            Self::Amd64 => "AMD64",
            Self::Arm64 => "ARM64",
        }
    }
}

impl std::str::FromStr for Architecture {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "amd64" | "x86_64" => Ok(Self::Amd64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err(()),
        }
    }
}
