//! The drive of a load: makes the pods, waits until they run, lets them stay, takes them away, and waits until they are gone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, PostParams, PropagationPolicy};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::error::LoadError;
use super::history::{Counts, History, Moment};
use super::place::Place;
use super::plan::{Plan, Workload};
use super::progress::{Phase, Progress};
use super::recorder::Recorder;
use super::report::{Gathered, LoadOutcome};
use super::usage::Meter;
use super::{cloud_side, watch, workload};

/// The pause between two looks at the history.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// The time without any change after which nothing is waited for any more; longer than any step of the cloud.
const STALL_TIMEOUT: Duration = Duration::from_secs(180);

/// One run's parts.
struct Drive<'a> {
    plan: &'a Plan,
    api: Api<DynamicObject>,
    recorder: Recorder,
    phase: &'a Mutex<Phase>,
}

/// Runs the plan at a place until all is done, or `end` comes; `tell` hears of the progress at each look.
///
/// # Errors
/// [`LoadError`] where the run cannot begin. What goes wrong later is the end that the report has.
pub async fn run(
    place: &Place,
    plan: &Plan,
    end: impl Future<Output = ()>,
    mut tell: impl FnMut(&Progress),
) -> Result<Gathered, LoadError> {
    plan.check()?;
    place.require_room(plan).await?;
    let recorder = Recorder::new(place.clock().clone());
    let mut followers = JoinSet::new();
    let (client, namespace) = (place.client(), place.namespace().to_owned());
    followers.spawn(watch::follow(client.clone(), namespace.clone(), plan.prefix.clone(), recorder.clone()));
    if let Some(entries) = place.ledger() {
        followers.spawn(cloud_side::follow(entries, recorder.clone()));
    }
    let meter = Meter::begin(place).await;
    let phase = Mutex::new(Phase::Creating);
    let api = workload::api(plan, client, &namespace);
    let drive = Drive { plan, api, recorder: recorder.clone(), phase: &phase };
    let ended = {
        let mut work = std::pin::pin!(drive.all());
        let mut end = std::pin::pin!(end);
        loop {
            tokio::select! {
                ended = &mut work => break ended,
                () = &mut end => break LoadOutcome::Interrupted,
                () = sleep(POLL_INTERVAL) => tell(&drive.progress()),
            }
        }
    };
    tell(&drive.progress());
    followers.shutdown().await;
    let (counts, lives, failure) = recorder.look(|history| {
        let failure = history.failure().map(|(pod, reason)| format!("one of them {pod}: {reason}"));
        (history.counts(), history.lives().copied().collect(), failure)
    });
    let micros = recorder.elapsed();
    Ok(meter.end(place).await.gathered(place, (recorder.began(), micros), ended, (counts, lives, failure)))
}

