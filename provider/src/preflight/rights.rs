//! Checks of the rights in the cluster, by a review of each for whoever runs the check.

use std::collections::BTreeMap;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::Finding;
use crate::config::Config;

/// Where a right is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Cluster-wide, by an object's name if one is given.
    Cluster(Option<ObjectName>),
    /// In each namespace whose pods the node runs, or in all.
    Pods,
    /// In one namespace, by an object's name if one is given.
    Namespace(&'static str, Option<ObjectName>),
}

/// Name of the one object that a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectName {
    Node,
    Fixed(&'static str),
}

use ObjectName::{Fixed, Node};
use Scope::{Cluster, Namespace, Pods};

/// API group, resource with its subresource, verbs, scope: what the chart's rights.yaml gives a provider without webhook and
/// replicas.
const RIGHTS: &[(&str, &str, &[&str], Scope)] = &[
    ("", "nodes", &["create"], Cluster(None)),
    ("", "nodes", &["get", "patch"], Cluster(Some(Node))),
    ("", "nodes/status", &["patch"], Cluster(Some(Node))),
    ("", "namespaces", &["get"], Cluster(Some(Fixed("kube-system")))),
    ("authentication.k8s.io", "tokenreviews", &["create"], Cluster(None)),
    ("authorization.k8s.io", "subjectaccessreviews", &["create"], Cluster(None)),
    ("", "pods", &["get", "list", "watch", "patch", "delete"], Pods),
    ("", "pods/status", &["patch"], Pods),
    ("", "configmaps", &["get"], Pods),
    ("", "secrets", &["get"], Pods),
    ("", "persistentvolumeclaims", &["get"], Pods),
    ("", "persistentvolumes", &["get"], Cluster(None)),
    ("", "serviceaccounts/token", &["create"], Pods),
    ("", "services", &["list"], Pods),
    ("", "events", &["create", "patch"], Pods),
    ("coordination.k8s.io", "leases", &["create"], Namespace("kube-node-lease", None)),
    ("coordination.k8s.io", "leases", &["get", "update"], Namespace("kube-node-lease", Some(Node))),
    ("", "events", &["create", "patch"], Namespace("default", None)),
    ("", "services", &["list"], Namespace("default", None)),
    ("", "services", &["list"], Namespace("kube-system", None)),
    ("", "configmaps", &["get"], Namespace("kube-system", Some(Fixed("extension-apiserver-authentication")))),
];

/// The findings about the cluster: one that all rights are there, or one for each that is missing.
pub(super) async fn findings(client: &Client, config: &Config) -> Vec<Finding> {
    let mut missing: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut asked = 0;
    for (group, resource, verbs, scope) in RIGHTS {
        for (namespace, name) in places(*scope, config) {
            for verb in *verbs {
                asked += 1;
                let of = described(group, resource, namespace, name);
                match is_allowed(client, group, resource, verb, namespace, name).await {
                    Ok(true) => {}
                    Ok(false) => missing.entry(of).or_default().push(verb),
                    Err(error) => {
                        let why = crate::with_causes(&error);
                        let remedy = "see that KUBECONFIG or the service account leads to the cluster";
                        return vec![Finding::bad("rights in the cluster", why, remedy)];
                    }
                }
            }
        }
    }
    if missing.is_empty() {
        return vec![Finding::good("rights in the cluster", format!("all {asked} are there"))];
    }
    let remedy =
        "give it to the service account as rights.yaml of the chart does, or run this check as that account";
    let bad =
        |(of, verbs): (String, Vec<&str>)| Finding::bad(of, format!("may not {}", verbs.join(", ")), remedy);
    missing.into_iter().map(bad).collect()
}

/// Namespace and object's name of each place in which a right is needed.
fn places(scope: Scope, config: &Config) -> Vec<(Option<&str>, Option<&str>)> {
    let named = |name: ObjectName| match name {
        Node => config.node_name.as_str(),
        Fixed(name) => name,
    };
    match scope {
        Cluster(name) => vec![(None, name.map(named))],
        Namespace(namespace, name) => vec![(Some(namespace), name.map(named))],
        Pods if config.namespaces.is_empty() => vec![(None, None)],
        Pods => config.namespaces.iter().map(|namespace| (Some(namespace.as_str()), None)).collect(),
    }
}

fn described(group: &str, resource: &str, namespace: Option<&str>, name: Option<&str>) -> String {
    let mut text = match group {
        "" => resource.to_owned(),
        group => format!("{resource}.{group}"),
    };
    if let Some(name) = name {
        text.push_str(&format!(" {name}"));
    }
    match namespace {
        Some(namespace) => text + &format!(" in namespace {namespace}"),
        None => text,
    }
}

async fn is_allowed(
    client: &Client,
    group: &str,
    resource: &str,
    verb: &str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> kube::Result<bool> {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    let attributes = ResourceAttributes {
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        verb: Some(verb.to_owned()),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Resources and verbs that the chart gives, wherever.
    fn given() -> BTreeSet<(String, String)> {
        let rights = include_str!("../../chart/templates/rights.yaml");
        let for_pods = include_str!("../../chart/templates/_names.tpl");
        let list = |line: &str, key: &str| -> Option<Vec<String>> {
            let items = line.trim().strip_prefix(key)?.strip_prefix(": [")?.strip_suffix(']')?;
            Some(items.split(", ").map(str::to_owned).collect())
        };
        let (mut given, mut resources) = (BTreeSet::new(), Vec::new());
        for line in rights.lines().chain(for_pods.lines()) {
            resources = list(line, "resources").unwrap_or(resources);
            for verb in list(line, "verbs").unwrap_or_default() {
                given.extend(resources.iter().map(|resource| (resource.clone(), verb.clone())));
            }
        }
        given
    }

    #[test]
    fn the_rights_are_those_of_the_chart_but_for_its_webhook_and_its_store_of_certificates() {
        let mut checked: BTreeSet<(String, String)> = RIGHTS
            .iter()
            .flat_map(|(_, resource, verbs, _)| {
                verbs.iter().map(|verb| ((*resource).to_owned(), (*verb).to_owned()))
            })
            .collect();
        for (resource, verb) in [
            ("mutatingwebhookconfigurations", "get"),
            ("mutatingwebhookconfigurations", "patch"),
            ("secrets", "update"),
        ] {
            assert!(checked.insert((resource.to_owned(), verb.to_owned())), "{resource} {verb}");
        }
        assert_eq!(checked, given());
    }
}
