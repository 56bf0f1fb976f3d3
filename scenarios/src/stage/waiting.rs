//! Waiting: by the runtime's clock where it is paused, else by both clocks, the cluster's and the world's.

use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use tokio::time::Instant;

use super::{World, pace};
use crate::objects::objects;
use crate::outcome::{Fact, Miss};
use crate::scenario::capability::Capability;
use crate::sweep::tap::Tap;

/// The world's time that passes for each look at a child process that waits for something.
const STRIDE: Duration = Duration::from_secs(1);
/// The real time of one look at a child process.
const CHILD_POLL_INTERVAL: Duration = Duration::from_millis(40);
/// The real time in which the programs of a real cluster hear of a change.
const PROPAGATION_DELAY: Duration = Duration::from_millis(150);
/// The longest time, in the world's, until a new namespace has its service account.
const SERVICE_ACCOUNT_TIMEOUT: Duration = Duration::from_secs(20);

impl World {
    fn is_stepped(&self) -> bool {
        self.can(Capability::SteppedTime)
    }

    /// Lets the programs of a real cluster hear of what was just done; where time is stepped they have.
    pub(crate) async fn settle(&self) {
        if !self.is_stepped() {
            tokio::time::sleep(PROPAGATION_DELAY).await;
        }
    }

    /// Waits until a new namespace has the service account that every pod in it needs.
    pub(crate) async fn may_hold_pods(&self, namespace: &str) -> Result<(), Miss> {
        if self.is_stepped() {
            return Ok(());
        }
        let accounts = objects::<ServiceAccount>(self.kube(), Some(namespace));
        let found =
            self.within(SERVICE_ACCOUNT_TIMEOUT, async || match accounts.get_opt("default").await? {
                Some(_) => Ok(()),
                None => Err(Miss::one("service account", "default", "none")),
            });
        found.await
    }

    /// Looks again and again until `look` finds what is wanted, or `span` is over.
    pub(crate) async fn within(
        &self,
        span: Duration,
        look: impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        match self.is_stepped() {
            true => self.within_stepped(span, look).await,
            false => self.within_both_times(span, look).await,
        }
    }

    async fn within_stepped(
        &self,
        span: Duration,
        look: impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        // A perturbation that strikes meanwhile adds to it.
        let began = Instant::now();
        let span = || span + self.tap.as_ref().map(Tap::allowance).unwrap_or_default();
        let longest = if self.tap.is_some() { Duration::from_secs(5) } else { Duration::from_millis(500) };
        let mut pause = Duration::from_millis(10);
        let first = match look().await {
            Ok(()) => return Ok(()),
            Err(miss) => miss,
        };
        let mut constant = true;
        loop {
            let left = span().saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(longest);
            match look().await {
                Ok(()) => return Ok(()),
                Err(miss) if began.elapsed() >= span() => {
                    return Err(with_length_of_state(miss, span(), constant));
                }
                Err(miss) => constant &= miss == first,
            }
        }
        Err(first)
    }

    async fn within_both_times(
        &self,
        span: Duration,
        look: impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        let (began, age) = (Instant::now(), self.age());
        let mut first = None;
        let mut constant = true;
        let mut looks = 0;
        loop {
            let Err(miss) = look().await else { return Ok(()) };
            looks += 1;
            constant &= first.get_or_insert_with(|| miss.clone()) == &miss;
            match pace::until_found(span, looks, began.elapsed(), self.age() - age) {
                Some(between) => self.between(between).await,
                None => return Err(with_length_of_state(miss, span, constant)),
            }
        }
    }

    async fn between(&self, between: pace::Between) {
        tokio::time::sleep(between.pause).await;
        if !between.stride.is_zero() {
            self.pass(between.stride).await;
        }
    }

    /// Looks again and again for all of `span`; what is wanted must be so each time.
    pub(crate) async fn throughout(
        &self,
        span: Duration,
        look: impl AsyncFn() -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        let age = self.age();
        let mut missed = None;
        // A sweep looks less often: its journal has each state, and its runs are thousands.
        let (looks, shortest) =
            if self.tap.is_some() { (60, Duration::from_secs(1)) } else { (240, Duration::from_millis(50)) };
        let pause = (span / looks).clamp(shortest, Duration::from_secs(30));
        loop {
            let passed = self.age() - age;
            match look().await.map_err(|miss| with_time_of_change(miss, passed, span)) {
                Ok(()) => {}
                // A world that is perturbed goes on as the case says, whatever is seen meanwhile.
                Err(miss) if self.tap.is_some() => missed = missed.or(Some(miss)),
                Err(miss) => return Err(miss),
            }
            let left = span.saturating_sub(self.age() - age);
            if left.is_zero() {
                return missed.map_or(Ok(()), Err);
            }
            match self.is_stepped() {
                true => tokio::time::sleep(pause.min(left)).await,
                false => match pace::throughout(span, passed) {
                    Some(between) => self.between(between).await,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Runs something that blocks, such as a child process.
    ///
    /// A paused runtime does not move its clock as long as a blocking task runs. What waits for something that only
    /// time brings needs `moving` time: then up to forty seconds pass here for each real one.
    pub(crate) async fn beside_the_clock<T: Send + 'static>(
        &self,
        moving: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Miss> {
        let panicked = |error: tokio::task::JoinError| Miss::Refused(error.to_string());
        let mut task = tokio::task::spawn_blocking(work);
        if !moving {
            return task.await.map_err(panicked);
        }
        loop {
            let (_open, closed) = std::sync::mpsc::channel::<()>();
            let pause = if self.is_stepped() { Duration::from_millis(5) } else { CHILD_POLL_INTERVAL };
            let pause = tokio::task::spawn_blocking(move || closed.recv_timeout(pause));
            tokio::select! {
                done = &mut task => return done.map_err(panicked),
                _ = pause => match self.is_stepped() {
                    true => tokio::time::advance(Duration::from_millis(200)).await,
                    false => self.pass(STRIDE).await,
                },
            }
        }
    }
}

/// Says how long the last thing that was seen had been so.
fn with_length_of_state(mut miss: Miss, span: Duration, constant: bool) -> Miss {
    if let Miss::Unmet { seen, .. } = &mut miss
        && let Some(Fact { value, .. }) = seen.first_mut()
    {
        let span = seconds(span);
        value.push_str(&if constant {
            format!(", for all of the {span}")
        } else {
            format!(", after {span}")
        });
    }
    miss
}

/// Says when something stopped being so.
fn with_time_of_change(mut miss: Miss, after: Duration, span: Duration) -> Miss {
    if let Miss::Unmet { seen, .. } = &mut miss
        && let Some(Fact { value, .. }) = seen.first_mut()
    {
        value.push_str(&format!(", after {} of {}", seconds(after), seconds(span)));
    }
    miss
}

fn seconds(span: Duration) -> String {
    let whole = span.as_secs();
    if span.subsec_millis() == 0 { format!("{whole} s") } else { format!("{:.1} s", span.as_secs_f64()) }
}
