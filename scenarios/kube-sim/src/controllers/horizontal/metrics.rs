//! What an autoscaler's metrics recommend: each is asked for its number of replicas, and the highest counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::replicas::{Metric, Proposal, Target, Usage};
use crate::controllers::owned::PODS;
use crate::label_selector::selects;
use crate::measures;
use crate::object::field::{list, name, namespace, number, text};
use crate::object::quantity::thousandths;
use crate::object::timestamp;
use crate::sim::KubeSim;

const NO_CUSTOM: &str = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
const NO_EXTERNAL: &str = "unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered";

/// What the metrics recommend.
pub struct Recommendation {
    /// The number of replicas and the metric it comes from; `None` where nothing may be concluded.
    pub replicas: Option<(i64, String)>,
    /// `status.currentMetrics`.
    pub statuses: Value,
    /// The metrics that gave no number.
    pub failures: Vec<Failure>,
}

/// A metric that gave no number.
pub struct Failure {
    /// The reason of its event and of the condition, as in `FailedGetResourceMetric`.
    pub reason: &'static str,
    /// What was not found, in the words of the error that holds all.
    pub about: String,
    /// The error.
    pub message: String,
}

/// A metric's number of replicas, and its status.
struct Estimate {
    replicas: i64,
    metric: String,
    status: Value,
}

/// Asks the metrics of an autoscaler about the pods of its workload.
pub async fn recommend(
    sim: &KubeSim,
    autoscaler: &Value,
    workload: &Value,
    now: Timestamp,
) -> Recommendation {
    let selector = workload.pointer("/spec/selector");
    let pods: Vec<_> = sim.store().list(PODS, Some(namespace(workload))).0;
    let pods: Vec<_> = pods.into_iter().filter(|pod| selects(selector, pod)).collect();
    let measured = measures::of_pods(sim, &pods).await;
    let current = number(workload, "/spec/replicas").unwrap_or(1);
    let asked = Evaluation { pods: &pods, measured: &measured, namespace: namespace(workload), current, now };
    let (mut best, mut statuses, mut failures): (Option<(i64, String)>, _, _) =
        (None, Vec::new(), Vec::new());
    for metric in list(autoscaler, "/spec/metrics") {
        match asked.answer(metric) {
            Ok(answer) => {
                if best.as_ref().is_none_or(|(replicas, _)| answer.replicas > *replicas || *replicas == 0) {
                    best = Some((answer.replicas, answer.metric));
                }
                statuses.push(answer.status);
            }
            Err(failure) => {
                failures.push(failure);
                statuses.push(json!({"type": ""}));
            }
        }
    }
    // With one metric unknown, nothing is taken away.
    let replicas = best.filter(|(replicas, _)| failures.is_empty() || *replicas >= current);
    Recommendation { replicas, statuses: statuses.into(), failures }
}

/// What metrics are asked about.
struct Evaluation<'a> {
    pods: &'a [Arc<Value>],
    measured: &'a [Value],
    namespace: &'a str,
    current: i64,
    now: Timestamp,
}

