//! Reports about a pod: its status, its instance's annotations, the cloud's events.

use std::collections::BTreeMap;
use std::time::Duration;

use eci_api::group::{ContainerGroup, ContainerGroupStatus};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::Api;
use tokio::time::Instant;

use super::super::cloud_events::{self, Selection};
use super::super::decide::{self, End};
use super::super::events::EventType;
use super::super::fields;
use super::super::made_from::{MadeFrom, Requested};
use super::super::provenance::{is_pristine, ran_before};
use super::super::publish::Written;
use super::super::request::error::LEFT_OUT;
use super::super::store::Snapshot;
use super::super::{publish, status};
use super::{Outcome, Reconciler};

/// The longest time for which a new group without a machine is not told of.
const PLACEMENT_PAUSE: SignedDuration = SignedDuration::from_secs(15);

/// What was told about one pod already, so that it is not told again.
#[derive(Default)]
pub(super) struct Reported {
    /// The cloud's events, and how often each had happened.
    events: BTreeMap<String, i32>,
    /// The group that the pod was told of.
    created: Option<String>,
    /// The images and resources that the pod asked for when it was last looked at.
    requested: Option<Requested>,
    /// True once the pod was told that nothing is made for it.
    ignored: bool,
}

/// The pause before the first write about a group that has no machine yet: most have one within it, and its address is
/// worth a write, the group's name alone is not. `Some(None)` until the cloud has shown the group at all, `None` when the
/// group is to be told of.
fn placement_pause(seen: &Snapshot, group: &ContainerGroup, now: Timestamp) -> Option<Option<Duration>> {
    if group.creation_time.is_empty() {
        return Some(None);
    }
    if group.parsed_status() != ContainerGroupStatus::Scheduling || !is_pristine(&seen.pod) {
        return None;
    }
    let age = now.duration_since(group.creation_time.parse().ok()?);
    let waits = age >= SignedDuration::ZERO && age < PLACEMENT_PAUSE;
    waits.then(|| Some((PLACEMENT_PAUSE - age).unsigned_abs()))
}

/// True of a pod whose status says so.
fn is_running(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
}

impl Reconciler {
    pub(super) async fn publish(&self, seen: &Snapshot) -> Outcome {
        let Some(group) = seen.group.as_deref().filter(|_| seen.in_api) else { return Outcome::Done };
        if seen.away && !planted!(AwayIsPublished) || decide::has_ended(&seen.pod) {
            // The cloud's view is out of date or the pod's status final: neither is a reason to write.
            return Outcome::Done;
        }
        let now = self.clock.now();
        if let Some(after) = placement_pause(seen, group, now) {
            return after.map_or(Outcome::Done, |pause| Outcome::At(Instant::now() + pause));
        }
        if !ran_before(&seen.pod) {
            // an earlier process may have ended before it told of the group
            let chosen = || self.spec_list(seen)?.name_of(group);
            self.report_created(seen, &group.container_group_id, chosen);
        }
        self.report_changes(seen, group);
        self.report_ephemeral_containers(seen);
        let Selection { reported, held_until } = cloud_events::select(&group.events, seen.deletion, now);
        for event in reported {
            let key = format!("{}/{}/{}", event.name, event.reason, event.first_timestamp);
            let told = self.reported(seen, |reported| reported.events.insert(key, event.count));
            if told != Some(event.count) {
                self.recorder.cloud(&seen.pod, event);
            }
        }
        let wanted = status::of(&seen.pod, group, now);
        match (self.write(seen, wanted, publish::annotations(group)).await, held_until) {
            (true, Some(at)) => Outcome::At(Instant::now() + at.duration_since(now).unsigned_abs()),
            (written, _) => Outcome::of_write(written),
        }
    }

    fn reported<T>(&self, seen: &Snapshot, change: impl FnOnce(&mut Reported) -> T) -> T {
        change(&mut self.pod_work().entry(seen.uid.clone()).or_default().reported)
    }

    /// A pod's group is told of once, whichever process made it; `chosen` names the spec where the pod lists several.
    pub(in super::super) fn report_created(
        &self,
        seen: &Snapshot,
        id: &str,
        chosen: impl FnOnce() -> Option<String>,
    ) {
        let before = self.reported(seen, |reported| reported.created.replace(id.to_owned()));
        if before.as_deref() == Some(id) {
            return;
        }
        let with = chosen().map(|spec| format!(" with {spec}")).unwrap_or_default();
        let message = format!("container group {id} is being made{with}");
        self.recorder.pod_once_of(&seen.pod, EventType::Normal, "ProviderCreateSuccess", id, &message);
    }

