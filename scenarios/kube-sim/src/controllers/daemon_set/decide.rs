//! The next steps of a DaemonSet, decided from its nodes and pods alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::placement::{Placement, node_of, placement_of, pod_of};
use crate::controllers::owned::available_from;
use crate::controllers::revisions::POD_LABEL as HASH;
use crate::object::conditions::holds;
use crate::object::field::{is_terminating, label, name, number, text};
use crate::pods::phase::is_terminal;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// Make a pod for this node.
    Create(&'a str),
    /// Delete this pod.
    Delete(Arc<Value>),
    /// Delete this pod, which has ended, so that another comes on the node.
    Replace(Arc<Value>, &'a str),
}

/// A node, what it says to the set's pods, and those of them that are there, the oldest first.
#[derive(Debug)]
struct NodePods<'a> {
    node: &'a str,
    placement: Placement,
    pods: Vec<Arc<Value>>,
}

/// The pods of a DaemonSet by their nodes.
#[derive(Debug)]
pub struct DaemonPods<'a> {
    set: &'a Value,
    /// The hash of the present template.
    pub hash: &'a str,
    now: Timestamp,
    nodes: Vec<NodePods<'a>>,
    /// Pods that are tied to a node which is not there.
    stray: Vec<Arc<Value>>,
}

impl<'a> DaemonPods<'a> {
    /// Sorts the pods by their nodes; those that have ended and are being deleted no longer count.
    pub fn new(
        set: &'a Value,
        nodes: &'a [Arc<Value>],
        pods: Vec<Arc<Value>>,
        hash: &'a str,
        now: Timestamp,
    ) -> Self {
        let mut by_node: BTreeMap<String, Vec<Arc<Value>>> = BTreeMap::new();
        for pod in pods.into_iter().filter(|pod| !(is_terminal(pod) && is_terminating(pod))) {
            by_node.entry(node_of(&pod).unwrap_or_default().to_owned()).or_default().push(pod);
        }
        for pods in by_node.values_mut() {
            pods.sort_by_key(|pod| {
                let unbound = text(pod, "/spec/nodeName").is_empty();
                (unbound, text(pod, "/metadata/creationTimestamp").to_owned(), name(pod).to_owned())
            });
        }
        let example = pod_of(set);
        let nodes = nodes.iter().map(|node| NodePods {
            node: name(node),
            placement: placement_of(&example, node),
            pods: by_node.remove(name(node)).unwrap_or_default(),
        });
        let nodes = nodes.collect();
        Self { set, hash, now, nodes, stray: by_node.into_values().flatten().collect() }
    }

