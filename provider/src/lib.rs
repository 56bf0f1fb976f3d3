//! A virtual Kubernetes node whose pods run as Elastic Container Instances: node, pods, webhook and kubelet API.

mod causes;
pub mod certificates;
pub mod config;
pub mod eci;
pub mod farewell;
pub mod following;
pub mod kubelet_api;
pub mod namespaces;
pub mod node;
pub mod pods;
pub mod policy;
pub mod serving;
pub mod webhook;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use determinism::{Chance, Clock, Seed};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

pub use causes::with_causes;
pub use config::Config;
pub use eci::Eci;

use kubelet_api::KubeletApi;
use namespaces::{Notices, ServedNamespaces};
use node::Keeper;
use node::facts::NodeFacts;
use pods::events;
use pods::identity::Owner;
use pods::reconcile::{Reconciler, Tools};
use pods::request::Scope;
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
    eci: Eci,
    clock: Clock,
    store: PodStore,
    chance: Chance,
    ran: AtomicBool,
    served: ServedNamespaces,
    notices: tokio::sync::Mutex<Notices>,
}

/// Why a provider does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It was run before.
    #[error(
        "this provider was run before; a new one finds all that the old one knew in the API and in the cloud"
    )]
    RunBefore,
}

impl Provider {
    /// A provider that is not running yet.
    pub fn new(config: Config, client: Client, eci: Eci, clock: Clock, seed: Seed) -> Self {
        let store = PodStore::new(clock.now(), config.accept_loss);
        let (chance, ran) = (seed.chance("reconciler"), AtomicBool::new(false));
        let (served, notices) = ServedNamespaces::new(&config.namespaces);
        let notices = tokio::sync::Mutex::new(notices);
        Self { config, client, eci, clock, store, chance, ran, served, notices }
    }

    /// Runs the node and its pods until `shutdown`; dropping this future ends all of it at once, too.
    ///
    /// The Node, its pods and their groups stay as they are: another provider takes them over.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        if self.ran.swap(true, Ordering::Relaxed) {
            return Err(RunError::RunBefore);
        }
        let (recorder, writer) =
            events::channel(self.client.clone(), &self.config.node_name, self.clock.clone());
        let facts = NodeFacts::default();
        let keeper = Keeper {
            client: self.client.clone(),
            eci: self.eci.clone(),
            config: self.config.clone(),
            store: self.store.clone(),
            facts: facts.clone(),
            recorder: recorder.clone(),
            clock: self.clock.clone(),
        };
        let pods = async {
            let owner = owner(&self.config, &self.client).await;
            let region = self.eci.region().to_owned();
            let tools = Tools {
                client: self.client.clone(),
                eci: self.eci.clone(),
                store: self.store.clone(),
                scope: Scope { config: self.config.clone(), region, owner },
                recorder: recorder.clone(),
                clock: self.clock.clone(),
                facts: facts.clone(),
            };
            pods::run(Arc::new(Reconciler::new(tools, self.chance.clone()))).await;
        };
        let notices = async {
            let mut notices = self.notices.lock().await;
            while let Some(notice) = notices.recv().await {
                let node = pods::node_reference(&self.config.node_name);
                recorder.node(&node, events::Tone::Warning, "NamespaceNotServed", &notice);
            }
        };
        tokio::select! {
            () = shutdown => tracing::info!("told to stop; the node, its pods and their groups stay"),
            _ = async { tokio::join!(keeper.run(), pods, writer.run(), notices) } => {}
        }
        Ok(())
    }

    /// The webhook as a service.
    pub fn webhook(&self) -> Webhook {
        Webhook::new(self.config.injection).serving(self.served.clone())
    }

    /// What the API server asks of the node, as a service.
    pub fn kubelet_api(&self) -> KubeletApi {
        let node = &self.config.node_name;
        KubeletApi::new(node, self.store.clone(), self.eci.clone(), self.clock.clone())
            .serving(self.served.clone())
    }
}

/// The owner of this node's groups: the cluster's id as configured, else the UID of kube-system, which lives as long as
/// the cluster and stands on every group beside the id, so that a copied id is noticed.
pub async fn owner(config: &Config, client: &Client) -> Owner {
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
