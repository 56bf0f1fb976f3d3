//! The tap on the provider's lines: every call and watch event is numbered, and perturbed where the plan says so.

mod perturbing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::branches::Branches;
use super::injection_point::InjectionPoint;
use super::journal::{Journal, Occurrence};
use super::perturbation::{Absence, Perturbation};
use super::plan::Plan;

/// The number of earlier answers of one read that are remembered.
const REMEMBERED_MAX: usize = 8;

/// The tap of one world; clones share it.
#[derive(Clone)]
pub struct Tap(Arc<Inner>);

struct Inner {
    branches: Option<Branches>,
    journal: Journal,
    state: Mutex<State>,
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Default)]
struct State {
    /// The perturbations, and whether the first of their places is reached; until then this is a reference run.
    plan: Plan,
    has_begun: bool,
    calls: u32,
    events: u32,
    /// Processes that were killed: whatever of them still runs is not heard any more.
    dead: BTreeSet<u32>,
    /// The perturbation that the next calls of a side meet, and the number of them.
    bursts: BTreeMap<Line, (Perturbation, u32)>,
    /// Earlier answers of reads, the newest last.
    answers: BTreeMap<String, Vec<Bytes>>,
    /// Until when the perturbations so far keep the world from coming to rest.
    rests_at: Option<Timestamp>,
    waiting: Option<mpsc::UnboundedReceiver<Order>>,
}

/// An order of the tap to whoever runs the provider.
#[derive(Debug)]
pub enum Order {
    /// Kill this life, and start another when the absence is over.
    Kill(u32, Absence),
    /// Run a second provider beside the first for so long.
    Second(Duration),
    /// Do what somebody else does, then say so.
    Alien(Perturbation, oneshot::Sender<()>),
}

/// The two sides that the provider speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// Kubernetes.
    Kube,
    /// The cloud.
    Cloud,
}

/// One call on its way, as far as perturbations need it; `Reply` is whole, but for a watch's events.
pub(super) trait Call: Sync {
    type Reply: Send;

    /// To whom.
    fn line(&self) -> Line;
    /// Carries it out.
    fn send(&self) -> BoxFuture<'_, Self::Reply>;
    /// Writes it into the journal; without an answer when there was none, or nobody to read it.
    fn note(&self, number: u32, life: u32, answer: Option<&Self::Reply>);
    /// The refusal of a side that has no room.
    fn throttled(&self) -> Self::Reply;
    /// The answer of a side that is broken.
    fn server_error(&self) -> Self::Reply;
    /// The refusal of a token or a revision that is too old, where the call has one.
    fn expired(&self) -> Option<Self::Reply>;
    /// Half of an answer.
    fn cut(&self, answer: Self::Reply) -> Self::Reply;
    /// The answer so many answers ago, of a read.
    fn older(&self, by: u32) -> BoxFuture<'_, Option<Self::Reply>>;
    /// The answer with one group less and a token for the rest, where it is a page with a group.
    fn shorter(&self, answer: &Self::Reply) -> Option<Self::Reply>;
}

impl Tap {
    /// True in a process that a branch has become.
    pub fn is_of_branch(&self) -> bool {
        self.0.branches.as_ref().is_some_and(|branches| branches.taken().is_some())
    }

    /// A tap that perturbs as `plan` says, and writes everything down; `branches` go their own ways at their places.
    pub fn new(plan: Plan, branches: Option<Branches>, journal: Journal) -> Self {
        let (orders, waiting) = mpsc::unbounded_channel();
        let state = State { plan, waiting: Some(waiting), ..State::default() };
        Self(Arc::new(Inner { branches, journal, state: Mutex::new(state), orders }))
    }

    /// The perturbations; none as long as this is a reference run, since no place of theirs is reached.
    pub fn plan(&self) -> Plan {
        let state = self.state();
        if state.has_begun { state.plan.clone() } else { Plan::default() }
    }

    /// The orders; for one taker.
    pub fn orders(&self) -> Option<mpsc::UnboundedReceiver<Order>> {
        self.state().waiting.take()
    }

    /// The journal that it writes.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// The time that anything may take here beyond what the case says: as long as all perturbations together. It grows where
    /// the first of their places is reached.
    pub fn allowance(&self) -> Duration {
        let state = self.state();
        if !state.has_begun {
            return Duration::ZERO;
        }
        let lasts: Duration = state.plan.perturbations().iter().map(|(_, own)| own.lasts()).sum();
        lasts + Duration::from_secs(600)
    }

