//! Makes a pod's group: what the pod refers to is read, the cloud is asked, and a refusal is told where people look.

use std::collections::BTreeMap;

use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::group::{ContainerGroup, Tag};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};

use super::book::View;
use super::events::Tone;
use super::request::{self, Made, Problem};
use super::sources::{self, Sources};
use super::work::{Outcome, Workshop};
use super::{decide, patience, status};
use crate::eci::{EciError, Meaning};

/// The reason of a pod that could not be made, as virtual-kubelet calls it.
pub(super) const PROVIDER_FAILED: &str = "ProviderFailed";

impl Workshop {
    pub(super) async fn create(&self, uid: &str, view: &View, spent: Option<&str>) -> Outcome {
        let Ok(_place) = self.places.acquire().await else { return Outcome::Done };
        // While this pod waited for its turn it may have been deleted: then it is never made.
        let Some(view) = self.book.view(uid).filter(|now| self.decide(now) == self.decide(view)) else {
            return Outcome::Done;
        };
        self.make_patient(&view.pod).await;
        let pod = &view.pod;
        let found = match self.gather(pod).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, uid, "what the pod refers to cannot be read");
                return Outcome::failed(2, 30);
            }
        };
        let made = match request::for_pod(pod, &found, &self.scope, spent) {
            Ok(made) => made,
            Err(problem) => return self.cannot_be_asked(pod, &problem).await,
        };
        let Made { request, remarks } = made;
        for remark in &remarks {
            self.recorder.pod(pod, Tone::Warning, remark.reason, &remark.message);
        }
        match self.eci.call(&request).await {
            Ok(reply) => {
                self.book.heard(true);
                let group = newborn(&request, reply.container_group_id);
                let message = format!("container group {} is being made", group.container_group_id);
                self.recorder.pod(pod, Tone::Normal, "ProviderCreateSuccess", &message);
                self.book.made(uid, group, self.clock.now());
                Outcome::Done
            }
            Err(error) => self.was_refused(pod, &error).await,
        }
    }

    async fn gather(&self, pod: &Pod) -> kube::Result<Sources> {
        let mut found = sources::gather(&self.client, pod).await?;
        found.dns = self.names.servers(&self.client, &self.scope.config, &self.clock, pod).await?;
        Ok(found)
    }

    /// Lets the pod outlive a cloud that is away. Where that is forbidden, or the pod just changed, it is as it is.
    async fn make_patient(&self, pod: &Pod) {
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else { return };
        let Some(patch) = patience::patch(pod) else { return };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(pod) => self.book.wrote_pod(pod),
            Err(error) => tracing::info!(%error, namespace, name, "the pod's tolerations stay as they are"),
        }
    }

    /// There is no request for this pod; it is told why, where people look.
    async fn cannot_be_asked(&self, pod: &Pod, problem: &Problem) -> Outcome {
        let now = self.clock.now();
        let message = problem.to_string();
        match problem {
            Problem::Source { reason, .. } => {
                self.recorder.pod(pod, Tone::Warning, reason, &message);
                self.write(pod, status::unconfigured(pod, &message, now), BTreeMap::new()).await;
                Outcome::failed(2, 20)
            }
            Problem::Mount { .. } => {
                self.recorder.pod(pod, Tone::Warning, "FailedMount", &message);
                self.write(pod, status::without_group(pod, None, now), BTreeMap::new()).await;
                Outcome::failed(2, 20)
            }
            Problem::Annotation { .. } | Problem::Unsupported(_) => {
                let reason = "UnexpectedAdmissionError";
                self.recorder.pod(pod, Tone::Warning, reason, &message);
                let message = format!("Pod was rejected: {message}");
                self.wrote(self.write(pod, status::failed(pod, reason, &message, now), BTreeMap::new()).await)
            }
        }
    }

    async fn was_refused(&self, pod: &Pod, error: &EciError) -> Outcome {
        self.book.heard(error.shows_presence());
        let meaning = error.meaning();
        let message = match meaning {
            Some(Meaning::Size) => {
                let size = request::size_of_pod(pod);
                format!(
                    "{size} asked, and no instance of that size is sold. Ask for less, or split the pod. ECI says: {error}"
                )
            }
            _ => error.to_string(),
        };
        self.recorder.pod(pod, Tone::Warning, "ProviderCreateFailed", &message);
        let never = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) == Some("Never");
        let permanent = matches!(meaning, Some(Meaning::Size | Meaning::Request));
        let now = self.clock.now();
        if decide::fails_fast(pod) && meaning.is_some() {
            let failed = status::failed(pod, "ContainerInstanceScheduleFailed", &message, now);
            return self.wrote(self.write(pod, failed, BTreeMap::new()).await);
        }
        if permanent && never {
            let failed = status::failed(pod, PROVIDER_FAILED, &message, now);
            return self.wrote(self.write(pod, failed, BTreeMap::new()).await);
        }
        let trouble = status::without_group(pod, Some((PROVIDER_FAILED, &message)), now);
        self.write(pod, trouble, BTreeMap::new()).await;
        match meaning {
            None | Some(Meaning::Fault) => Outcome::failed(2, 30),
            Some(Meaning::Throttled) => Outcome::failed(5, 60),
            // A group was made under this token from other sources: the next look at the list adopts it.
            Some(Meaning::TokenUsed | Meaning::Busy) => Outcome::failed(10, 60),
            Some(Meaning::Size | Meaning::Request) => Outcome::failed(30, 300),
            _ => Outcome::failed(10, 120),
        }
    }
}

/// What a group looks like before the cloud has shown it.
fn newborn(request: &CreateContainerGroup, id: String) -> ContainerGroup {
    let tags = request.tag.iter().map(|tag| Tag {
        key: tag.key.clone().unwrap_or_default(),
        value: tag.value.clone().unwrap_or_default(),
    });
    ContainerGroup {
        container_group_id: id,
        container_group_name: request.container_group_name.clone().unwrap_or_default(),
        status: "Scheduling".to_owned(),
        tags: tags.collect(),
        ..ContainerGroup::default()
    }
}
