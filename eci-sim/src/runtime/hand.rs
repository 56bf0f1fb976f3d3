//! Worker of one group: sandbox, images, starts, probes and hooks, one order after the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::engine::{Ended, Engine, Launch, RunId, Sandbox, Trouble};
use super::hooks::hook_ends_well;
use super::probing::{Found, Probing};
use super::{Seen, Work};
use crate::EciSim;
use crate::group::Group;
use crate::group::container::Container;
use crate::group::container::hook::Hook;
use crate::group::container::spec::PullPolicy;

/// Grace period of containers in seconds, where the request gives none.
const GRACE_SECONDS: u64 = 30;
/// Least time that a run is given to end in seconds, however long its hook took; as a kubelet does.
const LEAST_SECONDS: u64 = 2;
/// Interval at which the end of a run is asked for again, when the Engine did not say.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// Exit code of a run that no longer exists.
const KILLED: i32 = 137;

/// Purpose of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Alive,
    Ready,
}

/// A run that was started, and what its end needs; known here, since the world may have dropped the group by then.
#[derive(Clone)]
struct Up {
    run: RunId,
    exit_priority: i32,
    hook: Option<Hook>,
}

/// Worker of one group.
pub(super) struct Hand<E> {
    sim: EciSim,
    engine: Arc<E>,
    number: u64,
    id: Arc<str>,
    /// Grace period in seconds, as last seen.
    grace: u64,
    /// Address of the sandbox; `None` until it is up.
    address: Option<std::net::Ipv4Addr>,
    /// Runs that were started and have not ended, by the index of their container.
    up: Arc<Mutex<BTreeMap<u8, Up>>>,
}

impl<E: Engine> Hand<E> {
    pub(super) fn new(sim: EciSim, engine: Arc<E>, number: u64, id: Arc<str>) -> Self {
        Self { sim, engine, number, id, grace: GRACE_SECONDS, address: None, up: Arc::default() }
    }

