//! `/configz`: the configuration that the node runs with, no secret among it.

use serde_json::{Value, json};

use crate::config::Config;
use crate::eci::Eci;
use crate::node;

/// The configuration as a kubelet shows its own, as far as the two have something in common, and beside it the node's own.
pub(super) fn of(config: &Config, eci: &Eci) -> Value {
    let offered = config.capacity.offered(&Default::default());
    let pods = offered.get("pods").and_then(|pods| pods.parse::<u64>().ok());
    let dns: Vec<String> = config.cluster_dns.iter().map(ToString::to_string).collect();
    let own = json!({
        "nodeName": config.node_name,
        "region": eci.region(),
        "endpoint": eci.endpoint().to_string(),
        "accessKeyId": eci.access_key_id(),
        "vSwitch": config.vswitch,
        "securityGroup": config.security_group,
        "resourceGroup": config.resource_group,
        "clusterId": config.cluster_id,
        "zone": config.zone,
        "nodeIP": config.node_ip,
        "architecture": config.architecture.in_kubernetes(),
        "capacity": config.capacity.given().map(|(name, amount)| (name.to_owned(), json!(amount.to_string()))).collect::<serde_json::Map<_, _>>(),
        "namespaces": config.namespaces,
        "orphanGraceSeconds": config.orphan_grace.as_secs(),
        "acceptLoss": config.accept_loss,
    });
    json!({
        "kubeletconfig": {
            "kind": "KubeletConfiguration",
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "enableServer": true,
            "port": config.kubelet_port,
            "clusterDomain": config.cluster_domain,
            "clusterDNS": dns,
            "maxPods": pods,
            "nodeLeaseDurationSeconds": node::lease::SECONDS,
            "nodeStatusReportFrequency": format!("{}s", node::STATUS_PERIOD.as_secs()),
        },
        "virtualnode": own,
    })
}
