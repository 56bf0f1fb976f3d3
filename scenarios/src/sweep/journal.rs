//! The journal of one run: what both sides were asked, what they answered, and what became of pods and groups.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use determinism::Clock;
use jiff::Timestamp;
use serde_json::Value;

use super::injection_point::InjectionPoint;
use super::perturbation::Perturbation;
use crate::objects::Fields;

/// A journal that is being written; clones write the same.
#[derive(Debug, Clone)]
pub struct Journal {
    clock: Clock,
    entries: Arc<Mutex<Vec<Entry>>>,
    secrets: Arc<Mutex<BTreeSet<String>>>,
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The world's time.
    pub at: Timestamp,
    /// The occurrence.
    pub what: Occurrence,
}

/// The kinds of things that a journal tells of.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    /// The case's step of this index begins.
    Step(usize, String),
    /// A step did not come out as the case says.
    Missed(usize, String),
    /// A provider process starts; lives count from 0.
    Started(u32),
    /// A provider process is killed.
    Killed(u32),
    /// A perturbation takes place.
    Perturbed(InjectionPoint, Perturbation),
    /// The provider asked Kubernetes.
    Kube(KubeCall),
    /// The provider asked the cloud.
    Cloud(CloudCall),
    /// A watch event reached the provider: its number, the life, and the event in short.
    Event(u32, u32, String),
    /// A pod was written, or removed.
    Pod(PodWrite),
    /// The node was made (`true`) or removed.
    Node(bool),
    /// An event object was written: about which object, its reason and message.
    KubeEvent(String, String, String),
    /// A group came to a state in the cloud; `Deleted` when it is gone.
    Group(GroupMove),
    /// A container of this group ended.
    ContainerEnded(String),
    /// Nothing is perturbed any more, no fault is laid, and the provider runs.
    Healed,
    /// From here on nothing is done to the world.
    Quiet,
    /// The end.
    End,
}

/// One call to Kubernetes, with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct KubeCall {
    /// The number among all calls of the provider.
    pub number: u32,
    /// The life that asked.
    pub life: u32,
    /// The method, or `WATCH`.
    pub verb: String,
    /// The path, without the query.
    pub path: String,
    /// The body of a write, as it was sent; most are told of by nobody, and so are not read here.
    pub body: Bytes,
    /// The answer.
    pub answer: CallOutcome,
}

/// One call to the cloud, with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudCall {
    /// The number among all calls of the provider.
    pub number: u32,
    /// The life that asked.
    pub life: u32,
    /// The operation.
    pub action: String,
    /// The groups that it names, or that its answer tells of, each with its state where that is told.
    pub groups: Vec<String>,
    /// The pod's UID by its tag, of a creation.
    pub uid: String,
    /// The token that makes it idempotent.
    pub token: String,
    /// The answer.
    pub answer: CallOutcome,
}

/// The answer that a caller got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// An HTTP status, and the cloud's code of a refusal.
    Status(u16, String),
    /// Nothing: the connection broke, or the caller was dead by then.
    Nothing,
}

/// One state of a pod in the API.
#[derive(Debug, Clone, PartialEq)]
pub struct PodWrite {
    /// The object, as stored.
    pub object: Arc<Value>,
    /// True where the pod is gone with this.
    pub removed: bool,
}

/// One step in a group's life, as the cloud's own ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMove {
    /// The group's id.
    pub id: String,
    /// The pod's UID, by its tag.
    pub uid: String,
    /// The state it came to.
    pub state: String,
}

impl Journal {
    /// An empty one, dated by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock, entries: Arc::default(), secrets: Arc::default() }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds what happens now.
    pub fn write(&self, what: Occurrence) {
        let at = self.clock.now();
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push(Entry { at, what });
    }

    /// Keeps a text that may stand nowhere: not in the journal itself, and not in the log.
    pub fn keep_secret(&self, secret: String) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(secret);
    }

    /// The texts that may stand nowhere.
    pub fn secrets(&self) -> BTreeSet<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes out all that was written.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CallOutcome {
    /// True of an answer that says that the call was carried out.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Status(200..=299, _))
    }
}

impl KubeCall {
    /// The body, read; null where there is none.
    pub fn document(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// True of a call that changes something.
    pub fn writes(&self) -> bool {
        !matches!(self.verb.as_str(), "GET" | "WATCH")
    }
}

impl PodWrite {
    /// A text in the object.
    pub fn text(&self, pointer: &str) -> &str {
        self.object.text(pointer).unwrap_or_default()
    }

    /// The pod's UID.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// The pod's namespace and name.
    pub fn name(&self) -> String {
        format!("{}/{}", self.text("/metadata/namespace"), self.text("/metadata/name"))
    }

    /// The pod's phase.
    pub fn phase(&self) -> &str {
        self.text("/status/phase")
    }

    /// True while the pod is being deleted.
    pub fn is_leaving(&self) -> bool {
        !self.text("/metadata/deletionTimestamp").is_empty()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} {}", self.at, self.what)
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(index, words) => write!(f, "step {} {words}", index + 1),
            Self::Missed(index, why) => write!(f, "step {} was not met: {why}", index + 1),
            Self::Started(life) => write!(f, "provider {life} starts"),
            Self::Killed(life) => write!(f, "provider {life} is killed"),
            Self::Perturbed(place, perturbation) => write!(f, "{perturbation} at {place}"),
            Self::Kube(call) => write!(f, "{call}"),
            Self::Cloud(call) => write!(f, "{call}"),
            Self::Event(number, life, event) => write!(f, "event-{number} of provider {life}: {event}"),
            Self::Pod(pod) => write!(f, "{pod}"),
            Self::Node(true) => f.write_str("the node is made"),
            Self::Node(false) => f.write_str("the node is removed"),
            Self::KubeEvent(about, reason, message) => write!(f, "event {reason} about {about}: {message}"),
            Self::Group(GroupMove { id, uid, state }) => write!(f, "group {id} of {uid} is {state}"),
            Self::ContainerEnded(id) => write!(f, "a container of {id} ended"),
            Self::Healed => f.write_str("healed"),
            Self::Quiet => f.write_str("quiet"),
            Self::End => f.write_str("end"),
        }
    }
}

impl fmt::Display for KubeCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, life, verb, path, body, answer } = self;
        write!(f, "call-{number} of provider {life}: {verb} {path} → {answer}")?;
        if body.is_empty() { Ok(()) } else { write!(f, " {}", String::from_utf8_lossy(body)) }
    }
}

impl fmt::Display for CloudCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, life, action, groups, uid, token, answer } = self;
        write!(f, "call-{number} of provider {life}: {action} → {answer}")?;
        for (name, value) in [("of", uid), ("token", token)] {
            if !value.is_empty() {
                write!(f, " {name} {value}")?;
            }
        }
        if groups.is_empty() { Ok(()) } else { write!(f, " [{}]", groups.join(", ")) }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status, code) if code.is_empty() => write!(f, "{status}"),
            Self::Status(status, code) => write!(f, "{status} {code}"),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for PodWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.removed { "is gone" } else { "is" };
        let version = self.text("/metadata/resourceVersion");
        write!(f, "pod {} {} {what} {version}", self.name(), self.uid())?;
        if self.is_leaving() {
            f.write_str(" leaving")?;
        }
        write!(f, " {} {}", self.object["metadata"]["annotations"], self.object["status"])
    }
}
