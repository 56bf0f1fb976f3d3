//! Worker of one group: sandbox, images, starts, probes and hooks, one order after the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::engine::{Engine, EngineError, ExitStatus, Launch, RunId, Sandbox};
use super::hooks::hook_ends_well;
use super::probing::{ProbeOutcome, Probing};
use crate::group::Group;
use crate::group::container::Container;
use crate::group::container::hook::Hook;
use crate::group::container::spec::PullPolicy;
use crate::orders::{Observation, Work};
use crate::sim::EciSim;

/// Grace period of containers in seconds, where the request gives none.
const GRACE_SECONDS: u64 = 30;
/// Least time that a run is given to end in seconds, however long its hook took; as a kubelet does.
const MIN_STOP_SECONDS: u64 = 2;
/// Interval at which the end of a run is asked for again, when the Engine did not say.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Exit code of a run that no longer exists.
const KILLED_EXIT_CODE: i32 = 137;

/// Purpose of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProbeKind {
    Alive,
    Ready,
}

/// A run that was started, and what its end needs; known here, since the world may have dropped the group by then.
#[derive(Clone)]
struct RunningContainer {
    run: RunId,
    exit_priority: i32,
    hook: Option<Hook>,
}

/// Worker of one group.
pub(super) struct GroupWorker<E> {
    sim: EciSim,
    engine: Arc<E>,
    number: u64,
    id: Arc<str>,
    /// Grace period in seconds, as last seen.
    grace: u64,
    /// Address of the sandbox; `None` until it is up.
    address: Option<std::net::Ipv4Addr>,
    /// Runs that were started and have not ended, by the index of their container.
    running: Arc<Mutex<BTreeMap<u8, RunningContainer>>>,
}

impl<E: Engine> GroupWorker<E> {
    pub(super) fn new(sim: EciSim, engine: Arc<E>, number: u64, id: Arc<str>) -> Self {
        Self { sim, engine, number, id, grace: GRACE_SECONDS, address: None, running: Arc::default() }
    }

    /// Carries out orders until nothing of the group is left.
    pub(super) async fn work(mut self, mut inbox: UnboundedReceiver<Work>) {
        // tasks beside: pulls, hooks, probes, and waiting for ends; they end with this one
        let mut background = JoinSet::new();
        while let Some(work) = inbox.recv().await {
            while background.try_join_next().is_some() {}
            let done = match work {
                Work::Sandbox => self.sandbox().await,
                Work::Pull(index) => {
                    background.spawn(self.like().pull(index));
                    Ok(())
                }
                Work::Start(index, number) => {
                    if let Some(run) = self.start(index, number).await {
                        if let Some(hook) = self.hook_after_start(index) {
                            background.spawn(self.like().run_start_hook(index, run.clone(), hook));
                        }
                        for (kind, probing) in self.probes(index) {
                            background.spawn(self.like().probe(index, run.clone(), kind, probing));
                        }
                        background.spawn(self.like().watch(index, run));
                    }
                    Ok(())
                }
                Work::Kill(index, number) => match self.run_id(index, number) {
                    Some(run) => self.engine.kill(&run).await,
                    None => Ok(()),
                },
                Work::Stop => {
                    self.stop().await;
                    Ok(())
                }
                Work::Remove => {
                    self.stop().await;
                    self.engine.remove(&self.id).await
                }
            };
            if let Err(why) = done {
                tracing::warn!("{work:?} of {}: {why}", self.id);
            }
            if work == Work::Remove {
                return;
            }
        }
    }

    fn like(&self) -> Self {
        let (sim, engine, id) = (self.sim.clone(), Arc::clone(&self.engine), Arc::clone(&self.id));
        let running = Arc::clone(&self.running);
        Self { sim, engine, number: self.number, id, grace: self.grace, address: self.address, running }
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u8, RunningContainer>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, observation: Observation) {
        self.sim.observe(self.number, observation);
    }

