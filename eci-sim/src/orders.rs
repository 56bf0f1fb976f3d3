//! The world's side of a container runtime: orders go out, observations come in, and nothing else passes.
//!
//! The world stays a machine of states that moves only by its inputs. Where an Engine does the work, the world orders
//! it ([`Work`]) and applies what was seen ([`Observation`]).

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

/// Runtime of a simulator's containers.
#[derive(Debug, Clone, Default)]
pub enum Runtime {
    /// The world itself, from scripts and by reading commands.
    #[default]
    Scripted,
    /// An Engine, whose driver takes orders here.
    Engine(UnboundedSender<Order>),
}

/// An order of the world.
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

/// Identity of one run of a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// Id of the group.
    pub group: String,
    /// Name of the container.
    pub container: String,
    /// Number of the run, 1 for the first start of the container.
    pub number: u32,
}

impl Runtime {
    /// True if an Engine runs the containers.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Engine(_))
    }

    /// Orders work for the group of a number and an id, where an Engine runs the containers.
    pub fn order(&self, number: u64, id: &str, work: Work) {
        self.send(|| Order::Group { number, id: id.into(), work });
    }

    /// Wakes the driver up, since something may fall due earlier than before.
    pub fn wake(&self) {
        self.send(|| Order::Wake);
    }

    /// Sends an order; a driver that has ended does nothing any more.
    fn send(&self, order: impl FnOnce() -> Order) {
        if let Self::Engine(driver) = self
            && driver.send(order()).is_err()
        {
            tracing::debug!("the Engine's driver has ended");
        }
    }
}

impl RunId {
    /// Identity of the run `number` of a group's container.
    pub fn of(group: &str, container: &str, number: u32) -> Self {
        Self { group: group.to_owned(), container: container.to_owned(), number }
    }
}
