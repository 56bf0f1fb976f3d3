//! A pod's conditions: the kubelet's five, computed; everybody else's, kept.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::phase::{self, Phase};
use super::request::is_sidecar;

/// The types that the node writes, in the order in which it writes them.
const OWN: [&str; 5] =
    ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/// The input from which the conditions are computed.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The pod, with the conditions it has.
    pub pod: &'a Pod,
    /// The phase that it is in now.
    pub phase: Phase,
    /// The statuses of its init containers, in the order of the spec.
    pub inits: &'a [ContainerStatus],
    /// The statuses of the others.
    pub mains: &'a [ContainerStatus],
    /// True where the instance exists and has its address.
    pub has_address: bool,
    /// The present.
    pub now: Timestamp,
}

struct ConditionState {
    holds: bool,
    reason: Option<&'static str>,
    message: Option<String>,
}

impl ConditionState {
    fn yes() -> Self {
        Self { holds: true, reason: None, message: None }
    }

    fn no(reason: &'static str, message: Option<String>) -> Self {
        Self { holds: false, reason: Some(reason), message }
    }
}

/// All conditions of the pod: others' first, as they are, then the node's own.
pub fn of(facts: Facts<'_>) -> Vec<PodCondition> {
    let old = facts.pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let spec = facts.pod.spec.clone().unwrap_or_default();
    let containers_ready = containers_ready(&facts, &spec);
    let ready = ready(&containers_ready, &spec, old);
    let verdicts = [
        ConditionState { holds: facts.has_address, reason: None, message: None },
        initialized(&facts, &spec),
        ready,
        containers_ready,
        ConditionState::yes(),
    ];
    let mut conditions: Vec<_> = old.iter().filter(|c| !OWN.contains(&c.type_.as_str())).cloned().collect();
    for (type_, verdict) in OWN.into_iter().zip(verdicts) {
        conditions.push(condition(type_, verdict, old, facts.pod.metadata.generation, facts.now));
    }
    conditions
}

fn condition(
    type_: &str,
    verdict: ConditionState,
    old: &[PodCondition],
    generation: Option<i64>,
    now: Timestamp,
) -> PodCondition {
    let status = if verdict.holds { "True" } else { "False" };
    let before = old.iter().find(|condition| condition.type_ == type_);
    let since = before
        .filter(|before| before.status == status)
        .and_then(|before| before.last_transition_time.clone());
    PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: verdict.reason.map(str::to_owned),
        message: verdict.message,
        last_probe_time: None,
        last_transition_time: Some(since.unwrap_or(Time(now))),
        observed_generation: generation,
    }
}

fn names(names: &[&str]) -> String {
    format!("[{}]", names.join(" "))
}

