//! The columns of each kind, and their cells.

use jiff::Timestamp;
use serde_json::Value;

use super::age::{self, since};
use super::cells::{AGE, Column, NAME, Row, age_of, count, number_column, or_none, text_column, wide};
use super::{network, workloads};
use crate::kinds::Kind;
use crate::object::field::{entries, flag, is_terminating, list, name, number, text};
use crate::object::{conditions, timestamp};

const PODS: &[Column] = &[
    NAME,
    text_column("Ready"),
    text_column("Status"),
    text_column("Restarts"),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
];

const NODES: &[Column] = &[
    NAME,
    text_column("Status"),
    text_column("Roles"),
    AGE,
    text_column("Version"),
    wide("Internal-IP"),
    wide("External-IP"),
    wide("OS-Image"),
    wide("Kernel-Version"),
    wide("Container-Runtime"),
];

const EVENTS: &[Column] = &[
    text_column("Last Seen"),
    text_column("Type"),
    text_column("Reason"),
    text_column("Object"),
    wide("Subobject"),
    wide("Source"),
    text_column("Message"),
    wide("First Seen"),
    wide("Count"),
    wide("Name"),
];

const PRIORITIES: &[Column] =
    &[NAME, number_column("Value"), text_column("Global-Default"), AGE, text_column("PreemptionPolicy")];

/// The columns of the `scale` of any workload, and the function that makes its row.
pub const SCALE: (&[Column], Row) =
    (&[NAME, number_column("Desired"), number_column("Available"), AGE], |object, now| {
        let [desired, available] =
            ["/spec/replicas", "/status/replicas"].map(|path| count(object, path).into());
        vec![name(object).into(), desired, available, age_of(object, now)]
    });

/// The columns of a kind, and the function that makes its rows.
pub fn of(kind: &Kind) -> (&'static [Column], Row) {
    match kind.resource {
        // They are called like what they are of.
        _ if kind.traits.measured => (kind.rules.columns, kind.rules.row),
        "pods" => (PODS, pod),
        "nodes" => (NODES, node),
        "namespaces" => (const { &[NAME, text_column("Status"), AGE] }, |object, now| {
            vec![name(object).into(), text(object, "/status/phase").into(), age_of(object, now)]
        }),
        "events" => (EVENTS, event),
        "configmaps" => (const { &[NAME, number_column("Data"), AGE] }, |object, now| {
            let data = entries(object, "/data").count() + entries(object, "/binaryData").count();
            vec![name(object).into(), data.into(), age_of(object, now)]
        }),
        "secrets" => (const { &[NAME, text_column("Type"), number_column("Data"), AGE] }, |object, now| {
            let data = entries(object, "/data").count();
            vec![name(object).into(), text(object, "/type").into(), data.into(), age_of(object, now)]
        }),
        "serviceaccounts" => (const { &[NAME, number_column("Secrets"), AGE] }, |object, now| {
            vec![name(object).into(), list(object, "/secrets").len().into(), age_of(object, now)]
        }),
        "leases" => (const { &[NAME, text_column("Holder"), AGE] }, |object, now| {
            vec![name(object).into(), text(object, "/spec/holderIdentity").into(), age_of(object, now)]
        }),
        "priorityclasses" => (PRIORITIES, |object, now| {
            let default = flag(object, "/globalDefault");
            let policy = text(object, "/preemptionPolicy");
            vec![
                name(object).into(),
                count(object, "/value").into(),
                default.into(),
                age_of(object, now),
                policy.into(),
            ]
        }),
        "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
            (const { &[NAME, number_column("Webhooks"), AGE] }, |object, now| {
                vec![name(object).into(), list(object, "/webhooks").len().into(), age_of(object, now)]
            })
        }
        _ => {
            network::of(kind).or_else(|| workloads::of(kind)).unwrap_or((kind.rules.columns, kind.rules.row))
        }
    }
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let last = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let last =
        last.into_iter().find(|path| timestamp::read(object, path).is_some()).unwrap_or("/lastTimestamp");
    let first = ["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let first =
        first.into_iter().find(|path| timestamp::read(object, path).is_some()).unwrap_or("/firstTimestamp");
    let about = format!(
        "{}/{}",
        text(object, "/involvedObject/kind").to_lowercase(),
        text(object, "/involvedObject/name")
    );
    let first_of =
        |paths: [&str; 2]| paths.into_iter().map(|path| text(object, path)).find(|text| !text.is_empty());
    let component = first_of(["/source/component", "/reportingComponent"]).unwrap_or_default();
    let source = match first_of(["/source/host", "/reportingInstance"]) {
        Some(host) => format!("{component}, {host}"),
        None => component.to_owned(),
    };
    vec![
        since(object, last, now).into(),
        text(object, "/type").into(),
        text(object, "/reason").into(),
        about.into(),
        text(object, "/involvedObject/fieldPath").into(),
        source.into(),
        text(object, "/message").trim().into(),
        since(object, first, now).into(),
        number(object, "/count").unwrap_or(1).to_string().into(),
        name(object).into(),
    ]
}

fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = conditions::find(object, "Ready").map(|condition| text(condition, "/status"));
    let mut status = match ready {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if flag(object, "/spec/unschedulable") {
        status.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<&str> = entries(object, "/metadata/labels")
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => value.as_str(),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    let address = |kind: &str| {
        let found = list(object, "/status/addresses").iter().find(|address| text(address, "/type") == kind);
        or_none(found.map(|address| text(address, "/address").to_owned()).unwrap_or_default())
    };
    let info = |key: &str| {
        let value = text(object, &format!("/status/nodeInfo/{key}"));
        if value.is_empty() { Value::from("<unknown>") } else { value.into() }
    };
    vec![
        name(object).into(),
        status.into(),
        or_none(roles.join(",")),
        age_of(object, now),
        text(object, "/status/nodeInfo/kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn pod(object: &Value, now: Timestamp) -> Vec<Value> {
    let mains = list(object, "/status/containerStatuses");
    let sidecars = sidecars(object);
    let counted: Vec<&Value> = mains.iter().chain(sidecars.iter().copied()).collect();
    let ready = counted
        .iter()
        .filter(|status| flag(status, "/ready") && status.pointer("/state/running").is_some())
        .count();
    let total = list(object, "/spec/containers").len() + sidecar_names(object).len();
    let gates = list(object, "/spec/readinessGates");
    let gates_true =
        gates.iter().filter(|gate| conditions::holds(object, text(gate, "/conditionType"))).count();
    let gates = if gates.is_empty() { "<none>".to_owned() } else { format!("{gates_true}/{}", gates.len()) };
    vec![
        name(object).into(),
        format!("{ready}/{total}").into(),
        pod_status(object).into(),
        restarts(object, &counted, now).into(),
        age_of(object, now),
        or_none(text(object, "/status/podIP").to_owned()),
        or_none(text(object, "/spec/nodeName").to_owned()),
        or_none(text(object, "/status/nominatedNodeName").to_owned()),
        gates.into(),
    ]
}

fn sidecar_names(pod: &Value) -> Vec<&str> {
    let inits = list(pod, "/spec/initContainers").iter();
    inits.filter(|c| text(c, "/restartPolicy") == "Always").map(|c| text(c, "/name")).collect()
}

fn sidecars(pod: &Value) -> Vec<&Value> {
    let names = sidecar_names(pod);
    list(pod, "/status/initContainerStatuses")
        .iter()
        .filter(|status| names.contains(&text(status, "/name")))
        .collect()
}

fn restarts(pod: &Value, counted: &[&Value], now: Timestamp) -> String {
    let initialised = conditions::holds(pod, "Initialized");
    let inits: Vec<&Value> = list(pod, "/status/initContainerStatuses").iter().collect();
    let counted = if initialised || inits.is_empty() { counted } else { &inits };
    let total: i64 = counted.iter().map(|status| count(status, "/restartCount")).sum();
    let last =
        counted.iter().filter_map(|status| timestamp::read(status, "/lastState/terminated/finishedAt")).max();
    match last.filter(|_| total > 0) {
        Some(at) => format!("{total} ({} ago)", age::between(at, now)),
        None => total.to_string(),
    }
}

/// The word that `kubectl get pods` shows.
fn pod_status(pod: &Value) -> String {
    let phase = text(pod, "/status/phase");
    let reason = text(pod, "/status/reason");
    let mut word = if reason.is_empty() { phase.to_owned() } else { reason.to_owned() };
    if let Some(condition) = conditions::find(pod, "PodScheduled")
        && text(condition, "/reason") == "SchedulingGated"
    {
        "SchedulingGated".clone_into(&mut word);
    }
    let initialising = init_status(pod);
    match &initialising {
        Some(init) => init.clone_into(&mut word),
        None => main_status(pod, &mut word),
    }
    if is_terminating(pod) && !matches!(phase, "Succeeded" | "Failed") {
        return if reason == "NodeLost" { "Unknown".to_owned() } else { "Terminating".to_owned() };
    }
    word
}

fn init_status(pod: &Value) -> Option<String> {
    let sidecars = sidecar_names(pod);
    let total = list(pod, "/spec/initContainers").len();
    for (at, status) in list(pod, "/status/initContainerStatuses").iter().enumerate() {
        let terminated = status.pointer("/state/terminated").filter(|t| !t.is_null());
        let done = terminated.is_some_and(|t| count(t, "/exitCode") == 0);
        let started_sidecar = sidecars.contains(&text(status, "/name")) && flag(status, "/started");
        if done || started_sidecar {
            continue;
        }
        if let Some(terminated) = terminated {
            let reason = text(terminated, "/reason");
            return Some(match (reason, count(terminated, "/signal")) {
                ("", 0) => format!("Init:ExitCode:{}", count(terminated, "/exitCode")),
                ("", signal) => format!("Init:Signal:{signal}"),
                (reason, _) => format!("Init:{reason}"),
            });
        }
        let waiting = text(status, "/state/waiting/reason");
        if !waiting.is_empty() && waiting != "PodInitializing" {
            return Some(format!("Init:{waiting}"));
        }
        return Some(format!("Init:{at}/{total}"));
    }
    None
}

fn main_status(pod: &Value, word: &mut String) {
    let mut running = false;
    for status in list(pod, "/status/containerStatuses").iter().rev() {
        let waiting = text(status, "/state/waiting/reason");
        let terminated = status.pointer("/state/terminated").filter(|t| !t.is_null());
        if !waiting.is_empty() {
            waiting.clone_into(word);
        } else if let Some(terminated) = terminated {
            *word = match (text(terminated, "/reason"), count(terminated, "/signal")) {
                ("", 0) => format!("ExitCode:{}", count(terminated, "/exitCode")),
                ("", signal) => format!("Signal:{signal}"),
                (reason, _) => reason.to_owned(),
            };
        } else if flag(status, "/ready") && status.pointer("/state/running").is_some_and(|r| !r.is_null()) {
            running = true;
        }
    }
    if word == "Completed" && running {
        let ready = conditions::holds(pod, "Ready");
        (if ready { "Running" } else { "NotReady" }).clone_into(word);
    }
}
