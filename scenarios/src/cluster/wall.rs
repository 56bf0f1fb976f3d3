//! A world on a real cluster: sockets, the provider as a process of its own, and the cloud in this one.

mod hand;
pub mod process;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use determinism::Clock;
use eci_sim::listener;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::hand::Hand;
use super::{Cluster, Parts, seen, strides};
use crate::scenario::Capability;
use crate::stage::{StartError, pace::Marks};
use crate::story::Gathering;

/// The longest real time until the node is ready, and the webhook is asked.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The world's time that passes for each look meanwhile, and the real pause before it.
const READY_STRIDE: Duration = Duration::from_millis(250);
const READY_GLANCE: Duration = Duration::from_millis(20);

/// The real cluster, as a world on it is given it.
#[derive(Clone)]
pub(super) struct Surroundings {
    /// The cluster's name in reports.
    pub name: String,
    /// A client with every right.
    pub client: kube::Client,
    /// A file that kubectl and the provider find it by.
    pub kubeconfig: PathBuf,
    /// At which of this machine's addresses the API server finds the node and its webhook.
    pub address: IpAddr,
    /// True when the virtual node is the only one.
    pub is_lone: bool,
}

/// A real cluster, for one case.
pub(super) struct Wall {
    around: Surroundings,
    parts: Parts,
    machine: Clock,
    marks: Mutex<Marks>,
    cloud: JoinHandle<()>,
    endpoint: String,
    hand: tokio::sync::Mutex<Option<Hand>>,
    lives: u32,
}

/// A sign by which a provider that has begun is known.
#[derive(Debug, Clone, Copy)]
enum Sign {
    /// The provider's node is ready.
    Ready,
    /// The API server asks its webhook.
    Asked,
}

impl Wall {
    /// Opens the cloud's port, starts the provider, and waits until its node is ready.
    pub async fn start(around: Surroundings, parts: Parts) -> Result<Self, StartError> {
        let told = |part| move |why: String| StartError::Part { part, why };
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = bound.map_err(|error| told("the cloud's port")(error.to_string()))?;
        let address = listener.local_addr().map_err(|error| told("the cloud's port")(error.to_string()))?;
        let eci = parts.eci.clone();
        let answer = move |request| eci.exchange(request);
        let cloud = tokio::spawn(listener::serve(listener, answer, std::future::pending()));
        let machine = Clock::monotonic();
        let marks = Mutex::new(Marks::begin(machine.now(), parts.clock.now()));
        let mut wall = Self {
            around,
            parts,
            machine,
            marks,
            cloud,
            endpoint: format!("http://{address}"),
            hand: tokio::sync::Mutex::new(None),
            lives: 0,
        };
        wall.begin_provider().await.map_err(told("the provider"))?;
        Ok(wall)
    }

    async fn begin_provider(&mut self) -> Result<(), String> {
        if self.hand.get_mut().is_some() {
            return Err("the provider is running already".to_owned());
        }
        let seed = super::of_life(self.parts.seed, self.lives);
        let now = self.parts.clock.now();
        let hand = Hand::start(&self.around, &self.endpoint, now, seed).await?;
        *self.hand.get_mut() = Some(hand);
        self.lives += 1;
        self.until(Sign::Ready).await?;
        self.until(Sign::Asked).await
    }

    /// Lets time pass, little by little, until there is the sign.
    async fn until(&self, sign: Sign) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let seen = match sign {
                Sign::Ready => seen::node_is_in_use(&self.around.client).await,
                Sign::Asked => seen::webhook_is_asked(&self.around.client).await,
            };
            let said = match seen {
                Ok(true) => return Ok(()),
                Ok(false) => String::new(),
                Err(error) => format!(": {}", provider::with_causes(&error)),
            };
            if let Some(hand) = self.hand.lock().await.as_mut() {
                hand.lives()?;
                if began.elapsed() >= READY_WITHIN {
                    let words = hand.last_words();
                    let not = match sign {
                        Sign::Ready => "its node was not ready",
                        Sign::Asked => "its webhook was not asked",
                    };
                    let (span, address) = (READY_WITHIN.as_secs(), self.around.address);
                    let reach = format!("the API server must reach this machine at {address}");
                    return Err(format!("{not} within {span} s{said}; {reach}\n{words}"));
                }
            }
            tokio::time::sleep(READY_GLANCE).await;
            self.let_pass(READY_STRIDE).await;
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn let_pass(&self, span: Duration) {
        for stride in strides(span) {
            // The cloud goes first: then nothing that the provider is told lies in its future.
            let Ok(now) = self.parts.clock.advance(stride) else { return };
            self.marks().set(self.machine.now(), now);
            if let Some(hand) = self.hand.lock().await.as_mut() {
                hand.pass(stride).await;
            }
        }
    }
}

impl Cluster for Wall {
    fn name(&self) -> String {
        self.around.name.clone()
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Kubectl => seen::kubectl_is_installed(),
            Capability::SteppedTime => false,
            Capability::Faults | Capability::Bill | Capability::WorkloadControllers => true,
            Capability::LoneNode => self.around.is_lone,
        }
    }

    fn client(&self) -> kube::Client {
        self.around.client.clone()
    }

    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, String>> {
        let path = self.around.kubeconfig.clone();
        Box::pin(std::future::ready(Ok(path)))
    }

    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.begin_provider())
    }

    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let hand = self.hand.get_mut().take().ok_or("the provider is not running")?;
            hand.kill().await;
            Ok(())
        })
    }

    fn pass(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.let_pass(span))
    }

    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let marks = self.marks().clone();
            if let Err(error) = seen::tell(&self.around.client, gathering, |at| marks.told(at)).await {
                gathering.add(self.parts.clock.now(), "no story", error.to_string());
            }
            if let Some(hand) = self.hand.lock().await.as_mut()
                && let Err(why) = hand.lives()
            {
                gathering.add(self.parts.clock.now(), "the provider ended", why);
            }
        })
    }

    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(hand) = self.hand.get_mut().take() {
                hand.kill().await;
            }
            self.cloud.abort();
        })
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        self.cloud.abort(); // the provider's process goes with its hand
    }
}
