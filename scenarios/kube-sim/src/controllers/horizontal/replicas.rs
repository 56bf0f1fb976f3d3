//! The number of replicas that the usage of a workload's pods asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object::conditions;
use crate::object::field::{is_terminating, list, name, text};
use crate::object::quantity::thousandths;
use crate::object::timestamp;

/// The share of the target by which usage may differ before anything is scaled.
const TOLERANCE: f64 = 0.1;
/// The time after a pod's start in which its usage of CPU counts only while it is ready.
const CPU_INITIALIZATION: SignedDuration = SignedDuration::from_mins(5);
/// The time after a pod's start up to which one that is not ready counts as never having been.
const INITIAL_READINESS: SignedDuration = SignedDuration::from_secs(30);

/// The usage of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Thousandths of the resource's unit.
    pub value: i64,
    /// The instant at which it was measured.
    pub at: Timestamp,
    /// The time over which it was measured.
    pub window: SignedDuration,
}

/// A resource whose usage is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric<'a> {
    /// The resource, as in `cpu`.
    pub resource: &'a str,
    /// The container; empty for the whole pod.
    pub container: &'a str,
    /// The usage that is aimed at.
    pub target: Target,
}

/// The usage that is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A percentage of what the pods request.
    Utilization(i64),
    /// An average over the pods, in thousandths of the resource's unit.
    AverageValue(i64),
}

/// The number of replicas that a metric asks for, and the usage that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    /// The number of replicas.
    pub replicas: i64,
    /// The percentage of what the pods request; `None` for a target that is no percentage.
    pub utilization: Option<i64>,
    /// The average over the pods, in thousandths of the resource's unit.
    pub average: i64,
}

/// A number of replicas that cannot be computed, in the words of the real controller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplicasError {
    /// The selector matches no pods.
    #[error("no pods returned by selector while calculating replica count")]
    NoPods,
    /// No pod that counts is measured.
    #[error("did not receive metrics for targeted pods (pods might be unready)")]
    NoMetrics,
    /// No pod that is measured requests anything.
    #[error("no metrics returned matched known pods")]
    NoRequests,
    /// A container does not say what it requests.
    #[error("missing request for {resource} in container {container} of Pod {pod}")]
    MissingRequest {
        /// The resource.
        resource: String,
        /// The container.
        container: String,
        /// The pod.
        pod: String,
    },
}

/// Usage by the names of pods, in thousandths of the resource's unit.
type Amounts<'a> = BTreeMap<&'a str, i64>;

/// The usage of pods against a target.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    /// Usage divided by what is aimed at.
    ratio: f64,
    utilization: Option<i64>,
    average: i64,
}

