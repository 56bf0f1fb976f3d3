//! The states of a container group and the events that lead from one to the next.
//!
//! ```text
//!                 NotPlaced
//!   Scheduling ─────────────▶ ScheduleFailed
//!       │ Placed
//!       ▼           EveryContainerUp               AllExited(Clean)
//!    Pending ──────────────────────▶ Running ───────────────────────▶ Succeeded
//!     ▲   │                           │ │ │        AllExited(Failed)
//!     │   └── StartOverdue ───────▶   │ │ └─────────────────────────▶ Failed
//!     │       AllExited, Deadline     │ │          DeadlinePassed
//!     │                               │ └── Reclaimed ──────────────▶ Expired
//!     │ Resumed                       │
//!     └──────── Restarting, Updating ◀┘ RestartRequested, UpdateRequested (from Pending too)
//!
//!   any ── DeleteRequested { lingers: false } ─▶ Deleted
//!   any that lives ── DeleteRequested { lingers: true } ─▶ Terminating ── GraceOver ─▶ Deleted
//!   ScheduleFailed, Succeeded, Failed, Expired ── Forgotten ─▶ Deleted
//! ```
//!
//! Source: `eci-openapi.md`, section 7.1. It knows neither clocks nor bills.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a container group's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum State {
    /// A machine is being looked for.
    Scheduling,
    /// No machine was found.
    ScheduleFailed,
    /// Containers are being started.
    Pending,
    /// Every container was started, and not all have ended for good.
    Running,
    /// Every container ended well.
    Succeeded,
    /// Every container ended, one of them badly; or a time limit passed.
    Failed,
    /// A restart was asked for, and is being prepared.
    Restarting,
    /// An update was asked for, and is being prepared.
    Updating,
    /// A deletion was asked for, and the containers are given time to end.
    Terminating,
    /// The spot instance was reclaimed.
    Expired,
    /// The group no longer exists.
    Deleted,
}

/// Outcome of all containers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every container ended well.
    Clean,
    /// At least one container ended badly.
    Failed,
}

/// Events of a container group's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A machine was found.
    Placed,
    /// No machine was found.
    NotPlaced,
    /// Every container was started once.
    EveryContainerUp,
    /// Every container ended, and none will be restarted.
    AllExited(Outcome),
    /// The time allowed in Pending passed.
    StartOverdue,
    /// The active deadline passed.
    DeadlinePassed,
    /// A restart was requested.
    RestartRequested,
    /// An update was requested.
    UpdateRequested,
    /// A restart or change is prepared; containers start anew.
    Resumed,
    /// The spot market reclaimed the instance.
    Reclaimed,
    /// A deletion was requested.
    DeleteRequested {
        /// True if containers need time to end.
        lingers: bool,
    },
    /// The grace period is over.
    GraceOver,
    /// The record was kept long enough.
    Forgotten,
}

/// Error of [`next`]: an event that cannot happen in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a container group that is {from} does not take {on:?}")]
pub struct Illegal {
    /// State of the group.
    pub from: State,
    /// Event without an edge from there.
    pub on: Event,
}

/// Returns the state to which `event` takes a container group that is in `state`.
///
/// # Errors
/// [`Illegal`] for each pair that has no edge.
pub fn next(state: State, event: Event) -> Result<State, Illegal> {
    use Event::*;
    use State::*;
    Ok(match (state, event) {
        (Scheduling, Placed) => Pending,
        (Scheduling, NotPlaced) => ScheduleFailed,
        (Pending, EveryContainerUp) => Running,
        (Pending | Running, AllExited(Outcome::Clean)) => Succeeded,
        (Pending | Running, AllExited(Outcome::Failed)) => Failed,
        (Pending, StartOverdue) => Failed,
        (Pending | Running | Restarting | Updating, DeadlinePassed) => Failed,
        (Pending | Running, RestartRequested) => Restarting,
        (Pending | Running, UpdateRequested) => Updating,
        (Restarting | Updating, Resumed) => Pending,
        (Pending | Running | Restarting | Updating, Reclaimed) => Expired,
        (Pending | Running | Restarting | Updating, DeleteRequested { lingers: true }) => Terminating,
        (Terminating, GraceOver) => Deleted,
        (ScheduleFailed | Succeeded | Failed | Expired, Forgotten) => Deleted,
        (Deleted, _) => return Err(Illegal { from: state, on: event }),
        (_, DeleteRequested { lingers: false }) => Deleted,
        (from, on) => return Err(Illegal { from, on }),
    })
}

impl State {
    /// Every state of the lifecycle.
    pub const ALL: [Self; 11] = [
        Self::Scheduling,
        Self::ScheduleFailed,
        Self::Pending,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Restarting,
        Self::Updating,
        Self::Terminating,
        Self::Expired,
        Self::Deleted,
    ];

