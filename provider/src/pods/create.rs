//! Creates a pod's group: what the pod refers to is read, the cloud is asked, and a refusal is told where people look.
//!
//! A creation whose answer is lost is repeated with the same token and the same parameters, until it is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use eci_api::actions::create_container_group::{CreateContainerGroup, CreateContainerGroupReply};
use eci_api::group::{ContainerGroup, ContainerGroupStatus, Tag};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};

use super::admission::Rejected;
use super::call_failure::{self, PROVIDER_FAILED};
use super::decide::Decision;
use super::events::EventType;
use super::file_notes::FileNotes;
use super::reconcile::{Outcome, Reconciler};
use super::request::{self, Made, RequestError};
use super::sources::{self, Arrival, Sources};
use super::spec_attempts::Refused;
use super::specs::SpecRefusal;
use super::specs::attempt::Attempt;
use super::store::Snapshot;
use super::{status, tolerations};
use crate::eci::{EciError, Meaning};
use crate::policy::PolicyError;

/// The reason of a pod that waits below a limit of the operator's policy.
const BEYOND_POLICY: &str = "PolicyLimit";

impl Reconciler {
    pub(super) async fn create(&self, seen: &Snapshot) -> Outcome {
        if seen.unanswered.is_none()
            && let Err(rejected) =
                self.admission.admit(&seen.uid, &seen.pod, &self.scope.config.capacity, &self.store)
        {
            return self.was_rejected(seen, &rejected).await;
        }
        let seen = self.tolerate_outages(seen).await;
        let request = match &seen.unanswered {
            Some(request) if !planted!(RepeatedCreationIsAnother) => request.clone(),
            _ => match self.request(&seen).await {
                Ok(request) => request,
                Err(outcome) => return outcome,
            },
        };
        // While sources were read the pod may have been deleted: then nothing is made for it.
        let wanted =
            |now: &Snapshot| self.decide(now) == Decision::Create || planted!(DeletedMeanwhileIsMade);
        let Some(seen) = self.store.get(&seen.uid).filter(wanted) else { return Outcome::Done };
        let namespace = seen.pod.metadata.namespace.as_deref().unwrap_or("default");
        let policy = &self.scope.config.policy;
        // a creation that may have been carried out counts already
        let reserved = seen
            .unanswered
            .is_none()
            .then(|| self.budget.reserve(policy, &self.store, (&seen.uid, namespace), &request));
        let _reserved = match reserved.transpose() {
            Ok(reserved) => reserved,
            Err(error) => return self.has_no_room(&seen, &error).await,
        };
        // A pod that is deleted while its creation waits does not wait with it.
        let permit = tokio::select! {
            biased;
            () = self.store.queue().overtaken(&seen.uid) => return Outcome::Done,
            permit = self.eci.permit::<CreateContainerGroup>() => permit,
        };
        let Some(seen) = self.store.get(&seen.uid).filter(wanted) else { return Outcome::Done };
        let answer = self.eci.call_permitted(permit, &*request).await;
        self.was_answered(&seen, request, answer).await
    }

    async fn was_answered(
        &self,
        seen: &Snapshot,
        request: Arc<CreateContainerGroup>,
        answer: Result<CreateContainerGroupReply, EciError>,
    ) -> Outcome {
        let now = || self.steady.now();
        match answer {
            Ok(reply) => {
                let group = new_group(&request, reply.container_group_id);
                let chosen = || {
                    let specs = self.spec_list(seen)?;
                    let is_one_of_several = !specs.is_plain() || seen.attempt != Attempt::default();
                    is_one_of_several.then(|| specs.name(seen.attempt))
                };
                self.report_created(seen, &group.container_group_id, chosen);
                self.take_refusals(seen);
                self.store.created(&seen.uid, group, now());
                Outcome::Done
            }
            Err(error) if error.meaning() == Some(Meaning::TokenUsed) => {
                // A group may exist under this token, made from other sources: the lists by tags will tell.
                tracing::info!(%error, uid = %seen.uid, "the token was used before; the group is sought by its tags");
                self.store.token_taken(&seen.uid, now());
                Outcome::Done
            }
            Err(error) => {
                if is_ambiguous(&error) {
                    self.store.creation_unanswered(&seen.uid, request, now());
                } else if !may_pass(&error) {
                    self.store.creation_refused(&seen.uid, now());
                }
                self.was_refused(seen, &error).await
            }
        }
    }

