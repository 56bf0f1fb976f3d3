//! Deletes a pod's group, in the cloud first and then in the API, for good or to make another.

use std::collections::BTreeMap;
use std::time::Duration;

use eci_api::actions::delete_container_group::DeleteContainerGroup;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Preconditions};
use tokio::time::Instant;

use super::call_failure::{self, PROVIDER_FAILED};
use super::decide::{self, DeletionState};
use super::events::EventType;
use super::evidence::LISTING_DELAY;
use super::provenance::GroupHistory;
use super::reconcile::{Outcome, Reconciler};
use super::specs::SpecRefusal;
use super::status;
use super::store::Snapshot;
use crate::eci::EciError;

/// The pause before another group is made in place of one that could not be placed: what was missing a moment ago is
/// likely to be missing still.
const REPLACEMENT_PAUSE: Duration = Duration::from_secs(10);

impl Reconciler {
    pub(super) async fn delete(&self, seen: &Snapshot, group: &str, forced: bool) -> Outcome {
        if !seen.in_api && seen.deletion == DeletionState::NotRequested {
            match self.is_really_gone(seen).await {
                Some(true) => {}
                Some(false) => return Outcome::failed(5, 60),
                None => return Outcome::failed(2, 30),
            }
            if let Some(wait) = self.keep_orphan(seen, group) {
                return wait;
            }
        }
        match self.delete_group(group, forced).await {
            Ok(()) => {
                // Also of a pod that was taken out of the API at once: its containers stop all the same.
                if seen.deletion == DeletionState::NotRequested {
                    self.report_killing(&seen.pod);
                }
                let deletion = if forced { DeletionState::Forced } else { DeletionState::Graceful };
                self.store.deletion_agreed(&seen.uid, deletion, self.steady.now());
                Outcome::Done
            }
            Err(error) if error.is_not_found() && self.is_listable(seen) => {
                self.store.group_not_found(&seen.uid, group, self.steady.now());
                Outcome::Done
            }
            Err(error) => self.not_deleted(seen, group, &error),
        }
    }

    /// Removes the younger of two working groups of one pod.
    pub(super) async fn delete_duplicates(&self, seen: &Snapshot) -> Outcome {
        for id in &seen.duplicates {
            let kept = seen.group.as_ref().map_or("none", |group| group.container_group_id.as_str());
            match self.delete_group(id, true).await {
                Err(error) if !error.is_not_found() => return self.not_deleted(seen, id, &error),
                _ => {}
            }
            let message = format!("container group {id} was made for this pod beside {kept}, and is deleted");
            tracing::warn!(uid = %seen.uid, total = self.store.duplicates(), "{message}");
            self.recorder.pod(&seen.pod, EventType::Warning, "DuplicateContainerGroup", &message);
            self.store.duplicate_deleted(&seen.uid, id, self.steady.now());
        }
        Outcome::Done
    }

    async fn delete_group(&self, id: &str, forced: bool) -> Result<(), EciError> {
        let request = DeleteContainerGroup {
            region_id: Some(self.eci.region().to_owned()),
            container_group_id: Some(id.to_owned()),
            force: forced.then_some(true),
            ..DeleteContainerGroup::default()
        };
        self.eci.call(&request).await.map(drop)
    }

    fn not_deleted(&self, seen: &Snapshot, group: &str, error: &EciError) -> Outcome {
        let (backoff, words) = call_failure::of_deletion(error);
        if seen.in_api {
            self.recorder.pod(&seen.pod, EventType::Warning, "ProviderDeleteFailed", &words);
        }
        tracing::warn!(%error, uid = %seen.uid, group, "the group was not deleted");
        Outcome::Failed(backoff)
    }

    /// The group is old enough for the cloud to know it everywhere, or the cloud agreed to its deletion before: that it is
    /// not found means that it is gone.
    fn is_listable(&self, seen: &Snapshot) -> bool {
        if seen.deletion > DeletionState::NotRequested || planted!(NotFoundIsGoneAtOnce) {
            return true;
        }
        let GroupHistory::Owned { created_at, .. } = &seen.history else { return true };
        self.steady.now() >= *created_at + LISTING_DELAY
    }

