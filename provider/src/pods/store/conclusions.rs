//! Conclusions from the evidence of all pods together, and the questions that are asked next.

use jiff::{SignedDuration, Timestamp};

use super::super::decide::{self, DeletionState};
use super::super::evidence::{self, Brake, Question};
use super::super::provenance::GroupHistory;
use super::super::queue::Uid;
use super::super::schedule::Urgency;
use super::record::Record;
use super::{PodStore, State};

/// The state of the brake after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusion {
    /// The brake.
    pub brake: Brake,
    /// The groups that were expected and are missing.
    pub missing: usize,
    /// The groups that are known, those included.
    pub known: usize,
    /// A container id of an earlier provider was answered with this owner's tags.
    pub identity_confirmed: bool,
}

impl PodStore {
    /// The node object was found with another identity than this process's.
    pub fn identity_changed(&self) {
        self.state().identity_changed = true;
    }

    /// Concludes what the evidence proves.
    pub fn conclude(&self, now: Timestamp) -> Conclusion {
        let mut state = self.state();
        let asked: Vec<Uid> = state.questions.iter().cloned().collect();
        let missing =
            asked.iter().filter(|uid| state.records.get(*uid).is_some_and(Record::is_missing)).count();
        let known = if missing == 0 { 0 } else { state.records.values().filter(|r| r.is_expected()).count() };
        let brake = match () {
            () if state.accepts_loss => Brake::Free,
            () if state.identity_changed && !state.identity_confirmed && !planted!(IdentityMayChange) => {
                Brake::Never
            }
            () => evidence::brake(missing, known),
        };
        state.brake = brake;
        for uid in asked {
            let Some(record) = state.records.get_mut(&uid) else { continue };
            let Some(question) = record.question() else { continue };
            let agreed = record.deletion > DeletionState::NotRequested && !record.absence.by_id.is_empty();
            if agreed || evidence::is_proven(question, &record.absence, brake) {
                record.strike_out_group(now);
                record.version += 1;
                self.settle(&mut state, &uid, now, true);
            }
        }
        Conclusion { brake, missing, known, identity_confirmed: state.identity_confirmed }
    }

    /// The pods of the next call by id, with the ids to ask for, and the urgency of the call; `None` when no look is due.
    /// Routine looks alone are due from `routine_from` on.
    pub fn due_looks(
        &self,
        now: Timestamp,
        slack: SignedDuration,
        routine_from: Timestamp,
    ) -> Option<(Urgency, Vec<(Uid, String)>)> {
        let mut state = self.state();
        let State { schedule, records, started, brake, .. } = &mut *state;
        let (urgency, taken) = schedule.take(now, slack, routine_from)?;
        for uid in &taken {
            // Planned again at once, so that an answer that never comes does not end the looks.
            let next = records.get(uid).and_then(|record| record.next_look(now, *started, *brake));
            if let Some((at, urgency)) = next {
                schedule.set(uid, at, urgency);
            }
        }
        let ids = taken.into_iter().filter_map(|uid| {
            let id = records.get(&uid)?.id_to_ask()?.to_owned();
            Some((uid, id))
        });
        Some((urgency, ids.collect()))
    }

    /// The time of the next look by id, when routine looks alone are due from `routine_from` on.
    pub fn next_look(&self, routine_from: Timestamp) -> Option<Timestamp> {
        self.state().schedule.next(routine_from)
    }

    /// The time from which on a list by tags would answer a question.
    pub fn list_wanted_from(&self) -> Option<Timestamp> {
        let state = self.state();
        let wanting = state.questions.iter().filter_map(|uid| state.records.get(uid));
        wanting
            .filter(|record| record.group.is_none() && !record.absence.by_tags.suffices())
            .map(|record| record.provable_from)
            .min()
    }
}

impl Record {
    /// Returns true when the pod's group should exist, by what is known. Of a pod that is leaving nothing is
    /// expected: an earlier process may have deleted its group, and died before the pod was removed.
    fn is_expected(&self) -> bool {
        !self.leaves()
            && (self.group.is_some() || matches!(self.question(), Some(Question::RanBefore { .. })))
    }

    /// Returns true when the pod's group should exist, nobody asked for its end, and some complete answer does not
    /// have it.
    fn is_missing(&self) -> bool {
        let ran = matches!(self.history, GroupHistory::HadBefore { .. } | GroupHistory::Owned { .. });
        ran && self.deletion == DeletionState::NotRequested
            && !self.leaves()
            && !decide::has_ended(&self.pod)
            && !(self.absence.by_id.is_empty() && self.absence.by_tags.is_empty())
    }
}
