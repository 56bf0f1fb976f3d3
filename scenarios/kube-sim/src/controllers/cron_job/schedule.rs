//! The instant at which a CronJob starts next, and those that it has missed.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::cron::{Schedule, ScheduleError, zone};
use crate::object::field::{number, text};
use crate::object::timestamp;

/// Missed starts from which on they are too many to be told as a few.
const MISSED_MAX: i64 = 100;
/// Milliseconds after an instant at which the controller looks.
const DELTA_MILLISECONDS: i64 = 100;

/// The start that is due, and when to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The most recent start that has come.
    pub due: Option<Timestamp>,
    /// The next look; `None` for a schedule that never comes again.
    pub next: Option<Timestamp>,
    /// The starts before it that were missed.
    pub missed: Missed,
}

/// Missed starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// None.
    None,
    /// At least one.
    Few,
    /// More than a hundred.
    Many,
}

/// A CronJob that cannot be scheduled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The time zone is not known.
    #[error("invalid timeZone: {0:?}: unknown time zone {0}")]
    Zone(String),
    /// The schedule cannot be read.
    #[error("unparseable schedule: {0:?} : {1}")]
    Schedule(String, ScheduleError),
    /// The schedule never comes.
    #[error("invalid schedule: {0} : time difference between two schedules is less than 1 second")]
    Never(String),
}

impl PlanError {
    /// The reason of its event.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Zone(_) => "UnknownTimeZone",
            Self::Schedule(..) => "UnparseableSchedule",
            Self::Never(_) => "InvalidSchedule",
        }
    }
}

/// Plans the next start of a CronJob.
///
/// # Errors
/// [`PlanError`] when its schedule or its time zone is none.
pub fn plan(cron: &Value, now: Timestamp) -> Result<Plan, PlanError> {
    let (zone_name, written) = (text(cron, "/spec/timeZone"), text(cron, "/spec/schedule"));
    let zone = zone(zone_name).ok_or_else(|| PlanError::Zone(zone_name.to_owned()))?;
    let schedule = Schedule::read(written).map_err(|error| PlanError::Schedule(written.to_owned(), error))?;
    let created = timestamp::read(cron, "/metadata/creationTimestamp").unwrap_or(now);
    let mut from = timestamp::read(cron, "/status/lastScheduleTime").unwrap_or(created);
    if let Some(seconds) = number(cron, "/spec/startingDeadlineSeconds") {
        let earliest = now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(from);
        from = from.max(earliest);
    }
    let next_after = |at| schedule.next(at, &zone);
    let first = next_after(from).ok_or_else(|| PlanError::Never(written.to_owned()))?;
    let (due, missed) = if first > now { (None, Missed::None) } else { most_recent(first, now, &next_after) };
    let look = |at: Timestamp| at.saturating_add(SignedDuration::from_millis(DELTA_MILLISECONDS)).ok();
    let next = next_after(due.unwrap_or(from).max(if due.is_some() { now } else { from })).and_then(look);
    Ok(Plan { due, next, missed })
}

/// The last start up to `now`, of those from `first` on, and how many there were.
fn most_recent(
    first: Timestamp,
    now: Timestamp,
    next_after: &impl Fn(Timestamp) -> Option<Timestamp>,
) -> (Option<Timestamp>, Missed) {
    let Some(second) = next_after(first).filter(|second| *second <= now) else {
        return (Some(first), Missed::None);
    };
    // After a long pause most of them are skipped by their first distance.
    let step = second.duration_since(first).as_secs().max(1);
    let count = now.duration_since(first).as_secs() / step + 1;
    let near = first.saturating_add(SignedDuration::from_secs((count - 2).max(0) * step)).unwrap_or(first);
    let mut last = None;
    let mut at = next_after(near).filter(|at| *at <= now);
    while let Some(found) = at {
        last = Some(found);
        at = next_after(found).filter(|at| *at <= now);
    }
    let missed = if count > MISSED_MAX { Missed::Many } else { Missed::Few };
    (last.or(Some(first)), missed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_recent_start_is_due_and_the_next_is_known() {
        for (spec, last, now, due, next, missed) in [
            (json!({"schedule": "0 * * * *"}), "", "01:59:00", "", "02:00:00.1", Missed::None),
            (json!({"schedule": "0 * * * *"}), "", "02:00:00", "02:00:00", "03:00:00.1", Missed::None),
            (json!({"schedule": "0 * * * *"}), "02:00:00", "02:30:00", "", "03:00:00.1", Missed::None),
            (json!({"schedule": "0 * * * *"}), "", "05:30:00", "05:00:00", "06:00:00.1", Missed::Few),
            (json!({"schedule": "* * * * *"}), "", "05:30:00", "05:30:00", "05:31:00.1", Missed::Many),
            (
                json!({"schedule": "0 * * * *", "startingDeadlineSeconds": 60}),
                "",
                "05:30:00",
                "",
                "06:00:00.1",
                Missed::None,
            ),
            (
                json!({"schedule": "30 9 * * *", "timeZone": "Asia/Shanghai"}),
                "",
                "01:30:00",
                "01:30:00",
                "next day",
                Missed::None,
            ),
        ] {
            let at = |time: &str| format!("2026-01-05T{time}Z");
            let cron = json!({"metadata": {"creationTimestamp": at("01:10:00")}, "spec": spec,
                "status": {"lastScheduleTime": if last.is_empty() { Value::Null } else { at(last).into() }}});
            let plan = plan(&cron, at(now).parse().unwrap()).unwrap();
            assert_eq!(plan.due, at(due).parse().ok(), "{cron} {now}");
            let wanted = if next == "next day" { "2026-01-06T01:30:00.1Z".to_owned() } else { at(next) };
            assert_eq!(plan.next, wanted.parse().ok(), "{cron} {now}");
            assert_eq!(plan.missed, missed, "{cron} {now}");
        }
    }
}
