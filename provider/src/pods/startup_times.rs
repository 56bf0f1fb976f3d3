//! Times from a pod's creation until it is told as Running, by stage.

use std::sync::Arc;

use eci_api::group::ContainerGroup;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 12] = [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// A stage on the way of a pod to Running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Stage {
    /// From the pod's creation to its group's, by the cloud's clock, to the second.
    Created,
    /// From there until the last of its containers started, by the cloud's clock, to the second.
    Started,
    /// From there until its status was written.
    Reported,
    /// All of these.
    Total,
}

/// The label of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StageLabel {
    stage: Stage,
}

/// Histograms by stage.
pub type StageHistograms = Family<StageLabel, Histogram, fn() -> Histogram>;

/// Histograms of the times by stage; clones share them.
#[derive(Debug, Clone)]
pub struct StartupTimes(Arc<StageHistograms>);

impl Default for StartupTimes {
    fn default() -> Self {
        Self(Arc::new(Family::new_with_constructor(|| Histogram::new(BUCKETS))))
    }
}

impl StartupTimes {
    /// The histograms.
    pub fn family(&self) -> StageHistograms {
        (*self.0).clone()
    }

    /// Adds a pod whose status said Running for the first time at `now`.
    pub(super) fn observe(&self, pod: &Pod, group: &ContainerGroup, now: Timestamp) {
        let accepted = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let created = group.creation_time.parse::<Timestamp>().ok();
        let started = group
            .containers
            .iter()
            .filter_map(|container| container.current_state.as_ref()?.start_time.parse::<Timestamp>().ok())
            .max();
        let spans = [
            (Stage::Created, accepted, created),
            (Stage::Started, created, started),
            (Stage::Reported, started, Some(now)),
            (Stage::Total, accepted, Some(now)),
        ];
        for (stage, from, to) in spans {
            if let (Some(from), Some(to)) = (from, to) {
                // clocks differ, and the cloud's times are to the second
                let seconds = to.duration_since(from).as_secs_f64().max(0.0);
                self.0.get_or_create(&StageLabel { stage }).observe(seconds);
            }
        }
    }
}
