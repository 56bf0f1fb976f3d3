//! The reconciler's work queue.

use std::fmt;

use super::Samples;
use crate::pods::queue::{Class, WorkQueue};

/// Writes the samples.
pub(super) fn collect(samples: &mut Samples<'_>, queue: &WorkQueue) -> fmt::Result {
    let depth = queue.depth();
    let name = |class: Class| match class {
        Class::Deletion => "deletion",
        Class::Update => "update",
        Class::Creation => "creation",
    };
    let ready = depth.ready.into_iter().map(|(class, pods)| ([("class", name(class))], pods));
    samples.gauge("queue_ready", "Pods that wait for a worker, by what is to be done", ready)?;
    samples.one_gauge("queue_busy", "Pods that a worker has", depth.busy)?;
    samples.one_gauge("queue_delayed", "Pods that are to be looked at later", depth.delayed)
}
