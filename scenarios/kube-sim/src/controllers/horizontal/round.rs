//! One look at an autoscaler: what is used, what that asks for, what is done about it, and what is said.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::AUTOSCALERS;
use super::behaviour::{Decision, Desired, History};
use super::metrics::{self, Recommendation};
use crate::controllers::owned::{ConditionTime, PODS, set_condition};
use crate::controllers::recorder::{EventRecord, record};
use crate::kinds::{self, Kind};
use crate::label_selector::selects;
use crate::object::conditions::Condition;
use crate::object::field::{list, name, namespace, number, text};
use crate::object::timestamp;
use crate::service::controller_writes::{replace_as_controller, scale_as_controller};
use crate::sim::KubeSim;
use crate::status::ApiError;
use crate::table::cells;

const COMPONENT: &str = "horizontal-pod-autoscaler";
const UNABLE: &str = "the HPA controller was unable to get the target's current scale";

/// A look at one autoscaler, whose status is written at its end.
struct Round<'a> {
    sim: &'a KubeSim,
    autoscaler: Value,
    now: Timestamp,
}

/// The workload that an autoscaler scales.
struct Workload {
    kind: &'static Kind,
    object: Arc<Value>,
    replicas: i64,
}

/// A workload that cannot be scaled, in the words of the real controller.
#[derive(Debug, thiserror::Error)]
enum WorkloadError {
    /// The version does not read.
    #[error("unexpected GroupVersion string: {0}")]
    Version(String),
    /// There is no such kind.
    #[error("no matches for kind {kind:?} in group {group:?}")]
    Kind { kind: String, group: String },
    /// There is no such object, or its kind has no scale.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// Looks at an autoscaler.
pub async fn run(sim: &KubeSim, stored: &Arc<Value>, history: &mut History) {
    let mut round = Round { sim, autoscaler: (**stored).clone(), now: sim.clock().now() };
    round.look(history).await;
    if round.autoscaler["status"] != stored["status"] {
        // Whoever changed it meanwhile is seen at the next look.
        let _ = replace_as_controller(sim, AUTOSCALERS, stored, round.autoscaler);
    }
}

impl Round<'_> {
    async fn look(&mut self, history: &mut History) {
        let workload = match workload_of(self.sim, &self.autoscaler) {
            Ok(workload) => workload,
            Err(why) => {
                self.warn("FailedGetScale", &why.to_string());
                self.condition("AbleToScale", "False", ("FailedGetScale", &format!("{UNABLE}: {why}")));
                return;
            }
        };
        let able = ("SucceededGetScale", "the HPA controller was able to get the target's current scale");
        self.condition("AbleToScale", "True", able);
        let current = workload.replicas;
        history.begin(current, self.now);
        let min = number(&self.autoscaler, "/spec/minReplicas").unwrap_or(1);
        let max = number(&self.autoscaler, "/spec/maxReplicas").unwrap_or(1);
        let mut measured = Value::Null;
        let (desired, reason) = if current == 0 && min != 0 {
            let why = "scaling is disabled since the replica count of the target is zero";
            self.condition("ScalingActive", "False", ("ScalingDisabled", why));
            (current, String::new())
        } else if current > max {
            (max, "Current number of replicas above Spec.MaxReplicas".to_owned())
        } else if current < min {
            (min, "Current number of replicas below Spec.MinReplicas".to_owned())
        } else {
            let found = self.recommend(&workload).await;
            measured = found.statuses;
            let Some((recommended, metric)) = found.replicas else {
                self.status(current, None, measured);
                return;
            };
            let behavior = self.autoscaler["spec"]["behavior"].clone();
            let wanted = Desired { current, recommended, min, max };
            let decision = history.decide(&behavior, wanted, self.now);
            self.decided(&decision);
            let reason = match recommended.cmp(&current) {
                Ordering::Greater => format!("{metric} above target"),
                Ordering::Less => "All metrics below target".to_owned(),
                Ordering::Equal => String::new(),
            };
            (decision.replicas, reason)
        };
        if desired != current && !self.scale(&workload, desired, &reason).await {
            self.status(current, None, measured);
            return;
        }
        if desired != current && self.autoscaler["spec"]["behavior"].is_object() {
            history.note(current, desired, self.now);
        }
        self.status(current, Some(desired), measured);
    }

    /// Asks the metrics; says what is wrong with them.
    async fn recommend(&mut self, workload: &Workload) -> Recommendation {
        if let Some(why) = self.ambiguity(workload) {
            self.warn("AmbiguousSelector", &why);
            self.condition("ScalingActive", "False", ("AmbiguousSelector", &why));
            self.warn("FailedComputeMetricsReplicas", &why);
            return Recommendation { replicas: None, statuses: Value::Null, failures: Vec::new() };
        }
        let found = metrics::recommend(self.sim, &self.autoscaler, &workload.object, self.now).await;
        for failure in &found.failures {
            self.warn(failure.reason, &failure.message);
        }
        let total = found.failures.len();
        let first = found.failures.first();
        match &found.replicas {
            Some((_, metric)) => {
                let why = format!("the HPA was able to successfully calculate a replica count from {metric}");
                self.condition("ScalingActive", "True", ("ValidMetricFound", &why));
            }
            None => {
                if let Some(first) = first {
                    let why = format!("the HPA was unable to compute the replica count: {}", first.message);
                    self.condition("ScalingActive", "False", (first.reason, &why));
                    let count = list(&self.autoscaler, "/spec/metrics").len();
                    let why = format!(
                        "invalid metrics ({total} invalid out of {count}), first error is: {}: {}",
                        first.about, first.message
                    );
                    self.warn("FailedComputeMetricsReplicas", &why);
                }
            }
        }
        found
    }

