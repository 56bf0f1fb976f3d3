//! Absence as a proof: which answers of the cloud count, how many are needed, and when none is enough; pure.

use std::collections::BTreeSet;

use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};

/// The longest time for which a group may be missing from the cloud's answers after it was made.
pub const LISTING_DELAY: SignedDuration = SignedDuration::from_secs(60);
/// Two answers within this time may come from one cache, and count as one.
const SPACING: SignedDuration = SignedDuration::from_secs(5);
/// Complete looks that prove absence, and how many do under the brake, over which time.
const LOOKS: u32 = 2;
const LOOKS_UNDER_BRAKE: u32 = 3;
const SPAN_UNDER_BRAKE: SignedDuration = SignedDuration::from_mins(5);
/// The brake holds when more groups than this are missing, and more than one in [`BRAKE_SHARE`] of all.
const BRAKE_COUNT: usize = 3;
const BRAKE_SHARE: usize = 10;

/// The cloud's answer to one question, read to its end or not.
#[derive(Debug, Clone)]
pub enum Read {
    /// Everything that was asked for was answered.
    Complete(CompleteRead),
    /// The answer was cut: what is in it counts, what is not in it means nothing.
    Partial(Vec<ContainerGroup>),
}

/// An answer that was read to its end: alone of this type absence can be asked.
#[derive(Debug, Clone)]
pub struct CompleteRead {
    groups: Vec<ContainerGroup>,
    began: Timestamp,
}

impl CompleteRead {
    /// An answer whose first page was asked for at `began`.
    pub fn new(groups: Vec<ContainerGroup>, began: Timestamp) -> Self {
        Self { groups, began }
    }

    /// The time at which its first page was asked for.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// The ids of `asked` that the answer does not have.
    pub fn absent<'a>(&self, asked: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let seen: BTreeSet<&str> =
            self.groups.iter().map(|group| group.container_group_id.as_str()).collect();
        asked.into_iter().filter(|id| !seen.contains(id)).collect()
    }

    /// The groups.
    pub fn into_groups(self) -> Vec<ContainerGroup> {
        self.groups
    }
}

/// Complete answers in a row without a certain group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streak {
    looks: u32,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Streak {
    /// Counts a complete answer of the time `began`, unless the one before was hardly older.
    pub fn note(&mut self, began: Timestamp) {
        if self.last.is_none_or(|last| began.duration_since(last) >= SPACING || planted!(CachedLooksCount)) {
            self.looks += 1;
            self.first.get_or_insert(began);
            self.last = Some(began);
        }
    }

    /// Returns true when enough was counted where no brake holds.
    pub fn suffices(self) -> bool {
        self.looks >= LOOKS
    }

    /// Returns true when nothing was counted.
    pub fn is_empty(self) -> bool {
        self.looks == 0
    }

    fn reaches(self, looks: u32, span: SignedDuration) -> bool {
        let spanned = self.first.zip(self.last).map(|(first, last)| last.duration_since(first));
        let looks = if planted!(OneLookProves) { 1 } else { looks };
        self.looks >= looks && spanned.is_some_and(|spanned| spanned >= span)
    }
}

/// The evidence against one pod's group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Absence {
    /// Complete lists by tags that have no group of the pod's UID, begun past the listing delay.
    pub by_tags: Streak,
    /// Complete answers by id that do not have the group, begun past the listing delay.
    pub by_id: Streak,
}

/// The amount of evidence that is enough just now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Brake {
    /// Two complete looks.
    #[default]
    Free,
    /// Too many groups are missing at once: three complete looks over five minutes.
    Held,
    /// Region, account or cluster id are not those of the provider before: nothing.
    Never,
}

/// The meaning of absence for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// No container ran, but an earlier process may have made a group: may another be made?
    Unclaimed,
    /// Containers ran in a group that no list shows: is it lost? With an id to ask for, or without.
    RanBefore {
        /// The status names the group's id.
        by_id: bool,
    },
    /// A group that was seen is missing: is it lost?
    Owned,
}

/// Returns true when the evidence proves, under this brake, that the group is gone.
pub fn is_proven(question: Question, absence: &Absence, brake: Brake) -> bool {
    let (looks, span) = match brake {
        Brake::Free => (LOOKS, SignedDuration::ZERO),
        Brake::Held => (LOOKS_UNDER_BRAKE, SPAN_UNDER_BRAKE),
        Brake::Never => return false,
    };
    let listed = absence.by_tags.reaches(looks, span);
    let asked = absence.by_id.reaches(looks, span);
    match question {
        // Nothing is lost by a second creation but money, and the younger of two groups is taken away again.
        Question::Unclaimed => absence.by_tags.reaches(LOOKS, SignedDuration::ZERO),
        Question::RanBefore { by_id } => listed && (asked || !by_id),
        Question::Owned => asked,
    }
}

/// The brake for `missing` groups of `known`, that number included.
pub fn brake(missing: usize, known: usize) -> Brake {
    if missing > BRAKE_COUNT && missing * BRAKE_SHARE > known && !planted!(BrakeNeverHolds) {
        Brake::Held
    } else {
        Brake::Free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        "2026-01-05T01:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn streak(times: &[i64]) -> Streak {
        let mut streak = Streak::default();
        times.iter().for_each(|seconds| streak.note(at(*seconds)));
        streak
    }

    #[test]
    fn absence_is_asked_of_complete_answers_only_and_names_what_is_missing() {
        let group = ContainerGroup { container_group_id: "eci-1".into(), ..ContainerGroup::default() };
        let read = CompleteRead::new(vec![group], at(0));
        assert_eq!(read.absent(["eci-1", "eci-2"]), ["eci-2"]);
    }

    #[test]
    fn two_answers_from_one_cache_count_once() {
        assert_eq!(streak(&[0, 1, 4]).looks, 1);
        assert_eq!(streak(&[0, 5, 9, 10]).looks, 3);
    }

    #[test]
    fn a_group_is_lost_after_two_looks_and_under_the_brake_after_three_over_five_minutes() {
        for (looks, brake, proven) in [
            (&[0][..], Brake::Free, false),
            (&[0, 10], Brake::Free, true),
            (&[0, 10, 20], Brake::Held, false),
            (&[0, 300], Brake::Held, false),
            (&[0, 150, 300], Brake::Held, true),
            (&[0, 150, 300, 86_400], Brake::Never, false),
        ] {
            let absence = Absence { by_id: streak(looks), ..Absence::default() };
            assert_eq!(is_proven(Question::Owned, &absence, brake), proven, "{looks:?} {brake:?}");
        }
    }

    #[test]
    fn what_ran_before_needs_lists_and_where_an_id_is_known_answers_about_it() {
        let listed = Absence { by_tags: streak(&[0, 30]), ..Absence::default() };
        assert!(is_proven(Question::RanBefore { by_id: false }, &listed, Brake::Free));
        assert!(!is_proven(Question::RanBefore { by_id: true }, &listed, Brake::Free));
        let both = Absence { by_id: streak(&[0, 30]), ..listed };
        assert!(is_proven(Question::RanBefore { by_id: true }, &both, Brake::Free));
    }

    #[test]
    fn the_brake_holds_when_more_than_three_and_more_than_a_tenth_are_missing() {
        for (missing, known, held) in [
            (3, 3, false),
            (4, 4, true),
            (4, 39, true),
            (4, 40, false),
            (100, 1000, false),
            (101, 1000, true),
        ] {
            assert_eq!(brake(missing, known) == Brake::Held, held, "{missing} of {known}");
        }
    }
}
