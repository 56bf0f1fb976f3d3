//! A node as the scheduler sees it: the object, the pods that hold room on it, and how much room that is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resources::{self, Amounts, Unsaid};
use crate::pods::field::{list, name, text};

/// One node and what stands on it.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The node object.
    pub node: &'a Value,
    /// The pods bound to it that are not over.
    pub pods: Vec<&'a Value>,
    /// What the node lets pods have.
    pub allocatable: Amounts,
    /// What its pods hold of that.
    pub taken: Amounts,
    /// The same, with a little assumed for containers that ask for nothing.
    pub weighed: Amounts,
}

/// Everything one decision looks at.
#[derive(Debug)]
pub struct Cluster<'a> {
    /// All nodes, by name.
    pub candidates: Vec<Candidate<'a>>,
    /// The namespaces by name, for namespace selectors.
    pub namespaces: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Cluster<'a> {
    /// Puts the pods on their nodes.
    pub fn new(nodes: &'a [Value], pods: &'a [Value], namespaces: &'a [Value]) -> Self {
        let mut on_node: BTreeMap<&str, Vec<&'a Value>> = BTreeMap::new();
        for pod in pods {
            let node = text(pod, "/spec/nodeName");
            if !node.is_empty() && !is_over(pod) {
                on_node.entry(node).or_default().push(pod);
            }
        }
        let mut candidates: Vec<_> = nodes
            .iter()
            .map(|node| Candidate::new(node, on_node.remove(name(node)).unwrap_or_default()))
            .collect();
        candidates.sort_by(|a, b| a.name().cmp(b.name()));
        Self { candidates, namespaces: namespaces.iter().map(|n| (name(n), n)).collect() }
    }

    /// Every pod that holds room, with its node.
    pub fn pods(&self) -> impl Iterator<Item = (&'a Value, &Candidate<'a>)> {
        self.candidates.iter().flat_map(|c| c.pods.iter().map(move |p| (*p, c)))
    }
}

impl<'a> Candidate<'a> {
    fn new(node: &'a Value, pods: Vec<&'a Value>) -> Self {
        let (mut taken, mut weighed) = (Amounts::new(), Amounts::new());
        for pod in &pods {
            resources::add(&mut taken, &resources::requests(pod, Unsaid::Nothing));
            resources::add(&mut weighed, &resources::requests(pod, Unsaid::ALittle));
        }
        Self { node, pods, allocatable: resources::allocatable(node), taken, weighed }
    }

    /// The node's name.
    pub fn name(&self) -> &'a str {
        name(self.node)
    }

    /// The node's taints.
    pub fn taints(&self) -> &'a [Value] {
        list(self.node, "/spec/taints")
    }

    /// The node's value of a topology label.
    pub fn topology(&self, key: &str) -> Option<&'a str> {
        crate::pods::field::label(self.node, key)
    }
}

/// Whether the pod has ended and holds no room any more.
pub fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}
