//! Events on pods and on the node, with repeats counted instead of repeated, never in anybody's way.

mod pace;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use determinism::Clock;
use eci_api::group;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Event, EventSource, Node, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::mpsc;

use pace::Pace;

/// Repeats within this time are counted on the first event.
const SAME: SignedDuration = SignedDuration::from_mins(10);
/// The count of repeats is written no more often than this.
const COUNT_PERIOD: SignedDuration = SignedDuration::from_mins(5);
/// The events that one object may have at once, and the time until it may have one more.
const BURST: u32 = 25;
const ONE_MORE: SignedDuration = SignedDuration::from_mins(5);
/// Limit of the wait for an event that must be on record before what follows it.
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);
/// Events that wait to be written, at most: those of a thousand pods that start at once.
const WAITING_MAX: usize = 4096;
const REMEMBERED_MAX: usize = 4096;

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// As it should be.
    Normal,
    /// Somebody should look.
    Warning,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Takes events; clones share one queue. What cannot be written is dropped.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<PendingEvent>,
    client: Client,
    /// Names of the events that were recorded past the queue; at most [`REMEMBERED_MAX`].
    recorded: Arc<Mutex<BTreeSet<String>>>,
    node: String,
    clock: Clock,
}

/// Writes what a [`Recorder`] takes; to be run beside everything else.
pub struct Writer {
    queue: mpsc::Receiver<PendingEvent>,
    client: Client,
    memory: Memory,
    pace: Pace,
}

#[derive(Debug, Clone)]
struct PendingEvent {
    about: ObjectReference,
    event_type: EventType,
    reason: String,
    message: String,
    source: EventSource,
    first: Timestamp,
    last: Timestamp,
    count: i32,
    /// The cloud's own name for it, or what is said once of a pod, which makes it one event however often it is read.
    known_as: Option<String>,
}

/// A recorder for the node `node`, and its writer.
pub fn channel(client: Client, node: &str, clock: Clock) -> (Recorder, Writer) {
    let (sender, queue) = mpsc::channel(WAITING_MAX);
    let (node, recorded) = (node.to_owned(), Arc::default());
    let recorder = Recorder { queue: sender, client: client.clone(), recorded, node, clock };
    (recorder, Writer { queue, client, memory: Memory::default(), pace: Pace::default() })
}

impl Recorder {
    /// Says something about a pod.
    pub fn pod(&self, pod: &Pod, event_type: EventType, reason: &str, message: &str) {
        self.emit(pod_reference(pod, None), event_type, reason, message);
    }

    /// Says something about a pod that stays true for its whole life: one event, however often and by however many processes
    /// it is said.
    pub fn pod_once(&self, pod: &Pod, event_type: EventType, reason: &str, message: &str) {
        drop(self.queue.try_send(self.pod_fact(pod, event_type, reason, message)));
    }

    /// Says something that is said once of `subject`, as the id of a pod's group, in whatever words.
    pub fn pod_once_of(&self, pod: &Pod, event_type: EventType, reason: &str, subject: &str, message: &str) {
        let known_as = Some(subject.to_owned());
        let event = self.pending(pod_reference(pod, None), event_type, (reason, message), known_as);
        drop(self.queue.try_send(event));
    }

    /// Writes such a thing past the queue, and returns when it is on record, was refused, or 5 s have passed: for what nobody
    /// would say again, should this process end after the call that follows.
    pub async fn record_pod_once(&self, pod: &Pod, event_type: EventType, reason: &str, message: &str) {
        let event = self.pod_fact(pod, event_type, reason, message);
        let name = name(&event, &event.key());
        let recorded = || self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded().contains(&name) {
            return;
        }
        let writing = write(&self.client, event, Correlation::Write { name: name.clone() });
        match tokio::time::timeout(RECORD_TIMEOUT, writing).await {
            Ok(Ok(())) => {
                let mut recorded = recorded();
                if recorded.len() >= REMEMBERED_MAX {
                    recorded.clear(); // those that are said again are refused as known
                }
                recorded.insert(name);
            }
            Ok(Err(error)) => tracing::debug!(%error, "an event was not written"),
            Err(_) => tracing::debug!(name, "an event was not written in time"),
        }
    }

    fn pod_fact(&self, pod: &Pod, event_type: EventType, reason: &str, message: &str) -> PendingEvent {
        let known_as = Some(message.to_owned());
        self.pending(pod_reference(pod, None), event_type, (reason, message), known_as)
    }

    /// Says something about one container of a pod.
    pub fn container(&self, pod: &Pod, container: &str, event_type: EventType, reason: &str, message: &str) {
        self.emit(
            pod_reference(pod, Some(format!("spec.containers{{{container}}}"))),
            event_type,
            reason,
            message,
        );
    }

