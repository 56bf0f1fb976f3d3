//! The controllers: the loops that act by themselves when objects change.
//!
//! Each is a loop that looks, acts, and then waits for the next change or for the instant at which something falls due.
//! None ticks, but for autoscalers, which are looked at every fifteen seconds: an hour in which nothing happens costs nothing.

mod backoff;
mod certificates;
mod cron_job;
mod daemon_set;
mod deployment;
mod disruption;
mod endpoints;
mod eviction;
mod following;
mod garbage_collector;
mod horizontal;
mod job;
mod namespaces;
mod nodes;
mod owned;
mod reconciling;
mod recorder;
mod replica_set;
mod revisions;
mod scheduling;
mod service_accounts;
mod stateful_set;
mod volumes;
mod waiting;
mod worklist;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};

use crate::sim::KubeSim;
use reconciling::Controller;

/// The controllers that reconcile the objects of one kind, one by one.
const CONTROLLERS: [Controller; 8] = [
    replica_set::CONTROLLER,
    deployment::CONTROLLER,
    stateful_set::CONTROLLER,
    daemon_set::CONTROLLER,
    cron_job::CONTROLLER,
    volumes::OF_CLAIMS,
    volumes::OF_VOLUMES,
    certificates::CONTROLLER,
];

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
            job::run(self),
            endpoints::run(self),
            disruption::run(self),
            horizontal::run(self),
            join_all(CONTROLLERS.iter().map(|controller| reconciling::run(self, controller).boxed())),
        );
    }
}