    /// Carries out orders until nothing of the group is left.
    pub(super) async fn work(mut self, mut inbox: UnboundedReceiver<Work>) {
        // tasks beside: pulls, hooks, probes, and waiting for ends; they end with this one
        let mut beside = JoinSet::new();
        while let Some(work) = inbox.recv().await {
            while beside.try_join_next().is_some() {}
            let done = match work {
                Work::Sandbox => self.sandbox().await,
                Work::Pull(index) => {
                    beside.spawn(self.like().pull(index));
                    Ok(())
                }
                Work::Start(index, number) => {
                    if let Some(run) = self.start(index, number).await {
                        if let Some(hook) = self.hook_after_start(index) {
                            beside.spawn(self.like().run_start_hook(index, run.clone(), hook));
                        }
                        for (aim, probing) in self.probes(index) {
                            beside.spawn(self.like().probe(index, run.clone(), aim, probing));
                        }
                        beside.spawn(self.like().watch(index, run));
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
        let up = Arc::clone(&self.up);
        Self { sim, engine, number: self.number, id, grace: self.grace, address: self.address, up }
    }

    fn up(&self) -> MutexGuard<'_, BTreeMap<u8, Up>> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, seen: Seen) {
        self.sim.see(self.number, seen);
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

    async fn sandbox(&mut self) -> Result<(), Trouble> {
        let Some(sandbox) = self.look(Sandbox::of) else { return Ok(()) };
        let made = match sandbox {
            Ok(sandbox) => self.engine.sandbox(&sandbox).await,
            Err(why) => Err(why),
        };
        self.grace = self.look(|group| group.rare().grace_seconds).flatten().unwrap_or(GRACE_SECONDS);
        self.address = made.as_ref().ok().copied();
        self.see(match made {
            Ok(address) => Seen::SandboxUp(address),
            Err(why) => Seen::SandboxFailed(why.to_string()),
        });
        Ok(())
    }

    async fn pull(self, index: u8) {
        let asked = |_: &Group, c: &Container| (c.spec.image.to_string(), c.spec.pull_policy);
        let Some((image, policy)) = self.container(index, asked) else { return };
        let there = match self.engine.has(&image).await {
            Ok(there) => there,
            Err(why) => return self.see(Seen::PullFailed(index, why.to_string())),
        };
        if there && policy != PullPolicy::Always {
            return self.see(Seen::Present(index));
        }
        if policy == PullPolicy::Never {
            let why = "container image is not present with pull policy of Never";
            return self.see(Seen::PullFailed(index, why.to_owned()));
        }
        self.see(Seen::Pulling(index));
        let began = self.sim.clock().now();
        let pulled = self.engine.pull(&image).await;
        let took = began.duration_until(self.sim.clock().now()).as_millis();
        self.see(match pulled {
            Ok(()) => Seen::Pulled(index, u32::try_from(took).unwrap_or(0)),
            Err(why) => Seen::PullFailed(index, why.to_string()),
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
                self.see(Seen::Started(index, number));
                Some(launch.run)
            }
            (_, Err(why)) | (Err(why), _) => {
                self.see(Seen::StartFailed(index, number, why.to_string()));
                None
            }
        }
    }

    async fn watch(self, container: u8, run: RunId) {
        let ended = loop {
            match self.engine.wait(&run).await {
                Ok(ended) => break ended,
                Err(Trouble::Gone(_)) => break Ended { exit_code: KILLED, out_of_memory: false },
                Err(Trouble::Failed(why)) => {
                    tracing::warn!("how {run:?} ends could not be seen: {why}");
                    tokio::time::sleep(ASKED_AGAIN).await;
                }
            }
        };
        if self.up().get(&container).is_some_and(|up| up.run == run) {
            self.up().remove(&container);
        }
        let Ended { exit_code, out_of_memory } = ended;
        self.see(Seen::Exited { container, run: run.number, exit_code, out_of_memory });
    }

    fn probes(&self, index: u8) -> Vec<(Aim, Probing)> {
        let asked = |_: &Group, container: &Container| {
            let rare = container.spec.rare.as_deref()?;
            Some([(Aim::Alive, rare.liveness.clone()), (Aim::Ready, rare.readiness.clone())])
        };
        let probes = self.container(index, asked).flatten().into_iter().flatten();
        probes.filter_map(|(aim, probe)| Some((aim, Probing::of(probe?)))).collect()
    }

    /// Runs a probe for as long as the run goes on, and reports changes of its result.
    async fn probe(self, container: u8, run: RunId, aim: Aim, mut probing: Probing) {
        tokio::time::sleep(probing.delay()).await;
        let mut told = false;
        loop {
            let asked =
                |group: &Group, container: &Container| group.address.filter(|_| container.is_run(run.number));
            let Some(address) = self.container(container, asked).flatten() else { return };
            let found = probing.ask(&*self.engine, &run, address).await;
            match (aim, found) {
                (Aim::Ready, Found::Well) if !told => {
                    told = true;
                    self.see(Seen::Ready { container, run: run.number, ready: true });
                }
                (Aim::Ready, Found::Ill) => {
                    told = false;
                    self.see(Seen::Ready { container, run: run.number, ready: false });
                }
                (Aim::Alive, Found::Ill) => return self.see(Seen::Unhealthy(container, run.number)),
                (_, Found::Well | Found::Unsure) => {}
            }
            tokio::time::sleep(probing.period()).await;
        }
    }

    fn note_start(&self, index: u8, run: &RunId) {
        let asked = |_: &Group, container: &Container| {
            let hook = container.spec.rare.as_deref().and_then(|rare| rare.stop_hook.as_deref().cloned());
            (container.spec.exit_priority(), hook)
        };
        let (exit_priority, hook) = self.container(index, asked).unwrap_or_default();
        self.up().insert(index, Up { run: run.clone(), exit_priority, hook });
    }

    fn hook_after_start(&self, index: u8) -> Option<Hook> {
        self.container(index, |_, container| container.spec.rare.as_deref()?.start_hook.as_deref().cloned())
            .flatten()
    }

    async fn run_start_hook(self, index: u8, run: RunId, hook: Hook) {
        if !hook_ends_well(&hook, &*self.engine, &run, self.address).await {
            self.see(Seen::PostStartFailed(index, run.number));
        }
    }

    /// Ends the runs, one exit priority after the other, each with the whole grace period.
    async fn stop(&self) {
        loop {
            let up = self.up().clone();
            let Some(first) = up.values().map(|up| Reverse(up.exit_priority)).min() else { return };
            let level = up.into_iter().filter(|(_, up)| Reverse(up.exit_priority) == first);
            let mut ending: JoinSet<()> = level.map(|(index, up)| self.like().end(index, up)).collect();
            while ending.join_next().await.is_some() {}
        }
    }

    /// Ends a run: first its hook, then by a signal, then by force, all within the grace period.
    async fn end(self, index: u8, up: Up) {
        let began = self.sim.clock().now();
        if let Some(hook) = &up.hook {
            let well = hook_ends_well(hook, &*self.engine, &up.run, self.address);
            // a hook that takes longer than the grace period is left to itself, and not reported
            if tokio::time::timeout(Duration::from_secs(self.grace), well).await == Ok(false) {
                self.see(Seen::PreStopFailed(index));
            }
        }
        let took = began.duration_until(self.sim.clock().now()).as_secs();
        let left = self.grace.saturating_sub(u64::try_from(took).unwrap_or(0));
        let left = if took > 0 { left.max(LEAST_SECONDS) } else { left };
        if let Err(why) = self.engine.stop(&up.run, u32::try_from(left).unwrap_or(u32::MAX)).await {
            tracing::warn!("{:?} cannot be stopped: {why}", up.run);
        }
        self.up().retain(|_, own| own.run != up.run);
    }
}
