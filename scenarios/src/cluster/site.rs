//! A real cluster for a whole run: started or found, lent to one case after the other, and left as it was.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use control_plane::{Binaries, ControlPlane};
use determinism::{Clock, Seed};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use tempfile::TempDir;

use super::Parts;
use super::found::{self, Found};
use super::installed::{self, Installation, Installed};
use super::seen::PROBED;
use super::sweep::Broom;
use super::wall::{Surroundings, Wall};
use crate::cloud::Cloud;
use crate::eci::Eci;
use crate::stage::{StartError, World};

/// The instant at which the first world on a real cluster begins; each further one begins a day later.
///
/// The instant is past, so that a date of the world's is never in the cluster's future: controllers wait for what lies
/// there. And it is late enough for today's price list. Time never goes back from one world to the next, since a node
/// that renews its lease into the past is taken for a silent one.
const BEGINNING: &str = "2025-01-06T01:30:00Z";

/// A cluster that cases are played on, one after the other.
pub struct Site {
    ground: Ground,
    around: Surroundings,
    broom: Broom,
    worlds: i64,
}

enum Ground {
    Made(Box<ControlPlane>),
    /// With the folder of our own kubeconfig.
    Found(TempDir),
    /// The same, with provider and cloud in it.
    Installed(TempDir, Box<Installation>),
}