    /// The request for a pod, made from what it refers to.
    async fn request(&self, seen: &Snapshot) -> Result<Arc<CreateContainerGroup>, Outcome> {
        let pod = &seen.pod;
        let found = match self.gather(seen).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, uid = %seen.uid, "what the pod refers to cannot be read");
                return Err(Outcome::failed(2, 30));
            }
        };
        self.file_notes(pod, |notes| *notes = FileNotes::of(&found));
        match request::for_attempt(pod, &found, &self.scope, (&seen.token, seen.attempt)) {
            Ok(Made { request, remarks }) => {
                // On record before the group is made: a process that finds the group makes no request and knows of none.
                for remark in &remarks {
                    let (reason, message) = (remark.reason, &remark.message);
                    self.recorder.record_pod_once(pod, EventType::Warning, reason, message).await;
                }
                Ok(Arc::new(request))
            }
            Err(problem) => Err(self.no_request(seen, &problem).await),
        }
    }

    async fn gather(&self, seen: &Snapshot) -> kube::Result<Sources> {
        let pod = &seen.pod;
        let arrival = Arrival { number: seen.number, last: &|| self.store.last_number() };
        let mut found = sources::gather(&self.client, pod, (&self.services, &arrival)).await?;
        found.dns = self.dns.servers(&self.client, &self.scope.config, pod).await?;
        Ok(found)
    }

    /// Lets the pod outlive a cloud that is away. Where that is forbidden, or the pod just changed, it is as it is.
    async fn tolerate_outages(&self, seen: &Snapshot) -> Snapshot {
        let (Some(namespace), Some(name)) = (&seen.pod.metadata.namespace, &seen.pod.metadata.name) else {
            return seen.clone();
        };
        let Some(patch) = tolerations::patch(&seen.pod) else { return seen.clone() };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(pod) => self.store.wrote(seen, pod, self.steady.now()),
            Err(error) => tracing::info!(%error, namespace, name, "the pod's tolerations stay as they are"),
        }
        self.store.get(&seen.uid).unwrap_or_else(|| seen.clone())
    }

    /// There is no request for this pod; it is told why, where people look.
    async fn no_request(&self, seen: &Snapshot, problem: &RequestError) -> Outcome {
        let (now, pod) = (self.clock.now(), &seen.pod);
        let message = problem.to_string();
        match problem {
            RequestError::Source { reason, .. } => {
                self.recorder.pod(pod, EventType::Warning, reason, &message);
                self.write(seen, status::unconfigured(pod, &message, now), BTreeMap::new()).await;
                Outcome::failed(2, 20)
            }
            RequestError::Mount { .. } => {
                self.recorder.pod(pod, EventType::Warning, "FailedMount", &message);
                self.write(seen, status::without_group(pod, None, now), BTreeMap::new()).await;
                Outcome::failed(2, 20)
            }
            RequestError::Annotation { .. } | RequestError::Unsupported(_) => {
                let reason = "UnexpectedAdmissionError";
                self.recorder.pod(pod, EventType::Warning, reason, &message);
                let message = format!("Pod was rejected: {message}");
                let failed = status::failed(pod, reason, &message, now);
                Outcome::of_write(self.write(seen, failed, BTreeMap::new()).await)
            }
        }
    }

    /// The node has no room for this pod, as its capacity is.
    async fn was_rejected(&self, seen: &Snapshot, rejected: &Rejected) -> Outcome {
        let message = rejected.to_string();
        self.recorder.pod(&seen.pod, EventType::Warning, &rejected.reason(), &message);
        let message = format!("Pod was rejected: {message}");
        let failed = status::failed(&seen.pod, &rejected.reason(), &message, self.clock.now());
        Outcome::of_write(self.write(seen, failed, BTreeMap::new()).await)
    }

    /// The operator's policy has no room for this pod: it waits, or has failed where waiting is of no use.
    pub(super) async fn is_beyond_policy(&self, seen: &Snapshot, error: &PolicyError) -> Outcome {
        if error.is_final() {
            return self.no_request(seen, &RequestError::Unsupported(error.to_string())).await;
        }
        let message = error.to_string();
        self.recorder.pod(&seen.pod, EventType::Warning, BEYOND_POLICY, &message);
        let waiting = status::without_group(&seen.pod, Some((BEYOND_POLICY, &message)), self.clock.now());
        self.write(seen, waiting, BTreeMap::new()).await;
        Outcome::failed(5, 60)
    }

    pub(super) async fn was_refused(&self, seen: &Snapshot, error: &EciError) -> Outcome {
        let (now, pod) = (self.clock.now(), &seen.pod);
        if planted!(RefusedCreationMeansAway) {
            self.store.note_answer(error.shows_presence());
        }
        tracing::info!(%error, uid = %seen.uid, "the group was not created");
        let concerns = SpecRefusal::of(error);
        if let Some((specs, next)) = concerns.and_then(|refusal| self.further_spec(seen, refusal)) {
            return self.try_next(seen, &specs, next, Refused::ByCloud(error)).await;
        }
        let verdict = self.verdict(seen, error);
        if concerns.is_some() {
            self.store.try_spec(&seen.uid, Attempt::default(), self.steady.now());
        }
        self.recorder.pod(pod, EventType::Warning, "ProviderCreateFailed", &verdict.words);
        match verdict.outcome {
            call_failure::Outcome::Terminal { reason } => {
                let failed = status::failed(pod, reason, &verdict.words, now);
                Outcome::of_write(self.write(seen, failed, BTreeMap::new()).await)
            }
            call_failure::Outcome::Retry { backoff } => {
                let trouble = status::without_group(pod, Some((PROVIDER_FAILED, &verdict.words)), now);
                self.write(seen, trouble, BTreeMap::new()).await;
                Outcome::Failed(backoff)
            }
        }
    }
}

/// Returns true when nobody knows if the creation was carried out.
fn is_ambiguous(error: &EciError) -> bool {
    error.meaning().is_none_or(Meaning::leaves_open) && !planted!(LostAnswerIsARefusal)
}

/// Returns true when the refusal says nothing about an earlier try of the same creation.
fn may_pass(error: &EciError) -> bool {
    error.meaning().is_some_and(Meaning::precedes_the_request)
}

/// A group before the cloud has shown it.
fn new_group(request: &CreateContainerGroup, id: String) -> ContainerGroup {
    let tags = request.tag.iter().map(|tag| Tag {
        key: tag.key.clone().unwrap_or_default(),
        value: tag.value.clone().unwrap_or_default(),
    });
    ContainerGroup {
        container_group_id: id,
        container_group_name: request.container_group_name.clone().unwrap_or_default(),
        status: ContainerGroupStatus::Scheduling.to_string(),
        tags: tags.collect(),
        ..ContainerGroup::default()
    }
}
