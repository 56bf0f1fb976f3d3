//! Orphans: groups of this node whose pods the API does not have, and that are not deleted at once.
//!
//! A group whose pod is proved to be gone, while the node object stood, is deleted at once. Where the node object was
//! missing, somebody may have deleted node and pods though the groups were to live, and a restart does not end that doubt;
//! where the view of the cloud is in doubt, so is everything. Such a group is told of, with its age and what it costs, and
//! deleted after a grace, which begins anew with each process.

use std::time::Duration;

use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::events::EventType;
use super::evidence::Brake;
use super::group_state::still_works;
use super::list_price;
use super::reconcile::{Outcome, Reconciler};
use super::store::{Born, Snapshot};
use crate::node::facts::NodeFound;

impl Reconciler {
    /// The outcome that takes the place of deleting the group of a pod that is gone; `None` when it may be deleted
    /// now.
    pub(super) fn keep_orphan(&self, seen: &Snapshot, id: &str) -> Option<Outcome> {
        let group = seen.group.as_deref().filter(|group| still_works(group) && !planted!(OrphansGoAtOnce))?;
        let why = match self.facts.found() {
            // The node object is about to be found or made.
            None => return Some(Outcome::At(Instant::now() + Duration::from_secs(1))),
            // The pod was deleted before this process's eyes.
            Some(_) if seen.born == Born::Api => return None,
            Some(_) if seen.brake != Brake::Free => "the view of the cloud is in doubt",
            Some(NodeFound::Same) => return None,
            Some(NodeFound::New) => "the node object was missing when this provider started",
            Some(NodeFound::AdoptionPending) => {
                "the node object was missing when an earlier provider started"
            }
            Some(NodeFound::IdentityChanged { .. }) => "the node was kept with another identity before",
        };
        let now = self.steady.now();
        let grace = SignedDuration::try_from(self.scope.config.orphan_grace).unwrap_or(SignedDuration::MAX);
        let since = self.store.orphaned(&seen.uid, now);
        let left = grace - now.duration_since(since);
        if seen.orphan_since.is_none() {
            let pod = seen.pod.metadata.namespace.as_deref().zip(seen.pod.metadata.name.as_deref());
            let (namespace, name) = pod.unwrap_or_default();
            let message = format!(
                "container group {id} of pod {namespace}/{name}, which is gone, {}; it is deleted in {} s, since {why}",
                age_and_money(group, self.clock.now()),
                left.as_secs().max(0),
            );
            tracing::warn!("{message}");
            let node = super::node_reference(&self.scope.config.node_name);
            self.recorder.node(&node, EventType::Warning, "OrphanedContainerGroup", &message);
        }
        (left > SignedDuration::ZERO || planted!(OrphansStayForEver))
            .then(|| Outcome::At(Instant::now() + left.unsigned_abs()))
    }
}

/// `runs since 3 h, has cost about ¥1.32 by list price and costs ¥0.44 an hour`.
fn age_and_money(group: &ContainerGroup, now: Timestamp) -> String {
    let since = list_price::age_seconds(group, now).map(list_price::age);
    let runs = since.map_or_else(|| "runs".to_owned(), |age| format!("runs since {age}"));
    match list_price::so_far(group, now).zip(list_price::hourly(group)) {
        Some((cost, hourly)) => {
            format!("{runs}, has cost about ¥{cost} by list price and costs ¥{hourly} an hour")
        }
        None if group.instance_type.is_empty() => format!("{runs} and costs on"),
        None => format!("{runs} and costs the price of an {}", group.instance_type),
    }
}

#[cfg(test)]
mod tests {
    use eci_api::Number;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn an_orphan_is_told_with_age_and_money() {
        let group = ContainerGroup {
            creation_time: "2026-01-05T01:00:00Z".into(),
            cpu: Number(Decimal::from(2)),
            memory: Number(Decimal::from(4)),
            ..ContainerGroup::default()
        };
        assert_eq!(
            age_and_money(&group, "2026-01-05T04:00:00Z".parse().unwrap()),
            "runs since 3 h, has cost about ¥1.32 by list price and costs ¥0.44 an hour"
        );
    }
}
