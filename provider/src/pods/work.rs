//! Carries out what was decided about one pod, one thing after the other; different pods go side by side.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use determinism::Clock;
use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::group::{ContainerGroup, Tag};
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::book::{Book, View};
use super::decide::{self, Asked, Decision, End, Sight};
use super::events::{Recorder, Tone};
use super::look::Lookout;
use super::request::{self, Made, Problem, Scope};
use super::{patience, publish, sources, status};
use crate::eci::{Eci, EciError, Meaning, retry};

/// How many pods are worked on at once, so that neither the API nor the cloud is flooded.
const AT_ONCE: usize = 24;
/// The reason of a pod that could not be made, as virtual-kubelet calls it.
const PROVIDER_FAILED: &str = "ProviderFailed";

/// What all workers share.
pub struct Workshop {
    /// The API.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// What is known.
    pub book: Book,
    /// Who looks at the cloud.
    pub lookout: Arc<Lookout>,
    /// What is the same for all pods.
    pub scope: Scope,
    /// Where things are said.
    pub recorder: Recorder,
    /// The clock.
    pub clock: Clock,
    places: Semaphore,
}

/// What came of carrying something out.
enum Outcome {
    /// It is done, or there was nothing to do.
    Done,
    /// Nothing is left of the pod.
    Forgotten,
    /// It did not work; it is tried again after a rest that doubles within these bounds.
    Failed { first: Duration, longest: Duration },
}

impl Outcome {
    const fn failed(first: u64, longest: u64) -> Self {
        Self::Failed { first: Duration::from_secs(first), longest: Duration::from_secs(longest) }
    }
}

/// A rest after something that did not work.
struct Rest {
    from: Discriminant<Decision>,
    until: Instant,
    returns: u64,
    failures: u32,
}

