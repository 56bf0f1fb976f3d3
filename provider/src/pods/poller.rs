//! Polls the cloud: full rounds by tags at a bounded rate, and looks at single groups by id when they are due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use determinism::Clock;
use eci_api::actions::describe_container_groups::{DescribeContainerGroups, DescribeContainerGroupsTag};
use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};

use super::evidence::{CompleteRead, Read};
use super::identity::{Belongs, Owner};
use super::schedule::{BATCH, Urgency, round_pause};
use super::store::PodStore;
use super::view_reporter::ViewReporter;
use crate::eci::{Eci, EciError};

/// A list longer than this is taken for a cloud that repeats itself.
const PAGES_MAX: usize = 5000;
/// Pages of one answer by id.
const PAGES_BY_ID_MAX: usize = BATCH;
/// Looks that fall due within this time share the call of one that is due.
const SLACK: SignedDuration = SignedDuration::from_secs(2);
/// Calls by id: as many seconds' worth in a burst, then one a second, and one in two seconds where nobody waits for what
/// they show.
const BURST: SignedDuration = SignedDuration::from_secs(10);
const CALL_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const ROUTINE_PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// The least pause between two rounds that seek a proof, and the longest sleep of a loop.
const PROOF_PAUSE: SignedDuration = SignedDuration::from_secs(6);
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// Looks at the groups of one owner, and tells the store what it sees.
pub struct GroupPoller {
    eci: Eci,
    owner: Owner,
    store: PodStore,
    clock: Clock,
    reporter: ViewReporter,
}

impl GroupPoller {
    /// A poller for the groups of `owner`.
    pub fn new(eci: Eci, owner: Owner, store: PodStore, clock: Clock, reporter: ViewReporter) -> Self {
        Self { eci, owner, store, clock, reporter }
    }

    /// Polls for ever; to be begun when the API's list of pods was read whole.
    pub async fn run(&self) {
        tokio::join!(self.rounds(), self.looks());
    }

    async fn rounds(&self) {
        loop {
            let began = self.clock.now();
            let pages = self.round(began).await.unwrap_or(1);
            let pause = SignedDuration::try_from(round_pause(pages)).unwrap_or(PROOF_PAUSE);
            let proof_pause = PROOF_PAUSE.max(SignedDuration::from_secs(i64::try_from(pages).unwrap_or(0)));
            loop {
                let wanted = self.store.list_wanted_from().map(|from| from.max(began + proof_pause));
                let next = wanted.map_or(began + pause, |wanted| wanted.min(began + pause));
                let left = next.duration_since(self.clock.now());
                if left <= SignedDuration::ZERO {
                    break;
                }
                tokio::time::sleep(left.unsigned_abs().min(PROOF_PAUSE.unsigned_abs())).await;
            }
        }
    }

    async fn looks(&self) {
        // who sets no rate wants to know at once what somebody waits for, and pays nothing for a call
        let pause = match self.eci.is_unlimited::<DescribeContainerGroups>() {
            true => SignedDuration::ZERO,
            false => CALL_PAUSE,
        };
        let mut allowance = Allowance { used_until: self.clock.now(), pause };
        let mut routine_from = self.clock.now();
        loop {
            let now = self.clock.now();
            let wait = allowance.wait(now);
            if wait > SignedDuration::ZERO {
                tokio::time::sleep(wait.unsigned_abs()).await;
                continue;
            }
            if let Some((urgency, due)) = self.store.due_looks(now, SLACK, routine_from) {
                if urgency == Urgency::Routine {
                    routine_from = now + ROUTINE_PAUSE;
                }
                if !due.is_empty() {
                    allowance.take(now);
                    let groups: Vec<_> = due.iter().map(|(uid, id)| (&**uid, id.as_str())).collect();
                    self.look(&groups).await;
                }
                continue;
            }
            let next = self.store.next_look(routine_from);
            let left = next.map(|at| at.duration_since(now).unsigned_abs());
            tokio::select! {
                biased;
                () = tokio::time::sleep(left.map_or(SLEEP_MAX, |left| left.min(SLEEP_MAX))) => {}
                () = self.store.woken() => {}
            }
        }
    }

