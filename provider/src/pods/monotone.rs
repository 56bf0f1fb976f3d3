//! The order of what was seen: which of two answers of the cloud is older, and a status that never goes back; pure.

use eci_api::group::{self, ContainerGroup, ContainerGroupStatus as Status, ContainerStateKind};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, PodStatus};

use super::phase::Phase;

/// The stage of a container within one of its runs, in the order in which stages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    NotStarted,
    Running,
    Ended,
    /// The container ended and waits for its next run.
    BetweenRuns,
}

/// The progress of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    /// The last instant that its states name, by the cloud's clock, in whole seconds as the API keeps them.
    last: Option<i64>,
    restarts: i32,
    stage: Stage,
}

impl Progress {
    /// Negative when `self` is older than `other`. Where times and restarts contradict each other, neither is: a count
    /// may begin anew when somebody restarts the group, and times may be missing.
    fn compare(self, other: Self) -> std::cmp::Ordering {
        let times = self.last.cmp(&other.last);
        let restarts = self.restarts.cmp(&other.restarts);
        match (times, restarts) {
            (times, restarts) if times == restarts.reverse() => {
                if times.is_eq() {
                    self.stage.cmp(&other.stage)
                } else {
                    std::cmp::Ordering::Equal
                }
            }
            (std::cmp::Ordering::Equal, restarts) => restarts,
            (times, _) => times,
        }
    }
}

/// Returns true when `seen` is an answer from before `known`, by the cloud's own times and by what only goes forward.
///
/// Answers about different groups are in no order, and so are answers that differ in nothing but readiness. Answers to
/// lists by tags carry no events: theirs say nothing either way.
pub fn is_older(seen: &ContainerGroup, known: &ContainerGroup) -> bool {
    if seen.container_group_id != known.container_group_id {
        return false;
    }
    let (seen_status, known_status) = (seen.parsed_status(), known.parsed_status());
    if known_status.is_final() {
        return !seen_status.is_over();
    }
    if seen_status.is_final() {
        return false;
    }
    let mut orders: Vec<_> = progress(seen)
        .filter_map(|(name, new)| {
            let (_, old) = progress(known).find(|(known, _)| *known == name)?;
            Some(new.compare(old))
        })
        .collect();
    orders.push(addresses(seen).cmp(&addresses(known)));
    let (last_seen, last_known) = (last_event(seen), last_event(known));
    if last_seen.is_some() && last_known.is_some() {
        orders.push(last_seen.cmp(&last_known));
    }
    if let (Some(seen), Some(known)) = (rank(seen_status), rank(known_status)) {
        orders.push(seen.cmp(&known));
    }
    orders.iter().any(|order| order.is_lt()) && !orders.iter().any(|order| order.is_gt())
}

/// Returns true for the statuses of a group whose containers are started anew on somebody's order, so that what they
/// did before says nothing.
pub(super) fn is_restarting(status: Status<'_>) -> bool {
    matches!(status, Status::Restarting | Status::Updating)
}

/// Position of a status among those that follow each other; `None` for a restart, which leads back, and for names that
/// no page has.
fn rank(status: Status<'_>) -> Option<u8> {
    match status {
        Status::Scheduling => Some(0),
        Status::Pending => Some(1),
        Status::Running => Some(2),
        Status::Terminating => Some(3),
        _ => None,
    }
}

fn addresses(group: &ContainerGroup) -> u8 {
    u8::from(!group.intranet_ip.is_empty()) + u8::from(!group.ipv6_address.is_empty())
}

fn last_event(group: &ContainerGroup) -> Option<Timestamp> {
    group.events.iter().filter_map(|event| event.last_timestamp.parse::<Timestamp>().ok()).max()
}

fn progress(group: &ContainerGroup) -> impl Iterator<Item = (&str, Progress)> {
    let inits = group
        .init_containers
        .iter()
        .map(|c| (c.name.as_str(), &c.current_state, &c.previous_state, c.restart_count));
    let mains = group
        .containers
        .iter()
        .map(|c| (c.name.as_str(), &c.current_state, &c.previous_state, c.restart_count));
    inits.chain(mains).map(|(name, current, previous, restarts)| {
        let states = [current, previous].into_iter().flatten();
        let times = states.flat_map(|state| [&state.start_time, &state.finish_time]);
        let last = times.filter_map(|time| time.parse::<Timestamp>().ok()).map(Timestamp::as_second).max();
        (name, Progress { last, restarts, stage: stage(current.as_ref(), previous.as_ref()) })
    })
}

fn stage(current: Option<&group::ContainerState>, previous: Option<&group::ContainerState>) -> Stage {
    match current.map(group::ContainerState::kind) {
        Some(ContainerStateKind::Running) => Stage::Running,
        Some(state) if state.has_ended() => Stage::Ended,
        _ if previous.is_some_and(|state| !state.state.is_empty()) => Stage::BetweenRuns,
        _ => Stage::NotStarted,
    }
}

/// Returns true when `seen`, computed from an answer of the cloud, is from before `published`.
pub(super) fn is_container_older(seen: &ContainerStatus, published: &ContainerStatus) -> bool {
    published_progress(seen).compare(published_progress(published)).is_lt() && !planted!(ContainersGoBack)
}

fn published_progress(status: &ContainerStatus) -> Progress {
    let state = status.state.clone().unwrap_or_default();
    let last_state = status.last_state.clone().unwrap_or_default();
    let stage = if state.running.is_some() {
        Stage::Running
    } else if state.terminated.is_some() {
        Stage::Ended
    } else if last_state.terminated.is_some() {
        Stage::BetweenRuns
    } else {
        Stage::NotStarted
    };
    let last = times(&state).chain(times(&last_state)).map(Timestamp::as_second).max();
    Progress { last, restarts: status.restart_count, stage }
}

fn times(state: &ContainerState) -> impl Iterator<Item = Timestamp> {
    let running = state.running.as_ref().and_then(|running| running.started_at.as_ref());
    let ended = state.terminated.as_ref();
    let ended = ended.into_iter().flat_map(|ended| [&ended.started_at, &ended.finished_at]).flatten();
    running.into_iter().chain(ended).map(|time| time.0)
}

/// The phase to publish where `published` stands and `computed` would be said: the later of both; a final one stays.
pub(super) fn forward(published: Option<&PodStatus>, computed: Phase) -> Phase {
    let published = match published.and_then(|status| status.phase.as_deref()) {
        Some("Running") => Phase::Running,
        Some("Succeeded") => return Phase::Succeeded,
        Some("Failed") => return Phase::Failed,
        _ => Phase::Pending,
    };
    if published == Phase::Running && computed == Phase::Pending && !planted!(PhaseGoesBack) {
        published
    } else {
        computed
    }
}

#[cfg(test)]
mod tests;
