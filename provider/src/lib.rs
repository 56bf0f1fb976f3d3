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

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use determinism::{Clock, Seed};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use tokio::sync::mpsc;

pub use causes::with_causes;
pub use config::Config;
pub use eci::Eci;

use kubelet_api::KubeletApi;
use node::Keeper;
use node::facts::NodeFacts;
use pods::book::Book;
use pods::events;
use pods::identity::Owner;
use pods::look::Lookout;
use pods::request::Scope;
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
    book: Book,
    births: Mutex<Option<mpsc::UnboundedReceiver<String>>>,
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
    pub fn new(config: Config, client: Client, eci: Eci, clock: Clock, _seed: Seed) -> Self {
        let (book, births) = Book::new();
        Self { config, client, eci, clock, book, births: Mutex::new(Some(births)) }
    }

    /// Runs the node and its pods until `shutdown`; dropping this future ends all of it at once, too.
    ///
    /// The Node, its pods and their groups stay as they are: another provider takes them over.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let births = self.births.lock().unwrap_or_else(PoisonError::into_inner).take();
        let births = births.ok_or(RunError::RunBefore)?;
        let (recorder, writer) =
            events::channel(self.client.clone(), &self.config.node_name, self.clock.clone());
        let facts = NodeFacts::default();
        let keeper = Keeper {
            client: self.client.clone(),
            eci: self.eci.clone(),
            config: self.config.clone(),
            book: self.book.clone(),
            facts: facts.clone(),
            recorder: recorder.clone(),
            clock: self.clock.clone(),
        };
        let pods = async {
            let owner = Owner {
                cluster: cluster_id(&self.config, &self.client).await,
                node: self.config.node_name.clone(),
            };
            let scope = Scope {
                config: self.config.clone(),
                region: self.eci.region().to_owned(),
                owner: owner.clone(),
            };
            let lookout = Arc::new(Lookout {
                eci: self.eci.clone(),
                owner,
                book: self.book.clone(),
                clock: self.clock.clone(),
            });
            pods::look_after(self.client.clone(), lookout, scope, recorder.clone(), births).await;
        };
        tokio::select! {
            () = shutdown => tracing::info!("told to stop; the node, its pods and their groups stay"),
            _ = async { tokio::join!(keeper.run(), pods, writer.run()) } => {}
        }
        Ok(())
    }

    /// The webhook as a service.
    pub fn webhook(&self) -> Webhook {
        Webhook::new(self.config.injection)
    }

    /// What the API server asks of the node, as a service.
    pub fn kubelet_api(&self) -> KubeletApi {
        let node = &self.config.node_name;
        KubeletApi::new(node, self.book.clone(), self.eci.clone(), self.clock.clone())
    }
}

/// What tells this cluster's groups from another's: as configured, else the UID of kube-system, which lives as long
/// as the cluster.
pub async fn cluster_id(config: &Config, client: &Client) -> String {
    if let Some(id) = &config.cluster_id {
        return id.clone();
    }
    let api: Api<Namespace> = Api::all(client.clone());
    let mut failures = 0;
    loop {
        match api.get("kube-system").await {
            Ok(Namespace { metadata, .. }) if metadata.uid.is_some() => {
                return metadata.uid.unwrap_or_default();
            }
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
