//! The reconciler's work queue, keyed by pod UID: one worker a pod at a time, deletions first, all else bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// A pod's UID.
pub type Uid = Arc<str>;

/// The urgency of a pod's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The pod leaves: it costs until its group is gone.
    Deletion,
    /// The pod's group is to be told of.
    Update,
    /// The pod may need a group.
    Creation,
}

/// The queue; clones share it.
#[derive(Clone)]
pub struct WorkQueue(Arc<Shared>);

/// Turns that may be taken at once; deletions have no bound but the number of workers.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Turns of [`Class::Creation`].
    pub creations: usize,
    /// Turns of [`Class::Creation`] and [`Class::Update`] together.
    pub others: usize,
}

/// The pods in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Pods that wait for a worker, by class.
    pub ready: [(Class, usize); 3],
    /// Pods that a worker has.
    pub busy: usize,
    /// Pods with a later turn.
    pub delayed: usize,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    bounds: Bounds,
}

#[derive(Default)]
struct State {
    ready: BTreeMap<Class, VecDeque<Uid>>,
    /// The class under which a pod is queued now.
    queued: HashMap<Uid, Class>,
    busy: HashMap<Uid, Busy>,
    /// Pods that were added while a worker had them.
    again: HashMap<Uid, Class>,
    delayed: BTreeSet<(Instant, Uid)>,
    due: HashMap<Uid, (Instant, Class)>,
    creations: usize,
    updates: usize,
}

/// A turn that is taken.
struct Busy {
    class: Class,
    /// Told when the pod is added under a more urgent class.
    overtaken: Arc<Notify>,
}

/// One pod's turn; dropped, it is over.
pub struct Turn {
    queue: WorkQueue,
    uid: Uid,
    class: Class,
}

impl Turn {
    /// The pod.
    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The class under which the turn counts against the bounds.
    pub fn class(&self) -> Class {
        self.class
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.finish(&self.uid);
    }
}

impl WorkQueue {
    /// An empty queue whose turns are taken within `bounds`.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), changed: Notify::new(), bounds }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a pod; one that is queued already keeps its place, or moves to the more urgent class.
    pub fn add(&self, uid: &Uid, class: Class) {
        self.state().add(uid, class);
        self.0.changed.notify_one();
    }

    /// Queues a pod at `at`, unless it is to be queued sooner anyway.
    pub fn add_at(&self, uid: &Uid, class: Class, at: Instant) {
        let mut state = self.state();
        if let Some((known, _)) = state.due.get(uid).copied() {
            if known <= at {
                return;
            }
            state.delayed.remove(&(known, uid.clone()));
        }
        state.due.insert(uid.clone(), (at, class));
        state.delayed.insert((at, uid.clone()));
        drop(state);
        self.0.changed.notify_one();
    }

    /// Waits until the pod, whose turn is taken, is added under a more urgent class than that of its turn; for ever when no
    /// worker has it.
    pub async fn overtaken(&self, uid: &str) {
        let overtaken = {
            let state = self.state();
            let busy = state.busy.get(uid);
            if busy.is_some_and(|busy| state.again.get(uid).is_some_and(|class| *class < busy.class)) {
                return;
            }
            busy.map(|busy| busy.overtaken.clone())
        };
        match overtaken {
            Some(overtaken) => overtaken.notified().await,
            None => std::future::pending().await,
        }
    }

    /// The numbers of pods in the queue.
    pub fn depth(&self) -> Depth {
        let state = self.state();
        let mut ready = [Class::Deletion, Class::Update, Class::Creation].map(|class| (class, 0));
        for queued in state.queued.values() {
            ready[*queued as usize].1 += 1;
        }
        Depth { ready, busy: state.busy.len(), delayed: state.delayed.len() }
    }

    /// Strikes a pod's later turn out.
    pub fn forget(&self, uid: &Uid) {
        let mut state = self.state();
        if let Some((at, _)) = state.due.remove(uid) {
            state.delayed.remove(&(at, uid.clone()));
        }
    }

    /// The next turn, waited for.
    pub async fn next(&self) -> Turn {
        loop {
            let (taken, wake) = {
                let mut state = self.state();
                state.promote(Instant::now());
                let taken = state.take(self.0.bounds);
                (taken, state.delayed.first().map(|(at, _)| *at))
            };
            if let Some((uid, class)) = taken {
                // What is left is for the other workers.
                self.0.changed.notify_one();
                return Turn { queue: self.clone(), uid, class };
            }
            match wake {
                Some(at) => tokio::select! {
                    biased;
                    () = self.0.changed.notified() => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => self.0.changed.notified().await,
            }
        }
    }

    fn finish(&self, uid: &Uid) {
        let mut state = self.state();
        match state.busy.remove(uid).map(|busy| busy.class) {
            Some(Class::Creation) => state.creations -= 1,
            Some(Class::Update) => state.updates -= 1,
            Some(Class::Deletion) | None => {}
        }
        if let Some(class) = state.again.remove(uid) {
            state.add(uid, class);
        }
        drop(state);
        self.0.changed.notify_one();
    }
}

impl State {
    fn add(&mut self, uid: &Uid, class: Class) {
        if let Some(busy) = self.busy.get(uid) {
            let wanted = self.again.entry(uid.clone()).or_insert(class);
            *wanted = class.min(*wanted);
            if *wanted < busy.class {
                busy.overtaken.notify_one();
            }
            return;
        }
        match self.queued.get(uid) {
            Some(known) if *known <= class => return,
            _ => {}
        }
        // The entry under the less urgent class stays behind and is skipped.
        self.queued.insert(uid.clone(), class);
        self.ready.entry(class).or_default().push_back(uid.clone());
    }

