//! The address of a node's own API.

use serde_json::Value;

use crate::object::field::{list, number, text};

/// The order in which a node's addresses are tried, as kubeadm sets it.
const PREFERRED: [&str; 5] = ["InternalIP", "InternalDNS", "Hostname", "ExternalIP", "ExternalDNS"];
const PORT: i64 = 10250;

/// The base address of a node's API; `None` when the node has no address.
pub fn address(node: &Value) -> Option<String> {
    let addresses = list(node, "/status/addresses");
    let of_kind = |kind: &str| addresses.iter().find(|address| text(address, "/type") == kind);
    let host = PREFERRED.iter().find_map(|kind| of_kind(kind)).map(|address| text(address, "/address"))?;
    let port =
        number(node, "/status/daemonEndpoints/kubeletEndpoint/Port").filter(|port| *port > 0).unwrap_or(PORT);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    Some(format!("https://{host}:{port}"))
}