    /// Asks the API once more before something is deleted for a pod that it did not list; `None` when it does not say.
    async fn is_really_gone(&self, seen: &Snapshot) -> Option<bool> {
        let (namespace, name) = (seen.pod.metadata.namespace.as_deref()?, seen.pod.metadata.name.as_deref()?);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.get_opt(name).await {
            Ok(_) if planted!(GoneIsNotAskedAgain) => Some(true),
            Ok(found) => Some(found.is_none_or(|found| found.metadata.uid.as_deref() != Some(&*seen.uid))),
            Err(error) => {
                tracing::warn!(%error, namespace, name, "whether the pod is gone is not known");
                None
            }
        }
    }

    fn report_killing(&self, pod: &Pod) {
        let statuses =
            pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
        let running =
            statuses.iter().filter(|s| s.state.as_ref().is_some_and(|state| state.running.is_some()));
        for container in running {
            let message = format!("Stopping container {}", container.name);
            self.recorder.container(pod, &container.name, EventType::Normal, "Killing", &message);
        }
    }

    pub(super) async fn replace(&self, seen: &Snapshot, group: &str) -> Outcome {
        let events = seen.group.as_ref().map(|group| group.events.as_slice()).unwrap_or_default();
        let warning = events.iter().rev().find(|event| event.is_warning());
        let message = warning.map_or_else(
            || "the container group could not be placed".to_owned(),
            |event| format!("{}: {}", event.reason, event.message),
        );
        let further = self.further_spec(seen, SpecRefusal::OutOfStock);
        let message = match &further {
            Some((specs, next)) => {
                format!("{}: {message}; next is {}", specs.name(seen.attempt), specs.name(*next))
            }
            None => message,
        };
        self.recorder.pod(&seen.pod, EventType::Warning, "ProviderCreateFailed", &message);
        let trouble = status::without_group(&seen.pod, Some((PROVIDER_FAILED, &message)), self.clock.now());
        self.write(seen, trouble, BTreeMap::new()).await;
        match self.delete_group(group, true).await {
            Err(error) if !error.is_not_found() => self.not_deleted(seen, group, &error),
            _ => {
                self.store.spent(&seen.uid, group, self.steady.now());
                let next = further.as_ref().map(|(_, next)| *next).unwrap_or_default();
                self.store.try_spec(&seen.uid, next, self.steady.now());
                if further.is_some() {
                    return Outcome::At(Instant::now());
                }
                if planted!(ReplacementSleeps) {
                    tokio::time::sleep(REPLACEMENT_PAUSE).await;
                    return Outcome::Done;
                }
                Outcome::Pause(REPLACEMENT_PAUSE)
            }
        }
    }

    pub(super) async fn remove_from_api(&self, seen: &Snapshot) -> Outcome {
        let pod = &seen.pod;
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
            return Outcome::Done;
        };
        let held = pod.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty());
        if held && pod.metadata.deletion_grace_period_seconds == Some(0) {
            // Already let go; somebody else's finalizer holds the object.
            return Outcome::Done;
        }
        if held && !decide::has_ended(pod) {
            // The holder of the object will read how the pod ended.
            let mut ended = status::failed(pod, "", "", self.clock.now());
            (ended.reason, ended.message) = (None, None);
            self.write(seen, ended, BTreeMap::new()).await;
        }
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let uid = pod.metadata.uid.clone().filter(|_| !planted!(RemovalNamesNoUid));
        let preconditions = Preconditions { uid, resource_version: None };
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        match api.delete(name, &now).await {
            Ok(_) => Outcome::Done,
            // Another pod has the name, or nobody: this one is gone.
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => Outcome::Done,
            Err(error) => {
                tracing::warn!(%error, namespace, name, "the pod was not removed from the API");
                Outcome::failed(1, 30)
            }
        }
    }
}