    fn look<T>(&self, look: impl FnOnce(&Group) -> T) -> Option<T> {
        self.sim.state().world.group(self.number).map(look)
    }

    fn container<T>(&self, index: u8, look: impl FnOnce(&Group, &Container) -> T) -> Option<T> {
        let container = |group: &Group| Some(look(group, group.containers.get(usize::from(index))?));
        self.look(container).flatten()
    }

    fn run_id(&self, index: u8, number: u32) -> Option<RunId> {
        self.container(index, |group, container| RunId::of(group.id(), &container.spec.name, number))
    }

    async fn sandbox(&mut self) -> Result<(), EngineError> {
        let Some(sandbox) = self.look(Sandbox::of) else { return Ok(()) };
        let made = match sandbox {
            Ok(sandbox) => self.engine.sandbox(&sandbox).await,
            Err(why) => Err(why),
        };
        self.grace =
            self.look(|group| group.optional_spec().grace_seconds).flatten().unwrap_or(GRACE_SECONDS);
        self.address = made.as_ref().ok().copied();
        self.observe(match made {
            Ok(address) => Observation::SandboxUp(address),
            Err(why) => Observation::SandboxFailed(why.to_string()),
        });
        Ok(())
    }

    async fn pull(self, index: u8) {
        let asked = |_: &Group, c: &Container| (c.spec.image.to_string(), c.spec.pull_policy);
        let Some((image, policy)) = self.container(index, asked) else { return };
        let there = match self.engine.has(&image).await {
            Ok(there) => there,
            Err(why) => return self.observe(Observation::PullFailed(index, why.to_string())),
        };
        if there && policy != PullPolicy::Always {
            return self.observe(Observation::Present(index));
        }
        if policy == PullPolicy::Never {
            let why = "container image is not present with pull policy of Never";
            return self.observe(Observation::PullFailed(index, why.to_owned()));
        }
        self.observe(Observation::Pulling(index));
        let began = self.sim.clock().now();
        let pulled = self.engine.pull(&image).await;
        let took = began.duration_until(self.sim.clock().now()).as_millis();
        self.observe(match pulled {
            Ok(()) => Observation::Pulled(index, u32::try_from(took).unwrap_or(0)),
            Err(why) => Observation::PullFailed(index, why.to_string()),
        });
    }

    /// Starts a run, reports it, and returns its identity where it began.
    async fn start(&self, index: u8, number: u32) -> Option<RunId> {
        let launch = self.container(index, |group, container| Launch::of(group, container, number))?;
        let started = match &launch {
            Ok(launch) => self.engine.start(launch).await,
            Err(why) => Err(why.clone()),
        };
        match (launch, started) {
            (Ok(launch), Ok(())) => {
                self.note_start(index, &launch.run);
                self.observe(Observation::Started(index, number));
                Some(launch.run)
            }
            (_, Err(why)) | (Err(why), _) => {
                self.observe(Observation::StartFailed(index, number, why.to_string()));
                None
            }
        }
    }