fn unmet(adjective: &str, unknown: &[&str], unready: &[&str]) -> Option<String> {
    let mut parts = Vec::new();
    if !unknown.is_empty() {
        parts.push(format!("containers with unknown status: {}", names(unknown)));
    }
    if !unready.is_empty() {
        parts.push(format!("containers with {adjective} status: {}", names(unready)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn initialized(facts: &Facts<'_>, spec: &PodSpec) -> ConditionState {
    let inits = spec.init_containers.as_deref().unwrap_or_default();
    if facts.phase == Phase::Succeeded {
        return ConditionState { holds: true, reason: Some("PodCompleted"), message: None };
    }
    if inits.is_empty() || facts.mains.iter().any(phase::has_started) {
        return ConditionState::yes();
    }
    if facts.inits.is_empty() {
        return ConditionState::no("UnknownContainerStatuses", None);
    }
    let (mut unknown, mut incomplete) = (Vec::new(), Vec::new());
    for container in inits {
        match facts.inits.iter().find(|status| status.name == container.name) {
            None => unknown.push(container.name.as_str()),
            Some(status) if is_sidecar(container) && status.started == Some(true) => {}
            Some(status) if !is_sidecar(container) && ended_well(status) => {}
            Some(_) => incomplete.push(container.name.as_str()),
        }
    }
    match unmet("incomplete", &unknown, &incomplete) {
        Some(message) => ConditionState::no("ContainersNotInitialized", Some(message)),
        None => ConditionState::yes(),
    }
}

fn ended_well(status: &ContainerStatus) -> bool {
    status
        .state
        .as_ref()
        .and_then(|state| state.terminated.as_ref())
        .is_some_and(|ended| ended.exit_code == 0)
}

fn containers_ready(facts: &Facts<'_>, spec: &PodSpec) -> ConditionState {
    match facts.phase {
        Phase::Succeeded => return ConditionState::no("PodCompleted", None),
        Phase::Failed => return ConditionState::no("PodFailed", None),
        _ if facts.mains.is_empty() && !spec.containers.is_empty() => {
            return ConditionState::no("UnknownContainerStatuses", None);
        }
        _ => {}
    }
    let sidecars = spec.init_containers.iter().flatten().filter(|container| is_sidecar(container));
    let (mut unknown, mut unready) = (Vec::new(), Vec::new());
    for container in sidecars.chain(&spec.containers) {
        match facts.inits.iter().chain(facts.mains).find(|status| status.name == container.name) {
            None => unknown.push(container.name.as_str()),
            Some(status) if !status.ready => unready.push(container.name.as_str()),
            Some(_) => {}
        }
    }
    match unmet("unready", &unknown, &unready) {
        Some(message) => ConditionState::no("ContainersNotReady", Some(message)),
        None => ConditionState::yes(),
    }
}

fn ready(containers: &ConditionState, spec: &PodSpec, conditions: &[PodCondition]) -> ConditionState {
    if !containers.holds {
        return ConditionState {
            holds: false,
            reason: containers.reason,
            message: containers.message.clone(),
        };
    }
    let mut unmet = Vec::new();
    for gate in spec.readiness_gates.iter().flatten().map(|gate| gate.condition_type.as_str()) {
        match conditions.iter().find(|condition| condition.type_ == gate) {
            None => unmet
                .push(format!("corresponding condition of pod readiness gate \"{gate}\" does not exist.")),
            Some(condition) if condition.status != "True" => unmet.push(format!(
                "the status of pod readiness gate \"{gate}\" is not \"True\", but {}",
                condition.status
            )),
            Some(_) => {}
        }
    }
    if unmet.is_empty() {
        ConditionState::yes()
    } else {
        ConditionState::no("ReadinessGatesNotReady", Some(unmet.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-01-05T01:00:00Z";

    fn status(name: &str, state: Value, ready: bool) -> ContainerStatus {
        let started = state.get("running").is_some();
        serde_json::from_value(json!({
            "name": name, "image": "i", "imageID": "", "restartCount": 0, "state": state, "ready": ready, "started": started
        }))
        .unwrap()
    }

    fn conditions(
        pod: Value,
        phase: Phase,
        inits: &[ContainerStatus],
        mains: &[ContainerStatus],
    ) -> Vec<PodCondition> {
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let now = NOW.parse().unwrap();
        of(Facts { pod: &pod, phase, inits, mains, has_address: true, now })
    }

    fn shown(conditions: &[PodCondition], type_: &str) -> String {
        let condition = conditions.iter().find(|condition| condition.type_ == type_).unwrap();
        let parts = [Some(condition.status.clone()), condition.reason.clone(), condition.message.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" | ")
    }

    fn spec() -> Value {
        json!({ "spec": { "initContainers": [{ "name": "i" }], "containers": [{ "name": "a" }, { "name": "b" }] } })
    }

    #[test]
    fn the_node_writes_its_conditions_in_the_kubelet_s_order_after_those_of_others() {
        let mut pod = spec();
        pod["status"] = json!({ "conditions": [
            { "type": "PodScheduled", "status": "True" }, { "type": "DisruptionTarget", "status": "True" }
        ] });
        let types: Vec<_> = conditions(pod, Phase::Pending, &[], &[]).into_iter().map(|c| c.type_).collect();
        assert_eq!(types[0], "DisruptionTarget");
        assert_eq!(types[1..], OWN);
    }

    #[test]
    fn what_is_not_met_names_the_containers() {
        let waiting = |name| status(name, json!({ "waiting": {} }), false);
        let running = |name, ready| status(name, json!({ "running": {} }), ready);
        let early = conditions(spec(), Phase::Pending, &[running("i", true)], &[waiting("a"), waiting("b")]);
        assert_eq!(
            shown(&early, "Initialized"),
            "False | ContainersNotInitialized | containers with incomplete status: [i]"
        );
        let late = conditions(spec(), Phase::Running, &[], &[running("a", true), running("b", false)]);
        assert_eq!(shown(&late, "Initialized"), "True");
        assert_eq!(
            shown(&late, "ContainersReady"),
            "False | ContainersNotReady | containers with unready status: [b]"
        );
        assert_eq!(shown(&late, "Ready"), shown(&late, "ContainersReady"));
        let unknown = conditions(spec(), Phase::Pending, &[], &[running("a", false)]);
        assert_eq!(
            shown(&unknown, "ContainersReady"),
            "False | ContainersNotReady | containers with unknown status: [b], containers with unready status: [a]"
        );
        assert_eq!(
            shown(&conditions(spec(), Phase::Pending, &[], &[]), "Initialized"),
            "False | UnknownContainerStatuses"
        );
    }

    #[test]
    fn a_pod_that_ended_says_how() {
        let ended = |name| status(name, json!({ "terminated": { "exitCode": 0 } }), false);
        let done = conditions(spec(), Phase::Succeeded, &[], &[ended("a"), ended("b")]);
        assert_eq!(shown(&done, "Initialized"), "True | PodCompleted");
        assert_eq!(shown(&done, "Ready"), "False | PodCompleted");
        assert_eq!(
            shown(&conditions(spec(), Phase::Failed, &[], &[ended("a")]), "Ready"),
            "False | PodFailed"
        );
    }

    #[test]
    fn readiness_gates_hold_ready_back_until_somebody_opens_them() {
        let mut pod = json!({ "spec": { "containers": [{ "name": "a" }], "readinessGates": [{ "conditionType": "x/y" }] } });
        let a = [status("a", json!({ "running": {} }), true)];
        assert_eq!(
            shown(&conditions(pod.clone(), Phase::Running, &[], &a), "Ready"),
            "False | ReadinessGatesNotReady | corresponding condition of pod readiness gate \"x/y\" does not exist."
        );
        pod["status"] = json!({ "conditions": [{ "type": "x/y", "status": "False" }] });
        let closed = shown(&conditions(pod.clone(), Phase::Running, &[], &a), "Ready");
        assert!(closed.ends_with("is not \"True\", but False"), "{closed}");
        pod["status"]["conditions"][0]["status"] = json!("True");
        assert_eq!(shown(&conditions(pod, Phase::Running, &[], &a), "Ready"), "True");
    }

    #[test]
    fn the_time_of_a_transition_moves_only_with_the_status() {
        let mut pod = spec();
        pod["status"] = json!({ "conditions": [
            { "type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z" },
            { "type": "PodScheduled", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z" }
        ] });
        let conditions = conditions(pod, Phase::Pending, &[], &[]);
        let since = |type_: &str| {
            let found = conditions.iter().find(|condition| condition.type_ == type_).unwrap();
            found.last_transition_time.as_ref().unwrap().0.to_string()
        };
        assert_eq!(since("Ready"), "2026-01-01T00:00:00Z");
        assert_eq!(since("PodScheduled"), NOW);
    }
}
