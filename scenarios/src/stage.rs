//! One run's world put together: a cluster, an ECI, a provider, a clock and a seed.

mod builder;
mod demands;
mod looks;
mod pace;
mod waiting;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use determinism::{Clock, Seed};
use eci_sim::billing::NamedBill;
use eci_sim::control::client::ClientError;
use eci_sim::control::wire;
use eci_sim::{Bill, BillQuery, Cost, Currency};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;

pub use self::builder::Builder;
use self::demands::{Demands, Idle};
use crate::cloud::Cloud;
pub use crate::cluster::error::StartError;
use crate::cluster::interface::{Cluster, Measurements, ProviderSettings, WorldParts};
use crate::outcome::{Miss, ProgramOutput};
use crate::scenario::capability::Capability;
use crate::scenario::names::{HOME, PodName};
use crate::story::{Gathering, Story};
use crate::sweep::tap::Tap;

/// The instant at which every stepped world begins: a Monday, half past nine in China.
///
/// Not at a full hour: bills are cut there, and a few seconds on a bill of their own would be rounded to nothing.
pub const BEGINNING: &str = "2026-01-05T01:30:00Z";

/// A cluster with a virtual node, the cloud behind it, and the time in both.
///
/// As it is started here, everything is in this process and on this thread, and the runtime's clock is paused: when all
/// wait, time jumps to whatever falls due next. So an hour costs milliseconds, and the same seed tells the same story.
/// Worlds on real clusters are given out by a [`SharedCluster`](crate::cluster::SharedCluster).
///
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kube::Api;
/// use scenarios::World;
/// use std::time::Duration;
///
/// # type Result = std::result::Result<(), Box<dyn std::error::Error>>;
/// #[tokio::main(flavor = "current_thread", start_paused = true)] // or `#[tokio::test(start_paused = true)]`
/// async fn main() -> Result {
///     let world = World::start().await?;
///     let pods: Api<Pod> = Api::default_namespaced(world.kube());
///     let pod = serde_json::from_value(serde_json::json!({
///         "metadata": { "name": "nginx" },
///         "spec": { "nodeName": "virtual-kubelet", "containers": [{ "name": "nginx", "image": "nginx" }] }
///     }))?;
///     pods.create(&Default::default(), &pod).await?;
///
///     world.advance(Duration::from_secs(3600)).await;
///
///     let phase = pods.get("nginx").await?.status.and_then(|status| status.phase);
///     assert_eq!(phase.as_deref(), Some("Running"));
///     assert!(world.bill().await?.total.to_string().starts_with("0.4"));
///     Ok(())
/// }
/// ```
pub struct World {
    cluster: Box<dyn Cluster>,
    cloud: Cloud,
    clock: Clock,
    seed: Seed,
    beginning: Timestamp,
    folder: PathBuf,
    home: String,
    outputs: Vec<ProgramOutput>,
    demands: Demands,
    pods_seen: BTreeSet<PodName>,
    tap: Option<Tap>,
}

impl World {
    /// Starts a world with [`Seed::DEFAULT`]; when this returns, its virtual node is ready.
    ///
    /// # Errors
    /// [`StartError::WrongRuntime`] on a runtime of several threads, or without one; [`StartError::Part`] when the
    /// provider's node is not ready within 60 s of the world's time. A runtime of one thread whose clock is not paused is
    /// not detected: time then passes by itself, and [`Self::advance`] takes as long as it says.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A world whose seed, files and perturbation are chosen before it begins.
    ///
    /// ```
    /// use scenarios::World;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let world = World::builder().seed("quiet-otter-17".parse()?).start().await?;
    /// assert_eq!(world.seed().to_string(), "quiet-otter-17");
    /// world.end().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A client of the cluster with every right; its default namespace is the one of objects that name none.
    pub fn kube(&self) -> kube::Client {
        self.cluster.client()
    }