    /// What is wrong where another autoscaler's workload selects pods of this one's, too.
    fn ambiguity(&self, workload: &Workload) -> Option<String> {
        let (store, here) = (self.sim.store(), namespace(&self.autoscaler));
        let all = store.list(AUTOSCALERS, Some(here)).0;
        if all.len() < 2 {
            return None;
        }
        let pods = store.list(PODS, Some(here)).0;
        let own = workload.object.pointer("/spec/selector");
        let pods: Vec<_> = pods.iter().filter(|pod| selects(own, pod)).collect();
        let selecting = all.iter().filter(|other| {
            let workload = workload_of(self.sim, other).ok();
            let selector = workload.as_ref().and_then(|workload| workload.object.pointer("/spec/selector"));
            pods.iter().any(|pod| selects(selector, pod))
        });
        let selecting: Vec<_> = selecting.map(|other| format!("{{{} {here}}}", name(other))).collect();
        let selector = cells::selector(&workload.object, "/spec/selector");
        let (selector, several) = (selector.as_str().unwrap_or_default(), selecting.join(" "));
        let why = || format!("pods by selector {selector} are controlled by multiple HPAs: [{several}]");
        (selecting.len() > 1).then(why)
    }

    fn decided(&mut self, decision: &Decision) {
        self.condition("AbleToScale", "True", decision.able);
        let limited = if decision.is_limited { "True" } else { "False" };
        self.condition("ScalingLimited", limited, decision.limit);
    }

    /// Scales the workload; true when that worked.
    async fn scale(&mut self, workload: &Workload, replicas: i64, reason: &str) -> bool {
        match scale_as_controller(self.sim, workload.kind, &workload.object, replicas).await {
            Ok(()) => {
                let why = format!("the HPA controller was able to update the target scale to {replicas}");
                self.condition("AbleToScale", "True", ("SucceededRescale", &why));
                let what = format!("New size: {replicas}; reason: {reason}");
                self.emit("Normal", "SuccessfulRescale", &what);
                self.autoscaler["status"]["lastScaleTime"] = timestamp::seconds(self.now).into();
                true
            }
            Err(error) => {
                self.warn(
                    "FailedRescale",
                    &format!("New size: {replicas}; reason: {reason}; error: {error}"),
                );
                let why = format!("the HPA controller was unable to update the target scale: {error}");
                self.condition("AbleToScale", "False", ("FailedUpdateScale", &why));
                false
            }
        }
    }

    /// Writes the numbers of the status; without `desired`, what was desired before stays.
    fn status(&mut self, current: i64, desired: Option<i64>, measured: Value) {
        let status = &mut self.autoscaler["status"];
        let mut next = json!({});
        if let Some(last) = status.get("lastScaleTime") {
            next["lastScaleTime"] = last.clone();
        }
        if current != 0 {
            next["currentReplicas"] = current.into();
        }
        next["desiredReplicas"] = desired.or_else(|| number(status, "/desiredReplicas")).unwrap_or(0).into();
        next["currentMetrics"] = measured;
        if status["conditions"].is_array() {
            next["conditions"] = status["conditions"].clone();
        }
        *status = next;
    }

    fn condition(&mut self, kind: &str, status: &str, (reason, message): (&str, &str)) {
        let condition = Condition { kind, status, reason, message };
        set_condition(&mut self.autoscaler, &condition, ConditionTime::Transition, self.now);
    }

    fn warn(&self, reason: &str, message: &str) {
        self.emit("Warning", reason, message);
    }

    fn emit(&self, kind: &str, reason: &str, message: &str) {
        record(self.sim, &self.autoscaler, EventRecord { kind, reason, message, component: COMPONENT });
    }
}

/// Finds what an autoscaler scales.
fn workload_of(sim: &KubeSim, autoscaler: &Value) -> Result<Workload, WorkloadError> {
    let of = |key: &str| text(autoscaler, &format!("/spec/scaleTargetRef/{key}"));
    let (version, known) = (of("apiVersion"), of("kind"));
    let group = match version.split('/').collect::<Vec<_>>().as_slice() {
        [_] => "",
        [group, _] => *group,
        _ => return Err(WorkloadError::Version(version.to_owned())),
    };
    let unknown = || WorkloadError::Kind { kind: known.to_owned(), group: group.to_owned() };
    let kind = kinds::named(group, known).ok_or_else(unknown)?;
    if !kind.subresources.iter().any(|below| below.name == "scale") {
        return Err(ApiError::no_such_resource().into());
    }
    let object = sim.store().get(kind.storage(), namespace(autoscaler), of("name"));
    let object = object.ok_or_else(|| ApiError::not_found(kind, of("name")))?;
    let replicas = number(&object, "/spec/replicas").unwrap_or(1);
    Ok(Workload { kind, object, replicas })
}
