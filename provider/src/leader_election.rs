//! Leader election: of several replicas of one provider only the holder of a lease works, the others wait.
//!
//! No clock of another machine is trusted: a lease counts as abandoned when it has not changed for as long as it says it
//! lasts, by this process's own clock. A leader that cannot renew in time has stopped before that.

use std::time::Duration;

use determinism::{Chance, Clock};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::Instant;

use crate::causes::with_causes;
use crate::health::Health;
use crate::namespaced_name::NamespacedName;

/// The seconds for which a lease that nobody renews keeps others away.
const LEASE_SECONDS: i32 = 15;
/// The pause between two renewals.
const RENEW_PERIOD: Duration = Duration::from_secs(5);
/// The age of the last renewal at which a leader stops: what it has in flight has the rest of the lease to end.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// The pause before a try that failed is repeated, and between two looks at another's lease.
const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// The longest that giving the lease back may take.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// One candidate for the leadership.
pub struct LeaderElection {
    api: Api<Lease>,
    lease: NamespacedName,
    identity: String,
    clock: Clock,
}

/// Another holder's lease as it was last seen to change.
struct Rival {
    version: Option<String>,
    identity: String,
    since: Instant,
}

/// Reasons for which a leader is one no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeadershipLost {
    /// Another candidate has written the lease.
    #[error("the lease {lease} is held by {holder} now")]
    Taken {
        /// The lease.
        lease: NamespacedName,
        /// The identity of its holder.
        holder: String,
    },
    /// The lease was not renewed in time.
    #[error("the lease {lease} could not be renewed for {} s", RENEW_DEADLINE.as_secs())]
    NotRenewed {
        /// The lease.
        lease: NamespacedName,
    },
}

impl LeaderElection {
    /// A candidate for `lease`, whose identity is `name` (a pod's or machine's) and a part drawn from `chance`, so that
    /// a process that starts anew is another one.
    pub fn new(client: Client, lease: NamespacedName, name: &str, clock: Clock, chance: &mut Chance) -> Self {
        let api = Api::namespaced(client, &lease.namespace);
        let drawn = chance.text("0123456789abcdef", 8);
        Self { api, lease, identity: format!("{name}_{drawn}"), clock }
    }

    /// Waits until this candidate leads, however often that must be tried.
    pub async fn win(&self, health: &Health) -> Leadership<'_> {
        let mut rival = None;
        health.set_standby(true);
        loop {
            health.turned();
            let began = Instant::now();
            match tokio::time::timeout(RENEW_DEADLINE, self.try_to_win(&mut rival)).await {
                Ok(Ok(Some(lease))) => {
                    tracing::info!(lease = %self.lease, identity = self.identity, "this replica leads");
                    health.set_standby(false);
                    return Leadership { election: self, lease, renewed: began };
                }
                Ok(Ok(None)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = %with_causes(&error), "the lease {} was not read or written", self.lease);
                }
                Err(_) => tracing::warn!("no answer about the lease {}", self.lease),
            }
            tokio::time::sleep(RETRY_PERIOD).await;
        }
    }

    /// The lease where this candidate holds it now; `None` while another one does.
    async fn try_to_win(&self, rival: &mut Option<Rival>) -> kube::Result<Option<Lease>> {
        let written = match self.api.get_opt(&self.lease.name).await? {
            None => self.api.create(&PostParams::default(), &self.taken(Lease::default())).await,
            Some(lease) if self.is_free(&lease, rival) => {
                self.api.replace(&self.lease.name, &PostParams::default(), &self.taken(lease)).await
            }
            Some(_) => return Ok(None),
        };
        match written {
            // Another candidate was quicker.
            Err(kube::Error::Api(answer)) if answer.code == 409 => Ok(None),
            written => written.map(Some),
        }
    }

    /// Returns true when nobody else holds `lease`, or its holder has not renewed it for as long as it lasts.
    fn is_free(&self, lease: &Lease, rival: &mut Option<Rival>) -> bool {
        let holder = holder(lease);
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let version = &lease.metadata.resource_version;
        match rival {
            Some(known) if known.version == *version => {
                let lasts = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
                let lasts = u64::try_from(lasts.unwrap_or(LEASE_SECONDS)).unwrap_or(0);
                known.since.elapsed() >= Duration::from_secs(lasts)
            }
            known => {
                if known.as_ref().is_none_or(|known| known.identity != holder) {
                    tracing::info!(lease = %self.lease, holder, "another replica leads, and this one waits");
                }
                let (version, identity) = (version.clone(), holder.to_owned());
                *known = Some(Rival { version, identity, since: Instant::now() });
                false
            }
        }
    }

    /// `lease` as this candidate takes it from whoever held it.
    fn taken(&self, lease: Lease) -> Lease {
        let before = lease.spec.clone().unwrap_or_default();
        let changes = before.lease_transitions.unwrap_or(0);
        let again = holder(&lease) == self.identity;
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(LEASE_SECONDS),
            acquire_time: before.acquire_time.filter(|_| again).or_else(|| Some(self.now())),
            renew_time: Some(self.now()),
            lease_transitions: Some(if again { changes } else { changes.saturating_add(1) }),
            ..before
        };
        let metadata = ObjectMeta {
            name: Some(self.lease.name.clone()),
            namespace: Some(self.lease.namespace.clone()),
            ..lease.metadata
        };
        Lease { metadata, spec: Some(spec) }
    }

    /// The present, as the API reads it: with six fractional digits, neither more nor fewer.
    fn now(&self) -> MicroTime {
        let now = self.clock.now();
        MicroTime(Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now))
    }
}

