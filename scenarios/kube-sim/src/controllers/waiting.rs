//! Waits for the next change of some kinds, or for an instant.

use std::time::Duration;

use futures::future::select_all;
use jiff::Timestamp;

use crate::sim::KubeSim;
use crate::store::{GroupResource, Receiver};

/// Poll interval while the clock is paused: somebody may have moved it forward.
const PAUSED_CLOCK_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The earlier of two instants that may not come.
pub fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A controller's subscription to the changes of some resources.
pub struct ChangeWatcher {
    receivers: Vec<Receiver>,
}

impl ChangeWatcher {
    /// Changes of these kinds.
    pub fn new(sim: &KubeSim, resources: &[GroupResource]) -> Self {
        Self { receivers: resources.iter().map(|resource| sim.store().subscribe(*resource)).collect() }
    }

    /// Notes that everything up to now will be looked at.
    pub fn mark_seen(&mut self) {
        for receiver in &mut self.receivers {
            receiver.see();
        }
    }

    /// Waits for a change since [`ChangeWatcher::mark_seen`], or until `due`.
    pub async fn wait(&mut self, sim: &KubeSim, due: Option<Timestamp>) {
        let changed = select_all(self.receivers.iter_mut().map(|receiver| Box::pin(receiver.changed())));
        match due {
            None => drop(changed.await),
            Some(due) => {
                let left =
                    Duration::try_from(sim.clock().now().duration_until(due)).unwrap_or(Duration::ZERO);
                let wait = match sim.clock().rate() {
                    0 => PAUSED_CLOCK_POLL_INTERVAL.min(left),
                    rate => left / rate,
                };
                // A millisecond more, so that the instant has certainly come when it is looked at.
                let wait = wait.saturating_add(Duration::from_millis(1));
                tokio::select! {
                    biased;
                    _ = changed => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}