    async fn watch(self, container: u8, run: RunId) {
        let ended = loop {
            match self.engine.wait(&run).await {
                Ok(ended) => break ended,
                Err(EngineError::Gone(_)) => {
                    break ExitStatus { exit_code: KILLED_EXIT_CODE, out_of_memory: false };
                }
                Err(EngineError::Failed(why)) => {
                    tracing::warn!("how {run:?} ends could not be seen: {why}");
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        };
        if self.running().get(&container).is_some_and(|running| running.run == run) {
            self.running().remove(&container);
        }
        let ExitStatus { exit_code, out_of_memory } = ended;
        self.observe(Observation::Exited { container, run: run.number, exit_code, out_of_memory });
    }

    fn probes(&self, index: u8) -> Vec<(ProbeKind, Probing)> {
        let asked = |_: &Group, container: &Container| {
            let optional = container.spec.optional.as_deref()?;
            Some([
                (ProbeKind::Alive, optional.liveness.clone()),
                (ProbeKind::Ready, optional.readiness.clone()),
            ])
        };
        let probes = self.container(index, asked).flatten().into_iter().flatten();
        probes.filter_map(|(kind, probe)| Some((kind, Probing::of(probe?)))).collect()
    }

    /// Runs a probe for as long as the run goes on, and reports changes of its result.
    async fn probe(self, container: u8, run: RunId, kind: ProbeKind, mut probing: Probing) {
        tokio::time::sleep(probing.delay()).await;
        let mut reported = false;
        loop {
            let asked =
                |group: &Group, container: &Container| group.address.filter(|_| container.is_run(run.number));
            let Some(address) = self.container(container, asked).flatten() else { return };
            let found = probing.ask(&*self.engine, &run, address).await;
            match (kind, found) {
                (ProbeKind::Ready, ProbeOutcome::Success) if !reported => {
                    reported = true;
                    self.observe(Observation::Ready { container, run: run.number, ready: true });
                }
                (ProbeKind::Ready, ProbeOutcome::Failure) => {
                    reported = false;
                    self.observe(Observation::Ready { container, run: run.number, ready: false });
                }
                (ProbeKind::Alive, ProbeOutcome::Failure) => {
                    return self.observe(Observation::Unhealthy(container, run.number));
                }
                (_, ProbeOutcome::Success | ProbeOutcome::Undecided) => {}
            }
            tokio::time::sleep(probing.period()).await;
        }
    }

    fn note_start(&self, index: u8, run: &RunId) {
        let asked = |_: &Group, container: &Container| {
            let hook = container
                .spec
                .optional
                .as_deref()
                .and_then(|optional| optional.stop_hook.as_deref().cloned());
            (container.spec.exit_priority(), hook)
        };
        let (exit_priority, hook) = self.container(index, asked).unwrap_or_default();
        self.running().insert(index, RunningContainer { run: run.clone(), exit_priority, hook });
    }

    fn hook_after_start(&self, index: u8) -> Option<Hook> {
        self.container(index, |_, container| {
            container.spec.optional.as_deref()?.start_hook.as_deref().cloned()
        })
        .flatten()
    }

    async fn run_start_hook(self, index: u8, run: RunId, hook: Hook) {
        if !hook_ends_well(&hook, &*self.engine, &run, self.address).await {
            self.observe(Observation::PostStartFailed(index, run.number));
        }
    }

    /// Ends the runs, one exit priority after the other, each with the whole grace period.
    async fn stop(&self) {
        loop {
            let running = self.running().clone();
            let Some(first) = running.values().map(|running| Reverse(running.exit_priority)).min() else {
                return;
            };
            let level = running.into_iter().filter(|(_, running)| Reverse(running.exit_priority) == first);
            let mut ending: JoinSet<()> =
                level.map(|(index, running)| self.like().end(index, running)).collect();
            while ending.join_next().await.is_some() {}
        }
    }

    /// Ends a run: first its hook, then by a signal, then by force, all within the grace period.
    async fn end(self, index: u8, running: RunningContainer) {
        let began = self.sim.clock().now();
        if let Some(hook) = &running.hook {
            let well = hook_ends_well(hook, &*self.engine, &running.run, self.address);
            // a hook that takes longer than the grace period is left to itself, and not reported
            if tokio::time::timeout(Duration::from_secs(self.grace), well).await == Ok(false) {
                self.observe(Observation::PreStopFailed(index));
            }
        }
        let took = began.duration_until(self.sim.clock().now()).as_secs();
        let left = self.grace.saturating_sub(u64::try_from(took).unwrap_or(0));
        let left = if took > 0 { left.max(MIN_STOP_SECONDS) } else { left };
        if let Err(why) = self.engine.stop(&running.run, u32::try_from(left).unwrap_or(u32::MAX)).await {
            tracing::warn!("{:?} cannot be stopped: {why}", running.run);
        }
        self.running().retain(|_, own| own.run != running.run);
    }
}
