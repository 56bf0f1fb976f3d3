//! The place of a load: a world, its clock, and what can be measured there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use determinism::{Clock, Seed};
use eci_sim::{Entry, Latency};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use provider::pods::quantity;
use rust_decimal::Decimal;
use tokio::sync::mpsc::UnboundedReceiver;

use super::calls::{ApiCalls, CallCounts, since};
use super::error::LoadError;
use super::history::{Counts, Life};
use super::plan::Plan;
use super::processes::{CpuMark, Process, ProcessUsage};
use super::report::{ActionCalls, Gathered, LoadOutcome, Money};
use crate::cloud::Cloud;
use crate::cluster::{Embedded, NODE, ProviderSettings, SharedCluster, WorldParts};
use crate::eci::Eci;
use crate::objects::{Fields, objects};
use crate::stage::World;

/// The choices of a place.
#[derive(Debug, Clone, Default)]
pub struct PlaceSettings {
    /// Resources that the node offers, as `cpu=4,pods=2`.
    pub capacity: Option<String>,
    /// Rates at which the provider calls the cloud, such as `unlimited`; the published ones where nothing is said.
    pub cloud_rates: Option<String>,
    /// Latency of the cloud's steps; where nothing is said, the one that it has.
    pub latency: Option<Latency>,
    /// True when the cloud throttles calls by the published numbers a minute.
    pub throttling: bool,
}

/// A world that is ready for a load.
pub struct Place {
    world: World,
    clock: Clock,
    cluster: String,
    stepped: bool,
    processes: Vec<Process>,
}

impl Place {
    /// The embedded cluster in stepped time, on a runtime of one thread whose clock is paused.
    ///
    /// # Errors
    /// [`LoadError`] when a part does not start.
    pub async fn stepped(seed: Seed, settings: PlaceSettings) -> Result<Self, LoadError> {
        let world = World::builder().seed(seed).start().await?;
        let cluster = format!("{}, stepped time", crate::cluster::EMBEDDED);
        let clock = world.clock().clone();
        Self { world, clock, cluster, stepped: true, processes: Vec::new() }.set(settings, true).await
    }

    /// The embedded cluster in the machine's time, without a socket.
    ///
    /// # Errors
    /// [`LoadError`] when a part does not start.
    pub async fn embedded(seed: Seed, settings: PlaceSettings) -> Result<Self, LoadError> {
        let clock = Clock::monotonic();
        let parts = WorldParts { eci: Eci::here(&clock, seed), clock: clock.clone(), seed, tap: None };
        let cluster = Embedded::start(parts.clone()).await?;
        let world = World::of(Box::new(cluster), parts, PathBuf::from("."));
        let cluster = crate::cluster::EMBEDDED.to_owned();
        Self { world, clock, cluster, stepped: false, processes: Vec::new() }.set(settings, true).await
    }

    /// A real cluster in the machine's time.
    ///
    /// # Errors
    /// [`LoadError`] when a part does not start.
    pub async fn shared(
        shared: &mut SharedCluster,
        seed: Seed,
        settings: PlaceSettings,
    ) -> Result<Self, LoadError> {
        let cluster = shared.name().to_owned();
        let world = shared.world_in_machine_time(seed, ".").await?;
        let of_pods = matches!(world.cloud(), Cloud::There(_));
        let clock = if of_pods { Clock::monotonic() } else { world.clock().clone() };
        let processes = shared.processes();
        Self { world, clock, cluster, stepped: false, processes }.set(settings, !of_pods).await
    }

