//! The controllers: the loops that act by themselves when objects change.
//!
//! Each is a loop that looks, acts, and then waits for the next change or for the instant at which something falls due.
//! None ticks: an hour in which nothing happens costs nothing.

mod deployment;
mod disruption;
mod endpoints;
mod eviction;
mod garbage_collector;
mod job;
mod namespaces;
mod nodes;
mod owned;
mod recorder;
mod replica_set;
mod scheduling;
mod service_accounts;
mod waiting;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::sim::KubeSim;

impl KubeSim {
    /// Runs the scheduler and the controllers until the future is dropped.
    pub fn run_controllers(&self) -> BoxFuture<'_, ()> {
        // Boxed, so that the controllers are compiled here once and not again by each caller.
        self.controllers().boxed()
    }

    async fn controllers(&self) {
        tokio::join!(
            scheduling::run(self),
            namespaces::run(self),
            garbage_collector::run(self),
            nodes::run(self),
            eviction::run(self),
            service_accounts::run(self),
            replica_set::run(self),
            deployment::run(self),
            job::run(self),
            endpoints::run(self),
            disruption::run(self),
        );
    }
}