impl Metric<'_> {
    /// The number of replicas that these pods ask for, of which `current` are wanted now.
    ///
    /// # Errors
    /// [`ReplicasError`].
    pub fn propose(
        &self,
        pods: &[Arc<Value>],
        usage: &BTreeMap<String, Usage>,
        current: i64,
        now: Timestamp,
    ) -> Result<Proposal, ReplicasError> {
        if pods.is_empty() {
            return Err(ReplicasError::NoPods);
        }
        let groups = Groups::of(pods, usage, self.resource, now);
        let mut amounts: Amounts<'_> = usage
            .iter()
            .filter(|(pod, _)| {
                !groups.unready.contains(&pod.as_str()) && !groups.ignored.contains(&pod.as_str())
            })
            .map(|(pod, usage)| (pod.as_str(), usage.value))
            .collect();
        if amounts.is_empty() {
            return Err(ReplicasError::NoMetrics);
        }
        let requests = self.requests(pods)?;
        let first = self.ratio(&amounts, &requests)?;
        let proposal =
            |replicas| Proposal { replicas, utilization: first.utilization, average: first.average };
        let grows_with_unready = !groups.unready.is_empty() && first.ratio > 1.0;
        if !grows_with_unready && groups.missing.is_empty() {
            let same = is_within(first.ratio);
            return Ok(proposal(if same { current } else { ceil(first.ratio, groups.ready) }));
        }
        // Who is not measured holds up whatever would be done: it counts as idle where pods would be added, and as using
        // what is aimed at, or all that it requests, where pods would be taken away.
        for pod in &groups.missing {
            if first.ratio < 1.0 {
                amounts.insert(pod, self.assumed(pod, &requests));
            } else if first.ratio > 1.0 {
                amounts.insert(pod, 0);
            }
        }
        if grows_with_unready {
            amounts.extend(groups.unready.iter().map(|pod| (*pod, 0)));
        }
        let second = self.ratio(&amounts, &requests)?.ratio;
        let turns = first.ratio < 1.0 && second > 1.0 || first.ratio > 1.0 && second < 1.0;
        if is_within(second) || turns {
            return Ok(proposal(current));
        }
        let replicas = ceil(second, amounts.len());
        let turns = second < 1.0 && replicas > current || second > 1.0 && replicas < current;
        Ok(proposal(if turns { current } else { replicas }))
    }

    /// Usage that is assumed of a pod that is not measured.
    fn assumed(&self, pod: &str, requests: &Amounts<'_>) -> i64 {
        match self.target {
            Target::Utilization(percent) => requests.get(pod).copied().unwrap_or(0) * percent.max(100) / 100,
            Target::AverageValue(value) => value,
        }
    }

    fn ratio(&self, amounts: &Amounts<'_>, requests: &Amounts<'_>) -> Result<Ratio, ReplicasError> {
        let count = i64::try_from(amounts.len()).unwrap_or(i64::MAX).max(1);
        let total: i64 = amounts.values().sum();
        match self.target {
            Target::AverageValue(wanted) => {
                let average = total / count;
                Ok(Ratio { ratio: quotient(average, wanted), utilization: None, average })
            }
            Target::Utilization(wanted) => {
                let known: Vec<_> =
                    amounts.iter().filter_map(|(pod, used)| Some((used, requests.get(pod)?))).collect();
                let requested: i64 = known.iter().map(|(_, requested)| **requested).sum();
                if requested == 0 {
                    return Err(ReplicasError::NoRequests);
                }
                let used: i64 = known.iter().map(|(used, _)| **used).sum();
                let percent = used * 100 / requested;
                let average = used / i64::try_from(known.len()).unwrap_or(i64::MAX);
                Ok(Ratio { ratio: quotient(percent, wanted), utilization: Some(percent), average })
            }
        }
    }

    /// The requests of pods; none for a target that is not of them.
    fn requests<'p>(&self, pods: &'p [Arc<Value>]) -> Result<Amounts<'p>, ReplicasError> {
        match self.target {
            Target::Utilization(_) => pods.iter().map(|pod| Ok((name(pod), self.request(pod)?))).collect(),
            Target::AverageValue(_) => Ok(Amounts::new()),
        }
    }

    /// The request of a pod: its own, or that of its containers together.
    fn request(&self, pod: &Value) -> Result<i64, ReplicasError> {
        let amount = |value: &Value| i64::try_from(thousandths(value)).unwrap_or(i64::MAX);
        let own = pod.pointer("/spec/resources/requests").and_then(|requests| requests.get(self.resource));
        if let Some(own) = own.filter(|_| self.container.is_empty()) {
            return Ok(amount(own));
        }
        let sidecars =
            list(pod, "/spec/initContainers").iter().filter(|c| text(c, "/restartPolicy") == "Always");
        let containers = list(pod, "/spec/containers").iter().chain(sidecars);
        let containers =
            containers.filter(|c| self.container.is_empty() || text(c, "/name") == self.container);
        let mut sum = 0;
        for container in containers {
            let requested = container["resources"]["requests"].get(self.resource);
            sum += requested.map(amount).ok_or_else(|| ReplicasError::MissingRequest {
                resource: self.resource.to_owned(),
                container: text(container, "/name").to_owned(),
                pod: name(pod).to_owned(),
            })?;
        }
        Ok(sum)
    }
}

/// Pods by how their usage counts.
#[derive(Default)]
struct Groups<'a> {
    ready: usize,
    unready: Vec<&'a str>,
    missing: Vec<&'a str>,
    ignored: Vec<&'a str>,
}

impl<'a> Groups<'a> {
    fn of(pods: &'a [Arc<Value>], usage: &BTreeMap<String, Usage>, resource: &str, now: Timestamp) -> Self {
        let mut groups = Self::default();
        for pod in pods {
            let phase = text(pod, "/status/phase");
            match usage.get(name(pod)) {
                _ if is_terminating(pod) || phase == "Failed" => groups.ignored.push(name(pod)),
                _ if matches!(phase, "Pending" | "") => groups.unready.push(name(pod)),
                None => groups.missing.push(name(pod)),
                Some(usage) if resource == "cpu" && !is_ready(pod, usage, now) => {
                    groups.unready.push(name(pod))
                }
                Some(_) => groups.ready += 1,
            }
        }
        groups
    }
}

/// True for a pod whose CPU counts: one that is no longer starting.
fn is_ready(pod: &Value, usage: &Usage, now: Timestamp) -> bool {
    let Some(condition) = conditions::find(pod, "Ready") else { return false };
    let Some(started) = timestamp::read(pod, "/status/startTime") else { return false };
    let turned = timestamp::read(condition, "/lastTransitionTime").unwrap_or(started);
    let after = |at: Timestamp, span| at.saturating_add(span).unwrap_or(Timestamp::MAX);
    let fails = text(condition, "/status") == "False";
    match after(started, CPU_INITIALIZATION) > now {
        true => !fails && usage.at >= after(turned, usage.window),
        false => !(fails && after(started, INITIAL_READINESS) > turned),
    }
}

