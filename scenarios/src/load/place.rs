//! The place of a load: a world or a node that is not ours, its clock, and what can be measured there.

use std::path::PathBuf;

use determinism::{Clock, Seed};
use eci_sim::{Entry, Latency};
use k8s_openapi::api::core::v1::Node;
use provider::pods::quantity;
use rust_decimal::Decimal;
use tokio::sync::mpsc::UnboundedReceiver;

use super::calls::ApiCalls;
use super::error::LoadError;
use super::plan::Plan;
use super::processes::Process;
use crate::cloud::Cloud;
use crate::cluster::{Embedded, ForeignNode, NODE, ProviderSettings, SharedCluster, WorldParts};
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
    /// Virtual nodes beside the first, each with a provider of its own; on the embedded cluster alone.
    pub more_nodes: u32,
    /// Processes that somebody else started, whose CPU time and memory are told as well.
    pub processes: Vec<Process>,
}

/// What is ready for a load.
enum Target {
    /// A world of ours.
    World(Box<World>),
    /// A node that a program keeps which is not ours.
    Foreign { client: kube::Client, namespace: String, node: String, seed: Seed },
}

/// A cluster that is ready for a load.
pub struct Place {
    target: Target,
    clock: Clock,
    cluster: String,
    stepped: bool,
    nodes: u32,
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
        Self::of(world, clock, cluster, true).set(settings, true).await
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
        Self::of(world, clock, cluster, false).set(settings, true).await
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
        if settings.more_nodes > 0 {
            return Err(LoadError::Refused(
                "--nodes goes with the embedded cluster; on a real one there is the node that is started"
                    .to_owned(),
            ));
        }
        let place = Self { processes: shared.processes(), ..Self::of(world, clock, cluster, false) };
        place.set(settings, !of_pods).await
    }

    /// A node that somebody else's program keeps, in the machine's time.
    ///
    /// # Errors
    /// [`LoadError::Refused`] for settings of programs that are not ours.
    pub fn foreign(foreign: &ForeignNode, seed: Seed, settings: PlaceSettings) -> Result<Self, LoadError> {
        let PlaceSettings { capacity, cloud_rates, latency, throttling, more_nodes, processes } = settings;
        if capacity.is_some() || cloud_rates.is_some() || latency.is_some() || throttling || more_nodes > 0 {
            return Err(LoadError::Refused(
                "--capacity, --cloud-rates, --latency, --throttling and --nodes are for programs that the load starts; with --node they are set \
                 where that node's program is started"
                    .to_owned(),
            ));
        }
        let (client, namespace) = (foreign.client(), foreign.home().to_owned());
        let target = Target::Foreign { client, namespace, node: foreign.node().to_owned(), seed };
        let cluster = foreign.name().to_owned();
        Ok(Self { target, clock: Clock::monotonic(), cluster, stepped: false, nodes: 1, processes })
    }

    fn of(world: World, clock: Clock, cluster: String, stepped: bool) -> Self {
        Self {
            target: Target::World(Box::new(world)),
            clock,
            cluster,
            stepped,
            nodes: 1,
            processes: Vec::new(),
        }
    }

    /// Applies the settings; the provider begins anew with its own, where it is ours.
    async fn set(mut self, settings: PlaceSettings, ours: bool) -> Result<Self, LoadError> {
        let PlaceSettings { capacity, cloud_rates, latency, throttling, more_nodes, processes } = settings;
        self.processes.extend(processes);
        self.nodes = more_nodes.saturating_add(1);
        let Target::World(world) = &mut self.target else { return Ok(self) };
        match world.cloud() {
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
            let settings =
                ProviderSettings { capacity, cloud_rates, calls, more_nodes, ..ProviderSettings::default() };
            world.configure_provider(settings).await?;
            world.stop_provider().await?;
            world.start_provider().await?;
        } else if capacity.is_some() || cloud_rates.is_some() {
            return Err(LoadError::Refused(
                "the provider of this cluster was installed by its chart: --capacity and --cloud-rates are set there".to_owned(),
            ));
        }
        Ok(self)
    }

    /// The world; `None` where the node is somebody else's.
    pub fn world(&self) -> Option<&World> {
        match &self.target {
            Target::World(world) => Some(world),
            Target::Foreign { .. } => None,
        }
    }

    /// A client with every right that the load needs.
    pub(super) fn client(&self) -> kube::Client {
        match &self.target {
            Target::World(world) => world.kube(),
            Target::Foreign { client, .. } => client.clone(),
        }
    }

    /// The namespace of the load's objects.
    pub(super) fn namespace(&self) -> &str {
        match &self.target {
            Target::World(world) => world.home(),
            Target::Foreign { namespace, .. } => namespace,
        }
    }

    /// The name of the pods' node.
    fn node(&self) -> &str {
        match &self.target {
            Target::World(_) => NODE,
            Target::Foreign { node, .. } => node,
        }
    }

    /// The seed of all randomness.
    pub(super) fn seed(&self) -> Seed {
        match &self.target {
            Target::World(world) => world.seed(),
            Target::Foreign { seed, .. } => *seed,
        }
    }

    /// The cluster's name.
    pub(super) fn cluster(&self) -> &str {
        &self.cluster
    }

    /// True where time is stepped.
    pub(super) fn is_stepped(&self) -> bool {
        self.stepped
    }

    /// The processes of the cluster, and those that the settings name.
    pub(super) fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The clock by which the history is written.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The ledger's entries from now on; `None` where the cloud has another clock than the history.
    pub(super) fn ledger(&self) -> Option<UnboundedReceiver<Entry>> {
        self.world()?.cloud().here().map(|eci| eci.control().follow_ledger())
    }

    /// Fails where the nodes, which are all alike, offer less than the pods of the plan ask for.
    pub(super) async fn require_room(&self, plan: &Plan) -> Result<(), LoadError> {
        let node = objects::<Node>(self.client(), None).get_opt(self.node()).await?;
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
            let nodes = Decimal::from(self.nodes);
            let room = offered.and_then(quantity::parse).and_then(|room| room.checked_mul(nodes));
            let asked = each.checked_mul(pods).ok_or_else(wrong)?;
            if let (Some(offered), true) = (offered, room.is_some_and(|room| room < asked)) {
                return Err(LoadError::NoRoom {
                    pods: plan.pods,
                    resource,
                    requested: asked.normalize().to_string(),
                    offered: offered.to_owned(),
                    node: self.node().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Ends what was started for the world.
    pub async fn end(self) {
        if let Target::World(world) = self.target {
            world.end().await;
        }
    }
}
