//! The identity under which a provider keeps its node and owns its groups, written on the node object; pure.
//!
//! Its annotations are ours; no document of the vendor names any.

use std::collections::BTreeMap;

use eci_api::signature::acs3::sha256_hex;
use k8s_openapi::api::core::v1::Node;

use super::facts::NodeFound;

const REGION: &str = "virtual-kubelet.io/eci-region";
const ACCOUNT: &str = "virtual-kubelet.io/eci-account-digest";
const CLUSTER: &str = "virtual-kubelet.io/eci-cluster-id";
/// Stands on a node object that was made where it was missing, from its creation until every group that was found then is a
/// pod's or gone, so that a restart does not take it for a node that stood.
pub const ADOPTION_PENDING: &str = "virtual-kubelet.io/adoption-pending";

/// Region, account and cluster id: with any other, the same question to the cloud has another answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    region: String,
    account: String,
    cluster: String,
}

impl NodeIdentity {
    /// The identity of a provider with this access key id; of the key only a digest of 48 bits is kept, since ECI tells
    /// nobody its account. A new key of the same account therefore looks like another account, until
    /// [`NodeFacts::confirm_identity`](super::facts::NodeFacts::confirm_identity).
    pub fn new(region: &str, access_key_id: &str, cluster: &str) -> Self {
        let digest = sha256_hex(format!("virtual-node-eci/account/{access_key_id}").as_bytes());
        Self { region: region.to_owned(), account: digest[..12].to_owned(), cluster: cluster.to_owned() }
    }

    /// The annotations that the node object carries.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.parts().map(|(key, _, value)| (key.to_owned(), value.to_owned())).into()
    }

    fn parts(&self) -> [(&'static str, &'static str, &str); 3] {
        [
            (REGION, "region", &self.region),
            (ACCOUNT, "access key (by its digest)", &self.account),
            (CLUSTER, "cluster id", &self.cluster),
        ]
    }

    /// Compares with what an earlier provider wrote on `node`. What it did not write is no difference.
    pub fn compare(&self, node: &Node) -> NodeFound {
        let written = node.metadata.annotations.as_ref();
        let differences = self.parts().into_iter().filter_map(|(key, name, ours)| {
            let theirs = written.and_then(|written| written.get(key)).filter(|theirs| *theirs != ours)?;
            Some(format!("the {name} was {theirs} and is {ours}"))
        });
        let what: Vec<_> = differences.collect();
        match what.as_slice() {
            [] if is_adoption_pending(node) => NodeFound::AdoptionPending,
            [] => NodeFound::Same,
            what => NodeFound::IdentityChanged { what: what.join("; ") },
        }
    }
}

/// Returns true when groups without a pod, found when the node object was made, may still be there.
pub fn is_adoption_pending(node: &Node) -> bool {
    let annotations = node.metadata.annotations.as_ref();
    annotations.is_some_and(|annotations| annotations.contains_key(ADOPTION_PENDING))
        && !planted!(RestartEndsGrace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(identity: &NodeIdentity) -> Node {
        let mut node = Node::default();
        node.metadata.annotations = Some(identity.annotations());
        node
    }

    #[test]
    fn a_node_whose_adoption_is_pending_is_no_node_that_stood() {
        let ours = NodeIdentity::new("cn-hangzhou", "LTAI-1", "c-1");
        let mut node = node(&ours);
        node.metadata.annotations.as_mut().unwrap().insert(ADOPTION_PENDING.to_owned(), "true".to_owned());
        assert_eq!(ours.compare(&node), NodeFound::AdoptionPending);
        let other = NodeIdentity::new("cn-hangzhou", "LTAI-1", "c-2");
        assert!(matches!(other.compare(&node), NodeFound::IdentityChanged { .. }));
    }

    #[test]
    fn each_part_of_an_identity_that_changed_is_named() {
        let ours = NodeIdentity::new("cn-hangzhou", "LTAI-1", "c-1");
        assert_eq!(ours.compare(&node(&ours)), NodeFound::Same);
        assert_eq!(ours.compare(&Node::default()), NodeFound::Same, "an older provider wrote none");
        for (theirs, named) in [
            (
                NodeIdentity::new("cn-beijing", "LTAI-1", "c-1"),
                "the region was cn-beijing and is cn-hangzhou",
            ),
            (NodeIdentity::new("cn-hangzhou", "LTAI-1", "c-2"), "the cluster id was c-2 and is c-1"),
            (NodeIdentity::new("cn-hangzhou", "LTAI-2", "c-1"), "the access key (by its digest) was "),
        ] {
            let NodeFound::IdentityChanged { what } = ours.compare(&node(&theirs)) else {
                panic!("{named} …: not seen")
            };
            assert!(what.starts_with(named) && !what.contains(';'), "{what}");
        }
    }

    #[test]
    fn the_node_shows_nothing_of_the_access_key() {
        let shown = format!("{:?}", NodeIdentity::new("cn-hangzhou", "LTAI5tSecretish", "c").annotations());
        assert!(!shown.contains("LTAI"), "{shown}");
    }
}