    /// Name of the state in replies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduling => "Scheduling",
            Self::ScheduleFailed => "ScheduleFailed",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Restarting => "Restarting",
            Self::Updating => "Updating",
            Self::Terminating => "Terminating",
            Self::Expired => "Expired",
            Self::Deleted => "Deleted",
        }
    }

    /// Pod phase that the vendor's virtual node shows for the state.
    pub fn phase(self) -> &'static str {
        match self {
            Self::Scheduling | Self::Pending | Self::Restarting | Self::Updating => "Pending",
            Self::Running | Self::Terminating => "Running",
            Self::Succeeded => "Succeeded",
            Self::ScheduleFailed | Self::Failed | Self::Expired | Self::Deleted => "Failed",
        }
    }

    /// True if nothing starts any more: only the record is left.
    pub fn is_final(self) -> bool {
        matches!(self, Self::ScheduleFailed | Self::Succeeded | Self::Failed | Self::Expired | Self::Deleted)
    }

    /// True if the group occupies a machine.
    pub fn holds_machine(self) -> bool {
        matches!(self, Self::Pending | Self::Running | Self::Restarting | Self::Updating | Self::Terminating)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 15] = [
        Event::Placed,
        Event::NotPlaced,
        Event::EveryContainerUp,
        Event::AllExited(Outcome::Clean),
        Event::AllExited(Outcome::Failed),
        Event::StartOverdue,
        Event::DeadlinePassed,
        Event::RestartRequested,
        Event::UpdateRequested,
        Event::Resumed,
        Event::Reclaimed,
        Event::DeleteRequested { lingers: false },
        Event::DeleteRequested { lingers: true },
        Event::GraceOver,
        Event::Forgotten,
    ];

    #[test]
    fn a_group_walks_only_these_edges() {
        use Event::*;
        use State::*;
        let edges = [
            (Scheduling, Placed, Pending),
            (Scheduling, NotPlaced, ScheduleFailed),
            (Scheduling, DeleteRequested { lingers: false }, Deleted),
            (ScheduleFailed, DeleteRequested { lingers: false }, Deleted),
            (ScheduleFailed, Forgotten, Deleted),
            (Pending, EveryContainerUp, Running),
            (Pending, AllExited(Outcome::Clean), Succeeded),
            (Pending, AllExited(Outcome::Failed), Failed),
            (Pending, StartOverdue, Failed),
            (Pending, DeadlinePassed, Failed),
            (Pending, RestartRequested, Restarting),
            (Pending, UpdateRequested, Updating),
            (Pending, Reclaimed, Expired),
            (Pending, DeleteRequested { lingers: false }, Deleted),
            (Pending, DeleteRequested { lingers: true }, Terminating),
            (Running, AllExited(Outcome::Clean), Succeeded),
            (Running, AllExited(Outcome::Failed), Failed),
            (Running, DeadlinePassed, Failed),
            (Running, RestartRequested, Restarting),
            (Running, UpdateRequested, Updating),
            (Running, Reclaimed, Expired),
            (Running, DeleteRequested { lingers: false }, Deleted),
            (Running, DeleteRequested { lingers: true }, Terminating),
            (Succeeded, DeleteRequested { lingers: false }, Deleted),
            (Succeeded, Forgotten, Deleted),
            (Failed, DeleteRequested { lingers: false }, Deleted),
            (Failed, Forgotten, Deleted),
            (Restarting, Resumed, Pending),
            (Restarting, DeadlinePassed, Failed),
            (Restarting, Reclaimed, Expired),
            (Restarting, DeleteRequested { lingers: false }, Deleted),
            (Restarting, DeleteRequested { lingers: true }, Terminating),
            (Updating, Resumed, Pending),
            (Updating, DeadlinePassed, Failed),
            (Updating, Reclaimed, Expired),
            (Updating, DeleteRequested { lingers: false }, Deleted),
            (Updating, DeleteRequested { lingers: true }, Terminating),
            (Terminating, GraceOver, Deleted),
            (Terminating, DeleteRequested { lingers: false }, Deleted),
            (Expired, DeleteRequested { lingers: false }, Deleted),
            (Expired, Forgotten, Deleted),
        ];
        for from in State::ALL {
            for on in EVENTS {
                let wanted = edges.iter().find(|(f, e, _)| (*f, *e) == (from, on)).map(|(_, _, to)| *to);
                assert_eq!(next(from, on).ok(), wanted, "{from:?} on {on:?}");
            }
        }
    }

    #[test]
    fn from_a_final_state_only_deletion_leads_on() {
        for from in State::ALL.into_iter().filter(|s| s.is_final()) {
            for to in EVENTS.into_iter().filter_map(|on| next(from, on).ok()) {
                assert_eq!(to, State::Deleted, "from {from}");
            }
        }
    }
}
