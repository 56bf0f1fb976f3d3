//! A virtual Kubernetes node whose pods run as Elastic Container Instances: node, pods, webhook and kubelet API.

#[macro_use]
mod planted;

mod causes;
pub mod certificates;
pub mod cli;
pub mod config;
pub mod eci;
pub mod external_clock;
pub mod health;
pub mod inspection;
pub mod kubelet_api;
pub mod kubernetes;
pub mod leader_election;
pub mod log_levels;
pub mod namespaced_name;
pub mod namespaces;
pub mod node;
pub mod pods;
pub mod policy;
pub mod preflight;
pub mod serving;
pub mod uninstall_check;
pub mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use determinism::{Chance, Clock, Seed};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

pub use causes::with_causes;
pub use config::Config;
pub use eci::Eci;

use health::Health;
use kubelet_api::KubeletApi;
use kubelet_api::metrics::Metrics;
use leader_election::{LeaderElection, LeadershipLost};
use namespaces::{Notices, ServedNamespaces};
use node::NodeController;
use node::facts::NodeFacts;
use node::identity::NodeIdentity;
use pods::events::{self, Recorder};
use pods::identity::Owner;
use pods::reconcile::{Reconciler, Tools};
use pods::request::Scope;
use pods::startup_times::StartupTimes;
use pods::store::PodStore;
use webhook::Webhook;

/// A virtual node: its Node object and lease, its pods, its webhook, and the API that the API server asks.
///
/// ```no_run
/// # async fn example(
/// #     kube: kube::Client,
/// #     transport: std::sync::Arc<dyn provider::eci::Transport>,
/// # ) -> Result<(), provider::RunError> {
/// use determinism::{Clock, Seed};
/// use provider::{Config, Eci, Provider, eci::Credentials};
///
/// let credentials = Credentials { access_key_id: "LTAI".into(), secret: eci_api::Secret::new("…") };
/// let clock = Clock::system();
/// let eci = Eci::new(transport, credentials, "cn-hangzhou", clock.clone(), Seed::DEFAULT);
/// let provider = Provider::new(Config::new("vsw-1", "sg-1"), kube, eci, clock, Seed::DEFAULT);
/// provider.run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
pub struct Provider {
    config: Config,
    client: Client,
    heartbeat: Client,
    health: Health,
    eci: Eci,
    clock: Clock,
    /// Starts at the clock's present, and is never corrected.
    steady: Clock,
    store: PodStore,
    chance: Chance,
    watch_chance: Chance,
    ran: AtomicBool,
    served: ServedNamespaces,
    notices: tokio::sync::Mutex<Notices>,
    election: Option<LeaderElection>,
    startup: StartupTimes,
}

/// Errors of a provider's run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A second run of the same provider.
    #[error(
        "this provider was run before; a new one finds all that the old one knew in the API and in the cloud"
    )]
    RunBefore,
    /// Another replica works from now on, or may.
    #[error("{0}: this replica has ended its work, and waits again when it is started anew")]
    LeadershipLost(#[from] LeadershipLost),
}

impl Provider {
    /// A provider that is not running yet.
    ///
    /// To be called within a runtime, by whose clock durations are measured.
    pub fn new(config: Config, client: Client, eci: Eci, clock: Clock, seed: Seed) -> Self {
        let steady = Clock::following_runtime(clock.now());
        let store = PodStore::new(steady.now(), config.accept_loss);
        store.measure_usage(&config.policy);
        let (chance, ran) = (seed.chance("reconciler"), AtomicBool::new(false));
        let watch_chance = seed.chance("watch");
        let (served, notices) = ServedNamespaces::new(&config.namespaces);
        let notices = tokio::sync::Mutex::new(notices);
        let (heartbeat, health) = (client.clone(), Health::default());
        Self {
            config,
            client,
            heartbeat,
            health,
            eci,
            clock,
            steady,
            store,
            chance,
            watch_chance,
            ran,
            served,
            notices,
            election: None,
            startup: StartupTimes::default(),
        }
    }

    /// The same, with a client of its own for the heartbeat, so that no other call's connection can hold it up.
    #[must_use]
    pub fn with_heartbeat_client(self, heartbeat: Client) -> Self {
        Self { heartbeat, ..self }
    }

    /// The same as one of several replicas: it works while it leads, and its ports answer before that, too.
    #[must_use]
    pub fn with_leader_election(self, election: LeaderElection) -> Self {
        Self { election: Some(election), ..self }
    }

