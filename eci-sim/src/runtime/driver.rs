//! Driver between a world and an Engine: carries out the world's orders, and reports observations to it.
//!
//! The work of one group is done one thing after the other, that of different groups side by side. While nothing is
//! ordered and nothing falls due, nothing happens.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::deferred::{EngineReply, Question};
use super::engine::{Engine, EngineError};
use super::worker::GroupWorker;
use super::{DriverHandle, Observation, Order, Runtime, Work};
use crate::EciSim;

/// Lines of a log that are read, at most; no call returns more.
const TAIL: usize = 2000;
/// Wait where nothing falls due.
const IDLE_POLL_INTERVAL: Duration = Duration::from_hours(1);

/// Driver of one Engine for one simulator.
#[derive(Debug)]
pub struct Driver<E> {
    sim: EciSim,
    engine: Arc<E>,
    inbox: UnboundedReceiver<Order>,
    groups: HashMap<u64, UnboundedSender<Work>>,
    tasks: JoinSet<()>,
}

impl EciSim {
    /// Lets an Engine run the containers from now on; nothing happens until the returned driver runs.
    pub fn on_engine<E: Engine>(&self, engine: E) -> Driver<E> {
        let (sender, inbox) = unbounded_channel();
        self.state().world.runtime = Runtime::Engine(DriverHandle(sender));
        // an error only says that it is set, since the simulator had an Engine before
        let _ = self.0.real.set(());
        let (groups, tasks) = (HashMap::new(), JoinSet::new());
        Driver { sim: self.clone(), engine: Arc::new(engine), inbox, groups, tasks }
    }

    /// True if an Engine runs the containers.
    pub fn is_real(&self) -> bool {
        self.0.real.get().is_some()
    }

    pub(super) fn observe(&self, number: u64, observation: Observation) {
        let now = self.clock().now();
        let mut state = self.state();
        state.world.advance_to(now);
        state.world.observe(number, observation);
    }

    /// Time until the next step falls due; an hour where none is.
    fn idle(&self) -> Duration {
        let now = self.clock().now();
        let next = self.state().world.next_due();
        next.map_or(IDLE_POLL_INTERVAL, |due| now.duration_until(due).try_into().unwrap_or(Duration::ZERO))
    }
}

impl<E: Engine> Driver<E> {
    /// Works until `shutdown` resolves, then removes every container of every group.
    ///
    /// # Errors
    /// [`EngineError`] when what an earlier run left cannot be taken away, before or after.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), EngineError> {
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
            Order::Wake => {}
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
                let worker = self.groups.entry(number).or_insert_with(|| {
                    let (sender, inbox) = unbounded_channel();
                    let (sim, engine) = (self.sim.clone(), Arc::clone(&self.engine));
                    let worker = GroupWorker::new(sim, engine, number, id);
                    self.tasks.spawn(worker.work(inbox));
                    sender
                });
                if worker.send(work).is_err() || work == Work::Remove {
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
            // the run never began, or is gone
            Err(EngineError::Gone(_)) => Ok(EngineReply::Lines(Vec::new())),
            said => said.map(EngineReply::Lines),
        },
        Some(words) => engine.exec(&run, &words).await.map(EngineReply::Output),
    };
    if answer.send(said).is_err() {
        tracing::debug!("nobody waits any more for an answer about {run:?}");
    }
}