    /// Says something about the node.
    pub fn node(&self, node: &Node, event_type: EventType, reason: &str, message: &str) {
        let about = ObjectReference {
            kind: Some("Node".to_owned()),
            api_version: Some("v1".to_owned()),
            name: node.metadata.name.clone(),
            uid: node.metadata.uid.clone(),
            ..ObjectReference::default()
        };
        self.emit(about, event_type, reason, message);
    }

    /// Repeats on a pod what the cloud said about its group.
    pub fn cloud(&self, pod: &Pod, event: &group::Event) {
        let now = self.clock.now();
        let time = |text: &str| text.parse().unwrap_or(now);
        let known_as = if event.name.is_empty() {
            format!("{}/{}/{}", event.reason, event.message, event.first_timestamp)
        } else {
            event.name.clone()
        };
        let event = PendingEvent {
            about: pod_reference(pod, None),
            event_type: if event.is_warning() { EventType::Warning } else { EventType::Normal },
            reason: event.reason.clone(),
            message: event.message.clone(),
            source: EventSource { component: Some("kubelet".to_owned()), host: Some("eci".to_owned()) },
            first: time(&event.first_timestamp),
            last: time(&event.last_timestamp),
            count: event.count.max(1),
            known_as: Some(known_as),
        };
        drop(self.queue.try_send(event));
    }

    fn emit(&self, about: ObjectReference, event_type: EventType, reason: &str, message: &str) {
        drop(self.queue.try_send(self.pending(about, event_type, (reason, message), None)));
    }

    fn pending(
        &self,
        about: ObjectReference,
        event_type: EventType,
        (reason, message): (&str, &str),
        known_as: Option<String>,
    ) -> PendingEvent {
        let now = self.clock.now();
        let source = EventSource { component: Some("kubelet".to_owned()), host: Some(self.node.clone()) };
        let message: String = message.chars().take(1024).collect();
        let reason = reason.to_owned();
        PendingEvent { about, event_type, reason, message, source, first: now, last: now, count: 1, known_as }
    }
}

fn pod_reference(pod: &Pod, field_path: Option<String>) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        api_version: Some("v1".to_owned()),
        namespace: pod.metadata.namespace.clone(),
        name: pod.metadata.name.clone(),
        uid: pod.metadata.uid.clone(),
        resource_version: pod.metadata.resource_version.clone(),
        field_path,
    }
}

/// The events of late, so that repeats are counted and no object has too many.
#[derive(Default)]
struct Memory {
    records: BTreeMap<Key, EventRecord>,
    budgets: BTreeMap<String, (u32, Timestamp)>,
}

/// Object, type, reason and words, by which an event is known again.
type Key = (String, EventType, String, String);

struct EventRecord {
    name: String,
    count: i32,
    last: Timestamp,
    written: Timestamp,
}

enum Correlation {
    Write { name: String },
    Count { name: String, count: i32 },
    Drop,
}

impl Memory {
    fn judge(&mut self, event: &PendingEvent) -> Correlation {
        let key = event.key();
        let object = key.0.clone();
        if let Some(record) = self.records.get_mut(&key) {
            if event.known_as.is_some() {
                if event.count <= record.count {
                    return Correlation::Drop;
                }
                record.count = event.count;
                return Correlation::Count { name: record.name.clone(), count: record.count };
            }
            if event.last.duration_since(record.last) < SAME {
                (record.count, record.last) = (record.count + 1, event.last);
                if event.last.duration_since(record.written) < COUNT_PERIOD {
                    return Correlation::Drop;
                }
                record.written = event.last;
                return Correlation::Count { name: record.name.clone(), count: record.count };
            }
        }
        if !self.may_speak(&object, event.last) {
            return Correlation::Drop;
        }
        if self.records.len() >= REMEMBERED_MAX {
            self.forget(event.last);
        }
        let name = name(event, &key);
        self.records.insert(
            key,
            EventRecord { name: name.clone(), count: event.count, last: event.last, written: event.last },
        );
        Correlation::Write { name }
    }

