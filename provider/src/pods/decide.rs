//! What to do next about one pod: a pure judgement of what is seen of it, of its group, and of the time.
//!
//! | the pod | the cloud | next |
//! |---|---|---|
//! | is wanted | was not heard | wait: unknown is not gone |
//! | is wanted | has no group, never had one | create |
//! | is wanted | has no group any more | fail: it was taken away |
//! | is wanted | could not place its group | replace |
//! | is wanted | has its group | publish |
//! | ended | has its group, which still runs | delete the group |
//! | is leaving, or gone | has its group | delete the group |
//! | is leaving | has no group | let go |

use std::time::Duration;

use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use super::annotations;

/// How long a group may be missing from the cloud's lists after it was made.
pub const LISTING_DELAY: Duration = Duration::from_secs(60);

/// How much longer than its time a pod may take to end before its group is deleted without further ado.
const PATIENCE_WITH_GRACE: SignedDuration = SignedDuration::from_secs(5);

/// What is known of a pod's group.
#[derive(Debug, Clone, Copy)]
pub enum Cloud<'a> {
    /// The cloud has not answered yet: nothing may be concluded.
    Unknown,
    /// The cloud answered, and has no group for this pod.
    Absent,
    /// The cloud has this group.
    Here(&'a ContainerGroup),
}

/// What is remembered of the groups that were made for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// None was made.
    None,
    /// Its containers ran in one, as its status says; the cloud has not shown which.
    Before,
    /// This one was made at that time, and is the pod's.
    Made {
        /// Its id.
        id: String,
        /// When; `None` when an earlier provider made it.
        at: Option<Timestamp>,
    },
    /// This one was made, and is beyond use; another may follow.
    Spent {
        /// Its id.
        id: String,
    },
}

/// How far the deletion of the group has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Nobody asked for it.
    No,
    /// The cloud was asked, and gives the containers their time.
    Gently,
    /// The cloud was asked to give them none.
    Firmly,
}

/// All that is seen of one pod.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The pod as last seen in the API.
    pub pod: &'a Pod,
    /// Whether it is still there.
    pub in_api: bool,
    /// What the cloud says.
    pub cloud: Cloud<'a>,
    /// What was made before.
    pub past: &'a Past,
    /// Whether the group's deletion was asked for.
    pub asked: Asked,
    /// The present.
    pub now: Timestamp,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Make a group.
    Create {
        /// The group that was made before and is beyond use.
        spent: Option<String>,
    },
    /// Tell the API what the group looks like.
    Publish,
    /// Take the group away.
    Delete {
        /// Its id.
        group: String,
        /// Without giving its containers time.
        firmly: bool,
    },
    /// Take away a group that could not be placed, and make another.
    Replace {
        /// Its id.
        group: String,
    },
    /// End the pod here, for this reason; if it has a group, that goes next.
    Fail {
        /// Why.
        end: End,
    },
    /// Nothing of it is left in the cloud: remove it from the API.
    LetGo,
    /// Nothing of it is left anywhere.
    Forget,
    /// Leave it as it is.
    Wait,
}

/// Why a pod ends before its containers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its group is gone, and nobody here took it away.
    Lost,
    /// Its own deadline passed.
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

