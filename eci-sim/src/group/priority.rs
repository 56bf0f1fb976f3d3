//! Order in which containers start and end, where their environment sets it (eci-openapi.md, section 7.2).
//!
//! Init containers keep their own order. Of the others those of a higher priority go first, and those of the next one
//! wait until these were started and are ready, or, where they end, until these have ended. Without priorities all are
//! of the same one.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

use super::Group;
use super::container::spec::{Spec, Variable};
use super::container::{Container, Phase, Wait};

/// Environment variables that set the priorities of start and end.
const LAUNCH: &str = "ECI_CONTAINER_LAUNCH_PRIORITY";
const EXIT: &str = "ECI_CONTAINER_EXIT_PRIORITY";
/// Range of both priorities.
const PRIORITIES: RangeInclusive<i32> = -1000..=1000;

/// A value that is no priority.
#[derive(Debug, thiserror::Error)]
#[error("`{value}` of {key} should be -1000 to 1000")]
pub(super) struct PriorityError {
    value: String,
    key: &'static str,
}

impl Variable {
    /// The priority that the variable sets under `key`; `None` where it is another variable or empty, an error text
    /// where the value is out of range.
    fn priority(&self, key: &'static str) -> Option<Result<i32, PriorityError>> {
        let value = self.value.trim();
        if *self.key != *key || value.is_empty() {
            return None;
        }
        let number = value.parse().ok().filter(|number| PRIORITIES.contains(number));
        Some(number.ok_or_else(|| PriorityError { value: value.to_owned(), key }))
    }

    /// Error text for the priority that the variable sets; `None` where it is right, or no priority.
    pub(super) fn wrong_priority(&self) -> Option<PriorityError> {
        [LAUNCH, EXIT].into_iter().find_map(|key| self.priority(key)?.err())
    }
}

impl Spec {
    fn priority(&self, key: &'static str) -> i32 {
        self.environment.iter().rev().find_map(|variable| variable.priority(key)?.ok()).unwrap_or(0)
    }

    /// Priority of the start; the higher, the earlier. 0 where nothing sets it.
    pub fn launch_priority(&self) -> i32 {
        self.priority(LAUNCH)
    }

    /// Priority of the end; the higher, the earlier. 0 where nothing sets it.
    pub fn exit_priority(&self) -> i32 {
        self.priority(EXIT)
    }
}

impl Group {
    /// The containers in the order of their starts: init containers first, then by falling launch priority.
    fn in_order_of_start(&self) -> Vec<&Container> {
        let mut all: Vec<&Container> = self.containers.iter().collect();
        all.sort_by_cached_key(|container| (!container.init, Reverse(rank(container))));
        all
    }

    /// Index of the container whose turn to begin has come; `None` while none may.
    pub(super) fn next_to_begin(&self) -> Option<u8> {
        let all = self.in_order_of_start();
        let begun = usize::from(self.begun);
        let next = *all.get(begun)?;
        let its_turn = match begun.checked_sub(1).and_then(|last| all.get(last)) {
            None => true,
            Some(last) if last.init => last.exit_code() == Some(0),
            Some(last) if rank(last) == rank(next) => is_under_way(last),
            Some(_) => {
                let before = all[..begun].iter().filter(|container| !container.init);
                before.clone().all(|container| self.is_launched(container))
            }
        };
        its_turn.then(|| self.containers.iter().position(|own| std::ptr::eq(own, next)))??.try_into().ok()
    }

    /// True if those of a lower priority need not wait for it: it was started, and is ready where a probe says so, or
    /// is over for good.
    fn is_launched(&self, container: &Container) -> bool {
        let code = container.exit_code();
        let over = code.is_some_and(|code| !self.spec.restart_policy.restarts(false, code));
        let probed = container.spec.optional.as_ref().is_some_and(|optional| optional.readiness.is_some());
        over || container.was_started() && (container.ready || !probed)
    }

    /// Indexes of the running containers in the order of their ends, those together that end at the same time.
    pub fn in_order_of_end(&self) -> Vec<Vec<u8>> {
        let mut running: Vec<(i32, u8)> = (0..=u8::MAX)
            .zip(&self.containers)
            .filter(|(_, container)| container.is_running())
            .map(|(index, container)| (container.spec.exit_priority(), index))
            .collect();
        running.sort_by_key(|(priority, index)| (Reverse(*priority), *index));
        running
            .chunk_by(|one, other| one.0 == other.0)
            .map(|level| level.iter().map(|(_, index)| *index).collect())
            .collect()
    }
}

/// Launch priority; init containers all have the same one.
fn rank(container: &Container) -> i32 {
    if container.init { 0 } else { container.spec.launch_priority() }
}

/// True if its start was tried; those of its own priority do not wait until it succeeds.
fn is_under_way(container: &Container) -> bool {
    !matches!(container.phase, Phase::Waiting(Wait::Creating | Wait::Initializing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_is_a_number_of_the_range_or_is_wrong() {
        for (key, value, wanted) in [
            (LAUNCH, "1000", Some(Ok(1000))),
            (LAUNCH, " -1000 ", Some(Ok(-1000))),
            (LAUNCH, "", None),
            (
                LAUNCH,
                "1001",
                Some(Err("`1001` of ECI_CONTAINER_LAUNCH_PRIORITY should be -1000 to 1000".to_owned())),
            ),
            (
                LAUNCH,
                "high",
                Some(Err("`high` of ECI_CONTAINER_LAUNCH_PRIORITY should be -1000 to 1000".to_owned())),
            ),
            (EXIT, "5", None),
        ] {
            let variable = Variable { key: key.into(), value: value.into(), field: None };
            let priority = variable.priority(LAUNCH).map(|found| found.map_err(|why| why.to_string()));
            assert_eq!(priority, wanted, "{key}={value}");
        }
    }
}
