//! Input from the cloud: groups by their tags, answers by id, the answers to creations and deletions.

use std::sync::Arc;

use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::group::{ContainerGroup, ContainerGroupStatus};
use jiff::{SignedDuration, Timestamp};

use super::super::decide::DeletionState;
use super::super::evidence::{Absence, LISTING_DELAY};
use super::super::group_state::{still_works, tries_again};
use super::super::identity::Claim;
use super::super::monotone::is_older;
use super::super::provenance::{GroupHistory, TokenBasis};
use super::super::queue::Uid;
use super::super::specs::attempt::Attempt;
use super::record::Record;
use super::{PodStore, State};

/// The time that the cloud may take to carry out a deletion, beyond the time that the containers are given.
const DELETION_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);

impl PodStore {
    /// A group with this owner's tags. One whose pod is unknown gets a record of its own.
    pub fn saw_group(&self, claim: &Claim, group: ContainerGroup, now: Timestamp) {
        let mut state = self.state();
        if !state.records.contains_key(claim.uid.as_str()) {
            let record = Record::of_claim(claim, &state);
            state.insert(claim.uid.as_str().into(), record);
        }
        let by_hint = state.records.get(claim.uid.as_str()).is_some_and(|record| {
            matches!(&record.history, GroupHistory::HadBefore { hint: Some(id) } if *id == group.container_group_id)
        });
        // A container id that another provider wrote, answered with this owner's tags: the identity is the same.
        state.identity_confirmed |= by_hint;
        drop(state);
        let mut doubled = false;
        self.change(&claim.uid, now, |record| record.adopt(slim(group), now, None, &mut doubled));
        self.state().duplicates += u64::from(doubled);
    }

    /// The group that the cloud says it made for a pod.
    pub fn created(&self, uid: &str, group: ContainerGroup, now: Timestamp) {
        let mut doubled = false;
        self.change(uid, now, |record| record.adopt(group, now, Some(now), &mut doubled));
        self.state().duplicates += u64::from(doubled);
    }

    /// A creation of which nobody knows whether it was carried out; it is repeated as it is.
    pub fn creation_unanswered(&self, uid: &str, request: Arc<CreateContainerGroup>, now: Timestamp) {
        self.change(uid, now, |record| {
            record.unanswered = Some(request);
            record.reopen(now);
            false
        });
    }

    /// The cloud refused a creation for good: it made nothing, and the next one may be another.
    pub fn creation_refused(&self, uid: &str, now: Timestamp) {
        self.change(uid, now, |record| {
            if record.unanswered.take().is_some() && record.group.is_none() {
                record.absent = true;
            }
            false
        });
    }

    /// The next creation tries this spec.
    pub fn try_spec(&self, uid: &str, attempt: Attempt, now: Timestamp) {
        self.change(uid, now, |record| {
            record.attempt = attempt;
            false
        });
    }

    /// The token of a creation was used with other parameters: its group is sought by tags, and another token is drawn
    /// only when it is proved that there is none.
    pub fn token_taken(&self, uid: &str, now: Timestamp) {
        self.change(uid, now, |record| {
            (record.unanswered, record.token_in_doubt) = (None, true);
            record.reopen(now);
            if planted!(TokenIsDrawnAtOnce) {
                (record.token, record.absent) = (TokenBasis::Drawn(now), true);
            }
            false
        });
    }

    /// A complete answer by id, begun at `began`, does not have this group.
    pub fn absent_by_id(&self, uid: &str, id: &str, began: Timestamp, now: Timestamp) {
        let started = self.state().started;
        self.change(uid, now, |record| {
            if record.id_to_ask() == Some(id) && began >= record.by_id_from(started) {
                record.absence.by_id.note(began);
            }
            false
        });
    }

