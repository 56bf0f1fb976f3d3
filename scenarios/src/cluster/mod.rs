//! What a world runs on: the trait of all kinds of clusters, and what each can do.

mod embedded;

use std::path::PathBuf;

use determinism::{Clock, Seed};
use futures::future::BoxFuture;

pub use self::embedded::Embedded;
use crate::eci::Eci;
use crate::scenario::Capability;
use crate::story::Gathering;

/// What every kind of cluster is given.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// The chance.
    pub seed: Seed,
    /// The cloud that the provider speaks to.
    pub eci: Eci,
}

/// A Kubernetes cluster with the provider in it.
pub trait Cluster {
    /// What it is, in the report's first line.
    fn name(&self) -> &'static str;

    /// Whether a case that needs this can be played here.
    fn can(&self, capability: Capability) -> bool;

    /// A client with every right.
    fn client(&self) -> kube::Client;

    /// A file through which kubectl reaches it.
    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, String>>;

    /// Starts the provider, and waits until its node is ready.
    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), String>>;

    /// Stops the provider at once, wherever it is.
    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), String>>;

    /// Tells what happened here, for the story of a failure.
    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()>;

    /// Ends everything that was started for this cluster.
    fn end(&mut self) -> BoxFuture<'_, ()>;
}