impl Drive<'_> {
    async fn all(&self) -> LoadOutcome {
        match self.phases().await {
            Ok(ended) => ended,
            Err(error) => LoadOutcome::Refused { why: provider::with_causes(&error) },
        }
    }

    async fn phases(&self) -> kube::Result<LoadOutcome> {
        let (plan, expected) = (self.plan, usize::try_from(self.plan.pods).unwrap_or(usize::MAX));
        let objects = plan.objects();
        self.create(objects).await?;
        self.enter(Phase::Starting);
        let all_run = |history: &History| {
            let Counts { running, failed, .. } = history.counts();
            running + failed >= expected && history.not_running() <= failed
        };
        if !self.until(all_run).await {
            return Ok(self.stalled("all pods to run"));
        }
        self.enter(Phase::Steady);
        let churned = self.stay(objects).await?;
        if churned > 0 && !self.until(|history| history.not_running() <= history.counts().failed).await {
            return Ok(self.stalled("the pods that were made again to run"));
        }
        self.enter(Phase::Deleting);
        self.delete(churned..objects + churned).await?;
        let all_gone = |history: &History| {
            let Counts { accepted, gone, .. } = history.counts();
            gone >= accepted
        };
        if !self.until(all_gone).await {
            return Ok(self.stalled("all pods to be gone"));
        }
        Ok(LoadOutcome::Completed)
    }

    fn stalled(&self, waited_for: &str) -> LoadOutcome {
        let Counts { requested, running, gone, .. } = self.recorder.look(History::counts);
        let waited_for =
            format!("{waited_for}: of {requested} pods, {running} came to Running and {gone} are gone");
        LoadOutcome::Stalled { waited_for }
    }

    fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn progress(&self) -> Progress {
        let seconds = super::percentiles::seconds(self.recorder.elapsed());
        let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        Progress { phase, seconds, counts: self.recorder.look(History::counts) }
    }

    /// Makes the first objects, each at its time, so many calls at once.
    async fn create(&self, objects: u32) -> kube::Result<()> {
        let began = Instant::now();
        let calls = stream::iter(0..objects).map(|number| async move {
            sleep_until(began + self.plan.start_of(number)).await;
            self.create_one(number, self.plan.pods_of(number)).await
        });
        calls.buffer_unordered(self.plan.in_flight.max(1)).try_collect().await
    }

    async fn create_one(&self, number: u32, pods: u32) -> kube::Result<()> {
        let object = workload::object(self.plan, number, pods);
        self.note(number, Moment::Requested);
        self.api.create(&PostParams::default(), &object).await?;
        self.note(number, Moment::Accepted);
        Ok(())
    }

    fn note(&self, number: u32, moment: Moment) {
        let name = workload::name(self.plan, number);
        self.recorder.note(|history, at| match self.plan.workload {
            Workload::Bare => history.note_pod(&name, moment, at),
            Workload::Deployments | Workload::Jobs => history.note_object(&name, moment, at),
        });
    }

    /// Lets the steady state pass, and replaces objects meanwhile, oldest first; returns how many.
    async fn stay(&self, objects: u32) -> kube::Result<u32> {
        let began = Instant::now();
        let Some(churn) = self.plan.churn else {
            sleep(self.plan.steady).await;
            return Ok(0);
        };
        let interval = churn.interval();
        let times = self.plan.steady.as_nanos() / interval.as_nanos().max(1);
        let times = u32::try_from(times).unwrap_or(u32::MAX).min(u32::MAX - objects);
        let calls = stream::iter(0..times).map(|turn| async move {
            sleep_until(began + interval * turn).await;
            self.delete_one(turn).await?;
            self.create_one(objects + turn, self.plan.pods_of(turn % objects.max(1))).await
        });
        calls.buffered(self.plan.in_flight.max(1)).try_collect::<()>().await?;
        sleep_until(began + self.plan.steady).await;
        Ok(times)
    }

    /// Deletes objects, so many calls at once.
    async fn delete(&self, numbers: std::ops::Range<u32>) -> kube::Result<()> {
        let calls = stream::iter(numbers).map(|number| self.delete_one(number));
        calls.buffer_unordered(self.plan.in_flight.max(1)).try_collect().await
    }

    async fn delete_one(&self, number: u32) -> kube::Result<()> {
        self.note(number, Moment::DeleteRequested);
        let propagation_policy = Some(PropagationPolicy::Background);
        let parameters = DeleteParams { propagation_policy, ..DeleteParams::default() };
        match self.api.delete(&workload::name(self.plan, number), &parameters).await {
            // Somebody else took it away before.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other.map(drop),
        }
    }

    /// Looks again and again until the history is so; false when nothing has changed for a long time.
    async fn until(&self, is_so: impl Fn(&History) -> bool) -> bool {
        let (mut counts, mut changed) = (Counts::default(), Instant::now());
        loop {
            let (so, now) = self.recorder.look(|history| (is_so(history), history.counts()));
            if so {
                return true;
            }
            if now != counts {
                (counts, changed) = (now, Instant::now());
            }
            if changed.elapsed() >= STALL_TIMEOUT {
                return false;
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}
