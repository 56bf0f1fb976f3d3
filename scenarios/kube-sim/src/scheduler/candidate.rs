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
    pub fn new(
        nodes: impl IntoIterator<Item = &'a Value>,
        pods: impl IntoIterator<Item = &'a Value>,
        namespaces: impl IntoIterator<Item = &'a Value>,
    ) -> Self {
        let mut candidates: Vec<_> = nodes.into_iter().map(Candidate::new).collect();
        candidates.sort_by(|a, b| a.name().cmp(b.name()));
        let namespaces = namespaces.into_iter().map(|n| (name(n), n)).collect();
        let mut cluster = Self { candidates, namespaces };
        for pod in pods {
            let node = text(pod, "/spec/nodeName");
            if !node.is_empty() && !is_over(pod) {
                cluster.put(pod, node);
            }
        }
        cluster
    }

    /// Lets `pod` hold room on the node called `node`, if there is one.
    pub fn put(&mut self, pod: &'a Value, node: &str) {
        if let Ok(at) = self.candidates.binary_search_by(|candidate| candidate.name().cmp(node)) {
            self.candidates[at].take_in(pod);
        }
    }

    /// Every pod that holds room, with its node.
    pub fn pods(&self) -> impl Iterator<Item = (&'a Value, &Candidate<'a>)> {
        self.candidates.iter().flat_map(|c| c.pods.iter().map(move |p| (*p, c)))
    }
}

impl<'a> Candidate<'a> {
    fn new(node: &'a Value) -> Self {
        let (taken, weighed) = (Amounts::new(), Amounts::new());
        Self { node, pods: Vec::new(), allocatable: resources::allocatable(node), taken, weighed }
    }

    fn take_in(&mut self, pod: &'a Value) {
        resources::add(&mut self.taken, &resources::requests(pod, Unsaid::Nothing));
        resources::add(&mut self.weighed, &resources::requests(pod, Unsaid::ALittle));
        self.pods.push(pod);
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
