//! Stands between a world and an Engine: does what the world orders, and tells it what was seen.
//!
//! The work of one group is done one thing after the other, that of different groups side by side. While nothing is
//! ordered and nothing falls due, nothing happens.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::engine::{Ended, Engine, Launch, RunId, Sandbox, Trouble};
use super::later::{Question, Said};
use super::probing::{Found, Probing};
use super::{Order, Outlet, Runtime, Seen, Work};
use crate::EciSim;
use crate::group::Group;
use crate::group::container::Container;
use crate::group::container::spec::PullPolicy;

/// How many lines of a log are asked for; no call gives more.
const TAIL: usize = 2000;
/// How long containers may take to end, where nothing was said.
const GRACE_SECONDS: u64 = 30;
/// After how long it is asked again how a run ends, when the Engine did not say.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// How long nothing happens where nothing falls due.
const IDLE: Duration = Duration::from_hours(1);
/// With what a run ended that is not there any more.
const KILLED: i32 = 137;

/// The driver of one Engine for one simulator.
#[derive(Debug)]
pub struct Driver<E> {
    sim: EciSim,
    engine: Arc<E>,
    inbox: UnboundedReceiver<Order>,
    groups: HashMap<u64, UnboundedSender<Work>>,
    tasks: JoinSet<()>,
}

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    Alive,
    Ready,
}

/// Works for one group.
struct Hand<E> {
    sim: EciSim,
    engine: Arc<E>,
    number: u64,
    id: Arc<str>,
    /// What a group's containers are given to end, as it was last seen.
    grace: u64,
}

impl EciSim {
    /// From now on an Engine does what containers do, once the driver runs.
    pub fn on_engine<E: Engine>(&self, engine: E) -> Driver<E> {
        let (sender, inbox) = unbounded_channel();
        self.state().world.runtime = Runtime::Engine(Outlet(sender));
        // already so where it had an Engine before
        let _ = self.0.real.set(());
        let (groups, tasks) = (HashMap::new(), JoinSet::new());
        Driver { sim: self.clone(), engine: Arc::new(engine), inbox, groups, tasks }
    }

    /// Whether an Engine does what containers do.
    pub fn is_real(&self) -> bool {
        self.0.real.get().is_some()
    }

    fn see(&self, number: u64, seen: Seen) {
        let now = self.clock().now();
        let mut state = self.state();
        state.world.advance_to(now);
        state.world.see(number, seen);
    }

    /// How long until something falls due.
    fn idle(&self) -> Duration {
        let now = self.clock().now();
        let next = self.state().world.next_due();
        next.map_or(IDLE, |due| now.duration_until(due).try_into().unwrap_or(Duration::ZERO))
    }
}

impl<E: Engine> Driver<E> {
    /// Works until `shutdown` is over, then leaves nothing of any group.
    ///
    /// # Errors
    /// [`Trouble`] when what an earlier run left cannot be taken away, before or after.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), Trouble> {
        self.engine.sweep().await?;
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(order) = self.inbox.recv() => self.take(order),
                () = tokio::time::sleep(self.sim.idle()) => {
                    self.sim.control().now();
                }
                Some(_) = self.tasks.join_next() => {}
            }
        }
        self.tasks.shutdown().await;
        self.engine.sweep().await
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Look => {}
            Order::Ask(question) => {
                let engine = Arc::clone(&self.engine);
                self.tasks.spawn(async move { answer(&*engine, question).await });
            }
            Order::Attach { run, words, tty, stdin, answer } => {
                let engine = Arc::clone(&self.engine);
                self.tasks.spawn(async move {
                    if answer.send(engine.attach(&run, &words, tty, stdin).await).is_err() {
                        tracing::debug!("nobody waits any more for a session in {run:?}");
                    }
                });
            }
            Order::Group { number, id, work } => {
                let hand = self.groups.entry(number).or_insert_with(|| {
                    let (sender, inbox) = unbounded_channel();
                    let (sim, engine) = (self.sim.clone(), Arc::clone(&self.engine));
                    let hand = Hand { sim, engine, number, id, grace: GRACE_SECONDS };
                    self.tasks.spawn(hand.work(inbox));
                    sender
                });
                if hand.send(work).is_err() || work == Work::Remove {
                    self.groups.remove(&number);
                }
            }
        }
    }
}

async fn answer<E: Engine>(engine: &E, question: Question) {
    let Question { run, command, answer } = question;
    let said = match command {
        None => match engine.logs(&run, TAIL).await {
            // it never began, or is gone
            Err(Trouble::Gone(_)) => Ok(Said::Lines(Vec::new())),
            said => said.map(Said::Lines),
        },
        Some(words) => engine.exec(&run, &words).await.map(Said::Output),
    };
    if answer.send(said).is_err() {
        tracing::debug!("nobody waits any more for an answer about {run:?}");
    }
}

impl<E: Engine> Hand<E> {
    async fn work(mut self, mut inbox: UnboundedReceiver<Work>) {
        // what runs beside: pulls, and waiting for ends; it goes with this
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
                Work::Stop => self.stop().await,
                Work::Remove => {
                    let stopped = self.stop().await;
                    stopped.and(self.engine.remove(&self.id).await)
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
        Self { sim, engine, number: self.number, id, grace: self.grace }
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

    /// Starts a run, and gives it where it began.
    async fn start(&self, index: u8, number: u32) -> Option<RunId> {
        let launch = self.container(index, |group, container| Launch::of(group, container, number))?;
        let started = match &launch {
            Ok(launch) => self.engine.start(launch).await,
            Err(why) => Err(why.clone()),
        };
        match (launch, started) {
            (Ok(launch), Ok(())) => {
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

    /// Asks a probe for as long as the run goes on.
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

    async fn stop(&self) -> Result<(), Trouble> {
        self.engine.stop(&self.id, u32::try_from(self.grace).unwrap_or(u32::MAX)).await
    }
}
