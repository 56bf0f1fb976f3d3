//! One pod's record, and its copy for those who work with it.

use std::sync::Arc;

use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::api::ObjectMeta;

use super::super::decide::{self, CloudView, DeletionState};
use super::super::evidence::{Absence, Brake, LISTING_DELAY, Question};
use super::super::group_state::{is_moving, still_works};
use super::super::identity::Claim;
use super::super::provenance::{GroupHistory, TokenBasis, is_pristine};
use super::super::queue::{Class, Uid};
use super::super::schedule::{self, Pace, Urgency};
use super::super::specs::attempt::Attempt;
use super::State;

/// The pause between two looks for a proof, and under the brake.
const PROOF_PAUSE: SignedDuration = SignedDuration::from_secs(6);
const PROOF_PAUSE_UNDER_BRAKE: SignedDuration = SignedDuration::from_secs(60);

/// A list-watch session of the API's pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session(pub(super) u64);

/// The first source of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Born {
    /// The API showed the pod to this process.
    Api,
    /// Only the cloud showed a group that was made for it.
    Cloud,
}

pub(super) struct Record {
    pub pod: Arc<Pod>,
    pub in_api: bool,
    pub born: Born,
    pub session: u64,
    pub group: Option<Arc<ContainerGroup>>,
    /// The time since which the group has come no further, by which looks at it become rarer.
    pub progressed: Option<Timestamp>,
    /// The time of the cloud's last answer that has the group.
    pub seen_at: Option<Timestamp>,
    /// The time since which every answer looks older than the one that is shown.
    pub older_since: Option<Timestamp>,
    pub history: GroupHistory,
    /// True when it is proved that the pod has no group.
    pub absent: bool,
    pub absence: Absence,
    /// Lists by tags begun before this time prove nothing.
    pub provable_from: Timestamp,
    pub deletion: DeletionState,
    pub deletion_at: Option<Timestamp>,
    /// The creation whose answer is not known, repeated as it is.
    pub unanswered: Option<Arc<CreateContainerGroup>>,
    pub token: TokenBasis,
    /// The spec that is tried; after a restart the list begins anew.
    pub attempt: Attempt,
    /// A token may have been used by another process or with other parameters; after a proof another is drawn.
    pub token_in_doubt: bool,
    /// Other working groups with the pod's UID.
    pub duplicates: Vec<String>,
    pub orphan_since: Option<Timestamp>,
    pub version: u64,
    /// Larger than those of all records that were made before.
    pub number: u64,
}

/// A record, copied out.
#[derive(Clone)]
pub struct Snapshot {
    /// The pod's UID.
    pub uid: Uid,
    /// The pod as last seen in the API, without its managed fields; a stand-in when only its group is known.
    pub pod: Arc<Pod>,
    /// The pod is in the API.
    pub in_api: bool,
    /// The first source of the record.
    pub born: Born,
    /// The session in which the pod was seen.
    pub session: Session,
    /// The pod's group as last seen.
    pub group: Option<Arc<ContainerGroup>>,
    /// The time of the last answer that has it.
    pub seen_at: Option<Timestamp>,
    /// The history of the groups made for the pod.
    pub history: GroupHistory,
    /// The progress of its group's deletion.
    pub deletion: DeletionState,
    /// The creation whose answer is not known.
    pub unanswered: Option<Arc<CreateContainerGroup>>,
    /// The seed of the next creation's token.
    pub token: TokenBasis,
    /// The spec that is tried next, or that its group was made with.
    pub attempt: Attempt,
    /// Other working groups with the pod's UID, to be removed.
    pub duplicates: Vec<String>,
    /// The time since which its group is kept as an orphan.
    pub orphan_since: Option<Timestamp>,
    /// The cloud did not answer when it was last looked at.
    pub away: bool,
    /// The brake on conclusions from absence.
    pub brake: Brake,
    /// The number of the record: pods that became known before have smaller ones.
    pub number: u64,
    absent: bool,
    pub(super) version: u64,
}

impl Snapshot {
    /// The cloud's view of the pod.
    pub fn cloud(&self) -> CloudView<'_> {
        match &self.group {
            Some(group) => CloudView::Here(group),
            None if self.absent => CloudView::Absent,
            None => CloudView::Unknown,
        }
    }
}

impl Record {
    pub fn of_pod(pod: Pod, state: &State) -> Self {
        let pristine = is_pristine(&pod);
        let history = GroupHistory::of_status(&pod);
        Self {
            absent: pristine && state.groups_listed,
            token_in_doubt: !pristine,
            ..Self::new(pod, Born::Api, history, state)
        }
    }

    pub fn of_claim(claim: &Claim, state: &State) -> Self {
        let metadata = ObjectMeta {
            name: Some(claim.name.clone()),
            namespace: Some(claim.namespace.clone()),
            uid: Some(claim.uid.clone()),
            ..ObjectMeta::default()
        };
        let pod = Pod { metadata, spec: Some(PodSpec::default()), status: None };
        Self { in_api: false, ..Self::new(pod, Born::Cloud, GroupHistory::NeverHad, state) }
    }

