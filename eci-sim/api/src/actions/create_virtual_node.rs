//! `CreateVirtualNode`: its request and its reply (current).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::{HIDDEN, null_default};

pub use super::create_data_cache::Tag;

impl Action for CreateVirtualNode {
    const NAME: &'static str = "CreateVirtualNode";
    type Reply = CreateVirtualNodeReply;
}

/// `CreateVirtualNode` in a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateVirtualNode {
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `ClusterDNS`.
    #[serde(rename = "ClusterDNS", default, skip_serializing_if = "Option::is_none")]
    pub cluster_dns: Option<String>,
    /// `ClusterDomain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_domain: Option<String>,
    /// `CustomResources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_resources: Option<String>,
    /// `EipInstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eip_instance_id: Option<String>,
    /// `EnablePublicNetwork`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_public_network: Option<bool>,
    /// `KubeConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `SecurityGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_id: Option<String>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
    /// `Taint.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taint: Vec<Taint>,
    /// `TlsBootstrapEnabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_bootstrap_enabled: Option<bool>,
    /// `VSwitchId`, required.
    #[serde(rename = "VSwitchId", default, skip_serializing_if = "Option::is_none")]
    pub vswitch_id: Option<String>,
    /// `VirtualNodeName`, at least 2, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_name: Option<String>,
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
}

impl fmt::Debug for CreateVirtualNode {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateVirtualNode")
            .field("client_token", &self.client_token)
            .field("cluster_dns", &self.cluster_dns)
            .field("cluster_domain", &self.cluster_domain)
            .field("custom_resources", &self.custom_resources)
            .field("eip_instance_id", &self.eip_instance_id)
            .field("enable_public_network", &self.enable_public_network)
            .field("kube_config", &HIDDEN)
            .field("region_id", &self.region_id)
            .field("resource_group_id", &self.resource_group_id)
            .field("security_group_id", &self.security_group_id)
            .field("tag", &self.tag)
            .field("taint", &self.taint)
            .field("tls_bootstrap_enabled", &self.tls_bootstrap_enabled)
            .field("vswitch_id", &self.vswitch_id)
            .field("virtual_node_name", &self.virtual_node_name)
            .field("zone_id", &self.zone_id)
            .finish()
    }
}

/// `Taint` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Taint {
    /// `Taint.N.Effect`, one of NoSchedule, NoExecute, PreferNoSchedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// `Taint.N.Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Taint.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `CreateVirtualNodeReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateVirtualNodeReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `VirtualNodeId`.
    #[serde(default, deserialize_with = "null_default")]
    pub virtual_node_id: String,
}
