//! What is known: the pods of the node, their groups, and what was done about them. All of it in memory, and all of it
//! found again in the API and in the cloud after a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eci_api::group::ContainerGroup;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::api::ObjectMeta;
use tokio::sync::{Notify, mpsc};

use super::decide::{self, Asked, Cloud, LISTING_DELAY, Past};
use super::identity::Claim;

/// The annotation in which a pod keeps the id of its group.
pub const INSTANCE_ID: &str = "eci-instance-id";

/// How long the cloud may take to carry out a deletion, beyond the time that the containers are given.
const DELETION_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// For how many seconds after its last change a group may soon change again: most short work ends within it.
const LATELY: i64 = 450;

/// The book; clones are the same book.
#[derive(Clone)]
pub struct Book(Arc<Shared>);

struct Shared {
    pages: Mutex<Pages>,
    born: mpsc::UnboundedSender<String>,
    /// Something became worth looking at often.
    hurry: Notify,
}

#[derive(Default)]
struct Pages {
    entries: BTreeMap<String, Entry>,
    /// Whether the API's list of pods was read whole.
    pods_listed: bool,
    /// Whether the cloud's list of groups was read whole.
    groups_listed: bool,
    /// Whether the cloud did not answer when it was last asked.
    away: bool,
    /// How often the cloud came back.
    returns: u64,
}

struct Entry {
    pod: Arc<Pod>,
    in_api: bool,
    group: Option<Arc<ContainerGroup>>,
    changed: Option<Timestamp>,
    past: Past,
    asked: Asked,
    asked_at: Option<Timestamp>,
    wake: Arc<Notify>,
}

/// One pod's entry, copied out.
#[derive(Clone)]
pub struct View {
    /// The pod.
    pub pod: Arc<Pod>,
    /// Whether it is still in the API.
    pub in_api: bool,
    /// Its group, as last seen.
    pub group: Option<Arc<ContainerGroup>>,
    /// What was made for it.
    pub past: Past,
    /// How far the deletion of its group has come.
    pub asked: Asked,
    /// Whether the cloud's list was read whole, so that a missing group is a group that does not exist.
    pub groups_listed: bool,
    /// Whether the cloud does not answer just now.
    pub away: bool,
    /// How often the cloud came back.
    pub returns: u64,
    /// Told when any of this changes.
    pub wake: Arc<Notify>,
}

impl View {
    /// What the cloud says about the pod.
    pub fn cloud(&self) -> Cloud<'_> {
        match &self.group {
            Some(group) => Cloud::Here(group),
            None if self.groups_listed => Cloud::Absent,
            None => Cloud::Unknown,
        }
    }
}

