//! Usage of the pods, as the cloud measures it; read at most once in ten seconds, whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use determinism::Clock;
use eci_api::actions::DescribeMultiContainerGroupMetric;
use eci_api::actions::describe_multi_container_group_metric::Record;
use eci_api::group::{ContainerGroup, ContainerGroupStatus};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::Mutex;

use crate::eci::{Eci, EciError};
use crate::pods::store::PodStore;

/// The most groups that one call may name (eci-openapi.md, section 8).
const AT_ONCE: usize = 20;
/// The time for which a reading is good: the cloud makes a new record every fifteen seconds.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(10);

/// The usage of all pods at one time.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// The time of the reading.
    pub at: Timestamp,
    /// The pods that run, by namespace and name.
    pub pods: Vec<PodUsage>,
    /// Nanoseconds of a vCPU that pods have used since the provider began to read. It never falls, also when a pod goes.
    pub spent: u64,
}

/// The usage of one pod.
#[derive(Debug, Clone)]
pub(super) struct PodUsage {
    pub pod: Arc<Pod>,
    pub record: Record,
    pub group: Arc<ContainerGroup>,
}

/// Reads what pods use; clones share what was read.
#[derive(Clone)]
pub(super) struct Meter(Arc<Inner>);

struct Inner {
    store: PodStore,
    eci: Eci,
    clock: Clock,
    began: Timestamp,
    state: Mutex<MeterState>,
}

#[derive(Default)]
struct MeterState {
    reading: Option<Arc<Reading>>,
    /// The counter of each pod when it was last read, by its UID.
    counters: BTreeMap<String, u64>,
    spent: u64,
}

impl Meter {
    pub fn new(store: PodStore, eci: Eci, clock: Clock) -> Self {
        let began = clock.now();
        Self(Arc::new(Inner { store, eci, clock, began, state: Mutex::default() }))
    }

    /// The time since which this provider reads.
    pub fn began(&self) -> Timestamp {
        self.0.began
    }

    /// The usage now, at most ten seconds old. Callers at the same time get the same answer.
    ///
    /// # Errors
    /// The cloud's, and then nothing is known.
    pub async fn read(&self) -> Result<Arc<Reading>, EciError> {
        let mut state = self.0.state.lock().await;
        let now = self.0.clock.now();
        if let Some(reading) = &state.reading
            && now.duration_since(reading.at) < GOOD_FOR
        {
            return Ok(Arc::clone(reading));
        }
        let pods = self.0.pods().await?;
        let reading = Arc::new(Reading { at: now, spent: state.count(&pods), pods });
        state.reading = Some(Arc::clone(&reading));
        Ok(reading)
    }
}

impl Inner {
    async fn pods(&self) -> Result<Vec<PodUsage>, EciError> {
        let mut by_group: BTreeMap<String, (Arc<Pod>, Arc<ContainerGroup>)> = BTreeMap::new();
        for pod in self.store.pods() {
            let view = pod.metadata.uid.as_deref().and_then(|uid| self.store.get(uid));
            if let Some(group) = view
                .and_then(|view| view.group)
                .filter(|group| group.parsed_status() == ContainerGroupStatus::Running)
            {
                by_group.insert(group.container_group_id.clone(), (pod, group));
            }
        }
        let ids: Vec<String> = by_group.keys().cloned().collect();
        let mut pods = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let asked = DescribeMultiContainerGroupMetric {
                container_group_ids: Some(serde_json::json!(some).to_string()),
                region_id: Some(self.eci.region().to_owned()),
                ..DescribeMultiContainerGroupMetric::default()
            };
            for data in self.eci.call(&asked).await?.monitor_datas {
                let known = by_group.get(&data.container_group_id);
                if let (Some((pod, group)), Some(record)) = (known, data.records.into_iter().next_back()) {
                    pods.push(PodUsage { pod: Arc::clone(pod), group: Arc::clone(group), record });
                }
            }
        }
        pods.sort_by(|one, other| one.names().cmp(&other.names()));
        Ok(pods)
    }
}

impl MeterState {
    /// Adds what was used since the last reading. A counter that fell has begun anew, with its container.
    fn count(&mut self, pods: &[PodUsage]) -> u64 {
        let mut counters = BTreeMap::new();
        for pod in pods {
            let uid = pod.pod.metadata.uid.clone().unwrap_or_default();
            let counter = pod.spent();
            let before = self.counters.get(&uid).copied().filter(|before| *before <= counter);
            self.spent = self.spent.saturating_add(counter - before.unwrap_or(0));
            counters.insert(uid, counter);
        }
        self.counters = counters;
        self.spent
    }
}

impl PodUsage {
    /// The pod's namespace and its name.
    pub fn names(&self) -> (&str, &str) {
        let metadata = &self.pod.metadata;
        (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
    }

    /// The time of the cloud's measurement; `otherwise` when the cloud does not say so.
    pub fn at(&self, otherwise: Timestamp) -> Timestamp {
        self.record.timestamp.parse().unwrap_or(otherwise)
    }

    /// Nanoseconds of a vCPU that it has used.
    pub fn spent(&self) -> u64 {
        self.record.cpu.as_ref().map_or(0, |cpu| positive(cpu.usage_core_nano_seconds))
    }

    /// The time at which a container of the pod began to run.
    pub fn began(&self, container: &str) -> Option<Timestamp> {
        let found = self.group.containers.iter().find(|each| each.name == container)?;
        found.current_state.as_ref()?.start_time.parse().ok()
    }
}

/// A measure, which is never below nothing, whatever the cloud says.
pub(super) fn positive(measure: i64) -> u64 {
    u64::try_from(measure).unwrap_or(0)
}