    /// Applies the settings; the provider begins anew with its own, where it is ours.
    async fn set(mut self, settings: PlaceSettings, ours: bool) -> Result<Self, LoadError> {
        let PlaceSettings { capacity, cloud_rates, latency, throttling } = settings;
        match self.world.cloud() {
            Cloud::Here(eci) => {
                latency.into_iter().for_each(|latency| eci.control().set_latency(latency));
                eci.control().set_throttling(throttling);
            }
            Cloud::There(control) => {
                if let Some(latency) = latency {
                    control.set_latency(latency).await?;
                }
                control.set_throttling(throttling).await?;
            }
        }
        if ours {
            let calls = Some(ApiCalls::default());
            let settings = ProviderSettings { capacity, cloud_rates, calls, ..ProviderSettings::default() };
            self.world.configure_provider(settings).await?;
            self.world.stop_provider().await?;
            self.world.start_provider().await?;
        } else if capacity.is_some() || cloud_rates.is_some() {
            return Err(LoadError::Refused(
                "the provider of this cluster was installed by its chart: --capacity and --cloud-rates are set there".to_owned(),
            ));
        }
        Ok(self)
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The clock by which the history is written.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The ledger's entries from now on; `None` where the cloud has another clock than the history.
    pub(super) fn ledger(&self) -> Option<UnboundedReceiver<Entry>> {
        self.world.cloud().here().map(|eci| eci.control().follow_ledger())
    }

    /// Fails where the node offers less than the pods of the plan ask for.
    pub(super) async fn require_room(&self, plan: &Plan) -> Result<(), LoadError> {
        let node = objects::<Node>(self.world.kube(), None).get_opt(NODE).await?;
        let pods = Decimal::from(plan.pods);
        for (resource, each, example) in [
            ("pods", "1", "1"),
            ("cpu", plan.cpu.as_str(), "0.25"),
            ("memory", plan.memory.as_str(), "512Mi"),
        ] {
            let wrong = || LoadError::Size { text: each.to_owned(), flag: resource, example };
            let each = quantity::parse(each).filter(|each| *each > Decimal::ZERO).ok_or_else(wrong)?;
            let offered =
                node.as_ref().and_then(|node| node.text(&format!("/status/allocatable/{resource}")));
            let room = offered.and_then(quantity::parse);
            let asked = each.checked_mul(pods).ok_or_else(wrong)?;
            if let (Some(offered), true) = (offered, room.is_some_and(|room| room < asked)) {
                return Err(LoadError::NoRoom {
                    pods: plan.pods,
                    resource,
                    requested: asked.normalize().to_string(),
                    offered: offered.to_owned(),
                    node: NODE,
                });
            }
        }
        Ok(())
    }

    /// Ends what was started for the world.
    pub async fn end(self) {
        self.world.end().await;
    }
}

/// The marks at the begin of a run, from which its usage counts.
pub(super) struct Meter {
    kubernetes: Option<CallCounts>,
    eci: BTreeMap<(String, String), u64>,
    cpu: CpuMark,
}

/// The usage of a run.
pub(super) struct Usage {
    kubernetes: Option<CallCounts>,
    eci: Option<BTreeMap<String, ActionCalls>>,
    processes: Vec<ProcessUsage>,
    money: Option<Money>,
}

impl Meter {
    /// Marks where the run begins.
    pub(super) async fn begin(place: &Place) -> Self {
        let measured = place.world.measurements().await;
        let embedded = place.cluster.starts_with(crate::cluster::EMBEDDED);
        let name = if embedded {
            "this program: load, Kubernetes API, provider, local ECI"
        } else {
            "this program: load, local ECI"
        };
        let mut processes = vec![Process { name: name.to_owned(), id: std::process::id() }];
        processes.extend(measured.processes);
        processes.extend(place.processes.iter().cloned());
        Self { kubernetes: measured.calls, eci: eci_counts(place), cpu: CpuMark::now(&processes) }
    }

    /// The usage since the begin.
    pub(super) async fn end(self, place: &Place) -> Usage {
        let now = place.world.measurements().await.calls;
        let kubernetes = self.kubernetes.zip(now).map(|(before, now)| since(&before, &now));
        let eci = place.world.cloud().here().map(|_| by_action(&self.eci, &eci_counts(place)));
        let money = place.world.cloud().cost().await.ok().map(|(currency, cost)| Money {
            currency: currency.to_string(),
            amount: cost.known().ok().map(|amount| amount.decimal()),
        });
        Usage { kubernetes, eci, processes: self.cpu.usage(), money }
    }
}

impl Usage {
    /// Puts everything together.
    pub(super) fn gathered(
        self,
        place: &Place,
        (began, micros): (Timestamp, u64),
        ended: LoadOutcome,
        (counts, lives, failure): (Counts, Vec<Life>, Option<String>),
    ) -> Gathered {
        let Self { kubernetes, eci, processes, money } = self;
        let (cluster, seed) = (place.cluster.clone(), place.world.seed().to_string());
        let stepped = place.stepped;
        Gathered {
            cluster,
            stepped,
            seed,
            began,
            micros,
            ended,
            lives,
            counts,
            failure,
            kubernetes,
            eci,
            processes,
            money,
        }
    }
}

/// The calls to a cloud in this process, by operation and error code.
fn eci_counts(place: &Place) -> BTreeMap<(String, String), u64> {
    place.world.cloud().here().map(|eci| eci.control().call_counts()).unwrap_or_default()
}

/// The calls since some were counted before, by operation.
fn by_action(
    before: &BTreeMap<(String, String), u64>,
    now: &BTreeMap<(String, String), u64>,
) -> BTreeMap<String, ActionCalls> {
    let mut actions: BTreeMap<String, ActionCalls> = BTreeMap::new();
    for (key @ (action, code), count) in now {
        let more = count.saturating_sub(before.get(key).copied().unwrap_or_default());
        if more == 0 {
            continue;
        }
        let calls = actions.entry(action.clone()).or_default();
        calls.calls += more;
        match code.as_str() {
            "" => {}
            code if code.starts_with("Throttling") => calls.throttled += more,
            _ => calls.refused += more,
        }
    }
    actions
}
