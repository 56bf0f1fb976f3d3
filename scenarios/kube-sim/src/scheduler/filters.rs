//! Filters: the nodes that a pod may run on, and the scheduler's messages for the others.

use serde_json::{Value, json};

use super::candidate::{Candidate, Cluster};
use super::node_affinity;
use super::resources::{self, MissingRequest};
use super::{pod_affinity, topology_spread};
use crate::object::field::{flag, list, name, number, text};
use crate::pods::tolerations::pod_tolerates;

/// A node that was filtered out, with the messages of the first filter that did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Messages; one, or one for each resource that is short.
    pub reasons: Vec<String>,
    /// True when the eviction of other pods could change the result.
    pub preemption_helps: bool,
}

impl Rejection {
    /// A rejection that no eviction could change.
    pub fn unresolvable(reason: &str) -> Self {
        Self { reasons: vec![reason.to_owned()], preemption_helps: false }
    }

    /// A rejection that the eviction of other pods could change.
    pub fn resolvable(reason: &str) -> Self {
        Self { reasons: vec![reason.to_owned()], preemption_helps: true }
    }
}

/// The filters for one pod, with what they need of the whole cluster computed once.
#[derive(Debug)]
pub struct Filters<'a> {
    pod: &'a Value,
    named_nodes: Option<Vec<&'a str>>,
    pod_affinity: pod_affinity::RequiredTerms<'a>,
    spread: topology_spread::Constraints<'a>,
}

impl<'a> Filters<'a> {
    /// Prepares the filters for `pod`.
    pub fn new(pod: &'a Value, cluster: &Cluster<'a>) -> Self {
        Self {
            pod,
            named_nodes: node_affinity::named_nodes(pod),
            pod_affinity: pod_affinity::RequiredTerms::new(pod, cluster),
            spread: topology_spread::Constraints::new(pod, cluster),
        }
    }

    /// Checks that the pod may run on `candidate`.
    ///
    /// # Errors
    /// The first filter's words when it may not.
    pub fn check(&self, candidate: &Candidate<'a>) -> Result<(), Rejection> {
        if self.named_nodes.as_ref().is_some_and(|names| !names.contains(&candidate.name())) {
            return Err(Rejection::unresolvable("node(s) didn't satisfy plugin(s) [NodeAffinity]"));
        }
        unschedulable(self.pod, candidate)?;
        node_name(self.pod, candidate)?;
        taints(self.pod, candidate)?;
        affinity(self.pod, candidate)?;
        ports(self.pod, candidate)?;
        fits(self.pod, candidate)?;
        self.spread.check(candidate)?;
        self.pod_affinity.check(candidate)
    }
}

fn unschedulable(pod: &Value, candidate: &Candidate<'_>) -> Result<(), Rejection> {
    let taint = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    if flag(candidate.node, "/spec/unschedulable") && !pod_tolerates(pod, &taint) {
        return Err(Rejection::unresolvable("node(s) were unschedulable"));
    }
    Ok(())
}

fn node_name(pod: &Value, candidate: &Candidate<'_>) -> Result<(), Rejection> {
    let wanted = text(pod, "/spec/nodeName");
    if !wanted.is_empty() && wanted != candidate.name() {
        return Err(Rejection::unresolvable("node(s) didn't match the requested node name"));
    }
    Ok(())
}

fn taints(pod: &Value, candidate: &Candidate<'_>) -> Result<(), Rejection> {
    let keeps_out = |t: &&Value| matches!(text(t, "/effect"), "NoSchedule" | "NoExecute");
    if candidate.taints().iter().filter(keeps_out).any(|t| !pod_tolerates(pod, t)) {
        return Err(Rejection::unresolvable("node(s) had untolerated taint(s)"));
    }
    Ok(())
}

fn affinity(pod: &Value, candidate: &Candidate<'_>) -> Result<(), Rejection> {
    if node_affinity::allows(pod, candidate.node) {
        Ok(())
    } else {
        Err(Rejection::unresolvable("node(s) didn't match Pod's node affinity/selector"))
    }
}

fn ports(pod: &Value, candidate: &Candidate<'_>) -> Result<(), Rejection> {
    let taken: Vec<_> = candidate.pods.iter().flat_map(|p| host_ports(p)).collect();
    let clash = host_ports(pod).into_iter().any(|p| taken.iter().any(|t| p.clashes_with(t)));
    if clash {
        return Err(Rejection::resolvable("node(s) didn't have free ports for the requested pod ports"));
    }
    Ok(())
}

fn fits(pod: &Value, candidate: &Candidate<'_>) -> Result<(), Rejection> {
    let have = |from: &resources::Amounts, name: &str| from.get(name).copied().unwrap_or(0);
    let mut short = Rejection { reasons: Vec::new(), preemption_helps: true };
    let pods = i128::try_from(candidate.bound + 1).unwrap_or(i128::MAX);
    if pods.saturating_mul(1000) > have(&candidate.allocatable, "pods") {
        short.reasons.push("Too many pods".to_owned());
    }
    let asked = resources::requests(pod, MissingRequest::Zero);
    let first = ["cpu", "memory", "ephemeral-storage"];
    let others = asked.keys().map(String::as_str).filter(|n| !first.contains(n) && *n != "pods");
    for resource in first.into_iter().chain(others) {
        let wanted = have(&asked, resource);
        let all = have(&candidate.allocatable, resource);
        if wanted > 0 && wanted > all - have(&candidate.taken, resource) {
            short.reasons.push(format!("Insufficient {resource}"));
            short.preemption_helps &= wanted <= all;
        }
    }
    if short.reasons.is_empty() { Ok(()) } else { Err(short) }
}

#[derive(Debug, PartialEq, Eq)]
struct HostPort<'a> {
    address: &'a str,
    protocol: &'a str,
    port: i64,
}

impl HostPort<'_> {
    fn clashes_with(&self, other: &HostPort<'_>) -> bool {
        let any = |a: &str| a.is_empty() || a == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (any(self.address) || any(other.address) || self.address == other.address)
    }
}

/// True for a pod that takes ports of its node.
pub fn has_host_ports(pod: &Value) -> bool {
    !host_ports(pod).is_empty()
}

fn host_ports(pod: &Value) -> Vec<HostPort<'_>> {
    let sidecars = list(pod, "/spec/initContainers").iter().filter(|c| text(c, "/restartPolicy") == "Always");
    let containers = list(pod, "/spec/containers").iter().chain(sidecars);
    let ports = containers.flat_map(|c| list(c, "/ports"));
    ports
        .filter_map(|p| {
            let port = number(p, "/hostPort").filter(|n| *n > 0)?;
            let protocol = Some(text(p, "/protocol")).filter(|t| !t.is_empty()).unwrap_or("TCP");
            Some(HostPort { address: text(p, "/hostIP"), protocol, port })
        })
        .collect()
}

/// The message for a pod with a volume claim that does not exist; such a pod fits on no node.
pub fn missing_claim(pod: &Value, claim_exists: impl Fn(&str, &str) -> bool) -> Option<String> {
    let namespace = crate::object::field::namespace(pod);
    list(pod, "/spec/volumes").iter().find_map(|volume| {
        let claim = match text(volume, "/persistentVolumeClaim/claimName") {
            "" if volume.get("ephemeral").is_some() => format!("{}-{}", name(pod), text(volume, "/name")),
            "" => return None,
            claim => claim.to_owned(),
        };
        (!claim_exists(namespace, &claim)).then(|| format!("persistentvolumeclaim \"{claim}\" not found"))
    })
}
