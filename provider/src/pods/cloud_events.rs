//! The selection among the cloud's events of those that are worth an event on the pod; pure.
//!
//! The beginning of a step is held back for a while: most are over by then, and their end says the same and more. What
//! the pod's own request says, and what this node says by itself, is left out.

use eci_api::group::Event;
use jiff::{SignedDuration, Timestamp};

use super::decide::DeletionState;

/// The time for which the beginning of a step is held back.
const HOLD: SignedDuration = SignedDuration::from_secs(30);

/// A selection among a group's events.
#[derive(Debug, Default, PartialEq)]
pub struct Selection<'a> {
    /// The events to tell now.
    pub reported: Vec<&'a Event>,
    /// The time at which the next one that is held back is to be told.
    pub held_until: Option<Timestamp>,
}

/// Selects among `events`, those of a group whose deletion has come so far.
pub fn select(events: &[Event], deletion: DeletionState, now: Timestamp) -> Selection<'_> {
    let mut selection = Selection::default();
    for event in events {
        let is_said = match event.reason.as_str() {
            // the size is the one that was asked for
            "UserInstanceTypeSpec" => true,
            // said when the deletion was asked for
            "Killing" => deletion > DeletionState::NotRequested,
            _ => false,
        };
        if event.type_ == "Warning" || !is_said && !begins_a_step(event) {
            selection.reported.push(event);
        } else if !is_said && !events.iter().any(|later| ends_the_step(event, later)) {
            match event.last_timestamp.parse::<Timestamp>() {
                Ok(at) if at + HOLD > now => {
                    selection.held_until =
                        Some(selection.held_until.map_or(at + HOLD, |known| known.min(at + HOLD)));
                }
                _ => selection.reported.push(event),
            }
        }
    }
    selection
}

fn begins_a_step(event: &Event) -> bool {
    matches!(event.reason.as_str(), "Pulling" | "Created")
}

/// Whether `later` is the end of the step that `event` is the beginning of.
fn ends_the_step(event: &Event, later: &Event) -> bool {
    let ends = match event.reason.as_str() {
        "Pulling" => matches!(later.reason.as_str(), "Pulled" | "Failed"),
        "Created" => later.reason == "Started",
        _ => false,
    };
    // times of one form, in UTC, are in the order of their texts
    ends && subject(event).is_some_and(|subject| names(later, subject))
        && later.last_timestamp >= event.last_timestamp
}

/// The image between quotes, or the container at the end.
fn subject(event: &Event) -> Option<&str> {
    event.message.split('"').nth(1).or_else(|| event.message.split_whitespace().next_back())
}

fn names(event: &Event, subject: &str) -> bool {
    event.message.split(['"', ' ']).any(|word| word == subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(reason: &str, message: &str, second: u8) -> Event {
        Event {
            type_: "Normal".into(),
            reason: reason.into(),
            message: message.into(),
            last_timestamp: format!("2026-01-05T01:00:{second:02}Z"),
            ..Event::default()
        }
    }

    fn at(second: u8) -> Timestamp {
        format!("2026-01-05T01:00:{second:02}Z").parse().unwrap()
    }

    fn reported(events: &[Event], deletion: DeletionState, second: u8) -> Vec<&str> {
        select(events, deletion, at(second)).reported.iter().map(|event| event.reason.as_str()).collect()
    }

    fn life() -> [Event; 5] {
        [
            event("UserInstanceTypeSpec", "The user-specified instanceType is 2.0-4.0Gi", 1),
            event("Pulling", "Pulling image \"nginx\"", 2),
            event("Pulled", "Successfully pulled image \"nginx\" in 4s (4s including waiting)", 6),
            event("Created", "Created container main", 6),
            event("Started", "Started container main", 7),
        ]
    }

    #[test]
    fn the_end_of_a_step_is_told_and_its_beginning_is_not() {
        assert_eq!(reported(&life(), DeletionState::NotRequested, 8), ["Pulled", "Started"]);
    }

    #[test]
    fn a_step_that_takes_long_is_told_when_it_was_held_back_long_enough() {
        let pulling = &life()[..2];
        assert_eq!(select(pulling, DeletionState::NotRequested, at(3)).held_until, Some(at(32)));
        assert!(reported(pulling, DeletionState::NotRequested, 3).is_empty());
        assert_eq!(reported(pulling, DeletionState::NotRequested, 32), ["Pulling"]);
    }

    #[test]
    fn an_end_from_before_the_beginning_is_of_another_step() {
        let mut events = life();
        events[1].last_timestamp = events[4].last_timestamp.clone();
        assert_eq!(reported(&events, DeletionState::NotRequested, 40), ["Pulling", "Pulled", "Started"]);
    }

    #[test]
    fn a_warning_is_told_at_once() {
        let mut warning = event("Created", "Created container main", 1);
        warning.type_ = "Warning".into();
        assert_eq!(reported(&[warning], DeletionState::NotRequested, 1), ["Created"]);
    }

    #[test]
    fn the_end_of_a_container_that_this_node_asked_for_is_told_by_it_alone() {
        let killing = [event("Killing", "Stopping container main", 1)];
        assert_eq!(reported(&killing, DeletionState::NotRequested, 1), ["Killing"]);
        assert!(reported(&killing, DeletionState::Graceful, 1).is_empty());
    }
}
