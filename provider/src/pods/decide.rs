//! The next step for one pod: a pure judgement of what is seen of it, of its group, and of the time.
//!
//! | the pod | the cloud | next |
//! |---|---|---|
//! | is wanted | is not known to have a group, nor to have none | wait: unknown is not gone |
//! | is wanted | did not answer its creation | create again, under the same token |
//! | is wanted | has no group, nothing ever ran | create |
//! | is wanted | has no group any more, containers ran | fail: it was taken away |
//! | is wanted | could not place its group | replace |
//! | is wanted | has its group | publish |
//! | ended | has its group, which still runs | delete the group |
//! | is leaving, or gone | has its group | delete the group |
//! | is leaving | has no group | remove from the API |
//!
//! The absence of a group is a proof (see `evidence`), not an impression.

use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use super::annotations;
use super::group_state::still_works;
use super::provenance::{GroupHistory, ran_before};

/// The time beyond its grace that a pod may take to end before its group is deleted without further ado.
const GRACE_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// The cloud's view of one pod.
#[derive(Debug, Clone, Copy)]
pub enum CloudView<'a> {
    /// Nothing may be concluded.
    Unknown,
    /// The cloud provably has no group for this pod.
    Absent,
    /// The cloud has this group.
    Here(&'a ContainerGroup),
}

/// The progress of a group's deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeletionState {
    /// Nobody asked for it.
    NotRequested,
    /// The cloud agreed, and gives the containers their time.
    Graceful,
    /// The cloud agreed to give them none.
    Forced,
}

/// Everything that is seen of one pod.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The pod as last seen in the API.
    pub pod: &'a Pod,
    /// True while the pod is in the API.
    pub in_api: bool,
    /// The cloud's view.
    pub cloud: CloudView<'a>,
    /// The groups that were made for it.
    pub history: &'a GroupHistory,
    /// The progress of its group's deletion.
    pub deletion: DeletionState,
    /// True after a creation that got no answer.
    pub unanswered: bool,
    /// True where the pod accepts a spec that was not tried yet behind the one of its group.
    pub has_further_spec: bool,
    /// The time of the cloud's last answer that has the group.
    pub seen_at: Option<Timestamp>,
    /// The present.
    pub now: Timestamp,
}

/// The next step for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Make a group.
    Create,
    /// Tell the API what the group looks like.
    Publish,
    /// Take the group away.
    Delete {
        /// The group's id.
        group: String,
        /// Without giving its containers time.
        forced: bool,
    },
    /// Take away a group that could not be placed, and make another.
    Replace {
        /// The group's id.
        group: String,
    },
    /// End the pod here, for this reason; if it has a group, that goes next.
    Fail {
        /// The reason of the end.
        end: End,
    },
    /// Nothing of it is left in the cloud: remove it from the API.
    RemoveFromApi,
    /// Nothing of it is left anywhere.
    Forget,
    /// Leave it as it is.
    Wait,
}

/// Reasons for which a pod ends before its containers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The pod's group is gone, and nobody here took it away.
    Lost,
    /// The pod's `activeDeadlineSeconds` passed.
    Deadline,
}

impl End {
    /// The pod's reason.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Lost => "NotFound",
            Self::Deadline => "DeadlineExceeded",
        }
    }

    /// The pod's message.
    pub fn message(self) -> &'static str {
        match self {
            Self::Lost => {
                "The pod's container group is not in the cloud any more; it may have been deleted there"
            }
            Self::Deadline => "Pod was active on the node longer than the specified deadline",
        }
    }
}

/// Decides the next step for one pod, by the table at the top.
pub fn decide(seen: &Observation<'_>) -> Decision {
    #[cfg(feature = "planted-faults")]
    return crate::planted::decisions::decide(seen, judge);
    #[cfg(not(feature = "planted-faults"))]
    judge(seen)
}

fn judge(seen: &Observation<'_>) -> Decision {
    let Observation { pod, in_api, cloud, history, deletion, unanswered, has_further_spec, seen_at, now } =
        seen;
    if !in_api {
        return take_away(*cloud, *deletion, true, Decision::Forget);
    }
    if is_leaving(pod) {
        let forced = pod.metadata.deletion_grace_period_seconds == Some(0)
            // a group that nobody looked for since then is most likely gone
            || overdue(pod).is_some_and(|overdue| overdue <= *now && seen_at.is_some_and(|at| at >= overdue));
        return take_away(*cloud, *deletion, forced, Decision::RemoveFromApi);
    }
    if has_ended(pod) {
        return match cloud {
            CloudView::Here(group) if still_works(group) && *deletion == DeletionState::NotRequested => {
                Decision::Delete { group: group.container_group_id.clone(), forced: false }
            }
            _ => Decision::Wait,
        };
    }
    if is_not_for_the_cloud(pod) {
        return Decision::Wait;
    }
    if deadline(pod).is_some_and(|deadline| deadline <= *now) {
        return Decision::Fail { end: End::Deadline };
    }
    let ran = matches!(history, GroupHistory::HadBefore { .. }) || ran_before(pod);
    match cloud {
        CloudView::Unknown if *unanswered => Decision::Create,
        CloudView::Unknown => Decision::Wait,
        CloudView::Here(group)
            if group.parsed_status().never_started() && (!fails_fast(pod) || *has_further_spec) =>
        {
            Decision::Replace { group: group.container_group_id.clone() }
        }
        CloudView::Here(_) => Decision::Publish,
        CloudView::Absent if ran => Decision::Fail { end: End::Lost },
        CloudView::Absent => Decision::Create,
    }
}

fn take_away(cloud: CloudView<'_>, deletion: DeletionState, forced: bool, then: Decision) -> Decision {
    let wanted = if forced { DeletionState::Forced } else { DeletionState::Graceful };
    match cloud {
        CloudView::Here(_) if deletion >= wanted => Decision::Publish,
        CloudView::Here(group) => Decision::Delete { group: group.container_group_id.clone(), forced },
        CloudView::Absent => then,
        CloudView::Unknown => Decision::Wait,
    }
}

/// Returns true when the pod is being deleted.
pub fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// The end of the time that a pod is given for its deletion, with `GRACE_MARGIN` added; `None` for a pod that is
/// not being deleted.
pub fn overdue(pod: &Pod) -> Option<Timestamp> {
    let given = pod.metadata.deletion_timestamp.as_ref()?.0;
    given.checked_add(GRACE_MARGIN).ok()
}

/// Returns true when the pod is in a phase that nothing follows.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Returns true for the reflection of a static pod and for a DaemonSet's pod, which are never made in the cloud.
pub fn is_not_for_the_cloud(pod: &Pod) -> bool {
    let annotations = pod.metadata.annotations.as_ref();
    let owners = pod.metadata.owner_references.iter().flatten();
    annotations.is_some_and(|all| all.contains_key("kubernetes.io/config.mirror"))
        || owners.into_iter().any(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true))
}

/// The instant at which the pod's `activeDeadlineSeconds` are over; `None` without a limit or before the pod's start.
pub fn deadline(pod: &Pod) -> Option<Timestamp> {
    let seconds = pod.spec.as_ref()?.active_deadline_seconds?;
    let started = pod.status.as_ref()?.start_time.as_ref()?.0;
    started.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// Returns true when a failed creation fails the pod, instead of being tried again.
pub fn fails_fast(pod: &Pod) -> bool {
    annotations::of(pod, "eci-fail-strategy").is_some_and(|word| word.eq_ignore_ascii_case("fail-fast"))
        || annotations::of(pod, "pod-fail-on-create-err")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests;
