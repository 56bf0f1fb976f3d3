//! Pods that are bound to one node, read once.

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};

/// Pods that are asked for at a time.
const PAGE: u32 = 500;

/// Pods bound to `node`, in `namespaces`, or in all of them when that is empty.
///
/// # Errors
/// The API server's refusal, or the connection's failure.
pub async fn list(client: &Client, node: &str, namespaces: &[String]) -> kube::Result<Vec<Pod>> {
    if namespaces.is_empty() {
        return list_whole(&Api::all(client.clone()), node).await;
    }
    let mut pods = Vec::new();
    for namespace in namespaces {
        pods.extend(list_whole(&Api::namespaced(client.clone(), namespace), node).await?);
    }
    Ok(pods)
}

async fn list_whole(api: &Api<Pod>, node: &str) -> kube::Result<Vec<Pod>> {
    let mut page = ListParams::default().fields(&format!("spec.nodeName={node}")).limit(PAGE);
    let mut pods = Vec::new();
    loop {
        let answer = api.list(&page).await?;
        pods.extend(answer.items);
        match answer.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(pods),
        }
    }
}
