//! A world whose provider and cloud run as pods of the cluster, from our images, installed by the chart.

mod reach;
mod release;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use determinism::Clock;
use eci_sim::DoorClient;
use eci_sim::control::client::Unanswered;
use eci_sim::control::wire::{Scope, Time};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio::time::Instant;

use self::reach::{Forward, Target};
use self::release::Release;
use super::site::SiteError;
use super::{Cluster, NODE, seen, strides};
use crate::scenario::Capability;
use crate::stage::{StartError, pace::Marks};
use crate::story::Gathering;

/// The longest real time in which the provider follows a stride, and the pause between two looks at it.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(20);
const GLANCE: Duration = Duration::from_millis(1);
/// The longest real time until the node is ready and the webhook is asked.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// The world's time that passes for each look meanwhile, and the real pause before it.
const READY_STRIDE: Duration = Duration::from_millis(500);
const READY_GLANCE: Duration = Duration::from_millis(20);
/// The minute of the day at which each world begins: not at a full hour, since bills are cut there.
const BEGINS_AT_MINUTE: i64 = 90;

/// The installed chart and simulator of a cluster, and the way to them; cheap to clone.
#[derive(Clone)]
pub(super) struct Installation {
    pub(super) client: kube::Client,
    pub(super) door: DoorClient,
    release: Release,
    rate: u32,
    _way: Arc<Forward>,
}

/// The cluster's name and kubeconfig, for a world on it.
#[derive(Clone)]
pub(super) struct Ground {
    /// The cluster's name in reports.
    pub name: String,
    /// A file that kubectl finds it by.
    pub kubeconfig: PathBuf,
}

/// A cluster with everything in it, for one case.
pub(super) struct Installed {
    ground: Ground,
    there: Installation,
    clock: Clock,
    machine: Clock,
    marks: Mutex<Marks>,
    trouble: Mutex<Option<String>>,
    runs: bool,
}

impl Installation {
    /// The installation in this cluster, or `None` without the chart's Deployment.
    pub(super) async fn find(client: &kube::Client) -> Result<Option<Self>, SiteError> {
        let Some(release) = Release::find(client).await? else { return Ok(None) };
        let told = |why: String| SiteError::Refused { doing: "reaching the simulator's control door", why };
        let (namespace, labels, port) = ("eci-sim", "app=eci-sim", 8089);
        let target = Target { client: client.clone(), namespace, labels, port };
        let way = Forward::open(target).await.map_err(|error| told(error.to_string()))?;
        let door = DoorClient::new(&format!("http://{}", way.address));
        let door = door.map_err(|why| told(why.to_string()))?;
        let rate = door.time().await.map_err(|why| told(why.to_string()))?.rate;
        Ok(Some(Self { client: client.clone(), door, release, rate, _way: Arc::new(way) }))
    }

    /// Stops the cloud's clock, so that it moves only by strides.
    pub(super) async fn stop_the_clock(&self) -> Result<(), SiteError> {
        let stopped = self.door.set_rate(0).await;
        stopped
            .map(drop)
            .map_err(|why| SiteError::Refused { doing: "stopping the clock", why: why.to_string() })
    }

    /// Leaves cloud and provider as they were: empty, at work, the clock as fast as before.
    pub(super) async fn leave(&self) -> Result<(), SiteError> {
        let told = |why: String| SiteError::Refused { doing: "leaving the installation as it was", why };
        self.release.scale(1).await.map_err(told)?;
        let left = async {
            self.door.reset(&Scope::default()).await?;
            self.door.set_rate(self.rate).await
        };
        left.await.map(drop).map_err(|why| told(why.to_string()))
    }