impl Book {
    /// An empty book; each pod that enters it is named on the channel, once.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<String>) {
        let (born, births) = mpsc::unbounded_channel();
        (Self(Arc::new(Shared { pages: Mutex::default(), born, hurry: Notify::new() })), births)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pod as the API shows it now.
    pub fn saw_pod(&self, pod: Pod) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        let mut pages = self.pages();
        match pages.entries.get_mut(&uid) {
            Some(entry) => {
                entry.pod = Arc::new(pod);
                entry.in_api = true;
                entry.wake.notify_one();
            }
            None => {
                let past = if decide::ran_before(&pod) { Past::Before } else { Past::None };
                pages.entries.insert(uid.clone(), Entry::new(pod, true, past));
                drop(self.0.born.send(uid));
            }
        }
    }

    /// A pod that the API does not have any more.
    pub fn lost_pod(&self, uid: &str) {
        if let Some(entry) = self.pages().entries.get_mut(uid) {
            entry.in_api = false;
            entry.wake.notify_one();
        }
        self.0.hurry.notify_one();
    }

    /// The API's list was read whole: pods that are not in it are gone.
    pub fn listed_pods(&self, present: &std::collections::BTreeSet<String>) {
        let mut pages = self.pages();
        pages.pods_listed = true;
        for (uid, entry) in &mut pages.entries {
            if entry.in_api && !present.contains(uid) {
                entry.in_api = false;
                entry.wake.notify_one();
            }
        }
        self.0.hurry.notify_one();
    }

    /// Whether the API's list was read whole.
    pub fn are_pods_listed(&self) -> bool {
        self.pages().pods_listed
    }

    /// Whether the cloud's list was read whole.
    pub fn are_groups_listed(&self) -> bool {
        self.pages().groups_listed
    }

    /// A group of this node as the cloud shows it now. One whose pod is unknown gets an entry of its own.
    pub fn saw_group(&self, claim: &Claim, group: ContainerGroup, now: Timestamp) {
        let mut pages = self.pages();
        if !pages.entries.contains_key(&claim.uid) {
            let past = Past::Made { id: group.container_group_id.clone(), at: None };
            pages.entries.insert(claim.uid.clone(), Entry::new(stand_in(claim), false, past));
            drop(self.0.born.send(claim.uid.clone()));
        }
        let Some(entry) = pages.entries.get_mut(&claim.uid) else { return };
        if matches!(&entry.past, Past::Spent { id } if *id == group.container_group_id) {
            return;
        }
        let other = entry.group.as_ref().filter(|known| known.container_group_id != group.container_group_id);
        if let Some(other) = other {
            // One of them is left over from a replacement: the one that works is the pod's, the first of two that do.
            if decide::still_works(other) || !decide::still_works(&group) {
                return;
            }
        }
        if !matches!(&entry.past, Past::Made { id, .. } if *id == group.container_group_id) {
            entry.past = Past::Made { id: group.container_group_id.clone(), at: None };
        }
        let same = entry.group.as_deref().is_some_and(|known| is_same(known, &group));
        if !same {
            entry.group = Some(Arc::new(keeping_events(group, entry.group.as_deref())));
            entry.changed = Some(now);
            entry.wake.notify_one();
        }
    }

    /// The group that was just made for a pod.
    pub fn made(&self, uid: &str, group: ContainerGroup, now: Timestamp) {
        if let Some(entry) = self.pages().entries.get_mut(uid) {
            entry.past = Past::Made { id: group.container_group_id.clone(), at: Some(now) };
            entry.group = Some(Arc::new(group));
            entry.changed = Some(now);
            entry.asked = Asked::No;
            entry.wake.notify_one();
        }
        self.0.hurry.notify_one();
    }

    /// The cloud positively does not have this group.
    pub fn gone(&self, uid: &str, group: &str) {
        if let Some(entry) = self.pages().entries.get_mut(uid)
            && entry.group.as_ref().is_some_and(|known| known.container_group_id == group)
        {
            entry.group = None;
            entry.wake.notify_one();
        }
    }

    /// The deletion of a pod's group was asked for.
    pub fn asked(&self, uid: &str, asked: Asked, now: Timestamp) {
        if let Some(entry) = self.pages().entries.get_mut(uid) {
            entry.asked = entry.asked.max(asked);
            entry.asked_at = Some(now);
        }
        self.0.hurry.notify_one();
    }

    /// Deletions that the cloud agreed to long ago and did not carry out are asked for again.
    pub fn remind(&self, now: Timestamp) {
        for entry in self.pages().entries.values_mut() {
            let grace = entry.pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
            let patience = SignedDuration::from_secs(grace.clamp(0, 86_400)) + DELETION_PATIENCE;
            let late = entry.asked_at.is_some_and(|at| now.duration_since(at) > patience);
            if entry.asked > Asked::No && entry.group.is_some() && late {
                (entry.asked, entry.asked_at) = (Asked::No, None);
                entry.wake.notify_one();
            }
        }
    }

    /// A group that is beyond use; another may be made.
    pub fn spent(&self, uid: &str, group: &str) {
        if let Some(entry) = self.pages().entries.get_mut(uid) {
            entry.past = Past::Spent { id: group.to_owned() };
            entry.group = None;
            entry.asked = Asked::No;
        }
    }

    /// The pod as the API returned it from a write.
    pub fn wrote_pod(&self, pod: Pod) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        if let Some(entry) = self.pages().entries.get_mut(&uid).filter(|entry| entry.in_api) {
            entry.pod = Arc::new(pod);
        }
    }

    /// Strikes a pod out.
    pub fn forget(&self, uid: &str) {
        self.pages().entries.remove(uid);
    }

    /// What is known of one pod.
    pub fn view(&self, uid: &str) -> Option<View> {
        let pages = self.pages();
        let entry = pages.entries.get(uid)?;
        Some(View {
            pod: entry.pod.clone(),
            in_api: entry.in_api,
            group: entry.group.clone(),
            past: entry.past.clone(),
            asked: entry.asked,
            groups_listed: pages.groups_listed,
            away: pages.away,
            returns: pages.returns,
            wake: entry.wake.clone(),
        })
    }

    /// The pods that are in the API.
    pub fn pods(&self) -> Vec<Arc<Pod>> {
        let pages = self.pages();
        pages.entries.values().filter(|entry| entry.in_api).map(|entry| entry.pod.clone()).collect()
    }

    /// The pod of this name, with its group.
    pub fn find(&self, namespace: &str, name: &str) -> Option<View> {
        let is_it = |entry: &Entry| {
            let metadata = &entry.pod.metadata;
            entry.in_api
                && metadata.namespace.as_deref() == Some(namespace)
                && metadata.name.as_deref() == Some(name)
        };
        let uid = self.pages().entries.iter().find(|(_, entry)| is_it(entry)).map(|(uid, _)| uid.clone())?;
        self.view(&uid)
    }

    /// The cloud's list was read whole.
    pub fn listed_groups(&self) {
        let mut pages = self.pages();
        if !pages.groups_listed {
            pages.groups_listed = true;
            pages.entries.values().for_each(|entry| entry.wake.notify_one());
        }
    }

    /// Whether the cloud answers; when it does again, all work is taken up again.
    pub fn heard(&self, answers: bool) {
        let mut pages = self.pages();
        if answers && pages.away {
            pages.returns += 1;
            pages.entries.values().for_each(|entry| entry.wake.notify_one());
        }
        pages.away = !answers;
    }

    /// The groups that are known to exist, with their pods' UIDs, except those too young to be listed.
    pub fn listable(&self, now: Timestamp) -> Vec<(String, String)> {
        let delay = SignedDuration::try_from(LISTING_DELAY).unwrap_or(SignedDuration::ZERO);
        let pages = self.pages();
        let known = pages.entries.iter().filter_map(|(uid, entry)| {
            let group = entry.group.as_ref()?;
            let young =
                matches!(entry.past, Past::Made { at: Some(at), .. } if now.duration_since(at) < delay);
            (!young || entry.asked > Asked::No).then(|| (uid.clone(), group.container_group_id.clone()))
        });
        known.collect()
    }

    /// The groups that are worth a look before the next round, with their pods' UIDs, and how soon: those on their way
    /// somewhere, and those that got somewhere lately. The longer nothing changes, the rarer the looks.
    pub fn moving(&self, now: Timestamp) -> (Vec<(String, String)>, Option<Duration>) {
        let pages = self.pages();
        let mut soonest: Option<Duration> = None;
        let mut moving = Vec::new();
        for (uid, entry) in &pages.entries {
            let Some(group) = &entry.group else { continue };
            let leaving = entry.asked > Asked::No || !entry.in_api || decide::is_leaving(&entry.pod);
            let unchanged = entry.changed.map_or(0, |at| now.duration_since(at).as_secs());
            let (shortest, longest) = if leaving || decide::is_moving(group) {
                (1, 10)
            } else if decide::still_works(group) && unchanged < LATELY {
                (2, 30)
            } else {
                continue;
            };
            let pause = Duration::from_secs((unchanged / 15).clamp(shortest, longest).unsigned_abs());
            soonest = Some(soonest.map_or(pause, |known| known.min(pause)));
            moving.push((uid.clone(), group.container_group_id.clone()));
        }
        (moving, soonest)
    }

    /// Waits until something becomes worth looking at often.
    pub async fn hurry(&self) {
        self.0.hurry.notified().await;
    }
}

