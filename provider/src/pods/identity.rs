//! The identity of a pod's group: the name that it gets, the tags that say whose it is, and the token that makes it
//! one.

use eci_api::actions::create_container_group::Tag;
use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::Pod;

use super::provenance::TokenBasis;
use super::specs::attempt::Attempt;

/// The value of the tag `ManagedBy` on every group that such a provider makes.
pub const MANAGED_BY: &str = "virtual-node-eci";
/// The tag of the cluster's own UID, beside its configured id.
const CLUSTER_UID: &str = "ClusterUid";
/// The most characters of a tag's value (eci-openapi.md 8).
pub(super) const VALUE_LIMIT: usize = 128;
const NAME_LIMIT: usize = 128;

/// The owner of groups: one node of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The cluster's id, as configured or the UID of kube-system.
    pub cluster: String,
    /// The UID of kube-system, which no two clusters share; `None` where it may not be read.
    pub cluster_uid: Option<String>,
    /// The node.
    pub node: String,
}

/// The owner of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// The group is this owner's, for this pod.
    Ours(Claim),
    /// A cluster with the same id and node name, but another UID.
    CopiedIdentity {
        /// The other cluster's UID.
        cluster: String,
    },
    /// Somebody else.
    Others,
}

/// The pod that a group was made for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// The pod's UID, by which alone pods are compared.
    pub uid: String,
    /// The pod's namespace, for people.
    pub namespace: String,
    /// The pod's name, for people; perhaps cut.
    pub name: String,
}

impl Owner {
    /// The tags by which the cloud lists this owner's groups.
    pub fn marks(&self) -> [(&'static str, String); 3] {
        [
            ("ManagedBy", MANAGED_BY.to_owned()),
            ("ClusterId", cut(&self.cluster)),
            ("NodeName", cut(&self.node)),
        ]
    }

    /// The owner of a group, by its tags alone. A group without the cluster's UID was made by an older provider, and is
    /// judged by the other marks.
    pub fn belongs(&self, group: &ContainerGroup) -> Belongs {
        let tag = |key: &str| group.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
        let ours = planted!(MarksAreNotCompared)
            || self.marks().iter().all(|(key, value)| tag(key).as_ref() == Some(value));
        let Some(uid) = tag("UID").filter(|uid| ours && !uid.is_empty()) else { return Belongs::Others };
        if let Some((own, other)) = self
            .cluster_uid
            .as_ref()
            .zip(tag(CLUSTER_UID))
            .filter(|(own, other)| *own != other && !planted!(CopiedIdentityIsOurs))
        {
            tracing::debug!(own, other, "a group of a cluster with the same id");
            return Belongs::CopiedIdentity { cluster: other };
        }
        let (namespace, name) = (tag("NameSpace").unwrap_or_default(), tag("PodName").unwrap_or_default());
        Belongs::Ours(Claim { uid, namespace, name })
    }

    /// The pod of a group of this owner; `None` of all other groups.
    pub fn claim(&self, group: &ContainerGroup) -> Option<Claim> {
        match self.belongs(group) {
            Belongs::Ours(claim) => Some(claim),
            Belongs::CopiedIdentity { .. } | Belongs::Others => None,
        }
    }

    /// All tags of the group for `pod`.
    pub fn tags(&self, pod: &Pod) -> Vec<Tag> {
        let metadata = &pod.metadata;
        let made = metadata.creation_timestamp.as_ref();
        let made = made.map(|time| time.0.strftime("%Y-%m-%dT%H-%M-%SZ").to_string());
        let owner = metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        let own = [
            ("NameSpace", metadata.namespace.clone()),
            ("PodName", metadata.name.clone()),
            ("UID", metadata.uid.clone()),
            (CLUSTER_UID, self.cluster_uid.clone()),
            ("CreationTimestamp", made),
            ("OwnerReferenceKind", owner.map(|owner| owner.kind.clone())),
            ("OwnerReferenceName", owner.map(|owner| owner.name.clone())),
        ];
        let marks = self.marks().map(|(key, value)| (key, Some(value)));
        let all = marks.into_iter().chain(own);
        all.filter_map(|(key, value)| Some(tag(key, &value.filter(|value| !value.is_empty())?))).collect()
    }
}

/// One tag, cut to what the cloud takes.
pub fn tag(key: &str, value: &str) -> Tag {
    Tag { key: Some(key.to_owned()), value: Some(cut(value)) }
}

fn cut(value: &str) -> String {
    value.chars().take(VALUE_LIMIT).collect()
}

/// The name of a pod's group: `namespace-name`, with what the cloud does not take replaced. Groups may share a name.
pub fn group_name(pod: &Pod) -> String {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let taken = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let full: String =
        format!("{namespace}-{name}").chars().map(|c| if taken(c) { c } else { '-' }).collect();
    full.chars().take(NAME_LIMIT).collect::<String>().trim_matches('-').to_owned()
}

/// The token under which a pod's group is made: the same however often it is asked for, another only once the group
/// that was made under the previous one is spent, or it is proved that there is none.
///
/// Each attempt of a list of specs has its own, since its parameters are others.
pub fn client_token(uid: &str, basis: &TokenBasis, attempt: Attempt) -> String {
    let token = match basis {
        TokenBasis::First => uid.to_owned(),
        TokenBasis::After(group) => {
            let tail: String = group.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
            format!("{uid}-{tail}")
        }
        TokenBasis::Drawn(at) => format!("{uid}-{:x}", at.as_millisecond()),
    };
    match attempt {
        Attempt { spec: 0, vswitch: 0 } => token,
        _ if planted!(SpecsShareAToken) => token,
        Attempt { spec, vswitch } => format!("{token}-{spec}.{vswitch}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner() -> Owner {
        Owner {
            cluster: "c-1".into(),
            cluster_uid: Some("kube-system-1".into()),
            node: "virtual-kubelet".into(),
        }
    }

    fn pod() -> Pod {
        serde_json::from_value(json!({ "metadata": {
            "namespace": "vk", "name": "web.1", "uid": "11111111-2222-3333-4444-555555555555",
            "creationTimestamp": "2026-01-05T01:00:00Z",
            "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": true }
            ]
        } }))
        .unwrap()
    }