fn is_within(ratio: f64) -> bool {
    (1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&ratio)
}

#[allow(clippy::cast_precision_loss, reason = "the real controller counts in the same floating numbers")]
fn quotient(one: i64, other: i64) -> f64 {
    one as f64 / other as f64
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a number of pods is small")]
fn ceil(ratio: f64, count: usize) -> i64 {
    (ratio * count as f64).ceil() as i64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-01-05T01:10:00Z";

    fn pod(name: &str, phase: &str, ready: &str) -> Arc<Value> {
        let long_ago = "2026-01-05T01:00:00Z";
        Arc::new(json!({
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "100m", "memory": "1Ki"}}}]},
            "status": {"phase": phase, "startTime": long_ago,
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": long_ago}]},
        }))
    }

    fn usage(values: &[(&str, i64)]) -> BTreeMap<String, Usage> {
        let usage = |value| Usage { value, at: NOW.parse().unwrap(), window: SignedDuration::from_secs(15) };
        values.iter().map(|(pod, value)| ((*pod).to_owned(), usage(*value))).collect()
    }

    fn proposed(
        target: Target,
        pods: &[Arc<Value>],
        values: &[(&str, i64)],
        current: i64,
    ) -> Result<(i64, Option<i64>, i64), ReplicasError> {
        let metric = Metric { resource: "cpu", container: "", target };
        let proposal = metric.propose(pods, &usage(values), current, NOW.parse().unwrap());
        proposal.map(|p| (p.replicas, p.utilization, p.average))
    }

    #[test]
    fn replicas_follow_the_ratio_of_usage_and_target_beyond_the_tolerance() {
        let two = [pod("a", "Running", "True"), pod("b", "Running", "True")];
        for (used, target, wanted) in [
            (150, Target::Utilization(50), (6, Some(150), 150)),
            (55, Target::Utilization(50), (2, Some(55), 55)),
            (56, Target::Utilization(50), (3, Some(56), 56)),
            (45, Target::Utilization(50), (2, Some(45), 45)),
            (20, Target::Utilization(50), (1, Some(20), 20)),
            (0, Target::Utilization(50), (0, Some(0), 0)),
            (300, Target::AverageValue(100), (6, None, 300)),
        ] {
            assert_eq!(
                proposed(target, &two, &[("a", used), ("b", used)], 2),
                Ok(wanted),
                "{used} {target:?}"
            );
        }
    }

    #[test]
    fn a_pod_that_is_not_measured_or_not_ready_holds_up_what_would_be_done() {
        let running = |name| pod(name, "Running", "True");
        let target = Target::Utilization(50);
        // Without the missing pod, one; with it at its request, two.
        let pods = [running("a"), running("b")];
        assert_eq!(proposed(target, &pods, &[("a", 10)], 2), Ok((2, Some(10), 10)));
        // It counts as idle where pods would be added.
        assert_eq!(proposed(target, &pods, &[("a", 150)], 2), Ok((3, Some(150), 150)));
        assert_eq!(proposed(target, &pods, &[("a", 60)], 2), Ok((2, Some(60), 60)));
        let starting = [running("a"), pod("b", "Pending", "False")];
        assert_eq!(proposed(target, &starting, &[("a", 150)], 2), Ok((3, Some(150), 150)));
        assert_eq!(proposed(target, &starting, &[("a", 20)], 2), Ok((1, Some(20), 20)));
        let failed = [running("a"), pod("b", "Failed", "False")];
        assert_eq!(proposed(target, &failed, &[("a", 150), ("b", 1)], 2), Ok((3, Some(150), 150)));
    }

    #[test]
    fn what_cannot_be_computed_is_said_in_the_real_words() {
        let target = Target::Utilization(50);
        let one = [pod("a", "Running", "True")];
        let words = |pods: &[Arc<Value>], usage: &[(&str, i64)]| {
            proposed(target, pods, usage, 1).unwrap_err().to_string()
        };
        assert_eq!(words(&[], &[]), "no pods returned by selector while calculating replica count");
        let unready = "did not receive metrics for targeted pods (pods might be unready)";
        assert_eq!(words(&[pod("a", "Pending", "False")], &[("a", 1)]), unready);
        let mut bare = (*one[0]).clone();
        bare["spec"]["containers"][0]["resources"] = json!({});
        let missing = "missing request for cpu in container c of Pod a";
        assert_eq!(words(&[Arc::new(bare)], &[("a", 1)]), missing);
    }
}
