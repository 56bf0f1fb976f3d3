//! A world on a real cluster: sockets, the provider as a process of its own, and the cloud in this one.

mod info;
pub mod provider_command;
mod provider_process;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use determinism::Clock;
use eci_sim::listener;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(super) use self::info::ClusterInfo;
use self::provider_process::{Begin, ProviderProcess};
use super::error::{ClusterError, StartError, TimeoutDetails};
use super::interface::{Cluster, Measurements, ProviderSettings, WorldParts, of_life, strides};
use super::marks::Marks;
use super::observations;
use crate::load::processes::Process;
use crate::scenario::capability::Capability;
use crate::story::Gathering;

/// The longest real time until the node is ready, and the webhook is asked.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// The world's time that passes for each look meanwhile, and the real pause before it.
const READY_STRIDE: Duration = Duration::from_millis(250);
const READY_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A real cluster, for one case.
pub(super) struct RealCluster {
    info: ClusterInfo,
    parts: WorldParts,
    machine: Clock,
    marks: Mutex<Marks>,
    cloud: JoinHandle<()>,
    endpoint: String,
    provider: tokio::sync::Mutex<Option<ProviderProcess>>,
    lives: u32,
    settings: ProviderSettings,
    time: Time,
}

/// The time of a world on a real cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// Moved by hand, in strides.
    Stepped,
    /// The machine's.
    Machine,
}

/// A condition that a usable provider meets.
#[derive(Debug, Clone, Copy)]
enum Readiness {
    /// The provider's node is ready, and free of the taints of one that is not.
    Node,
    /// The API server calls its webhook.
    Webhook,
}

impl RealCluster {
    /// Opens the cloud's port, starts the provider, and waits until its node is ready.
    pub async fn start(info: ClusterInfo, parts: WorldParts, time: Time) -> Result<Self, StartError> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(StartError::of::<std::io::Error>("the cloud's port"))?;
        let address = listener.local_addr().map_err(StartError::of::<std::io::Error>("the cloud's port"))?;
        let eci = parts.eci.clone();
        let answer = move |request| eci.exchange(request);
        let cloud = tokio::spawn(listener::serve(listener, answer, std::future::pending()));
        let machine = Clock::monotonic();
        let marks = Mutex::new(Marks::begin(machine.now(), parts.clock.now()));
        let mut cluster = Self {
            info,
            parts,
            machine,
            marks,
            cloud,
            endpoint: format!("http://{address}"),
            provider: tokio::sync::Mutex::new(None),
            lives: 0,
            settings: ProviderSettings::default(),
            time,
        };
        cluster.begin_provider().await.map_err(StartError::of::<ClusterError>("the provider"))?;
        Ok(cluster)
    }

    async fn begin_provider(&mut self) -> Result<(), ClusterError> {
        if self.provider.get_mut().is_some() {
            return Err(ClusterError::AlreadyRunning);
        }
        let seed = of_life(self.parts.seed, self.lives);
        let now = self.parts.clock.now();
        let begin = Begin { now, seed, time: self.time };
        let process = ProviderProcess::start(&self.info, &self.endpoint, &self.settings, begin).await?;
        *self.provider.get_mut() = Some(process);
        self.lives += 1;
        self.wait_for(Readiness::Node).await?;
        self.wait_for(Readiness::Webhook).await
    }

    /// Lets time pass, little by little, until the condition is met.
    async fn wait_for(&self, readiness: Readiness) -> Result<(), ClusterError> {
        let began = Instant::now();
        loop {
            let met = match readiness {
                Readiness::Node => observations::node_is_usable(&self.info.client).await,
                Readiness::Webhook => observations::webhook_is_called(&self.info.client).await,
            };
            let error = match met {
                Ok(true) => return Ok(()),
                Ok(false) => None,
                Err(error) => Some(error),
            };
            if let Some(process) = self.provider.lock().await.as_mut() {
                process.require_running()?;
                if began.elapsed() >= READY_TIMEOUT {
                    let lacking = match readiness {
                        Readiness::Node => "its node was not ready",
                        Readiness::Webhook => "its webhook was not asked",
                    };
                    let (address, log) = (Some(self.info.address), Some(process.last_lines()));
                    let details = Box::new(TimeoutDetails { error, address, log });
                    return Err(ClusterError::TimedOut {
                        lacking: lacking.to_owned(),
                        timeout: READY_TIMEOUT,
                        details,
                    });
                }
            }
            tokio::time::sleep(READY_POLL_INTERVAL).await;
            self.let_pass(READY_STRIDE).await;
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn let_pass(&self, span: Duration) {
        if self.time == Time::Machine {
            return tokio::time::sleep(span).await;
        }
        for stride in strides(span) {
            // The cloud goes first: then nothing that the provider is told lies in its future.
            let Ok(now) = self.parts.clock.advance(stride) else { return };
            self.marks().set(self.machine.now(), now);
            if let Some(process) = self.provider.lock().await.as_mut() {
                process.pass(stride).await;
            }
        }
    }
}

impl Cluster for RealCluster {
    fn name(&self) -> String {
        self.info.name.clone()
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Kubectl => observations::kubectl_is_installed(),
            Capability::SteppedTime => false,
            Capability::Faults
            | Capability::Bill
            | Capability::WorkloadControllers
            | Capability::ProviderSettings => true,
            Capability::LoneNode => self.info.is_lone,
            Capability::NodeProxy => !self.info.address.is_loopback(),
        }
    }

    fn client(&self) -> kube::Client {
        self.info.client.clone()
    }

    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, ClusterError>> {
        let path = self.info.kubeconfig.clone();
        Box::pin(std::future::ready(Ok(path)))
    }

    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(self.begin_provider())
    }

    fn configure_provider(&mut self, settings: ProviderSettings) -> BoxFuture<'_, Result<(), ClusterError>> {
        self.settings = settings;
        Box::pin(std::future::ready(Ok(())))
    }

    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(async {
            let process = self.provider.get_mut().take().ok_or(ClusterError::NotRunning)?;
            process.kill().await;
            Ok(())
        })
    }

    fn pass(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.let_pass(span))
    }

    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let marks = self.marks().clone();
            if let Err(error) =
                observations::tell(&self.info.client, gathering, |at| marks.world_time_of(at)).await
            {
                gathering.add(self.parts.clock.now(), "no story", error.to_string());
            }
            if let Some(process) = self.provider.lock().await.as_mut()
                && let Err(why) = process.require_running()
            {
                gathering.add(self.parts.clock.now(), "the provider ended", why.to_string());
            }
        })
    }

    fn measurements(&self) -> BoxFuture<'_, Measurements> {
        Box::pin(async {
            let mut provider = self.provider.lock().await;
            let Some(process) = provider.as_mut() else { return Measurements::default() };
            let processes = process.id().map(|id| Process { name: "provider".to_owned(), id });
            Measurements { calls: process.calls().await, processes: processes.into_iter().collect() }
        })
    }

    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(process) = self.provider.get_mut().take() {
                process.kill().await;
            }
            self.cloud.abort();
        })
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        self.cloud.abort(); // the provider's process is killed when it is dropped
    }
}
