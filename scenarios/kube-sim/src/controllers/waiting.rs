//! Waits for the next change of some kinds, or for an instant.

use std::time::Duration;

use futures::future::select_all;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::sim::KubeSim;
use crate::store::Shelf;

/// Poll interval while the clock is paused: somebody may have moved it forward.
const STANDING: Duration = Duration::from_secs(1);

/// A controller's subscription to the changes of some resources.
pub struct Changes {
    receivers: Vec<watch::Receiver<u64>>,
}

impl Changes {
    /// Changes of these kinds.
    pub fn of(sim: &KubeSim, shelves: &[Shelf]) -> Self {
        Self { receivers: shelves.iter().map(|shelf| sim.store().subscribe(*shelf)).collect() }
    }

    /// Notes that everything up to now will be looked at.
    pub fn seen(&mut self) {
        for receiver in &mut self.receivers {
            receiver.borrow_and_update();
        }
    }

    /// Waits for a change since [`Changes::seen`], or until `due`.
    pub async fn next(&mut self, sim: &KubeSim, due: Option<Timestamp>) {
        let changed = select_all(self.receivers.iter_mut().map(|receiver| Box::pin(receiver.changed())));
        match due {
            None => drop(changed.await),
            Some(due) => {
                let told =
                    Duration::try_from(sim.clock().now().duration_until(due)).unwrap_or(Duration::ZERO);
                let wait = match sim.clock().rate() {
                    0 => STANDING.min(told),
                    rate => told / rate,
                };
                // A millisecond more, so that the instant has certainly come when it is looked at.
                let wait = wait.saturating_add(Duration::from_millis(1));
                tokio::select! {
                    _ = changed => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}
