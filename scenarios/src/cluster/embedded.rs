//! The embedded Kubernetes API: everything in this process, without a socket unless kubectl needs one.

mod lives;
mod outbound;
mod virtual_node;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Node;
use kube_sim::tls;
use kube_sim::{KubeSim, KubeSimBuilder, SavedObjects, server};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use self::lives::Lives;
use self::outbound::InProcess;
use super::error::{ClusterError, StartError};
use super::interface::{Cluster, Measurements, NODE, ProviderSettings, WorldParts};
use super::observations;
use crate::load::calls::ApiCalls;
use crate::objects::objects;
use crate::scenario::capability::Capability;
use crate::story::Gathering;
use crate::sweep::observer;
use crate::sweep::tap::Tap;

/// The embedded cluster's name in reports.
pub const EMBEDDED: &str = "embedded Kubernetes API";

/// The objects that are written all the time and that no case asks for.
const LEASES: (&str, &str) = ("coordination.k8s.io", "leases");

/// The longest time until the virtual node is ready, in the world's time.
const READY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

/// A cluster in this process.
pub struct Embedded {
    parts: WorldParts,
    api: KubeSim,
    client: kube::Client,
    outbound: Arc<InProcess>,
    lives: Arc<Mutex<Lives>>,
    tasks: Vec<JoinHandle<()>>,
    kubeconfig: Option<(TempDir, PathBuf)>,
}

/// An open HTTPS port of the API.
#[derive(Debug)]
pub struct HttpsEndpoint {
    /// The address.
    pub address: SocketAddr,
    /// A kubeconfig for kubectl; it holds a key.
    pub kubeconfig: String,
}

impl Embedded {
    /// Starts the API, its controllers and the provider, and waits until the virtual node is ready.
    ///
    /// # Errors
    /// [`StartError::Part`] when the node is not ready within 60 s of the world's time.
    pub async fn start(parts: WorldParts) -> Result<Self, StartError> {
        Self::start_with(parts, None).await
    }

    /// The same, with the objects of a cluster of before.
    ///
    /// # Errors
    /// As [`Embedded::start`].
    pub async fn start_with(parts: WorldParts, saved: Option<SavedObjects>) -> Result<Self, StartError> {
        let outbound = Arc::new(InProcess::default());
        let builder = KubeSim::builder().clock(parts.clock.clone()).seed(parts.seed);
        let builder = saved.into_iter().fold(builder, KubeSimBuilder::objects);
        let api = builder.outbound(outbound.clone()).build();
        let client = kube::Client::new(api.service(), "default");
        let running = api.clone();
        let controllers = tokio::spawn(async move { running.run_controllers().await });
        let lives = Lives::new(parts.clone(), api.clone(), client.clone(), outbound.clone());
        let lives = Arc::new(Mutex::new(lives));
        let mut tasks = vec![controllers];
        if let Some(tap) = &parts.tap {
            tasks.push(tokio::spawn(observer::follow(api.clone(), tap.journal().clone(), NODE)));
            tasks.extend(tap.orders().map(|orders| tokio::spawn(lives::obey(orders, lives.clone()))));
        }
        let mut cluster = Self { parts, api, client, outbound, lives, tasks, kubeconfig: None };
        cluster.start_provider().await.map_err(StartError::of::<ClusterError>("the provider"))?;
        Ok(cluster)
    }

    /// Opens the API over HTTPS at `listener`, which must be on loopback.
    ///
    /// # Errors
    /// [`StartError::Part`] when no certificate can be made.
    pub fn listen(&mut self, listener: TcpListener) -> Result<HttpsEndpoint, StartError> {
        let part = "the HTTPS listener";
        let address = listener.local_addr().map_err(StartError::of::<std::io::Error>(part))?;
        let (tls, kubeconfig) = self.api.https(address).map_err(StartError::of::<tls::TlsError>(part))?;
        self.tasks.push(tokio::spawn(server::serve(listener, tls, self.api.clone())));
        Ok(HttpsEndpoint { address, kubeconfig })
    }