    /// Until when the perturbations so far keep the world from coming to rest.
    pub fn rests_at(&self) -> Option<Timestamp> {
        self.state().rests_at
    }

    /// Carries a call of `life`; nothing when its answer is lost.
    pub(super) async fn carry<C: Call>(&self, life: u32, call: &C) -> Option<C::Reply> {
        self.unless_dead(life).await;
        let (number, planned) = self.next_call(call.line());
        let place = InjectionPoint::Call(number);
        let Some(planned) = planned else {
            let answer = call.send().await;
            self.unless_dead(life).await;
            call.note(number, life, Some(&answer));
            return Some(answer);
        };
        let answer = self.perturbed(place, planned, life, call).await;
        call.note(number, life, answer.as_ref());
        if matches!(planned, Perturbation::KillBefore(_) | Perturbation::KillAfter(_)) {
            std::future::pending::<()>().await;
        }
        self.unless_dead(life).await;
        answer
    }

    fn next_call(&self, line: Line) -> (u32, Option<Perturbation>) {
        let mut state = self.state();
        state.calls += 1;
        let number = state.calls;
        let planned = self.planned(&mut state, InjectionPoint::Call(number));
        if let Some(Perturbation::Throttled(calls) | Perturbation::ServerErrors(calls)) = planned
            && let Some(perturbation) = planned
        {
            state.bursts.insert(line, (perturbation, calls));
        }
        let burst = state.bursts.get_mut(&line).filter(|(_, left)| *left > 0);
        let burst = burst.map(|(perturbation, left)| {
            *left -= 1;
            *perturbation
        });
        (number, planned.or(burst))
    }

    /// The number of the next watch event, and what becomes of it.
    pub(super) fn next_event(&self) -> (u32, Option<Perturbation>) {
        let mut state = self.state();
        state.events += 1;
        let number = state.events;
        (number, self.planned(&mut state, InjectionPoint::Event(number)))
    }

    /// The perturbation at a place; in a branch that begins here, the first of its own.
    fn planned(&self, state: &mut State, place: InjectionPoint) -> Option<Perturbation> {
        if let Some(plan) = self.0.branches.as_ref().and_then(|branches| branches.at(place)) {
            state.plan = plan;
        }
        let planned = state.plan.at(place);
        state.has_begun |= planned.is_some();
        planned
    }

    /// Writes down that a perturbation takes place now.
    pub(super) fn acts(&self, place: InjectionPoint, perturbation: Perturbation) {
        self.journal().write(Occurrence::Perturbed(place, perturbation));
        let lasts = SignedDuration::try_from(perturbation.lasts()).unwrap_or(SignedDuration::MAX);
        let until = self.journal().now().saturating_add(lasts).unwrap_or(Timestamp::MAX);
        let mut state = self.state();
        state.rests_at = state.rests_at.max(Some(until));
    }

    /// Kills a life: from now on nothing that it still does is heard.
    pub(super) fn kill(&self, life: u32, absence: Absence) {
        self.mark_dead(life);
        self.order(Order::Kill(life, absence));
    }

    /// Hears nothing of this life any more.
    pub fn mark_dead(&self, life: u32) {
        self.state().dead.insert(life);
    }

    /// Goes on as long as the life lasts.
    pub(super) async fn unless_dead(&self, life: u32) {
        let dead = self.state().dead.contains(&life);
        if dead {
            std::future::pending::<()>().await;
        }
    }

    fn order(&self, order: Order) {
        let _ = self.0.orders.send(order); // the world ended meanwhile
    }

    /// Remembers the answer of a read.
    pub(super) fn remember(&self, read: String, answer: Bytes) {
        let mut state = self.state();
        let answers = state.answers.entry(read).or_default();
        if answers.len() == REMEMBERED_MAX {
            answers.remove(0);
        }
        answers.push(answer);
    }

    /// The answer of this read so many answers ago; 1 is the latest.
    pub(super) fn recall(&self, read: &str, by: u32) -> Option<Bytes> {
        let state = self.state();
        let answers = state.answers.get(read)?;
        answers.len().checked_sub(by as usize).and_then(|index| answers.get(index)).cloned()
    }

    /// Takes out what was remembered under `read`.
    pub(super) fn take_remembered(&self, read: &str) -> Option<Bytes> {
        self.state().answers.remove(read)?.pop()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tap({})", self.plan())
    }
}
