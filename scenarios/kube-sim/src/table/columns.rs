//! The columns of each kind, and what stands in them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::{self, since};
use crate::kinds::Kind;
use crate::pods::field::{entries, flag, is_leaving, list, name, number, text};
use crate::pods::{conditions, instant};

/// A column; wide ones are shown by `-o wide`.
#[derive(Debug, Clone, Copy)]
pub struct Column(&'static str, &'static str, bool);

/// What stands in the row of an object.
pub type Row = fn(&Value, Timestamp) -> Vec<Value>;

impl Column {
    /// As it stands in a table.
    pub fn definition(&self) -> Value {
        let format = if self.0 == "Name" { "name" } else { "" };
        json!({"name": self.0, "type": self.1, "format": format, "description": self.0, "priority": i32::from(self.2)})
    }
}

const fn text_column(name: &'static str) -> Column {
    Column(name, "string", false)
}

const fn number_column(name: &'static str) -> Column {
    Column(name, "integer", false)
}

const fn wide(name: &'static str) -> Column {
    Column(name, "string", true)
}

const NAME: Column = text_column("Name");
const AGE: Column = text_column("Age");

/// The columns of a kind and how to fill them.
pub fn of(kind: &Kind) -> (&'static [Column], Row) {
    match kind.resource {
        "pods" => (
            const {
                &[
                    NAME,
                    text_column("Ready"),
                    text_column("Status"),
                    text_column("Restarts"),
                    AGE,
                    wide("IP"),
                    wide("Node"),
                    wide("Nominated Node"),
                    wide("Readiness Gates"),
                ]
            },
            pod,
        ),
        "nodes" => (
            const {
                &[
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
                ]
            },
            node,
        ),
        "namespaces" => (const { &[NAME, text_column("Status"), AGE] }, |object, now| {
            vec![name(object).into(), text(object, "/status/phase").into(), age_of(object, now)]
        }),
        "events" => (
            const {
                &[
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
                ]
            },
            event,
        ),
        "services" => (
            const {
                &[
                    NAME,
                    text_column("Type"),
                    text_column("Cluster-IP"),
                    text_column("External-IP"),
                    text_column("Port(s)"),
                    AGE,
                    wide("Selector"),
                ]
            },
            service,
        ),
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
        _ => workload(kind),
    }
}

fn workload(kind: &Kind) -> (&'static [Column], Row) {
    match kind.resource {
        "deployments" => (
            const {
                &[
                    NAME,
                    text_column("Ready"),
                    number_column("Up-to-date"),
                    number_column("Available"),
                    AGE,
                    wide("Containers"),
                    wide("Images"),
                    wide("Selector"),
                ]
            },
            |object, now| {
                let ready =
                    format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"));
                let updated = count(object, "/status/updatedReplicas").into();
                let available = count(object, "/status/availableReplicas").into();
                let mut cells =
                    vec![name(object).into(), ready.into(), updated, available, age_of(object, now)];
                cells.extend(template(object));
                cells
            },
        ),
        "replicasets" => (
            const {
                &[
                    NAME,
                    number_column("Desired"),
                    number_column("Current"),
                    number_column("Ready"),
                    AGE,
                    wide("Containers"),
                    wide("Images"),
                    wide("Selector"),
                ]
            },
            |object, now| {
                let counts = ["/spec/replicas", "/status/replicas", "/status/readyReplicas"];
                let mut cells = vec![name(object).into()];
                cells.extend(counts.map(|path| count(object, path).into()));
                cells.push(age_of(object, now));
                cells.extend(template(object));
                cells
            },
        ),
        "jobs" => (
            const {
                &[
                    NAME,
                    text_column("Status"),
                    text_column("Completions"),
                    text_column("Duration"),
                    AGE,
                    wide("Containers"),
                    wide("Images"),
                    wide("Selector"),
                ]
            },
            job,
        ),
        "priorityclasses" => (
            const {
                &[
                    NAME,
                    number_column("Value"),
                    text_column("Global-Default"),
                    AGE,
                    text_column("PreemptionPolicy"),
                ]
            },
            |object, now| {
                let default = flag(object, "/globalDefault");
                let policy = text(object, "/preemptionPolicy");
                vec![
                    name(object).into(),
                    count(object, "/value").into(),
                    default.into(),
                    age_of(object, now),
                    policy.into(),
                ]
            },
        ),
        "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
            (const { &[NAME, number_column("Webhooks"), AGE] }, |object, now| {
                vec![name(object).into(), list(object, "/webhooks").len().into(), age_of(object, now)]
            })
        }
        _ => (const { &[NAME, AGE] }, |object, now| vec![name(object).into(), age_of(object, now)]),
    }
}