    fn group(tags: Vec<Tag>) -> ContainerGroup {
        let tags = tags.into_iter().map(|tag| eci_api::group::Tag {
            key: tag.key.unwrap_or_default(),
            value: tag.value.unwrap_or_default(),
        });
        ContainerGroup { tags: tags.collect(), ..ContainerGroup::default() }
    }

    #[test]
    fn a_group_made_for_a_pod_is_recognised_by_its_tags() {
        let claim = owner().claim(&group(owner().tags(&pod()))).unwrap();
        assert_eq!(claim.uid, "11111111-2222-3333-4444-555555555555");
        assert_eq!((claim.namespace.as_str(), claim.name.as_str()), ("vk", "web.1"));
    }

    #[test]
    fn a_group_of_another_node_or_cluster_or_nobody_is_not_ours() {
        let tags = owner().tags(&pod());
        let others = [
            Owner { node: "virtual-kubelet-2".into(), ..owner() },
            Owner { cluster: "c-2".into(), ..owner() },
        ];
        for other in others {
            assert_eq!(other.claim(&group(tags.clone())), None, "{other:?}");
        }
        let bare = tags.into_iter().filter(|tag| tag.key.as_deref() != Some("ManagedBy")).collect();
        assert_eq!(owner().claim(&group(bare)), None);
    }

    #[test]
    fn a_cluster_with_a_copied_id_is_told_apart_by_its_uid_and_an_older_provider_is_believed() {
        let copied = Owner { cluster_uid: Some("kube-system-2".into()), ..owner() };
        let theirs = group(copied.tags(&pod()));
        assert_eq!(owner().belongs(&theirs), Belongs::CopiedIdentity { cluster: "kube-system-2".into() });
        let older = Owner { cluster_uid: None, ..owner() };
        assert!(owner().claim(&group(older.tags(&pod()))).is_some());
    }

    #[test]
    fn names_and_values_are_what_the_cloud_takes() {
        assert_eq!(group_name(&pod()), "vk-web-1");
        let mut long = pod();
        long.metadata.name = Some(format!("{}.", "a".repeat(252)));
        assert_eq!(group_name(&long).len(), 128);
        assert!(owner().tags(&long).iter().all(|tag| tag.value.as_ref().unwrap().len() <= 128));
    }

    #[test]
    fn a_token_fits_and_changes_only_when_its_group_is_spent() {
        let uid = "11111111-2222-3333-4444-555555555555";
        let first = Attempt::default();
        assert_eq!(client_token(uid, &TokenBasis::First, first), uid);
        let next = client_token(uid, &TokenBasis::After("eci-bp1abcdefghijklmnopq".into()), first);
        assert_eq!(next, format!("{uid}-fghijklmnopq"));
        let drawn = client_token(uid, &TokenBasis::Drawn("2026-01-05T01:00:00Z".parse().unwrap()), first);
        assert!(next != drawn && next.len() <= 64 && drawn.len() <= 64);
    }

    #[test]
    fn each_spec_has_a_token_of_its_own_which_fits() {
        let uid = "11111111-2222-3333-4444-555555555555";
        let after = TokenBasis::After("eci-bp1abcdefghijklmnopq".into());
        let last = client_token(uid, &after, Attempt { spec: 39, vswitch: 10 });
        assert_eq!(last, format!("{uid}-fghijklmnopq-39.10"));
        assert!(last.len() <= 64);
    }
}
