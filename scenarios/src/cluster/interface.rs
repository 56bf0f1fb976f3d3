//! The trait of all kinds of clusters, the parts that each is given, and the names in the guide's parameters.

use std::path::PathBuf;
use std::time::Duration;

use determinism::{Clock, Seed};
use futures::future::BoxFuture;

use super::error::ClusterError;
use crate::eci::Eci;
use crate::load::calls::{ApiCalls, CallCounts};
use crate::load::processes::Process;
use crate::scenario::capability::Capability;
use crate::story::Gathering;
use crate::sweep::tap::Tap;

/// The node's name, as the guide has it.
pub(crate) const NODE: &str = "virtual-kubelet";
/// The network in which instances are made.
pub(crate) const VSWITCH: &str = "vsw-bp1local0000000000000";
pub(crate) const SECURITY_GROUP: &str = "sg-bp1local0000000000000";

/// Settings of the provider's later starts; where nothing is said, what it takes by itself.
#[derive(Debug, Clone, Default)]
pub struct ProviderSettings {
    /// The id that tells this cluster's groups from another's.
    pub cluster_id: Option<String>,
    /// The resources that the node offers, as `cpu=4,pods=2`.
    pub capacity: Option<String>,
    /// The rates at which it calls the cloud, such as `unlimited`; the published ones where nothing is said.
    pub cloud_rates: Option<String>,
    /// The count of its calls to Kubernetes, where they are counted in this process.
    pub calls: Option<ApiCalls>,
    /// The number of virtual nodes beside the first, each with a provider of its own; on the embedded cluster alone.
    pub more_nodes: u32,
}

impl ProviderSettings {
    /// The names of all virtual nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = String> + use<> {
        let more = (2..).take(usize::try_from(self.more_nodes).unwrap_or(usize::MAX));
        std::iter::once(NODE.to_owned()).chain(more.map(|number: u64| format!("{NODE}-{number}")))
    }
}

/// What can be measured of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Measurements {
    /// The provider's calls to Kubernetes so far; `None` where they are not counted.
    pub calls: Option<CallCounts>,
    /// The processes that were started for the world, this one apart.
    pub processes: Vec<Process>,
}

/// The clock, seed and cloud that every kind of cluster is given.
#[derive(Debug, Clone)]
pub struct WorldParts {
    /// The clock that all parts read.
    pub clock: Clock,
    /// The seed of all randomness.
    pub seed: Seed,
    /// The cloud that the provider speaks to.
    pub eci: Eci,
    /// The tap that numbers and perturbs the provider's calls, where its lines are tapped.
    pub tap: Option<Tap>,
}

/// A Kubernetes cluster with the provider in it.
pub trait Cluster {
    /// The cluster's name, in the report's first line.
    fn name(&self) -> String;

    /// True when a case that needs this can be played here.
    fn can(&self, capability: Capability) -> bool;

    /// A client with every right.
    fn client(&self) -> kube::Client;

    /// A file through which kubectl reaches it.
    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, ClusterError>>;

    /// A number that is another one as soon as an object other than a lease is written; `None` where writes are not counted.
    fn written(&self) -> Option<u64> {
        None
    }

    /// Starts the provider, and waits until its node is ready.
    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>>;

    /// Starts the provider unless it runs; where it cannot have been killed, it does what the case says.
    fn have_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Sets the settings of the provider's later starts.
    fn configure_provider(&mut self, _settings: ProviderSettings) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(std::future::ready(Err(ClusterError::ForeignSettings)))
    }

    /// Stops the provider at once, wherever it is.
    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>>;

    /// Lets `span` of the world's time pass, and with it all that falls due.
    fn pass(&self, span: Duration) -> BoxFuture<'_, ()>;

    /// Tells what happened here, for the story of a failure.
    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()>;

    /// Measures what can be measured; nothing where the provider is not ours.
    fn measurements(&self) -> BoxFuture<'_, Measurements> {
        Box::pin(std::future::ready(Measurements::default()))
    }

    /// Ends everything that was started for this cluster.
    fn end(&mut self) -> BoxFuture<'_, ()>;
}

/// The longest stride of the world's time on a real cluster. As long as the pause between two heartbeats.
const STRIDE: Duration = Duration::from_secs(10);

/// A span, cut into strides.
pub(super) fn strides(span: Duration) -> impl Iterator<Item = Duration> {
    let mut left = span;
    std::iter::from_fn(move || {
        let stride = left.min(STRIDE);
        left -= stride;
        (!stride.is_zero()).then_some(stride)
    })
}

/// The seed of a provider's life after so many others, since the cloud takes no signature's nonce twice.
pub(super) fn of_life(seed: Seed, lives: u32) -> Seed {
    let words = seed.to_string();
    let next = words.rsplit_once('-').and_then(|(words, number)| {
        let number: u32 = number.parse().ok()?;
        format!("{words}-{}", (number + lives) % 100).parse().ok()
    });
    next.unwrap_or(seed)
}