    /// A complete list by tags, begun at `began`, has no group for the pods whose group is sought. Returns the groups
    /// that are known to exist and old enough to be listed, but are not in it, to be asked for by id.
    pub fn listed_groups(
        &self,
        seen: &std::collections::BTreeSet<String>,
        began: Timestamp,
        now: Timestamp,
    ) -> Vec<(Uid, String)> {
        let mut state = self.state();
        let first = !std::mem::replace(&mut state.groups_listed, true);
        let mut missing = Vec::new();
        let mut changed = Vec::new();
        for (uid, record) in &mut state.records {
            match record.group_id() {
                Some(id) => {
                    let young = matches!(record.history, GroupHistory::Owned { created_at, .. } if began < created_at + LISTING_DELAY);
                    let asked = record.deletion > DeletionState::NotRequested;
                    if !seen.contains(id) && (!young || asked) {
                        missing.push((uid.clone(), id.to_owned()));
                    }
                }
                None if record.absent => {}
                None if first && record.is_fresh() => {
                    record.absent = true;
                    changed.push((uid.clone(), true));
                }
                None if began >= record.provable_from => {
                    record.absence.by_tags.note(began);
                    changed.push((uid.clone(), false));
                }
                None => {}
            }
        }
        for (uid, worth_a_turn) in changed {
            self.settle(&mut state, &uid, now, worth_a_turn);
        }
        missing
    }

    /// The cloud does not know the group whose deletion was asked for.
    pub fn group_not_found(&self, uid: &str, id: &str, now: Timestamp) {
        self.change(uid, now, |record| {
            let is_it = record.group_id() == Some(id);
            if is_it {
                record.strike_out_group(now);
            }
            is_it
        });
    }

    /// The cloud agreed to delete a pod's group.
    pub fn deletion_agreed(&self, uid: &str, deletion: DeletionState, now: Timestamp) {
        self.change(uid, now, |record| {
            record.deletion = record.deletion.max(deletion);
            record.deletion_at = Some(now);
            record.progressed = Some(now);
            false
        });
    }

    /// A group that could not be placed is deleted; another may be made.
    pub fn spent(&self, uid: &str, id: &str, now: Timestamp) {
        self.change(uid, now, |record| {
            if record.group_id() == Some(id) {
                record.history = GroupHistory::Spent { id: id.to_owned() };
                record.token = if planted!(TokenIsUsedAgain) {
                    TokenBasis::First
                } else {
                    TokenBasis::After(id.to_owned())
                };
                (record.group, record.absent, record.token_in_doubt) = (None, true, false);
                record.deletion = DeletionState::NotRequested;
                record.absence = Absence::default();
            }
            false
        });
    }

    /// One of two groups of a pod was deleted.
    pub fn duplicate_deleted(&self, uid: &str, id: &str, now: Timestamp) {
        self.change(uid, now, |record| {
            record.duplicates.retain(|known| known != id);
            true
        });
    }

    /// The group is kept as an orphan from `now` on; returns since when it is.
    pub fn orphaned(&self, uid: &str, now: Timestamp) -> Timestamp {
        let mut since = now;
        self.change(uid, now, |record| {
            since = *record.orphan_since.get_or_insert(now);
            false
        });
        since
    }

    /// Asks again for deletions that the cloud agreed to long ago and did not carry out.
    pub fn remind(&self, now: Timestamp) {
        let late: Vec<Uid> = {
            let state = self.state();
            let late = state.records.iter().filter(|(_, record)| record.deletion_is_late(now));
            late.map(|(uid, _)| uid.clone()).collect()
        };
        for uid in late {
            self.change(&uid, now, |record| {
                (record.deletion, record.deletion_at) = (DeletionState::NotRequested, None);
                true
            });
        }
    }

    /// Notes that the shared looks are answered or not; when they are again, what changed meanwhile is told.
    pub fn note_answer(&self, answers: bool) {
        let mut state = self.state();
        if answers && state.away {
            let State { records, .. } = &*state;
            let waiting = records.iter().filter(|(_, record)| record.group.is_some());
            waiting.for_each(|(uid, record)| self.0.queue.add(uid, record.class()));
        }
        state.away = !answers;
    }
}

impl Record {
    /// No earlier process and no earlier call may have made a group unknown to this one.
    fn is_fresh(&self) -> bool {
        self.history == GroupHistory::NeverHad && !self.token_in_doubt && self.unanswered.is_none()
    }

    /// Opens the question again whether a group exists.
    fn reopen(&mut self, now: Timestamp) {
        if self.group.is_none() {
            self.absent = false;
            self.absence = Absence::default();
            self.provable_from = now + LISTING_DELAY;
        }
    }