    fn promote(&mut self, now: Instant) {
        while let Some((at, uid)) = self.delayed.first().filter(|(at, _)| *at <= now).cloned() {
            self.delayed.remove(&(at, uid.clone()));
            if let Some((_, class)) = self.due.remove(&uid) {
                self.add(&uid, class);
            }
        }
    }

    fn take(&mut self, bounds: Bounds) -> Option<(Uid, Class)> {
        let mut order = [Class::Deletion, Class::Update, Class::Creation];
        if planted!(CreationsComeFirst) {
            order.reverse();
        }
        for class in order {
            let is_full = class != Class::Deletion && self.creations + self.updates >= bounds.others;
            if is_full || class == Class::Creation && self.creations >= bounds.creations {
                continue;
            }
            while let Some(uid) = self.ready.get_mut(&class).and_then(VecDeque::pop_front) {
                if self.queued.get(&uid) != Some(&class) {
                    continue;
                }
                self.queued.remove(&uid);
                self.busy.insert(uid.clone(), Busy { class, overtaken: Arc::default() });
                self.creations += usize::from(class == Class::Creation);
                self.updates += usize::from(class == Class::Update);
                return Some((uid, class));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn uid(text: &str) -> Uid {
        text.into()
    }

    fn queue(creations: usize, others: usize) -> WorkQueue {
        WorkQueue::new(Bounds { creations, others })
    }

    #[tokio::test(start_paused = true)]
    async fn deletions_come_before_updates_and_those_before_creations() {
        let queue = queue(2, 3);
        queue.add(&uid("made"), Class::Creation);
        queue.add(&uid("told"), Class::Update);
        queue.add(&uid("left"), Class::Deletion);
        queue.add(&uid("made"), Class::Deletion);
        let mut order = Vec::new();
        for _ in 0..3 {
            order.push(queue.next().await.uid().to_string());
        }
        assert_eq!(order, ["left", "made", "told"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_is_worked_on_once_at_a_time_and_again_when_it_changed_meanwhile() {
        let queue = queue(2, 3);
        queue.add(&uid("p"), Class::Creation);
        let turn = queue.next().await;
        queue.add(&uid("p"), Class::Deletion);
        let second = tokio::time::timeout(Duration::from_secs(60), queue.next()).await;
        assert!(second.is_err(), "its first turn is not over");
        drop(turn);
        assert_eq!(&**queue.next().await.uid(), "p");
    }

    #[tokio::test(start_paused = true)]
    async fn creations_leave_workers_free_for_deletions() {
        let queue = queue(1, 2);
        queue.add(&uid("one"), Class::Creation);
        queue.add(&uid("two"), Class::Creation);
        let _first = queue.next().await;
        assert!(tokio::time::timeout(Duration::from_secs(60), queue.next()).await.is_err());
        queue.add(&uid("left"), Class::Deletion);
        assert_eq!(&**queue.next().await.uid(), "left");
    }

    #[tokio::test(start_paused = true)]
    async fn updates_leave_workers_free_for_deletions() {
        let queue = queue(1, 2);
        ["one", "two", "three"].iter().for_each(|pod| queue.add(&uid(pod), Class::Update));
        let _turns = (queue.next().await, queue.next().await);
        assert!(tokio::time::timeout(Duration::from_secs(60), queue.next()).await.is_err());
        queue.add(&uid("left"), Class::Deletion);
        assert_eq!(&**queue.next().await.uid(), "left");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_overtaken_by_more_urgent_work_on_its_pod_alone() {
        let queue = queue(1, 2);
        queue.add(&uid("p"), Class::Creation);
        let _turn = queue.next().await;
        queue.add(&uid("p"), Class::Creation);
        queue.add(&uid("other"), Class::Deletion);
        let overtaken = tokio::time::timeout(Duration::from_secs(60), queue.overtaken("p")).await;
        assert!(overtaken.is_err(), "the same work again is no hurry, and another pod's is none of its own");
        queue.add(&uid("p"), Class::Deletion);
        queue.overtaken("p").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_turn_comes_at_its_time_and_the_sooner_of_two_counts() {
        let queue = queue(1, 2);
        let began = Instant::now();
        queue.add_at(&uid("p"), Class::Update, began + Duration::from_secs(30));
        queue.add_at(&uid("p"), Class::Update, began + Duration::from_secs(10));
        queue.add_at(&uid("p"), Class::Update, began + Duration::from_secs(20));
        drop(queue.next().await);
        assert_eq!(began.elapsed(), Duration::from_secs(10));
        assert!(tokio::time::timeout(Duration::from_secs(60), queue.next()).await.is_err(), "once is enough");
    }
}
