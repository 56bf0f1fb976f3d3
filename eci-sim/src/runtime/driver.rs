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

use super::engine::{Engine, EngineError};
use super::queries::{EngineHandle, EngineReply, Query};
use super::worker::GroupWorker;
use crate::orders::{Observation, Order, Runtime, Work};
use crate::sim::EciSim;

/// Lines of a log that are read, at most; no call returns more.
const TAIL: usize = 2000;
/// Wait where nothing falls due.
const IDLE_POLL_INTERVAL: Duration = Duration::from_hours(1);

/// Driver of one Engine for one simulator.
#[derive(Debug)]
pub struct Driver<E> {
    sim: EciSim,
    engine: Arc<E>,
    orders: UnboundedReceiver<Order>,
    queries: UnboundedReceiver<Query>,
    groups: HashMap<u64, UnboundedSender<Work>>,
    tasks: JoinSet<()>,
}

impl EciSim {
    /// Lets an Engine run the containers from now on; nothing happens until the returned driver runs.
    pub fn on_engine<E: Engine>(&self, engine: E) -> Driver<E> {
        let ((orders_out, orders), (queries_out, queries)) = (unbounded_channel(), unbounded_channel());
        self.use_engine(Runtime::Engine(orders_out), EngineHandle::new(queries_out));
        let (groups, tasks) = (HashMap::new(), JoinSet::new());
        Driver { sim: self.clone(), engine: Arc::new(engine), orders, queries, groups, tasks }
    }

    pub(super) fn observe(&self, number: u64, observation: Observation) {
        self.state_now().0.world.observe(number, observation);
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
                Some(order) = self.orders.recv() => self.take(order),
                Some(query) = self.queries.recv() => self.spawn_query(query),
                () = tokio::time::sleep(self.sim.idle()) => {
                    drop(self.sim.state_now());
                }
                Some(_) = self.tasks.join_next() => {}
            }
        }
        self.tasks.shutdown().await;
        self.engine.sweep().await
    }

    fn spawn_query(&mut self, query: Query) {
        let engine = Arc::clone(&self.engine);
        self.tasks.spawn(async move { answer(&*engine, query).await });
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Wake => {}
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

async fn answer<E: Engine>(engine: &E, query: Query) {
    match query {
        Query::Attach { run, words, tty, stdin, answer } => {
            if answer.send(engine.attach(&run, &words, tty, stdin).await).is_err() {
                tracing::debug!("nobody waits any more for a session in {run:?}");
            }
        }
        Query::Read { run, command, answer } => {
            let reply = match command {
                None => match engine.logs(&run, TAIL).await {
                    // the run never began, or is gone
                    Err(EngineError::Gone(_)) => Ok(EngineReply::Lines(Vec::new())),
                    lines => lines.map(EngineReply::Lines),
                },
                Some(words) => engine.exec(&run, &words).await.map(EngineReply::Output),
            };
            if answer.send(reply).is_err() {
                tracing::debug!("nobody waits any more for an answer about {run:?}");
            }
        }
    }
}