    /// Looks at all groups; gives the number of pages they fill, when all were read.
    async fn round(&self, began: Timestamp) -> Option<usize> {
        let mut seen = BTreeSet::new();
        let listed = pages(&self.eci, &self.owner, |groups| {
            seen.extend(groups.iter().map(|group| group.container_group_id.clone()));
            self.note(groups);
        });
        if let Err(error) = listed.await {
            self.store.note_answer(error.shows_presence());
            tracing::warn!(%error, "the groups of the node cannot be listed");
            return None;
        }
        self.store.note_answer(true);
        let missing = self.store.listed_groups(&seen, began, self.clock.now());
        for batch in missing.chunks(BATCH) {
            // A list may lag; only an answer about this very group counts.
            let groups: Vec<_> = batch.iter().map(|(uid, id)| (&**uid, id.as_str())).collect();
            self.look(&groups).await;
        }
        self.store.remind(self.clock.now());
        self.conclude();
        Some(seen.len().div_ceil(BATCH))
    }

    /// Looks at these groups, given as a pod's UID and an id.
    async fn look(&self, groups: &[(&str, &str)]) {
        let began = self.clock.now();
        let ids: Vec<&str> = groups.iter().map(|(_, id)| *id).collect();
        let read = match self.by_id(&ids, began).await {
            Ok(read) => read,
            Err(error) => return self.store.note_answer(error.shows_presence()),
        };
        self.store.note_answer(true);
        match read {
            Read::Partial(found) => self.note(found),
            Read::Complete(read) => {
                let absent: BTreeSet<&str> = read.absent(ids).into_iter().collect();
                self.note(read.into_groups());
                let now = self.clock.now();
                for (uid, id) in groups.iter().filter(|(_, id)| absent.contains(id)) {
                    self.store.absent_by_id(uid, id, began, now);
                }
                self.conclude();
            }
        }
    }

    async fn by_id(&self, ids: &[&str], began: Timestamp) -> Result<Read, EciError> {
        let mut groups = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_BY_ID_MAX {
            let request = DescribeContainerGroups {
                region_id: Some(self.eci.region().to_owned()),
                container_group_ids: Some(serde_json::json!(ids).to_string()),
                limit: Some(BATCH as i32),
                with_event: Some(true),
                next_token: token,
                ..DescribeContainerGroups::default()
            };
            let reply = self.eci.call(&request).await?;
            groups.extend(reply.container_groups);
            if reply.next_token.is_empty() || planted!(FirstPageByIdIsAll) {
                return Ok(Read::Complete(CompleteRead::new(groups, began)));
            }
            token = Some(reply.next_token);
        }
        Ok(Read::Partial(groups))
    }

    fn note(&self, groups: Vec<ContainerGroup>) {
        let now = self.clock.now();
        for group in groups {
            match self.owner.belongs(&group) {
                Belongs::Ours(claim) => self.store.saw_group(&claim, group, now),
                Belongs::CopiedIdentity { cluster } => self.reporter.copied(&group, &cluster),
                Belongs::Others => {}
            }
        }
    }

    fn conclude(&self) {
        self.reporter.concluded(self.store.conclude(self.clock.now()));
    }
}

/// The calls by id that may be made.
struct Allowance {
    /// The time up to which they are used up.
    used_until: Timestamp,
    /// The time that one of them uses up.
    pause: SignedDuration,
}

impl Allowance {
    fn wait(&self, now: Timestamp) -> SignedDuration {
        self.used_until.duration_since(now) - BURST
    }

    fn take(&mut self, now: Timestamp) {
        self.used_until = self.used_until.max(now) + self.pause;
    }
}

/// All groups of an owner.
///
/// # Errors
/// [`EciError`].
pub async fn all(eci: &Eci, owner: &Owner) -> Result<Vec<ContainerGroup>, EciError> {
    let mut all: BTreeMap<String, ContainerGroup> = BTreeMap::new();
    pages(eci, owner, |groups| {
        all.extend(groups.into_iter().map(|group| (group.container_group_id.clone(), group)));
    })
    .await?;
    Ok(all.into_values().collect())
}

/// Reads the list of an owner's groups to its end, page by page.
async fn pages(eci: &Eci, owner: &Owner, mut page: impl FnMut(Vec<ContainerGroup>)) -> Result<(), EciError> {
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let marks = owner.marks();
        let tags = marks
            .map(|(key, value)| DescribeContainerGroupsTag { key: Some(key.to_owned()), value: Some(value) });
        let request = DescribeContainerGroups {
            region_id: Some(eci.region().to_owned()),
            limit: Some(BATCH as i32),
            next_token: token,
            tag: tags.into(),
            ..DescribeContainerGroups::default()
        };
        let reply = eci.call(&request).await?;
        page(reply.container_groups);
        if reply.next_token.is_empty() || planted!(FirstPageByTagsIsAll) {
            return Ok(());
        }
        token = Some(reply.next_token);
    }
    Err(EciError::Garbled { action: "DescribeContainerGroups", why: "the list has no end".to_owned() })
}
