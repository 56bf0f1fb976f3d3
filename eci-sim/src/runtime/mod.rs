//! What the containers of a group do: played from scripts, or done for real by an Engine beside the world.
//!
//! The world stays a machine of states that moves only by its inputs. Where an Engine does the work, the world orders
//! it ([`Work`]) and takes in what was seen ([`Seen`]); what the cloud says of it, its lifecycle, events and bill, is
//! the same code in both. [`driver`] stands between the two.

pub mod attach;
#[cfg(feature = "docker")]
pub mod docker;
pub mod driver;
pub mod engine;
mod hand;
mod hooks;
pub mod later;
pub mod played;
mod probing;

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::group::Group;
use attach::Attached;
use engine::{RunId, Trouble};
use later::Question;

/// Who does what containers do.
#[derive(Debug, Clone, Default)]
pub enum Runtime {
    /// The world itself, from scripts and from what commands say.
    #[default]
    Scripted,
    /// An Engine, by way of its driver.
    Engine(Outlet),
}

/// The way to the driver of an Engine.
#[derive(Debug, Clone)]
pub struct Outlet(UnboundedSender<Order>);

/// Something for the driver.
#[derive(Debug)]
pub enum Order {
    /// Something may fall due earlier than before.
    Look,
    /// A group's work.
    Group {
        /// Its number in the world.
        number: u64,
        /// Its id, also when the world does not know it any more.
        id: Arc<str>,
        /// What is to be done.
        work: Work,
    },
    /// A question that a client waits for.
    Ask(Question),
    /// A command that a client is attached to.
    Attach {
        /// The run that it runs in.
        run: RunId,
        /// The command and its arguments.
        words: Vec<String>,
        /// Whether it has a terminal.
        tty: bool,
        /// Whether it hears what is typed.
        stdin: bool,
        /// Where its near end goes.
        answer: oneshot::Sender<Result<Attached, Trouble>>,
    },
}

/// What an Engine is to do for a group; containers go by their number, runs by how often the container was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Make what the containers share: network, names, volumes.
    Sandbox,
    /// See that a container's image is there.
    Pull(u8),
    /// Start a container.
    Start(u8, u32),
    /// End a container at once.
    Kill(u8, u32),
    /// Ask all containers to end, and end them when their time is over; what they said is kept.
    Stop,
    /// Stop all containers, and leave nothing of the group.
    Remove,
}

/// What was seen of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// What the containers share is there, under this address.
    SandboxUp(Ipv4Addr),
    /// It could not be made.
    SandboxFailed(String),
    /// An image is there already.
    Present(u8),
    /// An image is being pulled.
    Pulling(u8),
    /// An image was pulled within so many milliseconds.
    Pulled(u8, u32),
    /// An image cannot be had.
    PullFailed(u8, String),
    /// A run of a container began.
    Started(u8, u32),
    /// It could not begin.
    StartFailed(u8, u32, String),
    /// A probe found whether it is ready.
    Ready {
        /// Which container.
        container: u8,
        /// Which run.
        run: u32,
        /// Whether it is.
        ready: bool,
    },
    /// A probe found that it is not alive.
    Unhealthy(u8, u32),
    /// What runs right after a run's start ended badly.
    PostStartFailed(u8, u32),
    /// What runs before a container is stopped ended badly.
    PreStopFailed(u8),
    /// It ended.
    Exited {
        /// Which container.
        container: u8,
        /// Which run.
        run: u32,
        /// With what.
        exit_code: i32,
        /// Whether it ran out of memory.
        out_of_memory: bool,
    },
}

impl Runtime {
    /// Whether an Engine does the work.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Engine(_))
    }

    /// Has work done for a group, where an Engine does it.
    pub fn order(&self, group: &Group, work: Work) {
        if let Self::Engine(outlet) = self {
            let id = Arc::from(&*group.card.id);
            outlet.send(Order::Group { number: group.card.number, id, work });
        }
    }

    /// Something may fall due earlier than before.
    pub fn look(&self) {
        if let Self::Engine(outlet) = self {
            outlet.send(Order::Look);
        }
    }
}

impl Outlet {
    /// Sends it; where the driver has ended, nothing is done any more.
    pub fn send(&self, order: Order) {
        if self.0.send(order).is_err() {
            tracing::debug!("the Engine's driver has ended");
        }
    }
}
