//! Runtimes of containers: played from scripts, or done for real by an Engine beside the world.
//!
//! The world stays a machine of states that moves only by its inputs. Where an Engine does the work, the world orders
//! it ([`Work`]) and takes in what was seen ([`Observation`]); what the cloud says of it, its lifecycle, events and bill, is
//! the same code in both. [`driver`] stands between the two.

pub mod attach;
pub mod deferred;
#[cfg(feature = "docker")]
pub mod docker;
pub mod driver;
pub mod engine;
mod hooks;
pub mod played;
mod probing;
mod worker;

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::group::Group;
use attach::Attached;
use deferred::Question;
use engine::{EngineError, RunId};

/// Runtime of a simulator's containers.
#[derive(Debug, Clone, Default)]
pub enum Runtime {
    /// The world itself, from scripts and by reading commands.
    #[default]
    Scripted,
    /// An Engine, by way of its driver.
    Engine(DriverHandle),
}

/// Handle to the driver of an Engine.
#[derive(Debug, Clone)]
pub struct DriverHandle(UnboundedSender<Order>);

/// A message to the driver.
#[derive(Debug)]
pub enum Order {
    /// Wake up: something may fall due earlier than before.
    Wake,
    /// Work for a group.
    Group {
        /// Number of the group in the world.
        number: u64,
        /// Id of the group, also when the world no longer knows it.
        id: Arc<str>,
        /// Kind of the work.
        work: Work,
    },
    /// Query that a client waits for.
    Ask(Question),
    /// Command that a client is attached to.
    Attach {
        /// Run in whose container the command runs.
        run: RunId,
        /// Command and its arguments.
        words: Vec<String>,
        /// True if the command has a terminal.
        tty: bool,
        /// True if the command gets an input.
        stdin: bool,
        /// Channel for the client's end.
        answer: oneshot::Sender<Result<Attached, EngineError>>,
    },
}

/// Work of an Engine for a group; the first number is the index of a container, the second the number of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Make the sandbox: network, names, volumes.
    Sandbox,
    /// Make a container's image present.
    Pull(u8),
    /// Start a container as this run.
    Start(u8, u32),
    /// Kill a container's run at once.
    Kill(u8, u32),
    /// Stop all containers, by force when their grace period is over; their logs are kept.
    Stop,
    /// Stop all containers, and remove everything of the group.
    Remove,
}

/// An observation of a group; indexes of containers and numbers of runs as in [`Work`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// The sandbox is up, at this address.
    SandboxUp(Ipv4Addr),
    /// The sandbox could not be made, for this reason.
    SandboxFailed(String),
    /// An image is already present.
    Present(u8),
    /// An image is being pulled.
    Pulling(u8),
    /// An image was pulled within so many milliseconds.
    Pulled(u8, u32),
    /// An image could not be pulled, for this reason.
    PullFailed(u8, String),
    /// A run of a container began.
    Started(u8, u32),
    /// A run could not begin, for this reason.
    StartFailed(u8, u32, String),
    /// The result of a readiness probe changed.
    Ready {
        /// Index of the container.
        container: u8,
        /// Number of the run.
        run: u32,
        /// True if the container is ready.
        ready: bool,
    },
    /// A liveness probe failed as often in a row as its threshold says.
    Unhealthy(u8, u32),
    /// The post-start hook of a run failed.
    PostStartFailed(u8, u32),
    /// The pre-stop hook of a container failed.
    PreStopFailed(u8),
    /// A run ended.
    Exited {
        /// Index of the container.
        container: u8,
        /// Number of the run.
        run: u32,
        /// Exit code of the run.
        exit_code: i32,
        /// True if the run was out of memory.
        out_of_memory: bool,
    },
}

impl Runtime {
    /// True if an Engine runs the containers.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Engine(_))
    }

    /// Orders work for a group, where an Engine runs the containers.
    pub fn order(&self, group: &Group, work: Work) {
        if let Self::Engine(driver) = self {
            let id = Arc::from(&*group.record.id);
            driver.send(Order::Group { number: group.record.number, id, work });
        }
    }

    /// Wakes the driver up, since something may fall due earlier than before.
    pub fn wake(&self) {
        if let Self::Engine(driver) = self {
            driver.send(Order::Wake);
        }
    }
}

impl DriverHandle {
    /// Sends a message to the driver; one that has ended does nothing any more.
    pub fn send(&self, order: Order) {
        if self.0.send(order).is_err() {
            tracing::debug!("the Engine's driver has ended");
        }
    }
}
