//! The runs that branch off a reference run: at the place where one begins to differ from it, the process forks.
//!
//! The child is the whole world of that instant and goes on under its plan; the parent waits for it and goes on to the next
//! place. So no run plays again what the reference run has played. For processes of one thread: a fork keeps no other.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fork::Fork;
use tokio::sync::Notify;

use super::injection_point::InjectionPoint;
use super::plan::Plan;

/// A run that branches off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The number of its job.
    pub job: usize,
    /// Its perturbations.
    pub plan: Plan,
}

/// A branch that told nothing of itself.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The process could not be made.
    #[error("no process can be made for it: {0}")]
    NoProcess(#[source] io::Error),
    /// The process ended otherwise than a branch does.
    #[error("its process ended with {0}")]
    Ended(ExitStatus),
}

/// The branches of one reference run that wait for their places; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Branches(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    exhausted: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Branch>,
    taken: Option<Branch>,
    lost: Vec<(Branch, Lost)>,
}

impl Branches {
    /// These branches.
    pub fn new(waiting: Vec<Branch>) -> Self {
        let state = Mutex::new(State { waiting, ..State::default() });
        Self(Arc::new(Inner { state, exhausted: Notify::new() }))
    }

    /// Branches off whatever begins at this place. In a child, which this then is, the plan to go on under; in the parent
    /// nothing, when all of its children here have ended.
    pub(super) fn at(&self, place: InjectionPoint) -> Option<Plan> {
        let begins = |branch: &mut Branch| branch.plan.at(place).is_some();
        let here: Vec<Branch> = self.state().waiting.extract_if(.., begins).collect();
        if here.is_empty() {
            return None;
        }
        for branch in here {
            let ended = match fork::fork() {
                Ok(Fork::Child) => {
                    let plan = branch.plan.clone();
                    *self.state() = State { taken: Some(branch), ..State::default() };
                    return Some(plan);
                }
                Ok(Fork::Parent(child)) => fork::waitpid(child).map(ExitStatus::from_raw),
                Err(error) => Err(error),
            };
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => self.state().lost.push((branch, Lost::Ended(status))),
                Err(error) => self.state().lost.push((branch, Lost::NoProcess(error))),
            }
        }
        if self.state().waiting.is_empty() {
            self.0.exhausted.notify_one();
        }
        None
    }

    /// Returns in the reference run when no branch waits any more; never in a branch.
    pub(super) async fn exhausted(&self) {
        self.0.exhausted.notified().await;
    }

    /// The branch that this process has become; none in the reference run.
    pub fn taken(&self) -> Option<Branch> {
        self.state().taken.clone()
    }

    /// Takes the branches to whose places the reference run did not come.
    pub fn take_waiting(&self) -> Vec<Branch> {
        std::mem::take(&mut self.state().waiting)
    }

    /// Takes the branches that told nothing of themselves.
    pub fn take_lost(&self) -> Vec<(Branch, Lost)> {
        std::mem::take(&mut self.state().lost)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