    fn new(pod: Pod, born: Born, history: GroupHistory, state: &State) -> Self {
        Self {
            pod: Arc::new(pod),
            in_api: true,
            born,
            session: state.session,
            group: None,
            progressed: None,
            seen_at: None,
            older_since: None,
            history,
            absent: false,
            absence: Absence::default(),
            provable_from: if planted!(ListsNeverLag) {
                state.started
            } else {
                state.started + LISTING_DELAY
            },
            deletion: DeletionState::NotRequested,
            deletion_at: None,
            unanswered: None,
            token: TokenBasis::First,
            attempt: Attempt::default(),
            token_in_doubt: false,
            duplicates: Vec::new(),
            orphan_since: None,
            version: 0,
            number: state.last_number + 1,
        }
    }

    pub fn snapshot(&self, uid: &Uid, state: &State) -> Snapshot {
        Snapshot {
            uid: uid.clone(),
            pod: self.pod.clone(),
            in_api: self.in_api,
            born: self.born,
            session: Session(self.session),
            group: self.group.clone(),
            seen_at: self.seen_at,
            history: self.history.clone(),
            deletion: self.deletion,
            unanswered: self.unanswered.clone(),
            token: self.token.clone(),
            attempt: self.attempt,
            duplicates: self.duplicates.clone(),
            orphan_since: self.orphan_since,
            away: state.away,
            brake: state.brake,
            number: self.number,
            absent: self.absent,
            version: self.version,
        }
    }

    pub fn name(&self) -> Option<(String, String)> {
        self.pod.metadata.namespace.clone().zip(self.pod.metadata.name.clone())
    }

    pub fn group_id(&self) -> Option<&str> {
        self.group.as_ref().map(|group| group.container_group_id.as_str())
    }

    pub fn leaves(&self) -> bool {
        !self.in_api || decide::is_leaving(&self.pod)
    }

    pub fn class(&self) -> Class {
        if self.leaves() || !self.duplicates.is_empty() {
            Class::Deletion
        } else if self.group.is_none() {
            Class::Creation
        } else {
            Class::Update
        }
    }

    /// The question whose answer the pod waits for.
    pub fn question(&self) -> Option<Question> {
        if self.group.is_some() {
            return (!self.absence.by_id.is_empty()).then_some(Question::Owned);
        }
        if self.absent || (decide::has_ended(&self.pod) && !self.leaves()) {
            return None;
        }
        Some(match &self.history {
            GroupHistory::HadBefore { hint } => Question::RanBefore { by_id: hint.is_some() },
            _ => Question::Unclaimed,
        })
    }

    /// The id by which the pod's group is asked for.
    pub fn id_to_ask(&self) -> Option<&str> {
        match (self.group_id(), &self.history) {
            (Some(id), _) => Some(id),
            (None, GroupHistory::HadBefore { hint }) => hint.as_deref(),
            (None, _) => None,
        }
    }

    /// The time from which on an answer by id without the group counts.
    pub fn by_id_from(&self, started: Timestamp) -> Timestamp {
        match &self.history {
            _ if self.deletion > DeletionState::NotRequested || planted!(AnswersByIdNeverLag) => {
                Timestamp::MIN
            }
            GroupHistory::Owned { created_at, .. } => *created_at + LISTING_DELAY,
            _ => started + LISTING_DELAY,
        }
    }

    /// The time of the next look by id, and its urgency; `None` when full rounds suffice.
    pub fn next_look(
        &self,
        now: Timestamp,
        started: Timestamp,
        brake: Brake,
    ) -> Option<(Timestamp, Urgency)> {
        self.id_to_ask()?;
        if self.question().is_some() {
            // Lists do not have it, and its id answers: somebody else's marks are on it, and will be for long.
            let elsewhere = self.absence.by_tags.suffices() && self.absence.by_id.is_empty();
            let braked = brake != Brake::Free || elsewhere;
            let pause = if braked { PROOF_PAUSE_UNDER_BRAKE } else { PROOF_PAUSE };
            return Some(((now + pause).max(self.by_id_from(started)), Urgency::Awaited));
        }
        let group = self.group.as_ref()?;
        // A group whose deletion is yet to be asked for shows nothing that anybody waits for.
        let (pace, urgency) =
            if self.deletion > DeletionState::NotRequested || is_moving(group) && !self.leaves() {
                (Pace::Moving, Urgency::Awaited)
            } else if still_works(group) {
                (Pace::Settled, Urgency::Routine)
            } else {
                (Pace::Over, Urgency::Routine)
            };
        let unchanged = self.progressed.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
        let pause = schedule::pause(pace, unchanged)?;
        Some((now + SignedDuration::try_from(pause).unwrap_or(PROOF_PAUSE), urgency))
    }

    /// The group is proved to be gone: what follows depends on whether anything ran in it.
    pub fn strike_out_group(&mut self, now: Timestamp) {
        let id = self.id_to_ask().map(str::to_owned);
        let ran = super::super::provenance::ran_before(&self.pod);
        match (id, ran) {
            (Some(id), false) if self.group.is_some() => {
                self.token = TokenBasis::After(id.clone());
                self.history = GroupHistory::Spent { id };
            }
            (hint, true) => self.history = GroupHistory::HadBefore { hint },
            _ => {}
        }
        if self.token_in_doubt && self.unanswered.is_none() && !planted!(TokenIsNeverDrawn) {
            (self.token, self.token_in_doubt) = (TokenBasis::Drawn(now), false);
        }
        self.group = None;
        self.absent = true;
        self.absence = Absence::default();
    }
}
