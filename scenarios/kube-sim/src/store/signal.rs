//! A number that grows, and its waiters: woken in the order in which they began to wait.
//!
//! tokio's `watch` channel wakes its receivers in an order drawn anew each time, so that the same seed would not give the
//! same order of calls twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The sending side; clones share one number.
#[derive(Debug, Clone, Default)]
pub struct Signal(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    number: AtomicU64,
    raised: Notify,
}

/// The receiving side, with the number that was seen last.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
    seen: u64,
}

impl Signal {
    /// Sets the number, and wakes all waiters.
    pub(super) fn set(&self, number: u64) {
        self.0.number.store(number, Ordering::Release);
        self.0.raised.notify_waiters();
    }

    /// Makes the number one larger, and wakes all waiters.
    pub(super) fn raise(&self) {
        self.0.number.fetch_add(1, Ordering::AcqRel);
        self.0.raised.notify_waiters();
    }

    /// The present number.
    pub(super) fn number(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    /// A receiver that has seen the present number.
    pub fn subscribe(&self) -> Receiver {
        Receiver { shared: self.0.clone(), seen: self.0.number.load(Ordering::Acquire) }
    }
}

impl Receiver {
    /// The present number, which is seen with this.
    pub fn see(&mut self) -> u64 {
        self.seen = self.shared.number.load(Ordering::Acquire);
        self.seen
    }

    /// Whether the number is another one than that seen last.
    pub fn has_changed(&self) -> bool {
        self.shared.number.load(Ordering::Acquire) != self.seen
    }

    /// Waits for another number than the one seen last, and sees it.
    pub async fn changed(&mut self) -> u64 {
        let shared = self.shared.clone();
        loop {
            // Begun before the number is read, so that a change in between is not missed.
            let raised = shared.raised.notified();
            if self.has_changed() {
                return self.see();
            }
            raised.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn waiters_are_woken_in_the_order_in_which_they_began_to_wait() {
        let signal = Signal::default();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = (0..40)
            .map(|index| {
                let (mut receiver, woken) = (signal.subscribe(), woken.clone());
                tokio::spawn(async move {
                    receiver.changed().await;
                    woken.lock().unwrap().push(index);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        signal.set(1);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*woken.lock().unwrap(), (0..40).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_change_before_the_wait_is_not_missed() {
        let signal = Signal::default();
        let mut receiver = signal.subscribe();
        signal.raise();
        assert!(receiver.has_changed());
        assert_eq!(receiver.changed().await, 1);
        assert!(!receiver.has_changed());
    }
}
