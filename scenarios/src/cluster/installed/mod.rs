//! A world whose provider and cloud run as pods of the cluster, from our images, installed by the chart.

mod port_forward;
mod release;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use determinism::Clock;
use eci_sim::ControlClient;
use eci_sim::control::client::ClientError;
use eci_sim::control::wire::{ResetScope, Time};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio::time::Instant;

use self::port_forward::{PortForward, Target};
use self::release::Release;
use super::error::{ClusterError, SharedClusterError, StartError, TimeoutDetails, refused};
use super::interface::{Cluster, NODE, strides};
use super::marks::Marks;
use super::observations;
use crate::scenario::capability::Capability;
use crate::story::Gathering;

/// The longest real time in which the provider follows a stride, and the pause between two looks at it.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(20);
const FOLLOW_POLL_INTERVAL: Duration = Duration::from_millis(1);
/// The longest real time until the node is ready and the webhook is asked.
const READY_TIMEOUT: Duration = Duration::from_secs(90);
/// The world's time that passes for each look meanwhile, and the real pause before it.
const READY_STRIDE: Duration = Duration::from_millis(500);
const READY_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The minute of the day at which each world begins: not at a full hour, since bills are cut there.
const BEGINS_AT_MINUTE: i64 = 90;

/// The installed chart and simulator of a cluster, and the way to them; cheap to clone.
#[derive(Clone)]
pub(super) struct Installation {
    pub(super) client: kube::Client,
    pub(super) control: ControlClient,
    release: Release,
    rate: u32,
    _forward: Arc<PortForward>,
}

/// A cluster with everything in it, for one case.
pub(super) struct Installed {
    name: String,
    kubeconfig: PathBuf,
    installation: Installation,
    clock: Clock,
    machine: Clock,
    marks: Mutex<Marks>,
    last_error: Mutex<Option<ClusterError>>,
    runs: bool,
}

impl Installation {
    /// The installation in this cluster, or `None` without the chart's Deployment.
    pub(super) async fn find(client: &kube::Client) -> Result<Option<Self>, SharedClusterError> {
        let Some(release) = Release::find(client).await? else { return Ok(None) };
        let doing = "reaching the simulator's control API";
        let (namespace, labels, port) = ("eci-sim", "app=eci-sim", 8089);
        let target = Target { client: client.clone(), namespace, labels, port };
        let forward = PortForward::open(target).await.map_err(refused(doing))?;
        let control = ControlClient::new(&format!("http://{}", forward.address)).map_err(refused(doing))?;
        let rate = control.time().await.map_err(refused(doing))?.rate;
        Ok(Some(Self { client: client.clone(), control, release, rate, _forward: Arc::new(forward) }))
    }

    /// Stops the cloud's clock, so that it moves only by strides.
    pub(super) async fn stop_the_clock(&self) -> Result<(), SharedClusterError> {
        self.control.set_rate(0).await.map(drop).map_err(refused("stopping the clock"))
    }

    /// Leaves cloud and provider as they were: empty, at work, the clock as fast as before.
    pub(super) async fn restore(&self) -> Result<(), SharedClusterError> {
        let doing = "leaving the installation as it was";
        self.release.scale(1).await.map_err(refused(doing))?;
        self.control.reset(&ResetScope::default()).await.map_err(refused(doing))?;
        self.control.set_rate(self.rate).await.map(drop).map_err(refused(doing))
    }

    /// Waits until whoever follows the clock has come up to the present; fails with the one who has not.
    async fn caught_up(&self) -> Result<Time, ClusterError> {
        let began = Instant::now();
        loop {
            let time = self.control.time().await?;
            let Some(behind) = time.behind() else { return Ok(time) };
            if began.elapsed() >= FOLLOW_TIMEOUT {
                let (follower, at) = (behind.name.clone(), behind.at);
                return Err(ClusterError::Behind { follower, at, timeout: FOLLOW_TIMEOUT });
            }
            tokio::time::sleep(FOLLOW_POLL_INTERVAL).await;
        }
    }

    /// True when a provider follows the simulator's clock.
    async fn is_followed(&self) -> Result<bool, ClientError> {
        Ok(self.control.time().await?.followers.iter().any(|follower| follower.name == NODE))
    }
}

impl Installed {
    /// Begins a new day in an empty cloud, and waits until the virtual node is ready.
    pub async fn start(
        name: String,
        kubeconfig: PathBuf,
        installation: Installation,
    ) -> Result<Self, StartError> {
        let of_provider = StartError::of::<ClusterError>("the provider");
        installation.release.scale(1).await.map_err(&of_provider)?;
        let now = begin(&installation).await.map_err(StartError::of::<ClusterError>("the cloud"))?;
        let (machine, clock) = (Clock::monotonic(), Clock::still(now));
        let marks = Mutex::new(Marks::begin(machine.now(), now));
        let last_error = Mutex::default();
        let world = Self { name, kubeconfig, installation, clock, machine, marks, last_error, runs: true };
        world.until_ready().await.map_err(of_provider)?;
        Ok(world)
    }