/// The reason for which there is no cluster to play on.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// There are no programs to start.
    #[error(transparent)]
    NoPrograms(#[from] control_plane::binaries::NotFound),
    /// The control plane's programs do not start.
    #[error(transparent)]
    NotStarted(#[from] control_plane::StartError),
    /// The cluster that was named cannot be played on.
    #[error(transparent)]
    NotFound(#[from] found::NotFound),
    /// The cluster does not do what it is asked.
    #[error("{doing}: {why}")]
    Refused {
        /// The request, as the beginning of a sentence.
        doing: &'static str,
        /// The cluster's answer, with its causes.
        why: String,
    },
}

impl Site {
    /// A control plane of its own on this machine.
    ///
    /// # Errors
    /// [`SiteError`].
    pub async fn control_plane() -> Result<Self, SiteError> {
        let plane = ControlPlane::start(&Binaries::find()?).await?;
        let client = plane.client().await?;
        let version = client.apiserver_version().await.map_err(refused("the API server's version"))?;
        let around = Surroundings {
            name: format!("control plane of Kubernetes {} on this machine", version.git_version),
            client,
            kubeconfig: plane.kubeconfig(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_lone: true,
        };
        let broom = Broom { home: "default".to_owned(), by_hand: true, keeps_webhook: false };
        let site = Self { ground: Ground::Made(Box::new(plane)), around, broom, worlds: 0 };
        site.prepare().await?;
        Ok(site)
    }

    /// A cluster that was found. What the cases make must not be there, `namespaces` among it.
    ///
    /// # Errors
    /// [`SiteError`].
    pub async fn found(found: Found, namespaces: &BTreeSet<String>) -> Result<Self, SiteError> {
        let version = found.version().await?;
        found.is_free(&with_probed(namespaces)).await?;
        let name = format!("context {} · Kubernetes {version}", found.context);
        Self::begin(found, name, None).await
    }

    /// A cluster of kind's that was found: played on with what is installed there, else as [`Self::found`].
    ///
    /// # Errors
    /// [`SiteError`].
    pub async fn kind(found: Found, namespaces: &BTreeSet<String>) -> Result<Self, SiteError> {
        let version = found.version().await?;
        let Some(there) = Installation::find(&found.client).await? else {
            return Self::found(found, namespaces).await;
        };
        found.is_idle(&with_probed(namespaces)).await?;
        there.stop_the_clock().await?;
        let name = format!("context {} · Kubernetes {version} · provider and cloud as pods", found.context);
        Self::begin(found, name, Some(there)).await
    }

    async fn begin(found: Found, name: String, there: Option<Installation>) -> Result<Self, SiteError> {
        let nodes = found.nodes().await?;
        let around = Surroundings {
            name,
            is_lone: nodes.is_empty(),
            address: found.address(&nodes),
            client: found.client,
            kubeconfig: found.kubeconfig,
        };
        let broom = Broom { home: found.home, by_hand: false, keeps_webhook: there.is_some() };
        let ground = match there {
            Some(there) => Ground::Installed(found.folder, Box::new(there)),
            None => Ground::Found(found.folder),
        };
        let site = Self { ground, around, broom, worlds: 0 };
        let begun = match site.prepare().await {
            // A node that lived by another time before might never be heard of again.
            Ok(()) if site.broom.keeps_webhook => site.sweep(&BTreeSet::new()).await,
            other => other,
        };
        match begun {
            Ok(()) => Ok(site),
            Err(error) => {
                let _ = site.end().await; // the first error is the one to be told
                Err(error)
            }
        }
    }

    /// Makes the namespaces of our own.
    async fn prepare(&self) -> Result<(), SiteError> {
        let labels = json!({ "virtual-node-affinity-injection": "enabled" });
        self.make_namespace(json!({ "metadata": { "name": PROBED, "labels": labels } })).await?;
        if !matches!(self.ground, Ground::Made(_)) {
            self.make_namespace(json!({ "metadata": { "name": self.home() } })).await?;
        }
        Ok(())
    }

    async fn make_namespace(&self, manifest: serde_json::Value) -> Result<(), SiteError> {
        let doing = "making a namespace of our own";
        let namespace: Namespace = serde_json::from_value(manifest)
            .map_err(|error| SiteError::Refused { doing, why: error.to_string() })?;
        let namespaces: Api<Namespace> = Api::all(self.around.client.clone());
        namespaces.create(&PostParams::default(), &namespace).await.map_err(refused(doing))?;
        Ok(())
    }

    /// The cluster's name, in a report's first line.
    pub fn name(&self) -> &str {
        &self.around.name
    }

    /// A client with every right.
    pub fn client(&self) -> kube::Client {
        self.around.client.clone()
    }

    /// A file by which kubectl finds it.
    pub fn kubeconfig(&self) -> &Path {
        &self.around.kubeconfig
    }

    /// The namespace of pods that name none.
    pub fn home(&self) -> &str {
        &self.broom.home
    }

    /// A world on this cluster, its virtual node ready. One at a time; [`Self::sweep`] comes between two.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn world(&mut self, seed: Seed, folder: impl Into<PathBuf>) -> Result<World, StartError> {
        if let Ground::Installed(_, there) = &self.ground {
            return self.world_of(there, seed, folder.into()).await;
        }
        let told = |error: jiff::Error| StartError::Part { part: "the clock", why: error.to_string() };
        let first: Timestamp = BEGINNING.parse().map_err(told)?;
        let beginning = first.checked_add(SignedDuration::from_hours(24 * self.worlds)).map_err(told)?;
        self.worlds += 1;
        let clock = Clock::still(beginning);
        let parts = Parts { eci: Eci::here(&clock, seed), clock, seed, tap: None };
        let wall = Wall::start(self.around.clone(), parts.clone()).await?;
        Ok(World::of(Box::new(wall), parts, folder.into()).at_home_in(self.home()))
    }

    /// A world whose provider and cloud are pods.
    async fn world_of(&self, there: &Installation, seed: Seed, folder: PathBuf) -> Result<World, StartError> {
        let (name, kubeconfig) = (self.around.name.clone(), self.around.kubeconfig.clone());
        let cloud = Cloud::There(Box::new(there.door.clone()));
        let installed = Installed::start(installed::Ground { name, kubeconfig }, there.clone()).await?;
        let clock = installed.clock();
        Ok(World::with(Box::new(installed), cloud, clock, seed, folder).at_home_in(self.home()))
    }

    /// Takes away what a case has left behind; `namespaces` are those that it makes.
    ///
    /// # Errors
    /// What could not be taken away, and why.
    pub async fn sweep(&self, namespaces: &BTreeSet<String>) -> Result<(), SiteError> {
        let swept = self.broom.sweep(&self.around.client, namespaces).await;
        swept.map_err(|why| SiteError::Refused { doing: "sweeping up after a case", why })
    }

    /// Leaves the cluster as it was before, or ends it.
    ///
    /// # Errors
    /// [`SiteError::Refused`].
    pub async fn end(self) -> Result<(), SiteError> {
        let own = BTreeSet::from([PROBED.to_owned(), self.broom.home.clone()]);
        let swept = match self.ground {
            Ground::Made(plane) => {
                plane.end();
                return Ok(());
            }
            Ground::Found(_folder) => self.broom.sweep(&self.around.client, &own).await,
            Ground::Installed(_folder, there) => {
                let swept = self.broom.sweep(&self.around.client, &own).await;
                there.leave().await?;
                swept
            }
        };
        swept.map_err(|why| SiteError::Refused { doing: "taking away what was ours", why })
    }
}

/// And the namespace of our own.
fn with_probed(namespaces: &BTreeSet<String>) -> BTreeSet<String> {
    namespaces.iter().cloned().chain([PROBED.to_owned()]).collect()
}

pub(super) fn refused(doing: &'static str) -> impl Fn(kube::Error) -> SiteError {
    move |error| SiteError::Refused { doing, why: provider::with_causes(&error) }
}
