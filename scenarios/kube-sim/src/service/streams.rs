//! `exec`, `attach` and `portforward` of pods: connections to the pod's node, handed through as they are.
//!
//! The real server translates the newest WebSocket channels to SPDY for its nodes. This one lets client and node speak to
//! each other (apiserver-contract.md A98): a node that does not speak what the client offers refuses it, and kubectl then offers SPDY.

use super::admit::Admission;
use super::call::{Call, stored};
use super::connect::{self, Backend};
use super::nodes;
use super::response::ApiResponse;
use super::target::Target;
use crate::admission::attributes::Operation;
use crate::node_proxy;
use crate::object::field::text;
use crate::pods::stream_options;
use crate::status::ApiError;

/// `GET` or `POST` of a stream of a pod.
///
/// # Errors
/// When a webhook turns it down, there is no such pod or container, the pod has no node, or the node is not reached.
pub async fn open(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    connect::refuse_dry_run(call)?;
    let mut options = stream_options::read(&target.subresource, &call.query)
        .map_err(|unreadable| ApiError::bad_request(unreadable.to_string()))?;
    Admission::new(call, target, Operation::Connect, None, false).connect(&mut options).await?;
    let pod = stored(call, target.kind, &target.namespace, &target.name)?;
    let path = stream_options::path_on_node(&target.subresource, &pod, &options)
        .map_err(|unknown| ApiError::bad_request(unknown.to_string()))?;
    let node = text(&pod, "/spec/nodeName");
    if node.is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    let base = nodes::base(call, node)?;
    if !connect::asks_for_upgrade(&call.headers) {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    let backend = Backend { base, authorization: Some(node_proxy::authorization(&call.sim)) };
    connect::upgraded(call, backend, &path).await
}