impl Entry {
    fn new(pod: Pod, in_api: bool, past: Past) -> Self {
        let wake = Arc::new(Notify::new());
        Self {
            pod: Arc::new(pod),
            in_api,
            group: None,
            changed: None,
            past,
            asked: Asked::No,
            asked_at: None,
            wake,
        }
    }
}

/// What is known of a pod that is only known by its group.
fn stand_in(claim: &Claim) -> Pod {
    Pod {
        metadata: ObjectMeta {
            name: Some(claim.name.clone()),
            namespace: Some(claim.namespace.clone()),
            uid: Some(claim.uid.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec::default()),
        status: None,
    }
}

/// Equal but for events, which not every look brings.
fn is_same(known: &ContainerGroup, seen: &ContainerGroup) -> bool {
    if !seen.events.is_empty() && seen.events != known.events {
        return false;
    }
    let bare = |group: &ContainerGroup| ContainerGroup { events: Vec::new(), ..group.clone() };
    bare(known) == bare(seen)
}

fn keeping_events(mut seen: ContainerGroup, known: Option<&ContainerGroup>) -> ContainerGroup {
    if seen.events.is_empty() {
        seen.events = known.map(|known| known.events.clone()).unwrap_or_default();
    }
    seen
}

#[cfg(test)]
mod tests;