    /// Images and resources that were changed while an instance runs are not exchanged, and the pod says so, once of each that
    /// is asked for.
    fn report_changes(&self, seen: &Snapshot, group: &ContainerGroup) {
        let asked = Requested::of(&seen.pod);
        let before = self.reported(seen, |reported| reported.requested.replace(asked.clone()));
        let made = MadeFrom::of(group);
        let parts = |of: fn(&Requested) -> &str, made: Option<&str>| {
            let (before, now) = (before.as_ref().map(of), of(&asked));
            let differs = made.or(before).is_some_and(|made| made != now);
            (before != Some(now) && differs).then(|| now.to_owned())
        };
        for (changed, what, goes_on) in [
            (
                parts(|asked| &asked.images, made.and_then(MadeFrom::images)),
                "the image of a container was",
                "the one it was made with",
            ),
            (
                parts(|asked| &asked.resources, made.and_then(MadeFrom::resources)),
                "the resources of a container were",
                "the size it was made with",
            ),
        ] {
            let Some(asked) = changed else { continue };
            let message = format!(
                "{what} changed, but an instance goes on with {goes_on}; delete the pod to have it made anew"
            );
            let subject = format!("{what} {asked}");
            let reason = "ProviderUpdateFailed";
            self.recorder.pod_once_of(&seen.pod, EventType::Warning, reason, &subject, &message);
        }
    }

    /// A container that was added to a pod which runs is not made, and the pod says so.
    fn report_ephemeral_containers(&self, seen: &Snapshot) {
        let pod = &seen.pod;
        if let Some(message) = pod.spec.as_ref().and_then(fields::ephemeral_containers) {
            self.recorder.pod_once(pod, EventType::Warning, LEFT_OUT, &message);
        }
    }

    /// A DaemonSet's pod stays as it is, and says so.
    pub(super) fn report_ignored(&self, seen: &Snapshot) {
        let waits = seen.in_api && !decide::is_leaving(&seen.pod) && !decide::has_ended(&seen.pod);
        if !waits || !decide::is_not_for_the_cloud(&seen.pod) {
            return;
        }
        if !self.reported(seen, |reported| std::mem::replace(&mut reported.ignored, true)) {
            let message = "pods of DaemonSets do not run on the virtual node; use a sidecar instead";
            self.recorder.pod(&seen.pod, EventType::Warning, "ProviderCreateFailed", message);
        }
    }

    /// Writes a pod's status if it is not so already; false when it should be tried again.
    pub(in super::super) async fn write(
        &self,
        seen: &Snapshot,
        wanted: PodStatus,
        annotations: BTreeMap<String, String>,
    ) -> bool {
        let pod = &seen.pod;
        match publish::write(&self.client, pod, &wanted, &annotations).await {
            Ok(Written::Applied(pod)) => {
                if let Some(group) =
                    seen.group.as_deref().filter(|_| is_running(&pod) && !is_running(&seen.pod))
                {
                    self.startup.observe(&pod, group, self.clock.now());
                }
                self.store.wrote(seen, *pod, self.steady.now());
                true
            }
            Ok(Written::Unchanged | Written::Gone) => true,
            Ok(Written::Conflict) => self.read_again(seen).await,
            Err(error) => {
                let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
                tracing::warn!(%error, ?namespace, ?name, "the pod's status was not written");
                false
            }
        }
    }

    /// Reads a pod that somebody else changed, so that its status is computed anew; false when it cannot be read.
    async fn read_again(&self, seen: &Snapshot) -> bool {
        let (Some(namespace), Some(name)) = (&seen.pod.metadata.namespace, &seen.pod.metadata.name) else {
            return true;
        };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.get_opt(name).await {
            Ok(Some(newer)) if newer.metadata.uid == seen.pod.metadata.uid => {
                self.store.wrote(seen, newer, self.steady.now());
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    pub(super) async fn fail(&self, seen: &Snapshot, end: End) -> Outcome {
        let (reason, message) = (end.reason(), end.message());
        if end == End::Lost {
            tracing::warn!(pod = ?seen.pod.metadata.name, "{message}");
        }
        self.recorder.pod(&seen.pod, EventType::Warning, reason, message);
        let failed = status::failed(&seen.pod, reason, message, self.clock.now());
        Outcome::of_write(self.write(seen, failed, BTreeMap::new()).await)
    }
}
