//! The address of a node's own API, and how a node knows this server.

use serde_json::Value;

use crate::authn::{AUTHENTICATED, MASTERS, Token, User};
use crate::object::field::{list, number, text};
use crate::sim::KubeSim;

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

/// The header by which a node knows the API server: a token of its own user, good for the next minutes.
pub(crate) fn authorization(sim: &KubeSim) -> String {
    let now = sim.clock().now();
    let user = User::of("kube-apiserver-kubelet-client", &[MASTERS, AUTHENTICATED]);
    let expires = now.saturating_add(jiff::SignedDuration::from_mins(5)).unwrap_or(jiff::Timestamp::MAX);
    sim.tokens().forget_expired(now);
    let token = sim.tokens().issue(Token { user, expires, audiences: Vec::new(), bound: None });
    format!("Bearer {token}")
}
