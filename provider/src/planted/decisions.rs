//! Faults in the table of decisions, at least one in each of its rows.

use crate::pods::annotations;
use crate::pods::decide::{
    CloudView, Decision, DeletionState, End, Observation, has_ended, is_leaving, is_not_for_the_cloud,
    overdue,
};
use crate::pods::group_state::still_works;
use crate::pods::provenance::ran_before;

/// The decision about what is seen, where `judge` makes the right one.
pub fn decide(seen: &Observation<'_>, judge: impl Fn(&Observation<'_>) -> Decision) -> Decision {
    let goes = !seen.in_api || is_leaving(seen.pod);
    let is_wanted = !goes && !has_ended(seen.pod);
    let ran = ran_before(seen.pod);
    let unknown = matches!(seen.cloud, CloudView::Unknown);
    let unknown_is_absent = is_wanted && ran && planted!(UnknownIsLost)
        || is_wanted && !ran && planted!(UnknownIsNew)
        || goes && planted!(LeavingIsRemovedUnseen);
    if unknown && unknown_is_absent {
        return judge(&Observation { cloud: CloudView::Absent, ..*seen });
    }
    let decision = judge(seen);
    instead_of(&decision, seen, (goes, is_wanted, unknown)).unwrap_or(decision)
}

fn instead_of(
    decision: &Decision,
    seen: &Observation<'_>,
    (goes, is_wanted, unknown): (bool, bool, bool),
) -> Option<Decision> {
    let delete = |group: &str, forced| Decision::Delete { group: group.to_owned(), forced };
    let when = |on: bool, other: Decision| on.then_some(other);
    match decision {
        Decision::Create if unknown => when(planted!(UnansweredWaits), Decision::Wait),
        Decision::Create => when(planted!(AbsentWaits), Decision::Wait),
        Decision::Fail { end: End::Lost } => when(planted!(LostIsMadeAnew), Decision::Create),
        Decision::Fail { end: End::Deadline } => when(planted!(DeadlineIsIgnored), Decision::Wait),
        Decision::Replace { .. } => when(planted!(UnplacedIsPublished), Decision::Publish),
        Decision::Publish if is_wanted => when(planted!(GroupIsNotPublished), Decision::Wait),
        Decision::Publish if goes => {
            let CloudView::Here(group) = seen.cloud else { return None };
            let late = overdue(seen.pod).is_some_and(|overdue| overdue <= seen.now);
            let forced = late && seen.deletion == DeletionState::Graceful && planted!(OverdueNeedsNoLook);
            let again = forced || planted!(AgreedDeletionIsRepeated) && still_works(group);
            when(again, delete(&group.container_group_id, forced))
        }
        Decision::Delete { .. } if !seen.in_api && planted!(GoneIsForgotten) => Some(Decision::Forget),
        Decision::Delete { .. } if !goes => when(planted!(EndedKeepsItsGroup), Decision::Wait),
        Decision::Delete { group, forced: false } => when(planted!(LeavingIsForced), delete(group, true)),
        Decision::Delete { group, forced: true } => {
            let agreed = seen.deletion >= DeletionState::Graceful;
            let other = if agreed { Decision::Publish } else { delete(group, false) };
            when(planted!(DeletionIsNeverForced), other)
        }
        Decision::RemoveFromApi => when(planted!(LeavingStays), Decision::Wait),
        Decision::Wait if goes && unknown => {
            let group = annotations::of(seen.pod, "eci-instance-id")?;
            when(planted!(AnnotationIsDeleted), delete(group, true))
        }
        Decision::Wait if is_wanted && is_not_for_the_cloud(seen.pod) => {
            let absent = matches!(seen.cloud, CloudView::Absent);
            when(absent && planted!(DaemonSetPodIsMade), Decision::Create)
        }
        _ => None,
    }
}