    fn may_speak(&mut self, object: &str, now: Timestamp) -> bool {
        let (left, since) = self.budgets.entry(object.to_owned()).or_insert((BURST, now));
        let passed = now.duration_since(*since).as_secs() / ONE_MORE.as_secs();
        if passed > 0 {
            *left = left.saturating_add(u32::try_from(passed).unwrap_or(BURST)).min(BURST);
            *since = now;
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    fn forget(&mut self, now: Timestamp) {
        let recent = |last: Timestamp| now.duration_since(last) < SAME;
        self.records.retain(|_, record| recent(record.last));
        self.budgets.retain(|_, (_, since)| recent(*since));
        while self.records.len() >= REMEMBERED_MAX {
            self.records.pop_first();
        }
    }
}

impl PendingEvent {
    fn key(&self) -> Key {
        let object = self.about.uid.clone().or_else(|| self.about.name.clone()).unwrap_or_default();
        let message = self.known_as.clone().unwrap_or_else(|| self.message.clone());
        (object, self.event_type, self.reason.clone(), message)
    }
}

/// The object's name and sixteen hex digits: of what it is known as, or of what is said and when.
fn name(event: &PendingEvent, key: &Key) -> String {
    let when = event.known_as.is_none().then(|| event.first.as_nanosecond());
    let text = format!("{key:?} {when:?}");
    let hash = eci_api::signature::acs3::sha256_hex(text.as_bytes());
    format!("{}.{}", event.about.name.as_deref().unwrap_or_default(), &hash[..16])
}

impl Writer {
    /// Writes until nobody can say anything any more.
    pub async fn run(mut self) {
        while let Some(event) = self.queue.recv().await {
            let verdict = self.memory.judge(&event);
            if !matches!(verdict, Correlation::Drop) {
                self.pace.turn().await;
            }
            if let Err(error) = write(&self.client, event, verdict).await {
                tracing::debug!(%error, "an event was not written");
            }
        }
    }
}

async fn write(client: &Client, event: PendingEvent, verdict: Correlation) -> kube::Result<()> {
    let namespace = event.about.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
    match verdict {
        Correlation::Drop => Ok(()),
        Correlation::Count { name, count } => {
            let change = json!({ "count": count, "lastTimestamp": Time(event.last) });
            api.patch(&name, &PatchParams::default(), &Patch::Merge(change)).await.map(|_| ())
        }
        Correlation::Write { name } => {
            let event = Event {
                metadata: ObjectMeta {
                    name: Some(name),
                    namespace: Some(namespace),
                    ..ObjectMeta::default()
                },
                involved_object: event.about,
                type_: Some(event.event_type.as_str().to_owned()),
                reason: Some(event.reason),
                message: Some(event.message),
                reporting_component: event.source.component.clone(),
                reporting_instance: event.source.host.clone(),
                source: Some(event.source),
                first_timestamp: Some(Time(event.first)),
                last_timestamp: Some(Time(event.last)),
                count: Some(event.count),
                ..Event::default()
            };
            match api.create(&PostParams::default(), &event).await {
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
                other => other.map(|_| ()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(message: &str, second: i64, known_as: Option<&str>, count: i32) -> PendingEvent {
        let at: Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
        let at = at + SignedDuration::from_secs(second);
        PendingEvent {
            about: ObjectReference { name: Some("p".into()), uid: Some("u".into()), ..Default::default() },
            event_type: EventType::Warning,
            reason: "ProviderCreateFailed".into(),
            message: message.into(),
            source: EventSource::default(),
            first: at,
            last: at,
            count,
            known_as: known_as.map(str::to_owned),
        }
    }

    #[test]
    fn a_repeat_is_counted_on_the_first_event() {
        let mut memory = Memory::default();
        let Correlation::Write { name: first } = memory.judge(&event("no stock", 0, None, 1)) else {
            panic!("written")
        };
        assert!(
            matches!(memory.judge(&event("no stock", 60, None, 1)), Correlation::Drop),
            "counted, not written"
        );
        let Correlation::Count { name, count } = memory.judge(&event("no stock", 300, None, 1)) else {
            panic!("counted")
        };
        assert_eq!((name, count), (first, 3));
        assert!(matches!(memory.judge(&event("no stock", 1000, None, 1)), Correlation::Write { .. }));
    }

    #[test]
    fn the_cloud_s_event_is_one_event_however_often_it_is_read() {
        let mut memory = Memory::default();
        let Correlation::Write { name } = memory.judge(&event("Pulling", 0, Some("g.1"), 1)) else {
            panic!("written")
        };
        assert!(matches!(memory.judge(&event("Pulling", 2, Some("g.1"), 1)), Correlation::Drop));
        assert!(matches!(
            memory.judge(&event("Pulling", 9, Some("g.1"), 3)),
            Correlation::Count { count: 3, .. }
        ));
        let Correlation::Write { name: again } =
            Memory::default().judge(&event("Pulling", 5000, Some("g.1"), 1))
        else {
            panic!("written")
        };
        assert_eq!(name, again, "another provider gives it the same name");
    }

    #[test]
    fn nobody_shouts() {
        let mut memory = Memory::default();
        let spoken = |memory: &mut Memory, second| {
            matches!(
                memory.judge(&event(&format!("message {second}"), second, None, 1)),
                Correlation::Write { .. }
            )
        };
        assert_eq!((0..40).filter(|second| spoken(&mut memory, *second)).count(), BURST as usize);
        assert!(spoken(&mut memory, 400));
    }
}