/// The identity of a lease's holder; empty where nobody holds it.
fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

/// The leadership as it was won; it has to be kept.
pub struct Leadership<'a> {
    election: &'a LeaderElection,
    lease: Lease,
    /// The beginning of the last call that wrote the lease.
    renewed: Instant,
}

impl Leadership<'_> {
    /// Renews the lease until it is lost.
    pub async fn keep(&mut self) -> LeadershipLost {
        let mut pause = RENEW_PERIOD;
        let name = || self.election.lease.clone();
        loop {
            let deadline = self.renewed + RENEW_DEADLINE;
            tokio::time::sleep_until(deadline.min(Instant::now() + pause)).await;
            let began = Instant::now();
            match tokio::time::timeout_at(deadline, self.election.renew(&mut self.lease)).await {
                Ok(Ok(None)) => (self.renewed, pause) = (began, RENEW_PERIOD),
                Ok(Ok(Some(holder))) => return LeadershipLost::Taken { lease: name(), holder },
                Ok(Err(error)) => {
                    tracing::warn!(error = %with_causes(&error), "the lease {} was not renewed", name());
                    pause = RETRY_PERIOD;
                }
                Err(_) => {}
            }
            if self.renewed.elapsed() >= RENEW_DEADLINE {
                return LeadershipLost::NotRenewed { lease: name() };
            }
        }
    }

    /// Gives the lease back, so that another replica leads at once. To be called when the work has ended.
    pub async fn release(self) {
        let Self { election, mut lease, .. } = self;
        if let Some(spec) = &mut lease.spec {
            (spec.holder_identity, spec.lease_duration_seconds) = (Some(String::new()), Some(1));
            spec.renew_time = Some(election.now());
        }
        let parameters = PostParams::default();
        let given_back = election.api.replace(&election.lease.name, &parameters, &lease);
        match tokio::time::timeout(RELEASE_TIMEOUT, given_back).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(error = %with_causes(&error), "the lease was not given back"),
            Err(_) => tracing::warn!("the lease was not given back within {} s", RELEASE_TIMEOUT.as_secs()),
        }
    }
}

impl LeaderElection {
    /// Writes the lease once more; the holder's identity where that is another candidate.
    async fn renew(&self, lease: &mut Lease) -> kube::Result<Option<String>> {
        let parameters = PostParams::default();
        match self.api.replace(&self.lease.name, &parameters, &self.taken(lease.clone())).await {
            Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => {}
            written => {
                *lease = written?;
                return Ok(None);
            }
        }
        // Somebody wrote it or removed it in between; it may also have been this very process, unanswered.
        *lease = match self.api.get_opt(&self.lease.name).await? {
            Some(seen) if holder(&seen) != self.identity => return Ok(Some(holder(&seen).to_owned())),
            Some(seen) => self.api.replace(&self.lease.name, &parameters, &self.taken(seen)).await?,
            None => self.api.create(&parameters, &self.taken(Lease::default())).await?,
        };
        Ok(None)
    }
}
