//! A real cluster for a whole run: started or found, lent to one case after the other, and left as it was.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use control_plane::{Binaries, ControlPlane};
use determinism::{Clock, Seed};
use eci_sim::ClientError;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DynamicObject, PostParams};
use provider::webhook::injection::INJECTION_LABEL;
use serde_json::json;
use tempfile::TempDir;

use super::cleanup::Cleanup;
use super::error::{SharedClusterError, StartError, refused};
use super::existing::ExistingCluster;
use super::installed::{Installation, Installed};
use super::interface::WorldParts;
use super::observations::PROBE_NAMESPACE;
use super::real::{ClusterInfo, RealCluster, Time};
use crate::cloud::Cloud;
use crate::eci::Eci;
use crate::load::processes::Process;
use crate::objects::{new_object, objects};
use crate::stage::World;

/// The instant at which the first world on a real cluster begins; each further one begins a day later.
///
/// The instant is past, so that a date of the world's is never in the cluster's future: controllers wait for what lies
/// there. And it is late enough for today's price list. Time never goes back from one world to the next, since a node
/// that renews its lease into the past is taken for a silent one.
const BEGINNING: &str = "2025-01-06T01:30:00Z";

/// A cluster that cases are played on, one after the other.
pub struct SharedCluster {
    origin: Origin,
    info: ClusterInfo,
    cleanup: Cleanup,
    worlds: i64,
}

enum Origin {
    Started(Box<ControlPlane>),
    /// With the folder of our own kubeconfig.
    Existing(TempDir),
    /// The same, with provider and cloud in it.
    Installed(TempDir, Box<Installation>),
}

impl SharedCluster {
    /// A control plane of its own on this machine.
    ///
    /// # Errors
    /// [`SharedClusterError::NoPrograms`] without etcd and Kubernetes' programs, [`SharedClusterError::NotStarted`] when
    /// one of them does not start.
    pub async fn control_plane() -> Result<Self, SharedClusterError> {
        let control_plane = ControlPlane::start(&Binaries::find()?).await?;
        let client = control_plane.client().await?;
        let version = client.apiserver_version().await.map_err(refused("the API server's version"))?;
        let info = ClusterInfo {
            name: format!("control plane of Kubernetes {} on this machine", version.git_version),
            client,
            kubeconfig: control_plane.kubeconfig(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_lone: true,
        };
        let cleanup =
            Cleanup { home: "default".to_owned(), finalizes_namespaces: true, keeps_webhook: false };
        let origin = Origin::Started(Box::new(control_plane));
        let cluster = Self { origin, info, cleanup, worlds: 0 };
        cluster.prepare().await?;
        Ok(cluster)
    }

    /// An existing cluster. The node, webhook and namespaces that the cases make must not be there, nor `namespaces`.
    ///
    /// # Errors
    /// [`SharedClusterError::Kubeconfig`] when it does not answer or has such an object already.
    pub async fn existing(
        existing: ExistingCluster,
        namespaces: &BTreeSet<String>,
    ) -> Result<Self, SharedClusterError> {
        let version = existing.version().await?;
        existing.require_free(&with_probe_namespace(namespaces)).await?;
        let name = format!("context {} · Kubernetes {version}", existing.context);
        Self::begin(existing, name, None).await
    }

    /// An existing cluster of kind's: played on with the chart that is installed there, else as [`Self::existing`].
    ///
    /// # Errors
    /// [`SharedClusterError::Kubeconfig`] when it does not answer, or its provider lives by the machine's time.
    pub async fn kind(
        existing: ExistingCluster,
        namespaces: &BTreeSet<String>,
    ) -> Result<Self, SharedClusterError> {
        let version = existing.version().await?;
        let Some(installation) = Installation::find(&existing.client).await? else {
            return Self::existing(existing, namespaces).await;
        };
        existing.require_idle(&with_probe_namespace(namespaces)).await?;
        installation.stop_the_clock().await?;
        let name =
            format!("context {} · Kubernetes {version} · provider and cloud as pods", existing.context);
        Self::begin(existing, name, Some(installation)).await
    }

    async fn begin(
        existing: ExistingCluster,
        name: String,
        installation: Option<Installation>,
    ) -> Result<Self, SharedClusterError> {
        let nodes = existing.nodes().await?;
        let info = ClusterInfo {
            name,
            is_lone: nodes.is_empty(),
            address: existing.address(&nodes),
            client: existing.client,
            kubeconfig: existing.kubeconfig,
        };
        let keeps_webhook = installation.is_some();
        let cleanup = Cleanup { home: existing.home, finalizes_namespaces: false, keeps_webhook };
        let origin = match installation {
            Some(installation) => Origin::Installed(existing.folder, Box::new(installation)),
            None => Origin::Existing(existing.folder),
        };
        let cluster = Self { origin, info, cleanup, worlds: 0 };
        let begun = match cluster.prepare().await {
            // A node that lived by another time before might never be heard of again.
            Ok(()) if keeps_webhook => cluster.clean_up(&BTreeSet::new()).await,
            other => other,
        };
        match begun {
            Ok(()) => Ok(cluster),
            Err(error) => {
                let _ = cluster.end().await; // the first error is the one to be reported
                Err(error)
            }
        }
    }

    /// Makes the namespaces of our own.
    async fn prepare(&self) -> Result<(), SharedClusterError> {
        let mut probe = new_object::<Namespace>(PROBE_NAMESPACE, json!({}));
        probe.metadata.labels = Some([(INJECTION_LABEL.to_owned(), "enabled".to_owned())].into());
        self.make_namespace(&probe).await?;
        if !matches!(self.origin, Origin::Started(_)) {
            self.make_namespace(&new_object::<Namespace>(self.home(), json!({}))).await?;
        }
        Ok(())
    }

    async fn make_namespace(&self, namespace: &DynamicObject) -> Result<(), SharedClusterError> {
        let namespaces = objects::<Namespace>(self.info.client.clone(), None);
        let made = namespaces.create(&PostParams::default(), namespace).await;
        made.map(drop).map_err(refused("making a namespace of our own"))
    }

    /// The cluster's name, in a report's first line.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// A client with every right.
    pub fn client(&self) -> kube::Client {
        self.info.client.clone()
    }

    /// A file by which kubectl finds it.
    pub fn kubeconfig(&self) -> &Path {
        &self.info.kubeconfig
    }

    /// The namespace of pods that name none.
    pub fn home(&self) -> &str {
        &self.cleanup.home
    }

    /// A world on this cluster, its virtual node ready. One at a time; [`Self::clean_up`] comes between two.
    ///
    /// # Errors
    /// [`StartError::Part`] with the part that did not start: the clock, the cloud, its port or the provider.
    pub async fn world(&mut self, seed: Seed, folder: impl Into<PathBuf>) -> Result<World, StartError> {
        if let Origin::Installed(_, installation) = &self.origin {
            return self.world_of_pods(installation, seed, folder.into()).await;
        }
        let first: Timestamp = BEGINNING.parse().map_err(StartError::of::<jiff::Error>("the clock"))?;
        let days = SignedDuration::from_hours(24 * self.worlds);
        let beginning = first.checked_add(days).map_err(StartError::of::<jiff::Error>("the clock"))?;
        self.worlds += 1;
        let clock = Clock::still(beginning);
        let parts = WorldParts { eci: Eci::here(&clock, seed), clock, seed, tap: None };
        let cluster = RealCluster::start(self.info.clone(), parts.clone(), Time::Stepped).await?;
        Ok(World::of(Box::new(cluster), parts, folder.into()).at_home_in(self.home()))
    }

    /// A world in the machine's time on this cluster, its virtual node ready.
    ///
    /// # Errors
    /// As [`Self::world`].
    pub async fn world_in_machine_time(
        &mut self,
        seed: Seed,
        folder: impl Into<PathBuf>,
    ) -> Result<World, StartError> {
        if let Origin::Installed(_, installation) = &self.origin {
            let world = self.world_of_pods(installation, seed, folder.into()).await?;
            let set = installation.control.set_rate(1).await;
            set.map_err(StartError::of::<ClientError>("the clock"))?;
            return Ok(world);
        }
        let clock = Clock::monotonic();
        let parts = WorldParts { eci: Eci::here(&clock, seed), clock, seed, tap: None };
        let cluster = RealCluster::start(self.info.clone(), parts.clone(), Time::Machine).await?;
        Ok(World::of(Box::new(cluster), parts, folder.into()).at_home_in(self.home()))
    }

    /// The processes of the cluster that this program started.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let Origin::Started(control_plane) = &self.origin else { return Vec::new() };
        let process = |(name, id): (&str, u32)| Process { name: name.to_owned(), id };
        control_plane.processes().map(process).collect()
    }