impl Evaluation<'_> {
    fn answer(&self, metric: &Value) -> Result<Estimate, Failure> {
        let kind = text(metric, "/type");
        match kind {
            "Resource" => self.resource(kind, &metric["resource"]),
            "ContainerResource" => self.resource(kind, &metric["containerResource"]),
            "Pods" => Err(Failure {
                reason: "FailedGetPodsMetric",
                about: "failed to get pods metric value".to_owned(),
                message: format!("unable to get metric {}: {NO_CUSTOM}", text(metric, "/pods/metric/name")),
            }),
            "Object" => {
                let of = |key: &str| text(metric, &format!("/object/{key}"));
                let (metric, kind, known) =
                    (of("metric/name"), of("describedObject/kind"), of("describedObject/name"));
                let place = self.namespace;
                Err(Failure {
                    reason: "FailedGetObjectMetric",
                    about: "failed to get object metric value".to_owned(),
                    message: format!("unable to get metric {metric}: {kind} on {place} {known}/{NO_CUSTOM}"),
                })
            }
            _ => {
                let known = text(metric, "/external/metric/name");
                Err(Failure {
                    reason: "FailedGetExternalMetric",
                    about: format!("failed to get {known} external metric value"),
                    message: format!(
                        "unable to get external metric {}/{known}: {NO_EXTERNAL}",
                        self.namespace
                    ),
                })
            }
        }
    }

    fn resource(&self, kind: &str, source: &Value) -> Result<Estimate, Failure> {
        let (resource, container) = (text(source, "/name"), text(source, "/container"));
        let target = match number(source, "/target/averageUtilization") {
            Some(percent) => Target::Utilization(percent),
            None => Target::AverageValue(whole(&source["target"]["averageValue"])),
        };
        let aim = match target {
            Target::Utilization(_) => "utilization",
            Target::AverageValue(_) => "usage",
        };
        let failure = |why: String| {
            let (reason, about) = match kind {
                "Resource" => {
                    ("FailedGetResourceMetric", format!("failed to get {resource} resource metric value"))
                }
                _ => (
                    "FailedGetContainerResourceMetric",
                    format!("failed to get {container} container metric value"),
                ),
            };
            Failure { reason, about, message: format!("failed to get {resource} {aim}: {why}") }
        };
        if self.measured.is_empty() {
            let why = "no metrics returned from resource metrics API";
            return Err(failure(format!("unable to get metrics for resource {resource}: {why}")));
        }
        let usage = self.usage(resource, container);
        let metric = Metric { resource, container, target };
        let proposal = metric.propose(self.pods, &usage, self.current, self.now);
        let proposal = proposal.map_err(|error| failure(error.to_string()))?;
        Ok(Estimate {
            replicas: proposal.replicas,
            metric: metric_name(kind, resource, target),
            status: status(kind, source, &proposal),
        })
    }

    /// The usage of each pod that is measured; of one that lacks a container's, none.
    fn usage(&self, resource: &str, container: &str) -> BTreeMap<String, Usage> {
        let measured = self.measured.iter().filter_map(|measured| {
            let containers = list(measured, "/containers").iter();
            let containers = containers.filter(|own| container.is_empty() || text(own, "/name") == container);
            let values: Option<Vec<i64>> =
                containers.map(|own| own["usage"].get(resource).map(whole)).collect();
            let values = values.filter(|values| !values.is_empty())?;
            let window = text(measured, "/window").parse().unwrap_or(SignedDuration::ZERO);
            let at = timestamp::read(measured, "/timestamp").unwrap_or(self.now);
            Some((name(measured).to_owned(), Usage { value: values.iter().sum(), at, window }))
        });
        measured.collect()
    }
}

/// A metric as events name it.
fn metric_name(kind: &str, resource: &str, target: Target) -> String {
    match (kind, target) {
        (_, Target::AverageValue(_)) => format!("{resource} resource"),
        ("Resource", _) => format!("{resource} resource utilization (percentage of request)"),
        _ => format!("{resource} container resource utilization (percentage of request)"),
    }
}

fn status(kind: &str, source: &Value, proposal: &Proposal) -> Value {
    let resource = text(source, "/name");
    let mut current = json!({});
    if let Some(percent) = proposal.utilization {
        current["averageUtilization"] = percent.into();
    }
    current["averageValue"] = amount(resource, proposal.average).into();
    let mut own = json!({"name": resource, "current": current});
    if kind == "Resource" {
        return json!({"type": kind, "resource": own});
    }
    own["container"] = source["container"].clone();
    json!({"type": kind, "containerResource": own})
}

/// Thousandths of a unit as the real controller writes them: memory in powers of two.
fn amount(resource: &str, thousandths: i64) -> String {
    if resource == "memory" && thousandths % 1000 == 0 {
        return measures::memory_quantity(u64::try_from(thousandths / 1000).unwrap_or(0));
    }
    let text = format!("{thousandths}m");
    let canonical = text.parse::<quantity::Quantity>().ok().and_then(quantity::Quantity::canonical);
    canonical.unwrap_or(text)
}

fn whole(quantity: &Value) -> i64 {
    i64::try_from(thousandths(quantity)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_real_controller_writes_them() {
        for (resource, thousandths, wanted) in [
            ("cpu", 1500, "1500m"),
            ("cpu", 2000, "2"),
            ("memory", 5_242_880_000, "5Mi"),
            ("memory", 1_000_000_000, "1000000"),
            ("memory", 1_500, "1500m"),
            ("memory", 0, "0"),
        ] {
            assert_eq!(amount(resource, thousandths), wanted);
        }
    }
}
