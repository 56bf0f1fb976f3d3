//! HorizontalPodAutoscalers: the number of replicas follows what the pods use.
//!
//! Each autoscaler is looked at every fifteen seconds, as the real controller does, and so the only controller with a beat
//! of its own: it has to look, since what pods use is not written anywhere.

mod behaviour;
mod metrics;
mod replicas;
mod round;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::waiting::{ChangeWatcher, earliest};
use crate::object::field::uid;
use crate::sim::KubeSim;
use crate::store::GroupResource;
use behaviour::History;

/// Group and resource of autoscalers.
const AUTOSCALERS: GroupResource = ("autoscaling", "horizontalpodautoscalers");
/// The time from one look at an autoscaler to the next, and from its creation to the first.
const PERIOD: SignedDuration = SignedDuration::from_secs(15);

/// An autoscaler's past, and the instant of the next look at it.
struct Watched {
    history: History,
    due: Timestamp,
}

/// Scales workloads until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[AUTOSCALERS]);
    let mut watched: BTreeMap<String, Watched> = BTreeMap::new();
    loop {
        changes.mark_seen();
        let autoscalers = sim.store().list(AUTOSCALERS, None).0;
        watched.retain(|known, _| autoscalers.iter().any(|autoscaler| uid(autoscaler) == known));
        let mut due = None;
        for autoscaler in &autoscalers {
            let next = || sim.clock().now().saturating_add(PERIOD).unwrap_or(Timestamp::MAX);
            let fresh = || Watched { history: History::default(), due: next() };
            let own = watched.entry(uid(autoscaler).to_owned()).or_insert_with(fresh);
            if own.due <= sim.clock().now() {
                own.due = next();
                round::run(sim, autoscaler, &mut own.history).await;
            }
            due = earliest(due, Some(own.due));
        }
        changes.wait(sim, due).await;
    }
}