    fn deletion_is_late(&self, now: Timestamp) -> bool {
        let grace = self.pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
        let timeout = SignedDuration::from_secs(grace.clamp(0, 86_400)) + DELETION_TIMEOUT;
        self.deletion > DeletionState::NotRequested
            && self.group.is_some()
            && !planted!(LateDeletionIsNotRepeated)
            && self.deletion_at.is_some_and(|at| now.duration_since(at) > timeout)
    }

    /// Takes a group for the pod's; true when that changes anything.
    fn adopt(
        &mut self,
        group: ContainerGroup,
        now: Timestamp,
        made: Option<Timestamp>,
        doubled: &mut bool,
    ) -> bool {
        let id = group.container_group_id.clone();
        let spent = matches!(&self.history, GroupHistory::Spent { id: spent } if *spent == id);
        if spent && made.is_none() {
            return still_works(&group)
                && !planted!(SpentGroupIsIgnored)
                && group.parsed_status() != ContainerGroupStatus::Terminating
                && self.note_duplicate(id, doubled);
        }
        if let Some(known) = self.group.clone().filter(|known| known.container_group_id != id) {
            match (still_works(&known), still_works(&group)) {
                (true, true) if is_elder(&group, &known, now) => {
                    self.note_duplicate(known.container_group_id.clone(), doubled);
                }
                (true, true) => return self.note_duplicate(id, doubled),
                (false, true) => {}
                (_, false) => return false,
            }
        }
        let by_this_process = made.is_some()
            || matches!(&self.history, GroupHistory::Owned { id: known, by_this_process: true, .. } if *known == id);
        let created_at = match &self.history {
            GroupHistory::Owned { id: known, created_at, .. } if *known == id => *created_at,
            // what is seen was made before, whatever this clock and the cloud's say
            _ => made.unwrap_or_else(|| created_at(&group, now).min(now)),
        };
        let new = self.group_id() != Some(&id);
        self.history = GroupHistory::Owned { id, created_at, by_this_process };
        let suspected = !self.absence.by_id.is_empty();
        self.absence = Absence::default();
        self.unanswered = None;
        if new {
            self.deletion = DeletionState::NotRequested;
        }
        if made.is_none() {
            self.seen_at = Some(now);
        }
        self.show(group, now, new) || suspected
    }

    /// The group as it looks now, unless that is an older look; an answer without events does not make them disappear.
    fn show(&mut self, mut group: ContainerGroup, now: Timestamp, new: bool) -> bool {
        if let Some(known) = self.group.as_deref().filter(|_| !new) {
            if is_older(&group, known) && !planted!(OlderAnswersAreShown) {
                let since = *self.older_since.get_or_insert(now);
                // No answer lags for longer: the group itself went back.
                if now.duration_since(since) < LISTING_DELAY {
                    return false;
                }
            }
            if group.events.is_empty() {
                group.events = known.events.clone();
            }
            if *known == group {
                self.older_since = None;
                return false;
            }
        }
        if new || !self.group.as_deref().is_some_and(|known| tries_again(&group, known)) {
            self.progressed = Some(now);
        }
        self.group = Some(Arc::new(group));
        (self.absent, self.older_since) = (false, None);
        true
    }

    fn note_duplicate(&mut self, id: String, doubled: &mut bool) -> bool {
        let new = !self.duplicates.contains(&id) && !planted!(SecondGroupIsIgnored);
        if new {
            self.duplicates.push(id);
            *doubled = true;
        }
        new
    }
}

fn is_elder(group: &ContainerGroup, other: &ContainerGroup, now: Timestamp) -> bool {
    let (group, other) = if planted!(ElderGroupGoes) { (other, group) } else { (group, other) };
    created_at(group, now) < created_at(other, now)
}

fn created_at(group: &ContainerGroup, otherwise: Timestamp) -> Timestamp {
    group.creation_time.parse().unwrap_or(otherwise)
}

/// The group without what its request brought along and no status needs: variables, commands, contents of files.
fn slim(mut group: ContainerGroup) -> ContainerGroup {
    if planted!(WholeGroupsAreKept) {
        return group;
    }
    group.volumes.clear();
    for container in &mut group.containers {
        container.environment_vars.clear();
        container.volume_mounts.clear();
        container.commands.clear();
        container.args.clear();
    }
    for container in &mut group.init_containers {
        container.environment_vars.clear();
        container.volume_mounts.clear();
        container.command.clear();
        container.args.clear();
    }
    group
}
