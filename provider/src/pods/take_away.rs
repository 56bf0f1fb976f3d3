//! Takes a pod's group away, in the cloud first and then in the API, for good or to make another.

use std::collections::BTreeMap;
use std::time::Duration;

use eci_api::actions::delete_container_group::DeleteContainerGroup;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Preconditions};

use super::book::View;
use super::decide::{self, Asked};
use super::events::Tone;
use super::make::PROVIDER_FAILED;
use super::status;
use super::work::{Outcome, Workshop};

impl Workshop {
    pub(super) async fn delete(&self, uid: &str, view: &View, group: &str, firmly: bool) -> Outcome {
        let Ok(_place) = self.places.acquire().await else { return Outcome::Done };
        if !view.in_api && view.asked == Asked::No {
            match self.is_really_gone(view, uid).await {
                Some(true) => {}
                Some(false) => return Outcome::failed(5, 60),
                None => return Outcome::failed(2, 30),
            }
        }
        let request = DeleteContainerGroup {
            region_id: Some(self.eci.region().to_owned()),
            container_group_id: Some(group.to_owned()),
            force: firmly.then_some(true),
            ..DeleteContainerGroup::default()
        };
        match self.eci.call(&request).await {
            Ok(_) => {
                self.book.heard(true);
                // Also of a pod that was taken out of the API at once: its containers stop all the same.
                if view.asked == Asked::No {
                    self.say_killing(&view.pod);
                }
                let asked = if firmly { Asked::Firmly } else { Asked::Gently };
                self.book.asked(uid, asked, self.clock.now());
                self.lookout.at_one(uid, group).await;
                Outcome::Done
            }
            Err(error) if error.is_not_found() => {
                self.book.gone(uid, group);
                self.lookout.at_one(uid, group).await;
                Outcome::Done
            }
            Err(error) => {
                self.book.heard(error.shows_presence());
                if view.in_api {
                    self.recorder.pod(&view.pod, Tone::Warning, "ProviderDeleteFailed", &error.to_string());
                }
                tracing::warn!(%error, uid, group, "the group was not deleted");
                Outcome::failed(2, 60)
            }
        }
    }

    /// Asks the API once more before something is deleted for a pod that it did not list; `None` when it does not say.
    async fn is_really_gone(&self, view: &View, uid: &str) -> Option<bool> {
        let (namespace, name) = (view.pod.metadata.namespace.as_deref()?, view.pod.metadata.name.as_deref()?);
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.get_opt(name).await {
            Ok(found) => Some(found.is_none_or(|found| found.metadata.uid.as_deref() != Some(uid))),
            Err(error) => {
                tracing::warn!(%error, namespace, name, "whether the pod is gone is not known");
                None
            }
        }
    }

    fn say_killing(&self, pod: &Pod) {
        let statuses =
            pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
        let running =
            statuses.iter().filter(|s| s.state.as_ref().is_some_and(|state| state.running.is_some()));
        for container in running {
            let message = format!("Stopping container {}", container.name);
            self.recorder.container(pod, &container.name, Tone::Normal, "Killing", &message);
        }
    }

    pub(super) async fn replace(&self, uid: &str, view: &View, group: &str) -> Outcome {
        let events = view.group.as_ref().map(|group| group.events.as_slice()).unwrap_or_default();
        let warning = events.iter().rev().find(|event| event.type_ == "Warning");
        let message = warning.map_or_else(
            || format!("container group {group} could not be placed"),
            |event| format!("{}: {}", event.reason, event.message),
        );
        self.recorder.pod(&view.pod, Tone::Warning, "ProviderCreateFailed", &message);
        let trouble = status::without_group(&view.pod, Some((PROVIDER_FAILED, &message)), self.clock.now());
        self.write(&view.pod, trouble, BTreeMap::new()).await;
        let outcome = self.delete(uid, view, group, true).await;
        if matches!(outcome, Outcome::Done) {
            self.book.spent(uid, group);
            // The next one is not made at once: what was missing a moment ago is likely to be missing still.
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        outcome
    }

    pub(super) async fn let_go(&self, view: &View) -> Outcome {
        let pod = &view.pod;
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
            return Outcome::Done;
        };
        let held = pod.metadata.finalizers.as_ref().is_some_and(|finalizers| !finalizers.is_empty());
        if held && pod.metadata.deletion_grace_period_seconds == Some(0) {
            // Already let go; somebody else's finalizer holds the object.
            return Outcome::Done;
        }
        if held && !decide::has_ended(pod) {
            // Who holds the object will read how it ended.
            let mut ended = status::failed(pod, "", "", self.clock.now());
            (ended.reason, ended.message) = (None, None);
            self.write(pod, ended, BTreeMap::new()).await;
        }
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let preconditions = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
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
