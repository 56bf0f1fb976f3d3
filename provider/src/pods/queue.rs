//! The reconciler's work queue, keyed by pod UID: one worker a pod at a time, deletions first, creations bounded.

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

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    /// Workers that may be busy with creations at once.
    max_creations: usize,
}

#[derive(Default)]
struct State {
    ready: BTreeMap<Class, VecDeque<Uid>>,
    /// The class under which a pod is queued now.
    queued: HashMap<Uid, Class>,
    busy: HashMap<Uid, Class>,
    /// Pods that were added while a worker had them.
    again: HashMap<Uid, Class>,
    delayed: BTreeSet<(Instant, Uid)>,
    due: HashMap<Uid, (Instant, Class)>,
    creations: usize,
}

/// One pod's turn; dropped, it is over.
pub struct Turn {
    queue: WorkQueue,
    uid: Uid,
}

impl Turn {
    /// The pod.
    pub fn uid(&self) -> &Uid {
        &self.uid
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.finish(&self.uid);
    }
}

impl WorkQueue {
    /// An empty queue of which at most `max_creations` entries of [`Class::Creation`] are worked on at once.
    pub fn new(max_creations: usize) -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), changed: Notify::new(), max_creations }))
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
                let taken = state.take(self.0.max_creations);
                (taken, state.delayed.first().map(|(at, _)| *at))
            };
            if let Some(uid) = taken {
                // The other workers look at the rest.
                self.0.changed.notify_one();
                return Turn { queue: self.clone(), uid };
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
        if state.busy.remove(uid) == Some(Class::Creation) {
            state.creations -= 1;
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
        if self.busy.contains_key(uid) {
            let wanted = self.again.entry(uid.clone()).or_insert(class);
            *wanted = class.min(*wanted);
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

    fn take(&mut self, max_creations: usize) -> Option<Uid> {
        let mut order = [Class::Deletion, Class::Update, Class::Creation];
        if planted!(CreationsComeFirst) {
            order.reverse();
        }
        for class in order {
            if class == Class::Creation
                && self.creations >= max_creations
                && !planted!(CreationsTakeAllWorkers)
            {
                continue;
            }
            while let Some(uid) = self.ready.get_mut(&class).and_then(VecDeque::pop_front) {
                if self.queued.get(&uid) != Some(&class) {
                    continue;
                }
                self.queued.remove(&uid);
                self.busy.insert(uid.clone(), class);
                self.creations += usize::from(class == Class::Creation);
                return Some(uid);
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

    #[tokio::test(start_paused = true)]
    async fn deletions_come_before_updates_and_those_before_creations() {
        let queue = WorkQueue::new(2);
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
        let queue = WorkQueue::new(2);
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
        let queue = WorkQueue::new(1);
        queue.add(&uid("one"), Class::Creation);
        queue.add(&uid("two"), Class::Creation);
        let _first = queue.next().await;
        assert!(tokio::time::timeout(Duration::from_secs(60), queue.next()).await.is_err());
        queue.add(&uid("left"), Class::Deletion);
        assert_eq!(&**queue.next().await.uid(), "left");
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_turn_comes_at_its_time_and_the_sooner_of_two_counts() {
        let queue = WorkQueue::new(1);
        let began = Instant::now();
        queue.add_at(&uid("p"), Class::Update, began + Duration::from_secs(30));
        queue.add_at(&uid("p"), Class::Update, began + Duration::from_secs(10));
        queue.add_at(&uid("p"), Class::Update, began + Duration::from_secs(20));
        drop(queue.next().await);
        assert_eq!(began.elapsed(), Duration::from_secs(10));
        assert!(tokio::time::timeout(Duration::from_secs(60), queue.next()).await.is_err(), "once is enough");
    }
}