    /// Lets the API reach what is not of this process: nodes that others join, pods' addresses, webhooks of one's own.
    pub fn reach_network(&self) {
        self.outbound.reach_network();
    }

    /// Evaluates roles and bindings from now on.
    pub fn enable_rbac(&self) {
        self.api.enable_rbac();
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.api.store().revision()
    }

    /// All objects, for a cluster that goes on with them.
    pub fn saved(&self) -> SavedObjects {
        self.api.saved()
    }

    /// Forgets the changes up to a revision, and the oldest events above a number.
    pub fn forget(&self, revision: u64, events_max: usize) {
        self.api.forget(revision, events_max);
    }

    async fn write_kubeconfig(&mut self) -> Result<PathBuf, ClusterError> {
        if let Some((_, path)) = &self.kubeconfig {
            return Ok(path.clone());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = self.listen(listener)?;
        // A folder that is its owner's alone, since the file holds a key.
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, endpoint.kubeconfig)?;
        self.kubeconfig = Some((folder, path.clone()));
        Ok(path)
    }

    async fn begin_provider(&mut self) -> Result<(), ClusterError> {
        self.lives.lock().await.begin().await?;
        self.wait_until_ready().await
    }

    /// Waits until the node says that it is ready.
    async fn wait_until_ready(&self) -> Result<(), ClusterError> {
        let nodes = objects::<Node>(self.client.clone(), None);
        let allowance = || self.parts.tap.as_ref().map(Tap::allowance).unwrap_or_default();
        let began = tokio::time::Instant::now();
        let mut pause = std::time::Duration::from_millis(5);
        let mut waited_for: Vec<String> = self.lives.lock().await.settings.nodes().collect();
        loop {
            let mut missing = Vec::new();
            for name in waited_for {
                let node = nodes.get_opt(&name).await?;
                if !node.as_ref().is_some_and(observations::is_ready) {
                    missing.push(name);
                }
            }
            if missing.is_empty() {
                return Ok(());
            }
            waited_for = missing;
            if began.elapsed() >= READY_TIMEOUT + allowance() {
                return Err(ClusterError::NodeNotReady { node: NODE, timeout: READY_TIMEOUT });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(std::time::Duration::from_millis(500));
        }
    }
}

impl Cluster for Embedded {
    fn name(&self) -> String {
        EMBEDDED.to_owned()
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Kubectl => observations::kubectl_is_installed(),
            Capability::SteppedTime
            | Capability::Faults
            | Capability::Bill
            | Capability::WorkloadControllers
            | Capability::LoneNode
            | Capability::ProviderSettings
            | Capability::NodeProxy => true,
        }
    }

    fn client(&self) -> kube::Client {
        self.client.clone()
    }

    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, ClusterError>> {
        Box::pin(self.write_kubeconfig())
    }

    fn written(&self) -> Option<u64> {
        Some(self.api.store().revision_without(LEASES))
    }

    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(self.begin_provider())
    }

    fn configure_provider(&mut self, settings: ProviderSettings) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(async {
            self.lives.lock().await.settings = settings;
            Ok(())
        })
    }

    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(async { self.lives.lock().await.stop().await })
    }

    fn have_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(async {
            self.lives.lock().await.have().await?;
            self.wait_until_ready().await
        })
    }

    fn pass(&self, span: std::time::Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if let Err(error) = observations::tell(&self.client, gathering, |at| at).await {
                gathering.add(self.parts.clock.now(), "no story", error.to_string());
            }
        })
    }

    fn measurements(&self) -> BoxFuture<'_, Measurements> {
        Box::pin(async {
            let calls = self.lives.lock().await.settings.calls.as_ref().map(ApiCalls::counts);
            Measurements { calls, processes: Vec::new() }
        })
    }

    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.outbound.forget();
            let _ = self.lives.lock().await.stop().await; // it may be stopped already
            for task in self.tasks.drain(..) {
                task.abort();
                let _ = task.await; // it was aborted in the middle of something
            }
        })
    }
}
