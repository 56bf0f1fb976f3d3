//! The heartbeat: a lease in `kube-node-lease`, renewed as long as the node lives.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, OwnerReference};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};

/// The namespace of all nodes' leases.
const NAMESPACE: &str = "kube-node-lease";
/// The seconds for which a lease is a sign of life.
pub const SECONDS: i32 = 40;
/// The pause between two renewals.
pub const PERIOD: Duration = Duration::from_secs(10);
/// The most tries of one renewal when somebody else wrote in between.
const TRIES: u32 = 5;

/// What renewing a lease came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It was there, or is the first that this process writes.
    Renewed,
    /// The one that was last written here was gone.
    MadeAnew,
}

/// Renews the lease of `node`, or makes it; `known` is the lease as it was last written here.
///
/// # Errors
/// What the API answers.
pub async fn renew(
    client: &Client,
    node: &Node,
    known: &mut Option<Lease>,
    now: Timestamp,
) -> kube::Result<Renewal> {
    let name = node.metadata.name.clone().unwrap_or_default();
    let api: Api<Lease> = Api::namespaced(client.clone(), NAMESPACE);
    let mut tries = 0;
    let mut unanswered = false;
    let mut renewal = Renewal::Renewed;
    loop {
        let before = match known.take() {
            Some(lease) => Some(lease),
            None => api.get_opt(&name).await?,
        };
        let written = match before {
            Some(lease) => api.replace(&name, &PostParams::default(), &renewed(lease, node, now)).await,
            None => api.create(&PostParams::default(), &renewed(Lease::default(), node, now)).await,
        };
        match written {
            // Somebody wrote it or removed it in between: it is read again.
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) && tries < TRIES => {
                tries += 1;
                if answer.code == 404 {
                    renewal = Renewal::MadeAnew;
                }
            }
            // No answer: the connection may be half open, and the next try has another one.
            Err(error) if !matches!(error, kube::Error::Api(_)) && !unanswered => {
                tracing::debug!(%error, "the lease is renewed once more at once");
                unanswered = true;
            }
            written => {
                *known = Some(written?);
                return Ok(renewal);
            }
        }
    }
}

/// The lease with a fresh time; it belongs to this very node object.
fn renewed(known: Lease, node: &Node, now: Timestamp) -> Lease {
    let name = node.metadata.name.clone().unwrap_or_default();
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: name.clone(),
        uid: node.metadata.uid.clone().unwrap_or_default(),
        ..OwnerReference::default()
    };
    // The API reads six fractional digits, neither more nor fewer.
    let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    Lease {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(NAMESPACE.to_owned()),
            owner_references: Some(vec![owner]),
            // the API keeps its own account of who wrote what
            managed_fields: None,
            ..known.metadata
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(name),
            lease_duration_seconds: Some(SECONDS),
            renew_time: Some(MicroTime(now)),
            ..known.spec.unwrap_or_default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_belongs_to_its_node_and_has_six_digits_of_a_second() {
        let node: Node =
            serde_json::from_value(json!({ "metadata": { "name": "virtual-kubelet", "uid": "n-1" } }))
                .unwrap();
        let made = renewed(Lease::default(), &node, "2026-01-05T01:00:00.123456789Z".parse().unwrap());
        let made = serde_json::to_value(made).unwrap();
        assert_eq!(made["spec"]["renewTime"], "2026-01-05T01:00:00.123456Z");
        assert_eq!(made["spec"]["holderIdentity"], "virtual-kubelet");
        assert_eq!(made["spec"]["leaseDurationSeconds"], 40);
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], "n-1");
    }
}