    /// Waits until whoever follows the clock has come up to the present; gives who has not.
    async fn caught_up(&self) -> Result<Time, String> {
        let began = Instant::now();
        loop {
            let time = self.door.time().await.map_err(|why| why.to_string())?;
            let Some(behind) = time.behind() else { return Ok(time) };
            if began.elapsed() >= FOLLOWS_WITHIN {
                let (name, at, span) = (&behind.name, behind.at, FOLLOWS_WITHIN.as_secs());
                return Err(format!(
                    "{name} follows the clock and stays at {at}: it did not come up within {span} s"
                ));
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// True when a provider follows the simulator's clock.
    async fn is_followed(&self) -> Result<bool, Unanswered> {
        Ok(self.door.time().await?.followers.iter().any(|follower| follower.name == NODE))
    }
}

impl Installed {
    /// Begins a new day in an empty cloud, and waits until the virtual node is ready.
    pub async fn start(ground: Ground, there: Installation) -> Result<Self, StartError> {
        let told = |part| move |why: String| StartError::Part { part, why };
        there.release.scale(1).await.map_err(told("the provider"))?;
        let now = begin(&there).await.map_err(told("the cloud"))?;
        let (machine, clock) = (Clock::monotonic(), Clock::still(now));
        let marks = Mutex::new(Marks::begin(machine.now(), now));
        let world = Self { ground, there, clock, machine, marks, trouble: Mutex::default(), runs: true };
        world.until_ready().await.map_err(told("the provider"))?;
        Ok(world)
    }

    /// The clock of this world, which tells what the cloud's does.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Lets time pass, little by little, until a provider follows, its node is ready, and its webhook is asked.
    async fn until_ready(&self) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let not = match self.lacks().await {
                Ok(None) => return Ok(()),
                Ok(Some(not)) => not.to_owned(),
                Err(why) => why,
            };
            if began.elapsed() >= READY_WITHIN {
                let words = self.there.release.last_words().await;
                return Err(format!("{not} within {} s\n{words}", READY_WITHIN.as_secs()));
            }
            tokio::time::sleep(READY_GLANCE).await;
            self.let_pass(READY_STRIDE).await;
        }
    }

    /// The first thing that a usable node still lacks, as the beginning of a sentence; `None` when all is there.
    async fn lacks(&self) -> Result<Option<&'static str>, String> {
        let told = |error: kube::Error| provider::with_causes(&error);
        Ok(if !self.there.is_followed().await.map_err(|why| why.to_string())? {
            Some("no provider followed the clock")
        } else if !seen::node_is_in_use(&self.there.client).await.map_err(told)? {
            Some("its node was not ready")
        } else if !seen::webhook_is_asked(&self.there.client).await.map_err(told)? {
            Some("its webhook was not asked")
        } else {
            None
        })
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn let_pass(&self, span: Duration) {
        for stride in strides(span) {
            let moved = self.stride(stride).await;
            // Whatever comes of it, this world grows older: who waits for something must come to an end.
            let Ok(now) = self.clock.advance(stride) else { return };
            self.marks().set(self.machine.now(), now);
            if let Err(why) = moved {
                tracing::warn!("{why}");
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }
        }
    }

    /// The cloud goes first: then nothing that the provider is told lies in its future.
    async fn stride(&self, span: Duration) -> Result<(), String> {
        let time = self.there.door.advance(span).await.map_err(|why| why.to_string())?;
        match time.behind() {
            Some(_) => self.there.caught_up().await.map(drop),
            None => Ok(()),
        }
    }

    async fn end_provider(&mut self) -> Result<(), String> {
        if !std::mem::replace(&mut self.runs, false) {
            return Err("the provider is not running".to_owned());
        }
        self.there.release.scale(0).await?;
        let began = Instant::now();
        loop {
            self.there.release.kill_pods().await?;
            let follows = self.there.is_followed().await.map_err(|why| why.to_string())?;
            if !follows && self.there.release.is_gone().await? {
                return Ok(());
            }
            if began.elapsed() >= READY_WITHIN {
                return Err(format!("its pod was not gone within {} s", READY_WITHIN.as_secs()));
            }
            tokio::time::sleep(READY_GLANCE).await;
        }
    }

    async fn begin_provider(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.runs, true) {
            return Err("the provider is running already".to_owned());
        }
        self.there.release.scale(1).await?;
        self.until_ready().await
    }
}

/// A new day begins, in a cloud in which nothing is: half past nine in China. Time never goes back, since a node that
/// renews its lease into the past is taken for a silent one.
async fn begin(there: &Installation) -> Result<Timestamp, String> {
    let told = |why: Unanswered| why.to_string();
    there.door.clear_faults().await.map_err(told)?;
    let now = there.door.time().await.map_err(told)?.now;
    let span = until_beginning(now).map_err(|error| error.to_string())?;
    there.door.advance(span).await.map_err(told)?;
    let time = there.caught_up().await?;
    there.door.reset(&Scope::default()).await.map_err(told)?;
    Ok(time.now)
}

/// The time from `now` until a world may begin: more than zero, at most a day.
fn until_beginning(now: Timestamp) -> Result<Duration, jiff::Error> {
    let day = SignedDuration::from_hours(24);
    let midnight = now.checked_sub(now.as_second().rem_euclid(day.as_secs()).seconds())?;
    let midnight = Timestamp::from_second(midnight.as_second())?;
    let beginning = midnight.checked_add(SignedDuration::from_mins(BEGINS_AT_MINUTE))?;
    let beginning = if beginning > now { beginning } else { beginning.checked_add(day)? };
    Ok(beginning.duration_since(now).unsigned_abs())
}

impl Cluster for Installed {
    fn name(&self) -> String {
        self.ground.name.clone()
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Kubectl => seen::kubectl_is_installed(),
            Capability::Faults | Capability::Bill | Capability::WorkloadControllers => true,
            // Something must run the pods of provider and cloud.
            Capability::SteppedTime | Capability::LoneNode => false,
        }
    }

    fn client(&self) -> kube::Client {
        self.there.client.clone()
    }

    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, String>> {
        let path = self.ground.kubeconfig.clone();
        Box::pin(std::future::ready(Ok(path)))
    }

    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.begin_provider())
    }

    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.end_provider())
    }

    fn pass(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.let_pass(span))
    }

    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let (marks, now) = (self.marks().clone(), self.clock.now());
            if let Err(error) = seen::tell(&self.there.client, gathering, |at| marks.told(at)).await {
                gathering.add(now, "no story", error.to_string());
            }
            if let Some(why) = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                gathering.add(now, "time did not pass as it should", why);
            }
            if self.runs {
                gathering.add(now, "the provider", self.there.release.last_words().await);
            }
        })
    }

    /// Provider and cloud live on for the next case.
    fn end(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_begins_at_half_past_one_of_the_next_day_that_has_not_come_so_far() {
        for (now, beginning) in [
            ("2025-01-06T01:29:59Z", "2025-01-06T01:30:00Z"),
            ("2025-01-06T01:30:00Z", "2025-01-07T01:30:00Z"),
            ("2025-01-06T23:00:00.25Z", "2025-01-07T01:30:00Z"),
        ] {
            let now: Timestamp = now.parse().unwrap();
            let then = now.checked_add(until_beginning(now).unwrap()).unwrap();
            assert_eq!(then.to_string(), beginning, "{now}");
        }
    }
}