/// What to do next about one pod.
pub fn decide(sight: &Sight<'_>) -> Decision {
    let Sight { pod, in_api, cloud, past, asked, now } = sight;
    if !in_api {
        return take_away(*cloud, *asked, true, Decision::Forget);
    }
    if is_leaving(pod) {
        let firmly = pod.metadata.deletion_grace_period_seconds == Some(0)
            || overdue(pod).is_some_and(|overdue| overdue <= *now);
        return take_away(*cloud, *asked, firmly, Decision::LetGo);
    }
    if has_ended(pod) {
        return match cloud {
            Cloud::Here(group) if still_works(group) && *asked == Asked::No => {
                Decision::Delete { group: group.container_group_id.clone(), firmly: false }
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
    match (cloud, past) {
        (Cloud::Unknown, _) => Decision::Wait,
        (Cloud::Here(group), _) if group.status == "ScheduleFailed" && !fails_fast(pod) => {
            Decision::Replace { group: group.container_group_id.clone() }
        }
        (Cloud::Here(_), _) => Decision::Publish,
        (Cloud::Absent, Past::None) => Decision::Create { spent: None },
        (Cloud::Absent, Past::Spent { id }) => Decision::Create { spent: Some(id.clone()) },
        (Cloud::Absent, Past::Made { at, .. }) if at.is_some_and(|at| may_be_unlisted(at, *now)) => {
            Decision::Wait
        }
        (Cloud::Absent, Past::Made { .. } | Past::Before) => Decision::Fail { end: End::Lost },
    }
}

fn take_away(cloud: Cloud<'_>, asked: Asked, firmly: bool, then: Decision) -> Decision {
    let wanted = if firmly { Asked::Firmly } else { Asked::Gently };
    match cloud {
        Cloud::Here(_) if asked >= wanted => Decision::Publish,
        Cloud::Here(group) => Decision::Delete { group: group.container_group_id.clone(), firmly },
        Cloud::Absent => then,
        Cloud::Unknown => Decision::Wait,
    }
}

fn may_be_unlisted(made: Timestamp, now: Timestamp) -> bool {
    now.duration_since(made) < SignedDuration::try_from(LISTING_DELAY).unwrap_or(SignedDuration::ZERO)
}

/// Whether the pod is being deleted.
pub fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// When a pod that is being deleted has had all the time it was given, and a little more.
pub fn overdue(pod: &Pod) -> Option<Timestamp> {
    let given = pod.metadata.deletion_timestamp.as_ref()?.0;
    given.checked_add(PATIENCE_WITH_GRACE).ok()
}

/// Whether containers of the pod ran in a group before, by what authors of pods cannot write.
pub fn ran_before(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let statuses = status.container_statuses.iter().chain(status.init_container_statuses.iter()).flatten();
    statuses.into_iter().any(|status| status.container_id.as_ref().is_some_and(|id| !id.is_empty()))
}

/// Whether the pod is in a phase that nothing follows.
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether a pod is the reflection of a static one, or a DaemonSet's, and so is never made in the cloud.
pub fn is_not_for_the_cloud(pod: &Pod) -> bool {
    let annotations = pod.metadata.annotations.as_ref();
    let owners = pod.metadata.owner_references.iter().flatten();
    annotations.is_some_and(|all| all.contains_key("kubernetes.io/config.mirror"))
        || owners.into_iter().any(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true))
}

/// When the pod must have ended, if it says.
pub fn deadline(pod: &Pod) -> Option<Timestamp> {
    let seconds = pod.spec.as_ref()?.active_deadline_seconds?;
    let started = pod.status.as_ref()?.start_time.as_ref()?.0;
    started.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// Whether a failed creation fails the pod, instead of being tried again.
pub fn fails_fast(pod: &Pod) -> bool {
    annotations::of(pod, "eci-fail-strategy") == Some("fail-fast")
        || annotations::of(pod, "pod-fail-on-create-err")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Whether a group can still cost money or do something.
pub fn still_works(group: &ContainerGroup) -> bool {
    let ended = matches!(
        group.status.as_str(),
        "Succeeded" | "Failed" | "Expired" | "ScheduleFailed" | "Terminating"
    );
    let states = || group.containers.iter().filter_map(|container| container.current_state.as_ref());
    let all_ended = states().count() == group.containers.len()
        && !group.containers.is_empty()
        && states().all(|state| state.state == "Terminated");
    !ended && !all_ended
}

/// Whether a group is on its way somewhere, so that it is worth looking at often.
pub fn is_moving(group: &ContainerGroup) -> bool {
    let settled = match group.status.as_str() {
        "Succeeded" | "Failed" | "Expired" => true,
        "Running" => group.containers.iter().all(|container| {
            let running = container.current_state.as_ref().is_some_and(|state| state.state == "Running");
            running && (container.ready || container.readiness_probe.is_none())
        }),
        _ => false,
    };
    !settled
}

#[cfg(test)]
mod tests;