    /// A world whose provider and cloud are pods.
    async fn world_of_pods(
        &self,
        installation: &Installation,
        seed: Seed,
        folder: PathBuf,
    ) -> Result<World, StartError> {
        let (name, kubeconfig) = (self.info.name.clone(), self.info.kubeconfig.clone());
        let cloud = Cloud::There(Box::new(installation.control.clone()));
        let cluster = Installed::start(name, kubeconfig, installation.clone()).await?;
        let clock = cluster.clock();
        Ok(World::with(Box::new(cluster), cloud, clock, seed, folder).at_home_in(self.home()))
    }

    /// Takes away what a case has left behind; `namespaces` are those that it makes.
    ///
    /// # Errors
    /// [`SharedClusterError::Refused`] with the objects that are still there after 60 s, or the API server's refusal.
    pub async fn clean_up(&self, namespaces: &BTreeSet<String>) -> Result<(), SharedClusterError> {
        let cleaned = self.cleanup.run(&self.info.client, namespaces).await;
        cleaned.map_err(refused("sweeping up after a case"))
    }

    /// Leaves the cluster as it was before, or ends it.
    ///
    /// # Errors
    /// [`SharedClusterError::Refused`] when something of ours is still there.
    pub async fn end(self) -> Result<(), SharedClusterError> {
        let own = BTreeSet::from([PROBE_NAMESPACE.to_owned(), self.cleanup.home.clone()]);
        let cleaned = match self.origin {
            Origin::Started(control_plane) => {
                control_plane.end();
                return Ok(());
            }
            Origin::Existing(_folder) => self.cleanup.run(&self.info.client, &own).await,
            Origin::Installed(_folder, installation) => {
                let cleaned = self.cleanup.run(&self.info.client, &own).await;
                installation.restore().await?;
                cleaned
            }
        };
        cleaned.map_err(refused("taking away what was ours"))
    }
}

/// The namespaces and the one that shows whether the webhook is called.
fn with_probe_namespace(namespaces: &BTreeSet<String>) -> BTreeSet<String> {
    namespaces.iter().cloned().chain([PROBE_NAMESPACE.to_owned()]).collect()
}
