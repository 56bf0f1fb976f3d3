//! The provider's lives in this process: begun, ended at once, and begun again when an absence is over.

use std::sync::Arc;

use kube_sim::KubeSim;
use tokio::sync::{Mutex, mpsc};

use super::outbound::InProcess;
use super::virtual_node::{Connections, VirtualNode};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::{NODE, ProviderSettings, WorldParts};
use crate::sweep::cloud_tap::CloudTap;
use crate::sweep::intruder;
use crate::sweep::journal::Occurrence;
use crate::sweep::kube_tap::KubeTap;
use crate::sweep::tap::Order;

/// The provider as it lives now, and what every life is made of.
pub(super) struct Lives {
    parts: WorldParts,
    api: KubeSim,
    client: kube::Client,
    outbound: Arc<InProcess>,
    running: Option<(u32, VirtualNode)>,
    /// The nodes beside the first.
    beside: Vec<VirtualNode>,
    begun: u32,
    /// True while the case wants the provider to run, though it may be killed at the moment.
    wanted: bool,
    /// The settings of the lives that begin from now on.
    pub(super) settings: ProviderSettings,
}

impl Lives {
    pub(super) fn new(
        parts: WorldParts,
        api: KubeSim,
        client: kube::Client,
        outbound: Arc<InProcess>,
    ) -> Self {
        let settings = ProviderSettings::default();
        Self {
            parts,
            api,
            client,
            outbound,
            running: None,
            beside: Vec::new(),
            begun: 0,
            wanted: false,
            settings,
        }
    }

    /// Begins a life.
    pub(super) async fn begin(&mut self) -> Result<(), ClusterError> {
        if self.running.is_some() {
            return Err(ClusterError::AlreadyRunning);
        }
        self.wanted = true;
        let outbound = self.outbound.clone();
        self.running = Some(self.start_one(&outbound).await?);
        for name in self.settings.nodes().skip(1) {
            let connections = self.untapped();
            let beside =
                VirtualNode::start_beside(&self.parts, self.begun, &self.settings, connections, &name);
            self.begun += 1;
            self.beside.push(beside);
        }
        Ok(())
    }

    /// Connections on which nothing is tapped.
    fn untapped(&self) -> Connections {
        let (admin, cloud) = (self.client.clone(), self.parts.eci.line());
        let counted = self.settings.calls.as_ref().map(|calls| calls.count(admin.clone()));
        Connections { kube: counted.unwrap_or_else(|| admin.clone()), cloud, admin }
    }

    /// Begins a life, unless there is one.
    pub(super) async fn have(&mut self) -> Result<(), ClusterError> {
        if self.running.is_some() { Ok(()) } else { self.begin().await }
    }

    /// Ends the life, for the case.
    pub(super) async fn stop(&mut self) -> Result<(), ClusterError> {
        let killed = self.running.is_none() && self.wanted;
        self.wanted = false;
        for node in self.beside.drain(..) {
            node.kill().await;
        }
        match self.running.take() {
            Some((life, node)) => self.end(life, node).await,
            None if killed => {}
            None => return Err(ClusterError::NotRunning),
        }
        Ok(())
    }

    /// Ends the life of this number, where it still lasts.
    async fn kill(&mut self, life: u32) {
        if let Some((life, node)) = self.running.take_if(|(running, _)| *running == life) {
            self.end(life, node).await;
        }
    }

    /// Begins the life after the one of this number, unless somebody did, or the case wants none.
    async fn follow(&mut self, life: u32) {
        if self.wanted && self.running.is_none() && self.begun == life + 1 {
            self.begin()
                .await
                .unwrap_or_else(|error| tracing::error!(%error, "the provider does not start again"));
        }
    }

    async fn start_one(&mut self, outbound: &InProcess) -> Result<(u32, VirtualNode), ClusterError> {
        let life = self.begun;
        self.begun += 1;
        let connections = match &self.parts.tap {
            None => self.untapped(),
            Some(tap) => {
                tap.journal().write(Occurrence::Started(life));
                let kube = KubeTap::new(self.api.clone(), tap.clone(), life);
                let cloud = Arc::new(CloudTap::new(self.parts.eci.line(), tap.clone(), life));
                Connections { kube: kube::Client::new(kube, "default"), cloud, admin: self.client.clone() }
            }
        };
        Ok((life, VirtualNode::start(&self.parts, life, &self.settings, connections, outbound).await?))
    }

    async fn end(&self, life: u32, node: VirtualNode) {
        self.outbound.forget();
        self.put_away(life, node).await;
    }

    async fn put_away(&self, life: u32, node: VirtualNode) {
        node.kill().await;
        if let Some(tap) = &self.parts.tap {
            tap.mark_dead(life);
            tap.journal().write(Occurrence::Killed(life));
        }
    }
}

/// Does to the provider what its tap orders, until dropped.
pub(super) async fn obey(mut orders: mpsc::UnboundedReceiver<Order>, lives: Arc<Mutex<Lives>>) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Kill(life, absence) => {
                lives.lock().await.kill(life).await;
                let lives = lives.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(absence.span()).await;
                    lives.lock().await.follow(life).await;
                });
            }
            Order::Second(span) => {
                let beside = InProcess::default();
                let second = lives.lock().await.start_one(&beside).await;
                let lives = lives.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(span).await;
                    if let Ok((life, node)) = second {
                        lives.lock().await.put_away(life, node).await;
                    }
                });
            }
            Order::Alien(perturbation, done) => {
                let client = lives.lock().await.client.clone();
                if let Err(error) = intruder::act(&client, NODE, perturbation).await {
                    tracing::warn!(%error, %perturbation, "somebody else was refused");
                }
                let _ = done.send(()); // who waited is dead by now
            }
        }
    }
}