    /// Runs the node and its pods until `shutdown`; dropping this future ends all of it at once, too.
    ///
    /// The Node, its pods and their groups stay as they are: another provider takes them over. With a leader election it
    /// waits until it leads; at `shutdown` the lease is given back when the work has ended.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<(), RunError> {
        self.run_until(Box::pin(shutdown)).await
    }

    /// [`Self::run`], boxed where nothing is generic, so that the provider is compiled once and not again by each caller.
    fn run_until<'a>(&'a self, shutdown: BoxFuture<'a, ()>) -> BoxFuture<'a, Result<(), RunError>> {
        self.live(shutdown).boxed()
    }

    async fn live(&self, mut shutdown: BoxFuture<'_, ()>) -> Result<(), RunError> {
        if self.ran.swap(true, Ordering::Relaxed) {
            return Err(RunError::RunBefore);
        }
        let mut leadership = match &self.election {
            None => None,
            Some(election) => tokio::select! {
                biased;
                () = &mut shutdown => return Ok(()),
                won = election.win(&self.health) => Some(won),
            },
        };
        let lost = async {
            match &mut leadership {
                Some(leadership) => leadership.keep().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shutdown => tracing::info!("ending; the node, its pods and their groups stay"),
            lost = lost => return Err(lost.into()),
            () = self.work() => {}
        }
        if let Some(leadership) = leadership {
            leadership.release().await;
        }
        Ok(())
    }

    /// The work of the one provider that works, for ever.
    async fn work(&self) {
        // What a replica that led before has just made may be missing from the cloud's answers.
        self.store.begin(self.steady.now());
        let client = kubernetes::with_timeout(self.client.clone(), kubernetes::CALL_TIMEOUT);
        let (recorder, writer) = events::channel(client.clone(), &self.config.node_name, self.clock.clone());
        let working = async {
            let owner = owner(&self.config, &client).await;
            let facts = NodeFacts::default();
            let node = self.node_controller(&owner, &facts, &recorder);
            let region = self.eci.region().to_owned();
            let tools = Tools {
                client: client.clone(),
                eci: self.eci.clone(),
                store: self.store.clone(),
                scope: Scope { config: self.config.clone(), region, owner },
                recorder: recorder.clone(),
                clock: self.clock.clone(),
                steady: self.steady.clone(),
                facts,
                startup: self.startup.clone(),
            };
            let reconciler = Reconciler::new(tools, self.chance.clone());
            let pods = pods::run(Arc::new(reconciler), self.watch_chance.clone());
            tokio::join!(node.run(), pods);
        };
        let notices = async {
            let mut notices = self.notices.lock().await;
            while let Some(notice) = notices.recv().await {
                let node = pods::node_reference(&self.config.node_name);
                recorder.node(&node, events::EventType::Warning, "NamespaceNotServed", &notice);
            }
        };
        tokio::join!(working, writer.run(), notices);
    }

    fn node_controller(&self, owner: &Owner, facts: &NodeFacts, recorder: &Recorder) -> NodeController {
        NodeController {
            client: kubernetes::with_timeout(self.heartbeat.clone(), kubernetes::HEARTBEAT_TIMEOUT),
            identity: NodeIdentity::new(self.eci.region(), &self.eci.principal(), &owner.cluster),
            eci: self.eci.clone(),
            config: self.config.clone(),
            store: self.store.clone(),
            facts: facts.clone(),
            health: self.health.clone(),
            recorder: recorder.clone(),
            clock: self.clock.clone(),
        }
    }

    /// The webhook as a service.
    pub fn webhook(&self) -> Webhook {
        Webhook::new(self.config.injection).serving(self.served.clone())
    }

    /// The node's API, which the API server calls, as a service.
    pub fn kubelet_api(&self) -> KubeletApi {
        let health = self.health.clone();
        let metrics = Metrics::new(self.eci.clone(), self.store.clone(), &self.startup);
        KubeletApi::new(
            &self.config,
            self.store.clone(),
            self.eci.clone(),
            self.clock.clone(),
            health,
            metrics,
        )
        .serving(self.served.clone())
    }
}

/// The owner of this node's groups: the cluster's id as configured, else the UID of kube-system, which lives as long as
/// the cluster and stands on every group beside the id, so that a copied id is noticed.
pub fn owner<'a>(config: &'a Config, client: &'a Client) -> BoxFuture<'a, Owner> {
    find_owner(config, client).boxed()
}

async fn find_owner(config: &Config, client: &Client) -> Owner {
    let api: Api<Namespace> = Api::all(client.clone());
    let mut failures = 0;
    loop {
        let found = api.get("kube-system").await;
        let cluster_uid = match &found {
            Ok(namespace) => namespace.metadata.uid.clone(),
            Err(_) => None,
        };
        let forbidden = matches!(&found, Err(kube::Error::Api(answer)) if matches!(answer.code, 403 | 404));
        let id = config.cluster_id.clone().filter(|_| found.is_ok() || forbidden);
        if let Some(cluster) = id.or_else(|| cluster_uid.clone()) {
            return Owner { cluster, cluster_uid, node: config.node_name.clone() };
        }
        match found {
            Ok(_) => tracing::warn!("kube-system has no UID; set ALIYUN_CLUSTERID"),
            Err(error) => {
                tracing::warn!(%error, "kube-system, whose UID names the cluster, cannot be read; or set ALIYUN_CLUSTERID");
            }
        }
        failures += 1;
        let pause = eci::retry::back_off(failures, Duration::from_millis(200), Duration::from_secs(10));
        tokio::time::sleep(pause).await;
    }
}
