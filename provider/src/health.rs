//! The provider's own health, as probes ask for it: whether its heartbeat turns, and whether cloud and cluster are heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest that one turn of the heartbeat may take: its period and the limits of its calls are 45 s together.
const TURN_MAX: Duration = Duration::from_secs(90);
/// The age at which an answer of the cloud says nothing any more: the heartbeat asks each 10 s, and takes for an answer
/// what other calls heard within 35 s.
const CLOUD_MAX: Duration = Duration::from_secs(60);
/// The time that a lease lasts.
const LEASE_MAX: Duration = Duration::from_secs(40);

/// A check that a probe may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The heartbeat's loop turns, whatever comes of it; if not, only a restart helps.
    Loop,
    /// The cloud was heard lately, and lets us in.
    Cloud,
    /// The node's lease was renewed lately.
    Heartbeat,
}

impl Check {
    /// All checks, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Loop, Self::Cloud, Self::Heartbeat];

    /// The check's name in paths and answers. `syncloop` is the kubelet's own.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loop => "syncloop",
            Self::Cloud => "cloud",
            Self::Heartbeat => "heartbeat",
        }
    }
}

/// The times of the last signs of life; clones share them.
#[derive(Clone)]
pub struct Health(Arc<Mutex<Signs>>);

struct Signs {
    turned: Instant,
    cloud: Option<Instant>,
    lease: Option<Instant>,
    standby: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Signs { turned: Instant::now(), cloud: None, lease: None, standby: false })))
    }
}

impl Health {
    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a turn of the heartbeat's loop.
    pub fn turned(&self) {
        self.signs().turned = Instant::now();
    }

    /// Records an answer of the cloud that lets us in.
    pub fn cloud_answered(&self) {
        self.signs().cloud = Some(Instant::now());
    }

    /// Records a renewal of the node's lease.
    pub fn lease_renewed(&self) {
        self.signs().lease = Some(Instant::now());
    }

    /// Sets whether this replica waits for another one's lease: then it calls no cloud and keeps no node, and is well.
    pub fn set_standby(&self, standby: bool) {
        self.signs().standby = standby;
    }

    /// Does one check.
    ///
    /// # Errors
    /// A sentence for a person: what is late, since when, and the bound.
    pub fn check(&self, check: Check) -> Result<(), Late> {
        let signs = self.signs();
        if signs.standby && check != Check::Loop {
            return Ok(());
        }
        let (last, bound) = match check {
            Check::Loop => (Some(signs.turned), TURN_MAX),
            Check::Cloud => (signs.cloud, CLOUD_MAX),
            Check::Heartbeat => (signs.lease, LEASE_MAX),
        };
        let age = last.map(|last| last.elapsed());
        if planted!(AlwaysHealthy) || age.is_some_and(|age| age <= bound) {
            Ok(())
        } else {
            Err(Late { check, age, bound })
        }
    }

    /// Does all checks; where one fails, a line for each of them.
    pub fn failure(&self) -> Option<String> {
        let checked = Check::ALL.map(|check| (check, self.check(check)));
        if checked.iter().all(|(_, done)| done.is_ok()) {
            return None;
        }
        let line = |(check, done): &(Check, Result<(), Late>)| match done {
            Ok(()) => format!("[+]{} ok\n", check.name()),
            Err(late) => format!("[-]{late}\n"),
        };
        Some(checked.iter().map(line).collect())
    }
}

/// A sign of life that is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Late {
    check: Check,
    age: Option<Duration>,
    bound: Duration,
}

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, bound) = (self.check.name(), self.bound.as_secs());
        let what = match self.check {
            Check::Loop => "the heartbeat's loop turned",
            Check::Cloud => "ECI answered and let us in",
            Check::Heartbeat => "the node's lease was renewed",
        };
        match self.age {
            Some(age) => write!(f, "{name} failed: {what} {} s ago, {bound} s at most", age.as_secs()),
            None => write!(f, "{name} failed: never yet that {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_sign_of_life_has_its_bound_and_says_what_is_late() {
        let health = Health::default();
        assert_eq!(health.check(Check::Loop), Ok(()));
        assert!(health.failure().is_some(), "neither the cloud nor the lease was heard of yet");
        health.cloud_answered();
        health.lease_renewed();
        assert_eq!(health.failure(), None);
        tokio::time::advance(Duration::from_secs(41)).await;
        let said = health.failure().unwrap();
        assert!(said.starts_with("[+]syncloop ok\n[+]cloud ok\n"), "{said}");
        assert!(
            said.contains("[-]heartbeat failed: the node's lease was renewed 41 s ago, 40 s at most"),
            "{said}"
        );
        assert_eq!(health.check(Check::Cloud), Ok(()));
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(health.check(Check::Loop).is_err() && health.check(Check::Cloud).is_err());
        health.turned();
        assert_eq!(health.check(Check::Loop), Ok(()));
    }
}