    /// All pods.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.nodes.iter().flat_map(|node| &node.pods).chain(&self.stray)
    }

    /// True for each node that shall run a pod, and the oldest pod on it.
    pub fn first_of_each_node(&self) -> impl Iterator<Item = (bool, Option<&Arc<Value>>)> {
        self.nodes.iter().map(|node| (node.placement.shall_run, node.pods.first()))
    }

    /// True for a pod that has been ready for as long as the set asks.
    pub fn is_available(&self, pod: &Value) -> bool {
        available_from(pod, self.ready_seconds()).is_some_and(|at| at <= self.now)
    }

    /// The instant at which the next pod becomes available without a change.
    pub fn next_available(&self) -> Option<Timestamp> {
        let seconds = self.ready_seconds();
        let all = self.all().filter_map(|pod| available_from(pod, seconds));
        all.filter(|at| seconds > 0 && *at > self.now).min()
    }

    fn ready_seconds(&self) -> i64 {
        number(self.set, "/spec/minReadySeconds").unwrap_or(0)
    }

    /// The steps towards one pod on each node that takes it, and then towards the present template.
    pub fn steps(&self) -> Vec<Step<'a>> {
        let mut steps: Vec<_> = self.nodes.iter().flat_map(|node| self.on(node)).collect();
        let unbound =
            self.stray.iter().filter(|pod| text(pod, "/spec/nodeName").is_empty() && !is_terminating(pod));
        steps.extend(unbound.map(|pod| Step::Delete(Arc::clone(pod))));
        if !steps.is_empty() || text(self.set, "/spec/updateStrategy/type") != "RollingUpdate" {
            return steps;
        }
        let wanted = self.nodes.iter().filter(|node| node.placement.shall_run).count();
        let (surge, unavailable) = (self.share("maxSurge", wanted), self.share("maxUnavailable", wanted));
        match surge {
            0 => self.replace(unavailable.max(1)),
            surge => self.replace_after_the_new(surge),
        }
    }

    /// A number of nodes, or a share of them rounded up.
    fn share(&self, key: &str, nodes: usize) -> usize {
        match self.set.pointer(&format!("/spec/updateStrategy/rollingUpdate/{key}")) {
            Some(Value::String(text)) => {
                (nodes * text.trim_end_matches('%').parse::<usize>().unwrap_or(0)).div_ceil(100)
            }
            value => value.and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        }
    }

    fn on(&self, node: &NodePods<'a>) -> Vec<Step<'a>> {
        let staying: Vec<_> = node.pods.iter().filter(|pod| !is_terminating(pod)).collect();
        if !node.placement.may_stay {
            return staying.into_iter().map(|pod| Step::Delete(Arc::clone(pod))).collect();
        }
        let (ended, running): (Vec<_>, Vec<_>) = staying.into_iter().partition(|pod| is_terminal(pod));
        let mut steps: Vec<_> =
            ended.into_iter().map(|pod| Step::Replace(Arc::clone(pod), node.node)).collect();
        let surges = self.share("maxSurge", 1) > 0;
        if node.placement.shall_run
            && (node.pods.is_empty() || (surges && running.is_empty() && steps.is_empty()))
        {
            steps.push(Step::Create(node.node));
        }
        let (new, old): (Vec<_>, Vec<_>) = running.into_iter().partition(|pod| self.is_new(pod));
        let (kept_new, kept_old) = match (surges, new.first(), old.first()) {
            // One of each version may run while the new one is on its way.
            (true, Some(fresh), Some(known)) if holds(known, "Ready") && !self.is_available(fresh) => (1, 1),
            (_, Some(_), Some(_)) if !surges => match text(new[0], "/metadata/creationTimestamp")
                <= text(old[0], "/metadata/creationTimestamp")
            {
                true => (1, 0),
                false => (0, 1),
            },
            (_, Some(_), _) => (1, 0),
            _ => (0, 1),
        };
        let surplus = new.into_iter().skip(kept_new).chain(old.into_iter().skip(kept_old));
        steps.extend(surplus.map(|pod| Step::Delete(Arc::clone(pod))));
        steps
    }

    fn is_new(&self, pod: &Value) -> bool {
        label(pod, HASH) == Some(self.hash)
    }

    /// Deletes pods of older templates: those that do not work at once, others while at most `unavailable` do not.
    fn replace(&self, unavailable: usize) -> Vec<Step<'a>> {
        let (mut missing, mut broken, mut working) = (0, Vec::new(), Vec::new());
        for node in self.nodes.iter().filter(|node| node.placement.shall_run || !node.pods.is_empty()) {
            let mut staying = node.pods.iter().filter(|pod| !is_terminating(pod));
            match (staying.next(), staying.next()) {
                (Some(pod), None) if self.is_new(pod) => missing += usize::from(!self.is_available(pod)),
                (Some(pod), None) if self.is_available(pod) => working.push(pod),
                (Some(pod), None) => {
                    missing += 1;
                    broken.push(pod);
                }
                _ => missing += 1,
            }
        }
        let more = unavailable.saturating_sub(missing);
        broken
            .into_iter()
            .chain(working.into_iter().take(more))
            .map(|pod| Step::Delete(Arc::clone(pod)))
            .collect()
    }

    /// Makes pods of the present template beside the older ones, on at most `surge` nodes at a time.
    fn replace_after_the_new(&self, surge: usize) -> Vec<Step<'a>> {
        let (mut surging, mut broken, mut working) = (0, Vec::new(), Vec::new());
        for node in self.nodes.iter().filter(|node| node.placement.shall_run) {
            let staying = || node.pods.iter().filter(|pod| !is_terminating(pod));
            let (new, old) =
                (staying().find(|pod| self.is_new(pod)), staying().find(|pod| !self.is_new(pod)));
            match (new, old) {
                (None, Some(old)) if self.is_available(old) => working.push(node.node),
                (None, Some(_)) => broken.push(node.node),
                (Some(new), Some(_)) => surging += usize::from(!self.is_available(new)),
                _ => {}
            }
        }
        let more = surge.saturating_sub(surging);
        broken.into_iter().chain(working.into_iter().take(more)).map(Step::Create).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Pods on nodes `0`, `1`, …: `r`eady, `p`ending, `f`ailed; capitals are of the old template, a dot is no pod.
    fn steps(rolling: &Value, there: &str) -> String {
        let set = json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {"spec": {}}}});
        let nodes: Vec<_> =
            (0..there.len()).map(|at| Arc::new(json!({"metadata": {"name": at.to_string()}}))).collect();
        let pods = there.chars().enumerate().filter(|(_, letter)| *letter != '.').map(|(at, letter)| {
            let hash = if letter.is_uppercase() { "old" } else { "new" };
            let ready = if letter.eq_ignore_ascii_case(&'r') { "True" } else { "False" };
            let phase = if letter.eq_ignore_ascii_case(&'f') { "Failed" } else { "Running" };
            Arc::new(json!({
                "metadata": {"name": format!("p{at}"), "labels": {HASH: hash}}, "spec": {"nodeName": at.to_string()},
                "status": {"phase": phase, "conditions": [
                    {"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}))
        });
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let pods = DaemonPods::new(&set, &nodes, pods.collect(), "new", now);
        let shown = pods.steps().into_iter().map(|step| match step {
            Step::Create(node) => format!("+{node}"),
            Step::Delete(pod) => format!("-{}", name(&pod)),
            Step::Replace(pod, _) => format!("!{}", name(&pod)),
        });
        shown.collect()
    }

    #[test]
    fn each_node_has_one_pod_and_old_ones_go_within_their_limits() {
        let one = json!({"maxUnavailable": 1, "maxSurge": 0});
        let half = json!({"maxUnavailable": "50%", "maxSurge": 0});
        let surge = json!({"maxUnavailable": 0, "maxSurge": 1});
        for (rolling, there, wanted) in [
            (&one, "..", "+0+1"),
            (&one, "r.", "+1"),
            (&one, "rr", ""),
            (&one, "rf", "!p1"),
            (&one, "RRR", "-p0"),
            (&one, "pRR", ""),
            (&one, "rPR", "-p1"),
            (&half, "RRRR", "-p0-p1"),
            (&surge, "RRR", "+0"),
            (&surge, "..", "+0+1"),
            (&surge, "PRR", "+0+1"),
        ] {
            assert_eq!(steps(rolling, there), wanted, "{rolling} {there}");
        }
    }
}
