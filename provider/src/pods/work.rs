//! Carries out what was decided about one pod, one thing after the other; different pods go side by side.

use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use determinism::Clock;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::{Api, Client};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::book::{Book, View};
use super::decide::{self, Asked, Decision, End, Sight};
use super::events::{Recorder, Tone};
use super::look::Lookout;
use super::publish::Written;
use super::request::Scope;
use super::{names, publish, status};
use crate::eci::{Eci, retry};

/// How many pods are worked on at once, so that neither the API nor the cloud is flooded.
const AT_ONCE: usize = 24;

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
    pub(super) places: Semaphore,
    pub(super) names: names::Finder,
}

/// What came of carrying something out.
pub(super) enum Outcome {
    /// It is done, or there was nothing to do.
    Done,
    /// Nothing is left of the pod.
    Forgotten,
    /// It did not work; it is tried again after a rest that doubles within these bounds.
    Failed { first: Duration, longest: Duration },
}

impl Outcome {
    pub(super) const fn failed(first: u64, longest: u64) -> Self {
        Self::Failed { first: Duration::from_secs(first), longest: Duration::from_secs(longest) }
    }
}

/// What was said about one pod already, so that it is not said again.
#[derive(Default)]
struct Told {
    /// The cloud's events, and how often each had happened.
    events: BTreeMap<String, i32>,
    /// The images that the pod asked for when it was last looked at.
    images: Option<Vec<Option<String>>>,
    /// That nothing is made for it.
    ignored: bool,
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
            names: names::Finder::default(),
        }
    }

    /// Looks after one pod until nothing is left of it.
    pub async fn look_after(&self, uid: &str) {
        let mut rest: Option<Rest> = None;
        let mut said = Told::default();
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

    pub(super) fn decide(&self, view: &View) -> Decision {
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

    async fn carry_out(&self, decision: &Decision, uid: &str, view: &View, said: &mut Told) -> Outcome {
        match decision {
            Decision::Wait => {
                self.say_ignored(view, said);
                Outcome::Done
            }
            Decision::Forget => Outcome::Forgotten,
            Decision::Publish => self.publish(view, said).await,
            Decision::Create { spent } => self.create(uid, view, spent.as_deref()).await,
            Decision::Delete { group, firmly } => self.delete(uid, view, group, *firmly).await,
            Decision::Replace { group } => self.replace(uid, view, group).await,
            Decision::Fail { end } => self.fail(view, *end).await,
            Decision::LetGo => self.let_go(view).await,
        }
    }

    async fn publish(&self, view: &View, said: &mut Told) -> Outcome {
        let Some(group) = view.group.as_deref().filter(|_| view.in_api) else { return Outcome::Done };
        if view.away || decide::has_ended(&view.pod) {
            // What is not known is not told.
            return Outcome::Done;
        }
        self.say_images(&view.pod, said);
        for event in &group.events {
            let key = format!("{}/{}/{}", event.name, event.reason, event.first_timestamp);
            if said.events.insert(key, event.count) != Some(event.count) {
                self.recorder.cloud(&view.pod, event);
            }
        }
        let wanted = status::of(&view.pod, group, self.clock.now());
        self.wrote(self.write(&view.pod, wanted, publish::annotations(group)).await)
    }

    /// An image that was changed while its instance runs is not exchanged, and the pod says so.
    fn say_images(&self, pod: &Pod, said: &mut Told) {
        let spec = pod.spec.as_ref();
        let images: Vec<_> =
            spec.into_iter().flat_map(|spec| &spec.containers).map(|c| c.image.clone()).collect();
        if said.images.as_ref().is_some_and(|before| *before != images) {
            let message = "the image of a container was changed, but an instance goes on with the one it was made with; \
                           delete the pod to have it made anew";
            self.recorder.pod(pod, Tone::Warning, "ProviderUpdateFailed", message);
        }
        said.images = Some(images);
    }

    /// A DaemonSet's pod stays as it is, and says so.
    fn say_ignored(&self, view: &View, said: &mut Told) {
        let waits = view.in_api && !decide::is_leaving(&view.pod) && !decide::has_ended(&view.pod);
        if waits && !said.ignored && decide::is_not_for_the_cloud(&view.pod) {
            let message = "pods of DaemonSets do not run on the virtual node; use a sidecar instead";
            self.recorder.pod(&view.pod, Tone::Warning, "ProviderCreateFailed", message);
            said.ignored = true;
        }
    }

    pub(super) fn wrote(&self, written: bool) -> Outcome {
        if written { Outcome::Done } else { Outcome::failed(1, 30) }
    }

    /// Writes a pod's status if it is not so already; false when it should be tried again.
    pub(super) async fn write(
        &self,
        pod: &Pod,
        wanted: PodStatus,
        annotations: BTreeMap<String, String>,
    ) -> bool {
        match publish::write(&self.client, pod, &wanted, &annotations).await {
            Ok(Written::Applied(pod)) => {
                self.book.wrote_pod(*pod);
                true
            }
            Ok(Written::Unchanged | Written::Gone) => true,
            Ok(Written::Conflict) => self.read_again(pod).await,
            Err(error) => {
                let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
                tracing::warn!(%error, ?namespace, ?name, "the pod's status was not written");
                false
            }
        }
    }

    /// Reads a pod that somebody else changed, so that its status is computed anew; false when it cannot be read.
    async fn read_again(&self, pod: &Pod) -> bool {
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
            return true;
        };
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        match api.get_opt(name).await {
            Ok(Some(newer)) if newer.metadata.uid == pod.metadata.uid => {
                self.book.saw_pod(newer);
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
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
