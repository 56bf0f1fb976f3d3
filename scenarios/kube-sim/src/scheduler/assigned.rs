//! The pods as the scheduler remembers them from round to round: those that wait, and what those on each node take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::candidate::{Candidate, Cluster};
use super::filters::has_host_ports;
use super::resources::{self, Amounts, MissingRequest};
use crate::object::field::{is_set, is_terminating, list, name, namespace, text};
use crate::pods::phase::is_terminal;

/// The scheduler whose pods these are.
pub const SCHEDULER: &str = "default-scheduler";
const AFFINITIES: [&str; 2] = ["/spec/affinity/podAffinity", "/spec/affinity/podAntiAffinity"];

/// Namespace and name of a pod.
type Key = (String, String);

/// All pods that matter: a change costs as much as one pod, however many there are.
#[derive(Debug, Default)]
pub struct Assigned {
    waiting: BTreeMap<Key, Arc<Value>>,
    bound: BTreeMap<Key, Bound>,
    nodes: BTreeMap<String, Load>,
    /// Number of pods that were looked at.
    pub visited: usize,
}

/// A pod on a node, with what it takes there.
#[derive(Debug)]
struct Bound {
    pod: Arc<Value>,
    taken: Amounts,
    weighed: Amounts,
}

/// The pods on a node, together.
#[derive(Debug, Default)]
struct Load {
    pods: BTreeSet<Key>,
    /// Those that can matter to any other pod: they have wishes about their neighbours, or ports of the node.
    particular: BTreeSet<Key>,
    taken: Amounts,
    weighed: Amounts,
}

fn is_waiting(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_empty()
        && text(pod, "/spec/schedulerName") == SCHEDULER
        && !is_terminating(pod)
        && !is_terminal(pod)
}

fn has_wishes_about_pods(pod: &Value) -> bool {
    AFFINITIES.iter().any(|path| is_set(pod, path))
}

/// True for a pod whose place depends on pods that have no wishes themselves.
fn looks_at_all(pod: &Value) -> bool {
    has_wishes_about_pods(pod) || !list(pod, "/spec/topologySpreadConstraints").is_empty()
}

impl Assigned {
    /// Takes in a pod as it is now.
    pub fn insert(&mut self, pod: &Arc<Value>) {
        self.remove(pod);
        self.visited += 1;
        let key = (namespace(pod).to_owned(), name(pod).to_owned());
        let node = text(pod, "/spec/nodeName");
        if is_waiting(pod) {
            self.waiting.insert(key, Arc::clone(pod));
        } else if !node.is_empty() && !is_terminal(pod) {
            let taken = resources::requests(pod, MissingRequest::Zero);
            let weighed = resources::requests(pod, MissingRequest::Default);
            let load = self.nodes.entry(node.to_owned()).or_default();
            resources::add(&mut load.taken, &taken);
            resources::add(&mut load.weighed, &weighed);
            if has_wishes_about_pods(pod) || has_host_ports(pod) {
                load.particular.insert(key.clone());
            }
            load.pods.insert(key.clone());
            self.bound.insert(key, Bound { pod: Arc::clone(pod), taken, weighed });
        }
    }

    /// Forgets all pods.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.bound.clear();
        self.nodes.clear();
    }

    /// Forgets a pod, whatever it was when it was taken in.
    pub fn remove(&mut self, pod: &Value) {
        let key = (namespace(pod).to_owned(), name(pod).to_owned());
        self.waiting.remove(&key);
        let Some(bound) = self.bound.remove(&key) else { return };
        let node = text(&bound.pod, "/spec/nodeName");
        let Some(load) = self.nodes.get_mut(node) else { return };
        load.pods.remove(&key);
        load.particular.remove(&key);
        resources::subtract(&mut load.taken, &bound.taken);
        resources::subtract(&mut load.weighed, &bound.weighed);
        if load.pods.is_empty() {
            self.nodes.remove(node);
        }
    }

    /// The pods without a node, by namespace and name.
    pub fn waiting(&self) -> Vec<Arc<Value>> {
        self.waiting.values().cloned().collect()
    }

    /// The cluster as `waiting` pods have to see it.
    pub fn cluster<'a>(
        &'a self,
        nodes: impl IntoIterator<Item = &'a Value>,
        namespaces: impl IntoIterator<Item = &'a Value>,
        waiting: &[Arc<Value>],
    ) -> (Cluster<'a>, usize) {
        let all = waiting.iter().any(|pod| looks_at_all(pod));
        let cluster = Cluster::known(nodes, namespaces, |candidate| self.fill(candidate, all));
        let seen = cluster.candidates.iter().map(|candidate| candidate.pods.len()).sum();
        (cluster, seen)
    }

    fn fill<'a>(&'a self, candidate: &mut Candidate<'a>, all: bool) {
        let Some(load) = self.nodes.get(candidate.name()) else { return };
        let keys = if all { &load.pods } else { &load.particular };
        candidate.pods = keys.iter().filter_map(|key| self.bound.get(key)).map(|bound| &*bound.pod).collect();
        candidate.bound = load.pods.len();
        candidate.taken = load.taken.clone();
        candidate.weighed = load.weighed.clone();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, node: &str, more: Value) -> Arc<Value> {
        let mut spec = json!({"schedulerName": SCHEDULER,
            "containers": [{"name": "c", "resources": {"requests": {"cpu": "500m"}}}]});
        if !node.is_empty() {
            spec["nodeName"] = node.into();
        }
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        Arc::new(json!({"metadata": {"namespace": "default", "name": name, "uid": name}, "spec": spec}))
    }

    fn node() -> Value {
        json!({"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "4", "pods": "10"}}})
    }

    #[test]
    fn what_is_remembered_is_what_a_look_at_all_pods_finds() {
        let port = json!({"containers": [{"name": "c", "ports": [{"hostPort": 80}]}]});
        let apart = json!({"affinity": {"podAntiAffinity": {}}});
        let pods = [
            pod("a", "n", json!({})),
            pod("b", "", json!({})),
            pod("c", "n", port),
            pod("d", "other", json!({})),
            pod("e", "n", apart),
        ];
        let mut assigned = Assigned::default();
        pods.iter().for_each(|pod| assigned.insert(pod));
        assigned.insert(&pod("f", "n", json!({})));
        assigned.insert(&pod("a", "n", json!({"priority": 1})));
        assigned.remove(&pod("f", "n", json!({})));
        let (node, none) = (node(), [] as [&Value; 0]);
        let whole = Cluster::new([&node], pods.iter().map(|pod| &**pod), none);
        let waiting = assigned.waiting();
        assert_eq!(waiting.iter().map(|pod| name(pod)).collect::<Vec<_>>(), ["b"]);
        let (cluster, seen) = assigned.cluster([&node], none, &waiting);
        let (one, other) = (&cluster.candidates[0], &whole.candidates[0]);
        assert_eq!((one.bound, &one.taken, &one.weighed), (other.bound, &other.taken, &other.weighed));
        assert_eq!(seen, 2, "the pod with a port of the node and the one with wishes");
    }

    #[test]
    fn a_pod_that_looks_at_all_others_sees_them_in_their_order() {
        let mut assigned = Assigned::default();
        for name in ["b", "a", "c"] {
            assigned.insert(&pod(name, "n", json!({})));
        }
        let spread = json!({"topologySpreadConstraints": [{"topologyKey": "zone"}]});
        let (node, none) = (node(), [] as [&Value; 0]);
        let (cluster, _) = assigned.cluster([&node], none, &[pod("new", "", spread)]);
        let names: Vec<_> = cluster.candidates[0].pods.iter().map(|pod| name(pod)).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
