//! A node as the scheduler sees it: the object, pods bound to it, and the resources that all of them take.

use std::collections::BTreeMap;

use serde_json::Value;

use super::resources::{self, Amounts, MissingRequest};
use crate::object::field::{list, name, text};
use crate::pods::phase::is_terminal;

/// A node and the pods bound to it.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The node object, as stored.
    pub node: &'a Value,
    /// The pods bound to it that are not over; all of them, or those that can matter to the pods to be placed.
    pub pods: Vec<&'a Value>,
    /// Number of pods bound to it that are not over.
    pub bound: usize,
    /// The node's allocatable resources.
    pub allocatable: Amounts,
    /// Requests of its pods.
    pub taken: Amounts,
    /// Requests of its pods, with defaults for containers without any; only nodes are ranked by it.
    pub weighed: Amounts,
}

/// The cluster's state that one scheduling decision looks at.
#[derive(Debug)]
pub struct Cluster<'a> {
    /// All nodes, by name.
    pub candidates: Vec<Candidate<'a>>,
    /// The namespaces by name, for namespace selectors.
    pub namespaces: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Cluster<'a> {
    /// Assigns the pods that have a node and have not ended.
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
            if !node.is_empty() && !is_terminal(pod) {
                cluster.assign(pod, node);
            }
        }
        cluster
    }

    /// The nodes with what is known of them, by name.
    pub fn known(
        nodes: impl IntoIterator<Item = &'a Value>,
        namespaces: impl IntoIterator<Item = &'a Value>,
        fill: impl Fn(&mut Candidate<'a>),
    ) -> Self {
        let mut cluster = Self::new(nodes, [], namespaces);
        cluster.candidates.iter_mut().for_each(fill);
        cluster
    }

    /// Assigns `pod` to the node called `node`, if there is one.
    pub fn assign(&mut self, pod: &'a Value, node: &str) {
        if let Ok(at) = self.candidates.binary_search_by(|candidate| candidate.name().cmp(node)) {
            self.candidates[at].assign(pod);
        }
    }

    /// Every assigned pod, with its node.
    pub fn pods(&self) -> impl Iterator<Item = (&'a Value, &Candidate<'a>)> {
        self.candidates.iter().flat_map(|c| c.pods.iter().map(move |p| (*p, c)))
    }
}

impl<'a> Candidate<'a> {
    fn new(node: &'a Value) -> Self {
        let (taken, weighed) = (Amounts::new(), Amounts::new());
        Self { node, pods: Vec::new(), bound: 0, allocatable: resources::allocatable(node), taken, weighed }
    }

    fn assign(&mut self, pod: &'a Value) {
        resources::add(&mut self.taken, &resources::requests(pod, MissingRequest::Zero));
        resources::add(&mut self.weighed, &resources::requests(pod, MissingRequest::Default));
        self.pods.push(pod);
        self.bound += 1;
    }

    /// The node's name, by which candidates are sorted.
    pub fn name(&self) -> &'a str {
        name(self.node)
    }

    /// The node's taints, from its spec.
    pub fn taints(&self) -> &'a [Value] {
        list(self.node, "/spec/taints")
    }

    /// The node's value of a topology label.
    pub fn topology(&self, key: &str) -> Option<&'a str> {
        crate::object::field::label(self.node, key)
    }
}