impl Workshop {
    /// A workshop with its tools.
    pub fn new(client: Client, lookout: Arc<Lookout>, scope: Scope, recorder: Recorder) -> Self {
        Self {
            client,
            eci: lookout.eci.clone(),
            book: lookout.book.clone(),
            clock: lookout.clock.clone(),
            lookout,
            scope,
            recorder,
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// Looks after one pod until nothing is left of it.
    pub async fn look_after(&self, uid: &str) {
        let mut rest: Option<Rest> = None;
        let mut said = BTreeMap::new();
        while let Some(view) = self.book.view(uid) {
            let decision = self.decide(&view);
            let until = match &rest {
                Some(rest) if rest.holds(&decision, &view) => Some(rest.until),
                _ => match self.carry_out(&decision, uid, &view, &mut said).await {
                    Outcome::Forgotten => {
                        self.book.forget(uid);
                        return;
                    }
                    Outcome::Done => {
                        rest = None;
                        self.book.view(uid).and_then(|view| self.alarm(&view))
                    }
                    Outcome::Failed { first, longest } => {
                        let taken = Rest::after(rest.take(), &decision, &view, first, longest);
                        let until = taken.until;
                        rest = Some(taken);
                        Some(until)
                    }
                },
            };
            match until {
                Some(until) => {
                    tokio::select! {
                        () = view.wake.notified() => {}
                        () = tokio::time::sleep_until(until) => {}
                    }
                }
                None => view.wake.notified().await,
            }
        }
    }

    fn decide(&self, view: &View) -> Decision {
        let sight = Sight {
            pod: &view.pod,
            in_api: view.in_api,
            cloud: view.cloud(),
            past: &view.past,
            asked: view.asked,
            now: self.clock.now(),
        };
        decide::decide(&sight)
    }

    /// When to look again though nothing happens: at the pod's deadline, or at the end of its grace.
    fn alarm(&self, view: &View) -> Option<Instant> {
        let now = self.clock.now();
        let deadline = decide::deadline(&view.pod).filter(|_| !decide::has_ended(&view.pod));
        let overdue = decide::overdue(&view.pod).filter(|_| view.asked == Asked::Gently);
        let deadline = deadline.into_iter().chain(overdue).filter(|at| *at > now).min()?;
        let left = deadline.duration_since(now).unsigned_abs();
        Some(Instant::now() + left)
    }

    async fn carry_out(
        &self,
        decision: &Decision,
        uid: &str,
        view: &View,
        said: &mut BTreeMap<String, i32>,
    ) -> Outcome {
        match decision {
            Decision::Wait => Outcome::Done,
            Decision::Forget => Outcome::Forgotten,
            Decision::Publish => self.publish(view, said).await,
            Decision::Create { spent } => self.create(uid, view, spent.as_deref()).await,
            Decision::Delete { group, firmly } => self.delete(uid, view, group, *firmly).await,
            Decision::Replace { group } => self.replace(uid, view, group).await,
            Decision::Fail { end } => self.fail(view, *end).await,
            Decision::LetGo => self.let_go(view).await,
        }
    }

    // ── Create ──

    async fn create(&self, uid: &str, view: &View, spent: Option<&str>) -> Outcome {
        let Ok(_place) = self.places.acquire().await else { return Outcome::Done };
        // While this pod waited for its turn it may have been deleted: then it is never made.
        let Some(view) = self.book.view(uid).filter(|now| self.decide(now) == self.decide(view)) else {
            return Outcome::Done;
        };
        self.make_patient(&view.pod).await;
        let pod = &view.pod;
        let found = match sources::gather(&self.client, pod).await {
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

    // ── Publish ──

    async fn publish(&self, view: &View, said: &mut BTreeMap<String, i32>) -> Outcome {
        let Some(group) = view.group.as_deref().filter(|_| view.in_api) else { return Outcome::Done };
        if view.away || decide::has_ended(&view.pod) {
            // What is not known is not told.
            return Outcome::Done;
        }
        for event in &group.events {
            let key = format!("{}/{}/{}", event.name, event.reason, event.first_timestamp);
            if said.insert(key, event.count) != Some(event.count) {
                self.recorder.cloud(&view.pod, event);
            }
        }
        let wanted = status::of(&view.pod, group, self.clock.now());
        self.wrote(self.write(&view.pod, wanted, publish::annotations(group)).await)
    }

    fn wrote(&self, written: bool) -> Outcome {
        if written { Outcome::Done } else { Outcome::failed(1, 30) }
    }

    /// Writes a pod's status if it is not so already; false when it should be tried again.
    async fn write(&self, pod: &Pod, wanted: PodStatus, annotations: BTreeMap<String, String>) -> bool {
        let Some(patch) = publish::patch(pod, &wanted, &annotations) else { return true };
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
            return true;
        };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.patch_status(name, &PatchParams::default(), &Patch::Strategic(patch)).await {
            Ok(pod) => {
                self.book.wrote_pod(pod);
                true
            }
            // It is gone, or another pod has its name: whatever was to be said, nobody is there to hear it.
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => true,
            Err(kube::Error::Api(answer)) if answer.code == 422 && answer.message.contains("uid") => true,
            Err(error) => {
                tracing::warn!(%error, namespace, name, "the pod's status was not written");
                false
            }
        }
    }

    // ── Delete ──

    async fn delete(&self, uid: &str, view: &View, group: &str, firmly: bool) -> Outcome {
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
                if view.in_api && view.asked == Asked::No {
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

    async fn replace(&self, uid: &str, view: &View, group: &str) -> Outcome {
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

    async fn fail(&self, view: &View, end: End) -> Outcome {
        let (reason, message) = (end.reason(), end.message());
        if end == End::Lost {
            tracing::warn!(pod = ?view.pod.metadata.name, "{message}");
        }
        self.recorder.pod(&view.pod, Tone::Warning, reason, message);
        let failed = status::failed(&view.pod, reason, message, self.clock.now());
        self.wrote(self.write(&view.pod, failed, BTreeMap::new()).await)
    }

    // ── Let go ──

    async fn let_go(&self, view: &View) -> Outcome {
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

impl Rest {
    /// The same thing is not tried again before the rest is over, unless the cloud came back meanwhile.
    fn holds(&self, decision: &Decision, view: &View) -> bool {
        self.from == discriminant(decision) && self.returns == view.returns && Instant::now() < self.until
    }

    fn after(
        last: Option<Self>,
        decision: &Decision,
        view: &View,
        first: Duration,
        longest: Duration,
    ) -> Self {
        let from = discriminant(decision);
        let failures = last
            .filter(|last| last.from == from && last.returns == view.returns)
            .map_or(0, |last| last.failures)
            + 1;
        let until = Instant::now() + retry::back_off(failures, first, longest);
        Self { from, until, returns: view.returns, failures }
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