    /// The clock that all parts read.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The seed of this world's randomness. In the embedded cluster, the same seed and the same calls give the same world.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The present of this world, which is not the machine's.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets `span` of the world's time pass, and with it everything that falls due; to the millisecond.
    ///
    /// In the embedded cluster time is stepped: a day costs no more than the work that falls due in it. On a real cluster
    /// time goes in strides of at most 10 s, each of which cloud and provider follow before the next, with 150 ms of real
    /// time before and after for the cluster's own programs.
    ///
    /// ```
    /// use scenarios::World;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let world = World::start().await?;
    /// let before = world.now();
    /// world.advance(Duration::from_secs(90 * 60)).await;
    /// assert_eq!(world.now().duration_since(before).as_secs(), 5400);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn advance(&self, span: Duration) {
        self.settle().await;
        self.pass(span).await;
        self.settle().await;
    }

    /// Lets exactly `span` pass, without waiting for anybody to take note.
    pub(crate) async fn pass(&self, span: Duration) {
        self.cluster.pass(span).await;
    }

    /// The cloud's bill up to now, in yuan, one line for each group and clock hour; deleted groups stay on it.
    ///
    /// # Errors
    /// [`ClientError`] when the cloud is a pod and its control API does not answer; never in the embedded cluster.
    pub async fn bill(&self) -> Result<eci_sim::control::wire::Bill, ClientError> {
        self.cloud.bill().await
    }

    /// The lines of the bill up to now that a filter selects, or their sums by its dimensions.
    ///
    /// # Errors
    /// [`ClientError`] when the cloud is a pod and its control API does not answer; never in the embedded cluster.
    ///
    /// ```
    /// use eci_sim::{BillQuery, Dimension};
    /// use scenarios::World;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let world = World::start().await?;
    /// let query = BillQuery { group_by: vec![Dimension::Pod], ..BillQuery::default() };
    /// assert!(world.bill_of(&query).await?.groups.is_empty(), "nothing runs");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn bill_of(&self, query: &BillQuery) -> Result<eci_sim::control::wire::Bill, ClientError> {
        self.cloud.bill_of(query).await
    }

    /// Ids of the container groups that are still billed, though the pod that they were made for is gone from the cluster,
    /// and nobody ends them.
    ///
    /// # Errors
    /// [`Miss::Refused`] when cloud or cluster do not answer.
    pub async fn leaked_groups(&self) -> Result<BTreeSet<String>, Miss> {
        let pods = Api::<Pod>::all(self.kube()).list(&ListParams::default()).await?;
        let known: BTreeSet<_> = pods.items.into_iter().filter_map(|pod| pod.metadata.uid).collect();
        let groups = self.cloud.groups().await?.into_iter();
        Ok(groups.filter(|group| group.is_leaked(&known)).map(|group| group.id).collect())
    }

    /// The bill up to now, as files of bills have it under a name.
    ///
    /// # Errors
    /// [`Miss::Refused`] when cloud or cluster do not answer.
    pub async fn named_bill(&self, name: &str) -> Result<NamedBill, Miss> {
        let wire::Bill { currency, lines, total, .. } =
            self.bill().await.map_err(|why| Miss::Refused(why.to_string()))?;
        let leaked = self.leaked_groups().await?;
        Ok(NamedBill { name: name.to_owned(), bill: Bill { currency, lines, total }, leaked })
    }

    /// The cloud: its groups, its faults, what its images do.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Stops the provider at once, in the middle of whatever it does, as if its process had been killed.
    ///
    /// # Errors
    /// [`Miss::Refused`] when it is not running; where it is a pod, also when that is not gone within 90 s of real time.
    ///
    /// ```
    /// use scenarios::World;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut world = World::start().await?;
    /// world.stop_provider().await?;
    /// assert!(world.stop_provider().await.is_err());
    /// world.advance(Duration::from_secs(600)).await; // nobody renews the node's lease meanwhile
    /// world.start_provider().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop_provider(&mut self) -> Result<(), Miss> {
        Ok(self.cluster.stop_provider().await?)
    }

    /// Starts the provider again; when this returns, its node is ready.
    ///
    /// # Errors
    /// [`Miss::Refused`] when it is running already, or its node does not become ready: within 60 s of the world's time in
    /// the embedded cluster, of real time on others (90 s where the provider is a pod).
    pub async fn start_provider(&mut self) -> Result<(), Miss> {
        Ok(self.cluster.start_provider().await?)
    }

    /// Sets the cluster id of the provider's later starts; `None` for what it takes by itself.
    pub(crate) async fn configure_provider(&mut self, settings: ProviderSettings) -> Result<(), Miss> {
        Ok(self.cluster.configure_provider(settings).await?)
    }

    /// Starts the provider unless it runs.
    pub(crate) async fn have_provider(&mut self) -> Result<(), Miss> {
        Ok(self.cluster.have_provider().await?)
    }

    /// What can be measured of the cluster.
    pub(crate) async fn measurements(&self) -> Measurements {
        self.cluster.measurements().await
    }

    /// The tap on the provider's lines, where there is one.
    pub(crate) fn tap(&self) -> Option<Tap> {
        self.tap.clone()
    }

    /// True when a case that needs this can be played here.
    pub(crate) fn can(&self, capability: Capability) -> bool {
        self.cluster.can(capability)
    }

    /// The folder of the case's own files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The age of this world, in its own time.
    pub(crate) fn age(&self) -> Duration {
        self.now().duration_since(self.beginning).unsigned_abs()
    }

    /// A world of parts that are there already.
    pub(crate) fn of(cluster: Box<dyn Cluster>, parts: WorldParts, folder: PathBuf) -> Self {
        let WorldParts { clock, seed, eci, tap } = parts;
        Self { tap, ..Self::with(cluster, Cloud::Here(eci), clock, seed, folder) }
    }

    /// A world of a cluster and a cloud that are there already.
    pub(crate) fn with(
        cluster: Box<dyn Cluster>,
        cloud: Cloud,
        clock: Clock,
        seed: Seed,
        folder: PathBuf,
    ) -> Self {
        let (beginning, home) = (clock.now(), HOME.to_owned());
        Self {
            cluster,
            cloud,
            beginning,
            clock,
            seed,
            folder,
            home,
            outputs: Vec::new(),
            demands: Demands::default(),
            pods_seen: BTreeSet::new(),
            tap: None,
        }
    }

    /// Puts everything without a namespace into this one.
    pub(crate) fn at_home_in(mut self, home: &str) -> Self {
        home.clone_into(&mut self.home);
        self
    }

    /// The namespace of what names none.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// The requirement that the case's faults and scripts meet something.
    pub(crate) fn demands(&mut self) -> &mut Demands {
        &mut self.demands
    }

    /// The case's faults and scripts that have met nothing so far; a cloud somewhere else does not tell.
    pub(crate) fn idle(&self) -> Vec<Idle> {
        let (faults, scripts) = self.cloud.idle();
        self.demands.idle(&faults, &scripts)
    }

    /// Remembers pods that there are, or were.
    pub(crate) fn remember(&mut self, pods: impl IntoIterator<Item = PodName>) {
        self.pods_seen.extend(pods);
    }

    /// True when there was such a pod, as far as the case's steps have told.
    pub(crate) fn has_seen(&self, pod: &PodName) -> bool {
        self.pods_seen.contains(pod)
    }

    /// The pods that there are, or were.
    pub(crate) fn pods_seen(&self) -> impl Iterator<Item = &PodName> {
        self.pods_seen.iter()
    }

    /// Remembers the output of a step's program.
    pub(crate) fn add_output(&mut self, output: ProgramOutput) {
        self.outputs.push(output);
    }

    /// The output of the programs of its steps so far.
    pub(crate) fn outputs(&self) -> &[ProgramOutput] {
        &self.outputs
    }

    /// The cloud's charge so far, and its currency; zero when a cloud somewhere else does not answer.
    pub(crate) async fn cost(&self) -> (Currency, Cost) {
        self.cloud.cost().await.unwrap_or_default()
    }

    /// A file through which kubectl reaches the cluster.
    pub(crate) async fn kubeconfig(&mut self) -> Result<PathBuf, Miss> {
        Ok(self.cluster.kubeconfig().await?)
    }

    /// The events, calls and money so far that explain how things are.
    pub(crate) async fn story(&self) -> Story {
        let mut gathering = Gathering::since(self.beginning);
        self.cluster.tell(&mut gathering).await;
        self.cloud.tell(self.now(), &mut gathering).await;
        gathering.into_story()
    }

    /// Ends all parts: provider, controllers and listeners. A world that is dropped instead may leave tasks on its runtime.
    pub async fn end(mut self) {
        self.cluster.end().await;
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World({}, {:?}, seed {})", self.cluster.name(), self.clock, self.seed)
    }
}