    /// The clock of this world, which tells what the cloud's does.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Lets time pass, little by little, until a provider follows, its node is ready, and its webhook is asked.
    async fn until_ready(&self) -> Result<(), ClusterError> {
        let began = Instant::now();
        loop {
            let lacking = match self.lacks().await {
                Ok(None) => return Ok(()),
                Ok(Some(lacking)) => lacking.to_owned(),
                Err(error) => error.to_string(),
            };
            if began.elapsed() >= READY_TIMEOUT {
                let log = Some(self.installation.release.last_lines().await);
                let details = Box::new(TimeoutDetails { log, ..TimeoutDetails::default() });
                return Err(ClusterError::TimedOut { lacking, timeout: READY_TIMEOUT, details });
            }
            tokio::time::sleep(READY_POLL_INTERVAL).await;
            self.let_pass(READY_STRIDE).await;
        }
    }

    /// The first thing that a usable node still lacks, as the beginning of a sentence; `None` when all is there.
    async fn lacks(&self) -> Result<Option<&'static str>, ClusterError> {
        Ok(if !self.installation.is_followed().await? {
            Some("no provider followed the clock")
        } else if !observations::node_is_usable(&self.installation.client).await? {
            Some("its node was not ready")
        } else if !observations::webhook_is_called(&self.installation.client).await? {
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
                *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            }
        }
    }

    /// The cloud goes first: then nothing that the provider is told lies in its future.
    async fn stride(&self, span: Duration) -> Result<(), ClusterError> {
        let time = self.installation.control.advance(span).await?;
        match time.behind() {
            Some(_) => self.installation.caught_up().await.map(drop),
            None => Ok(()),
        }
    }

    async fn end_provider(&mut self) -> Result<(), ClusterError> {
        if !std::mem::replace(&mut self.runs, false) {
            return Err(ClusterError::NotRunning);
        }
        let release = &self.installation.release;
        release.scale(0).await?;
        let began = Instant::now();
        loop {
            release.kill_pods().await?;
            if !self.installation.is_followed().await? && release.is_gone().await? {
                return Ok(());
            }
            if began.elapsed() >= READY_TIMEOUT {
                let (lacking, details) = ("its pod was not gone".to_owned(), Box::default());
                return Err(ClusterError::TimedOut { lacking, timeout: READY_TIMEOUT, details });
            }
            tokio::time::sleep(READY_POLL_INTERVAL).await;
        }
    }

    async fn begin_provider(&mut self) -> Result<(), ClusterError> {
        if std::mem::replace(&mut self.runs, true) {
            return Err(ClusterError::AlreadyRunning);
        }
        self.installation.release.scale(1).await?;
        self.until_ready().await
    }
}

/// Begins a new day, in a cloud in which nothing is: half past nine in China. Time never goes back, since a node that
/// renews its lease into the past is taken for a silent one.
async fn begin(installation: &Installation) -> Result<Timestamp, ClusterError> {
    let control = &installation.control;
    control.clear_faults().await?;
    let span = until_beginning(control.time().await?.now)?;
    control.advance(span).await?;
    let time = installation.caught_up().await?;
    control.reset(&ResetScope::default()).await?;
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
        self.name.clone()
    }

    fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Kubectl => observations::kubectl_is_installed(),
            Capability::Faults
            | Capability::Bill
            | Capability::WorkloadControllers
            | Capability::NodeProxy => true,
            // Something must run the pods of provider and cloud.
            Capability::SteppedTime | Capability::LoneNode | Capability::ProviderSettings => false,
        }
    }

    fn client(&self) -> kube::Client {
        self.installation.client.clone()
    }

    fn kubeconfig(&mut self) -> BoxFuture<'_, Result<PathBuf, ClusterError>> {
        let path = self.kubeconfig.clone();
        Box::pin(std::future::ready(Ok(path)))
    }

    fn start_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(self.begin_provider())
    }

    fn stop_provider(&mut self) -> BoxFuture<'_, Result<(), ClusterError>> {
        Box::pin(self.end_provider())
    }

    fn pass(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.let_pass(span))
    }

    fn tell<'a>(&'a self, gathering: &'a mut Gathering) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let (marks, now) = (self.marks().clone(), self.clock.now());
            if let Err(error) =
                observations::tell(&self.installation.client, gathering, |at| marks.world_time_of(at)).await
            {
                gathering.add(now, "no story", error.to_string());
            }
            if let Some(why) = &*self.last_error.lock().unwrap_or_else(PoisonError::into_inner) {
                gathering.add(now, "time did not pass as it should", why.to_string());
            }
            if self.runs {
                gathering.add(now, "the provider", self.installation.release.last_lines().await);
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