fn age_of(object: &Value, now: Timestamp) -> Value {
    since(object, "/metadata/creationTimestamp", now).into()
}

fn count(object: &Value, path: &str) -> i64 {
    number(object, path).unwrap_or(0)
}

fn or_none(text: String) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn template(object: &Value) -> [Value; 3] {
    let containers = list(object, "/spec/template/spec/containers");
    let joined = |path: &str| containers.iter().map(|c| text(c, path)).collect::<Vec<_>>().join(",");
    let selector = entries(object, "/spec/selector/matchLabels");
    let selector: Vec<_> =
        selector.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    [joined("/name").into(), joined("/image").into(), or_none(selector.join(","))]
}

fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let condition = |kind: &str| conditions::holds(object, kind);
    let status = match () {
        () if condition("Complete") => "Complete",
        () if condition("Failed") => "Failed",
        () if is_leaving(object) => "Terminating",
        () if condition("Suspended") => "Suspended",
        () => "Running",
    };
    let wanted = number(object, "/spec/completions").map_or("1".to_owned(), |n| n.to_string());
    let completions = format!("{}/{wanted}", count(object, "/status/succeeded"));
    let started = instant::read(object, "/status/startTime");
    let ended = instant::read(object, "/status/completionTime").unwrap_or(now);
    let duration = started.map(|from| age::between(from, ended)).unwrap_or_default();
    let mut cells =
        vec![name(object).into(), status.into(), completions.into(), duration.into(), age_of(object, now)];
    cells.extend(template(object));
    cells
}

fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports = list(object, "/spec/ports").iter().map(|port| {
        let (number, protocol) = (count(port, "/port"), text(port, "/protocol"));
        match count(port, "/nodePort") {
            0 => format!("{number}/{protocol}"),
            node => format!("{number}:{node}/{protocol}"),
        }
    });
    let ports: Vec<_> = ports.collect();
    let external =
        list(object, "/status/loadBalancer/ingress").iter().map(|ingress| text(ingress, "/ip").to_owned());
    let external: Vec<_> = external.collect();
    let pending = text(object, "/spec/type") == "LoadBalancer" && external.is_empty();
    let selector = entries(object, "/spec/selector");
    let selector: Vec<_> =
        selector.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    vec![
        name(object).into(),
        text(object, "/spec/type").into(),
        or_none(text(object, "/spec/clusterIP").to_owned()),
        if pending { "<pending>".into() } else { or_none(external.join(",")) },
        or_none(ports.join(",")),
        age_of(object, now),
        or_none(selector.join(",")),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let last = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let last =
        last.into_iter().find(|path| instant::read(object, path).is_some()).unwrap_or("/lastTimestamp");
    let first = ["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let first =
        first.into_iter().find(|path| instant::read(object, path).is_some()).unwrap_or("/firstTimestamp");
    let about = format!(
        "{}/{}",
        text(object, "/involvedObject/kind").to_lowercase(),
        text(object, "/involvedObject/name")
    );
    let source = match text(object, "/source/component") {
        "" => text(object, "/reportingComponent").to_owned(),
        component if text(object, "/source/host").is_empty() => component.to_owned(),
        component => format!("{component}, {}", text(object, "/source/host")),
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
        counted.iter().filter_map(|status| instant::read(status, "/lastState/terminated/finishedAt")).max();
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
    if is_leaving(pod) && !matches!(phase, "Succeeded" | "Failed") {
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
