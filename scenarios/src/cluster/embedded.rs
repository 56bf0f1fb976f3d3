//! The embedded Kubernetes API: everything in this process, without a socket unless kubectl needs one.

mod inside;
mod lives;
mod virtual_node;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube_sim::tls::Authority;
use kube_sim::{KubeSim, server};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use self::inside::Inside;
use self::lives::Lives;
use super::{Cluster, NODE, Parts, seen};
use crate::scenario::Capability;
use crate::stage::StartError;
use crate::story::Gathering;
use crate::sweep::observer;
use crate::sweep::tap::Tap;

/// The embedded cluster's name in reports.
pub const EMBEDDED: &str = "embedded Kubernetes API";

/// The longest time until the virtual node is ready, in the world's time.
const READY_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// A cluster in this process.
pub struct Embedded {
    parts: Parts,
    api: KubeSim,
    client: kube::Client,
    inside: Arc<Inside>,
    lives: Arc<Mutex<Lives>>,
    tasks: Vec<JoinHandle<()>>,
    kubeconfig: Option<(TempDir, PathBuf)>,
}

/// An open HTTPS port of the API.
#[derive(Debug)]
pub struct Door {
    /// The address.
    pub address: SocketAddr,
    /// A kubeconfig for kubectl; it holds a key.
    pub kubeconfig: String,
}

impl Embedded {
    /// Starts the API, its controllers and the provider, and waits until the virtual node is ready.
    ///
    /// # Errors
    /// [`StartError::Part`].
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let inside = Arc::new(Inside::default());
        let outbound: Arc<dyn kube_sim::Outbound> = inside.clone();
        let api = KubeSim::builder().clock(parts.clock.clone()).seed(parts.seed).outbound(outbound).build();
        let client = kube::Client::new(api.service(), "default");
        let running = api.clone();
        let controllers = tokio::spawn(async move { running.run_controllers().await });
        let lives = Lives::new(parts.clone(), api.clone(), client.clone(), inside.clone());
        let lives = Arc::new(Mutex::new(lives));
        let mut tasks = vec![controllers];
        if let Some(tap) = &parts.tap {
            tasks.push(tokio::spawn(observer::follow(api.clone(), tap.journal().clone(), NODE)));
            tasks.extend(tap.orders().map(|orders| tokio::spawn(lives::obey(orders, lives.clone()))));
        }
        let mut cluster = Self { parts, api, client, inside, lives, tasks, kubeconfig: None };
        let told = |why| StartError::Part { part: "the provider", why };
        cluster.start_provider().await.map_err(told)?;
        Ok(cluster)
    }

    /// Opens the API over HTTPS at `listener`, which must be on loopback.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn listen(&mut self, listener: TcpListener) -> Result<Door, StartError> {
        let told = |why: String| StartError::Part { part: "the HTTPS listener", why };
        let address = listener.local_addr().map_err(|error| told(error.to_string()))?;
        let certificates = || {
            let authority = Authority::generate()?;
            let own = authority.server(&[IpAddr::V4(Ipv4Addr::LOCALHOST)], &["localhost"])?;
            let admin = authority.client("kubernetes-admin", &["system:masters"])?;
            let kubeconfig = authority.kubeconfig(&format!("https://{address}"), &admin);
            Ok::<_, kube_sim::tls::TlsError>((authority.server_config(own)?, kubeconfig))
        };
        let (tls, kubeconfig) = certificates().map_err(|error| told(error.to_string()))?;
        self.tasks.push(tokio::spawn(server::serve(listener, tls, self.api.clone())));
        Ok(Door { address, kubeconfig })
    }

    async fn write_kubeconfig(&mut self) -> Result<PathBuf, String> {
        if let Some((_, path)) = &self.kubeconfig {
            return Ok(path.clone());
        }
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
        let door = self.listen(listener).map_err(|error| error.to_string())?;
        // A folder that is its owner's alone, since the file holds a key.
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, door.kubeconfig).map_err(|error| error.to_string())?;
        self.kubeconfig = Some((folder, path.clone()));
        Ok(path)
    }

    async fn begin_provider(&mut self) -> Result<(), String> {
        self.lives.lock().await.begin().await?;
        self.wait_until_ready().await
    }

    /// Waits until the node says that it is ready.
    async fn wait_until_ready(&self) -> Result<(), String> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let allowance = self.parts.tap.as_ref().map(Tap::allowance).unwrap_or_default();
        let deadline = tokio::time::Instant::now() + READY_WITHIN + allowance;
        let mut pause = std::time::Duration::from_millis(5);
        loop {
            let node = nodes.get_opt(NODE).await.map_err(|error| error.to_string())?;
            if node.as_ref().is_some_and(seen::is_ready) {
                return Ok(());
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(format!("node {} was not ready within 60 s", NODE));
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
            Capability::Kubectl => seen::kubectl_is_installed(),
            Capability::SteppedTime
            | Capability::Faults
            | Capability::Bill
            | Capability::WorkloadControllers
            | Capability::LoneNode => true,
        }
    }

    fn client(&self) -> kube::Client {
        self.client.clone()
    }

    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, String>> {
        Box::pin(self.write_kubeconfig())
    }

    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.begin_provider())
    }

    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { self.lives.lock().await.stop().await })
    }

    fn have_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
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
            if let Err(error) = seen::tell(&self.client, gathering, |at| at).await {
                gathering.add(self.parts.clock.now(), "no story", error.to_string());
            }
        })
    }

    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.inside.forget();
            let _ = self.lives.lock().await.stop().await; // it may be stopped already
            for task in self.tasks.drain(..) {
                task.abort();
                let _ = task.await; // it was told to end in the middle of something
            }
        })
    }
}
