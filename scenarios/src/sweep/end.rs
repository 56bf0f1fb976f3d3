//! The end of a run: objects and groups without times, drawn names and addresses, which differ from run to run.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DynamicObject, ListParams};

use crate::cluster::NODE;
use crate::objects::{Fields, objects};
use crate::outcome::Miss;
use crate::stage::World;

/// The end of a run: what there is, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// Pods by whose they are and how they are.
    pub pods: BTreeMap<PodEnd, usize>,
    /// Container groups that can still cost something, by the pod in their tags.
    pub groups: BTreeMap<String, usize>,
    /// True where the node is there and ready.
    pub node_is_ready: bool,
}

/// A pod at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodEnd {
    /// The namespace and name; of a controlled pod, the controller's kind and the name's beginning.
    pub whose: String,
    /// True of a pod that is bound to the virtual node.
    pub is_here: bool,
    /// The phase.
    pub phase: String,
    /// True of a pod that is being deleted.
    pub is_leaving: bool,
}

impl End {
    /// The end of this world.
    ///
    /// # Errors
    /// The cluster's refusal.
    pub(crate) async fn of(world: &World) -> Result<Self, Miss> {
        let mut end = Self::default();
        for pod in objects::<Pod>(world.kube(), None).list(&ListParams::default()).await?.items {
            *end.pods.entry(PodEnd::of(&pod)).or_default() += 1;
        }
        for group in world.cloud().groups().await? {
            if !matches!(group.status.as_str(), "Succeeded" | "Failed" | "Expired" | "ScheduleFailed") {
                *end.groups.entry(group.owner().unwrap_or_default()).or_default() += 1;
            }
        }
        let node = objects::<Node>(world.kube(), None).get_opt(NODE).await?;
        end.node_is_ready = node.is_some_and(|node| crate::cluster::observations::is_ready(&node));
        Ok(end)
    }

    /// The differences from `reference`.
    pub fn differences(&self, reference: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let all = reference.pods.keys().chain(self.pods.keys()).collect::<std::collections::BTreeSet<_>>();
        for pod in all {
            let count = |end: &Self| end.pods.get(pod).copied().unwrap_or_default();
            if count(self) != count(reference) {
                found.push(Difference {
                    whose: pod.whose.clone(),
                    wanted: count(reference),
                    seen: count(self),
                    what: pod.to_string(),
                });
            }
        }
        if self.node_is_ready != reference.node_is_ready {
            let what = "ready node".to_owned();
            let number = usize::from;
            let (wanted, seen) = (number(reference.node_is_ready), number(self.node_is_ready));
            found.push(Difference { whose: String::new(), wanted, seen, what });
        }
        found
    }
}

/// One thing of which there is another number than in the reference run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The pod, or whose pods.
    pub whose: String,
    /// The number in the reference run.
    pub wanted: usize,
    /// The number here.
    pub seen: usize,
    what: String,
}

impl PodEnd {
    fn of(pod: &DynamicObject) -> Self {
        let metadata = &pod.metadata;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let controller =
            metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        let name = match controller {
            Some(owner) => {
                format!("a pod of {} {}", owner.kind, without_minute(&text(&metadata.generate_name)))
            }
            None => text(&metadata.name),
        };
        Self {
            whose: format!("{}/{name}", text(&metadata.namespace)),
            is_here: pod.text("/spec/nodeName") == Some(NODE),
            phase: pod.text("/status/phase").unwrap_or_default().to_owned(),
            is_leaving: metadata.deletion_timestamp.is_some(),
        }
    }
}

/// The beginning of a pod's name without the minute by which a CronJob names its Jobs: another one starts the Job where a
/// perturbation lasts longer.
fn without_minute(beginning: &str) -> &str {
    let minute = beginning.trim_end_matches('-').rsplit('-').next().unwrap_or_default();
    let is_minute = minute.len() == 8 && minute.bytes().all(|byte| byte.is_ascii_digit());
    if is_minute { &beginning[..beginning.len() - minute.len() - 1] } else { beginning }
}

impl std::fmt::Display for PodEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.is_here { "on the node" } else { "elsewhere" };
        let leaving = if self.is_leaving { ", leaving" } else { "" };
        write!(f, "{} {} {place}{leaving}", self.whose, self.phase)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}, not {}", self.what, self.seen, self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_too_much_are_told() {
        let pod = |phase: &str| PodEnd {
            whose: "vk/x".into(),
            is_here: true,
            phase: phase.into(),
            is_leaving: false,
        };
        let end = |phase: &str| End { pods: [(pod(phase), 1)].into(), node_is_ready: true, ..End::default() };
        let told =
            |end: &End| end.differences(&end_running()).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(told(&end("Running")).is_empty());
        assert_eq!(
            told(&end("Failed")),
            ["vk/x Failed on the node: 1, not 0", "vk/x Running on the node: 0, not 1"]
        );
        let unready = End { node_is_ready: false, ..end("Running") };
        assert_eq!(told(&unready), ["ready node: 0, not 1"]);
    }

    #[test]
    fn a_job_of_a_later_minute_is_the_same_job() {
        assert_eq!(without_minute("tick-29459610-"), "tick-");
        assert_eq!(without_minute("nightly-report-"), "nightly-report-");
        assert_eq!(without_minute("shard-7-"), "shard-7-");
    }

    fn end_running() -> End {
        let pod = PodEnd { whose: "vk/x".into(), is_here: true, phase: "Running".into(), is_leaving: false };
        End { pods: [(pod, 1)].into(), node_is_ready: true, ..End::default() }
    }
}
