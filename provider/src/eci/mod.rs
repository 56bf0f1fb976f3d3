//! The cloud as the provider sees it: typed calls, signed, with a limit on how long each may take.

mod answer;
mod call_counts;
pub mod credentials;
mod endpoint;
mod error;
mod gate;
pub mod key_rotation;
pub mod key_source;
pub(crate) mod meaning;
mod rates;
pub mod retry;
mod session;
mod signing;
mod transport;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use determinism::{Chance, Clock, Seed};
use eci_api::Action;
use http::Response;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

pub use call_counts::CallCounts;
pub use credentials::{Credentials, Key};
pub use endpoint::{BadEndpoint, Endpoint};
pub use error::EciError;
pub use gate::Waits;
use gate::{Gate, Turn};
pub use meaning::Meaning;
pub use rates::{BadRates, Rates};
pub(crate) use session::CloudSession;
pub use session::UpgradedStream;
pub use transport::{HyperTransport, Transport, TransportError};

/// The time that one call may take, its answer's body included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The cloud's ECI of one region; clones share one line.
#[derive(Clone)]
pub struct Eci(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    transport: Arc<dyn Transport>,
    /// The name of whoever the keys act for, where that is not the key itself.
    principal: Option<String>,
    region: String,
    endpoint: Endpoint,
    clock: Clock,
    timeout: Duration,
    gate: Gate,
    /// State that clones of the inner part share, so that a client that was changed goes on where it was.
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    chance: Chance,
    key: Key,
    /// The cloud refused the key, as one that it does not know or whose life has ended.
    is_key_refused: bool,
    last_answered: Option<(Timestamp, Instant)>,
    /// The cloud's clock less this machine's, where signatures are made by the cloud's.
    skew: SignedDuration,
    answers: CallCounts,
}

/// True for a code that another key may help against.
fn refuses_key(code: &str) -> bool {
    code.starts_with("InvalidSecurityToken")
        || code.starts_with("InvalidAccessKeyId")
        || code == "SignatureDoesNotMatch"
}

/// The permission to make one call of `A`, which holds a place among the calls in flight.
#[must_use]
pub struct Permit<A> {
    _turn: Turn,
    _action: PhantomData<fn(A)>,
}

impl Eci {
    /// The ECI of `region`, at the region's own endpoint, within the published rates.
    pub fn new(
        transport: Arc<dyn Transport>,
        credentials: Credentials,
        region: impl Into<String>,
        clock: Clock,
        seed: Seed,
    ) -> Self {
        let region = region.into();
        let shared = Shared {
            chance: seed.chance("eci client"),
            key: Key { credentials, security_token: None, expires: None },
            is_key_refused: false,
            last_answered: None,
            skew: SignedDuration::ZERO,
            answers: CallCounts::default(),
        };
        Self(Arc::new(Inner {
            transport,
            principal: None,
            endpoint: Endpoint::of_region(&region),
            region,
            clock,
            timeout: TIMEOUT,
            gate: Gate::new(Rates::published()),
            shared: Arc::new(Mutex::new(shared)),
        }))
    }

    /// The same, asked at another address.
    #[must_use]
    pub fn at(self, endpoint: Endpoint) -> Self {
        self.with(|inner| inner.endpoint = endpoint)
    }

    /// The same, within other rates.
    #[must_use]
    pub fn with_rates(self, rates: Rates) -> Self {
        self.with(|inner| inner.gate = Gate::new(rates))
    }

    /// The same, with another limit of how long one call may take, its answer's body included.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.with(|inner| inner.timeout = timeout)
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        change(&mut inner);
        Self(Arc::new(inner))
    }

    /// The region, as `cn-hangzhou`.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The same, whose keys act for somebody with a name of their own, as a role.
    #[must_use]
    pub fn acting_for(self, principal: Option<String>) -> Self {
        self.with(|inner| inner.principal = principal)
    }

    /// The id of the access key, which is no secret.
    pub fn access_key_id(&self) -> String {
        self.shared().key.credentials.access_key_id.clone()
    }

    /// The name of whoever the keys act for: a role, or the key's own id.
    pub fn principal(&self) -> String {
        self.0.principal.clone().unwrap_or_else(|| self.access_key_id())
    }

    /// Signs with another key from now on, in all clones.
    pub fn set_key(&self, key: Key) {
        let mut shared = self.shared();
        (shared.key, shared.is_key_refused) = (key, false);
    }

    /// Returns true once the cloud refused the key that is used, as unknown or ended.
    pub fn is_key_refused(&self) -> bool {
        self.shared().is_key_refused
    }

    /// The endpoint that calls go to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// The time of the cloud's last answer that shows that it is there.
    pub fn last_answered(&self) -> Option<Timestamp> {
        self.shared().last_answered.map(|(at, _)| at)
    }

    /// Returns true when the cloud showed within `span` that it is there, also when the machine's clock was corrected
    /// meanwhile.
    pub fn answered_within(&self, span: Duration) -> bool {
        self.shared().last_answered.is_some_and(|(_, at)| at.elapsed() < span)
    }

    /// The waits of each action's calls before they were let through.
    pub fn waits(&self) -> BTreeMap<&'static str, Waits> {
        self.0.gate.waits()
    }

    /// The numbers of answers so far.
    pub fn answers(&self) -> CallCounts {
        self.shared().answers.clone()
    }

    /// The cloud's clock less this machine's, when the cloud refused this machine's time; signatures are made by the
    /// cloud's clock then.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        Some(self.shared().skew).filter(|skew| !skew.is_zero())
    }

    /// True where the operator lets calls of `A` go at any rate.
    pub fn is_unlimited<A: Action>(&self) -> bool {
        self.0.gate.is_open(A::NAME)
    }

    /// Waits until a call of `A` may go, for who must look again at whether it should, right before it does.
    pub async fn permit<A: Action>(&self) -> Permit<A> {
        Permit { _turn: self.0.gate.turn(A::NAME).await, _action: PhantomData }
    }

    /// Carries out `action` when its turn has come; what may pass by itself is tried again, a little later.
    ///
    /// # Errors
    /// [`EciError`], the last one when there were several.
    pub async fn call<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        self.call_permitted(self.permit().await, action).await
    }

    /// As [`Eci::call`], with a permit that was waited for.
    ///
    /// # Errors
    /// [`EciError`], the last one when there were several.
    pub async fn call_permitted<A: Action>(
        &self,
        permit: Permit<A>,
        action: &A,
    ) -> Result<A::Reply, EciError> {
        let mut permit = permit;
        let mut tries = 0;
        loop {
            let outcome = self.try_once(action).await;
            drop(permit);
            let error = match outcome {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let Some(pause) = retry::pause(&error, tries) else { return Err(error) };
            tries += 1;
            let jitter = self.shared().chance.between(0, 100);
            tokio::time::sleep(pause + Duration::from_millis(jitter)).await;
            permit = self.permit().await;
        }
    }

    /// Carries out `action` with a single try, past all calls that wait for their turn: for heartbeats.
    ///
    /// # Errors
    /// [`EciError`].
    pub async fn call_once<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        self.0.gate.pass(A::NAME);
        self.try_once(action).await
    }

    /// One try, and at once another one after a time stamp that was refused and is corrected.
    async fn try_once<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        let error = match self.exchange(action).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        if self.corrected_skew(&error) { self.exchange(action).await } else { Err(error) }
    }

    async fn exchange<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        let outcome = self.exchange_uncounted(action).await;
        self.shared().answers.add(A::NAME, &outcome);
        outcome
    }

    async fn exchange_uncounted<A: Action>(&self, action: &A) -> Result<A::Reply, EciError> {
        let response = match tokio::time::timeout(self.0.timeout, self.sent(action)).await {
            Ok(response) => response?,
            Err(_) => {
                let (endpoint, waited) = (&self.0.endpoint, self.0.timeout);
                return Err(EciError::unreachable(
                    A::NAME,
                    format!("{endpoint}: no answer within {} s", waited.as_secs_f64()),
                ));
            }
        };
        let now = self.0.clock.now();
        let read = answer::read::<A>(&response, now);
        if read.as_ref().err().is_none_or(EciError::shows_presence) {
            self.shared().last_answered = Some((now, Instant::now()));
        }
        if read.as_ref().err().and_then(EciError::code).is_some_and(refuses_key) {
            self.shared().is_key_refused = true;
        }
        if let (Err(error), Some(pause)) = (&read, answer::retry_after(response.headers())) {
            self.0.gate.close(A::NAME, error.code() == Some("Throttling.User"), pause);
        }
        read
    }

    /// Sends `action`. A kept connection may have been closed by the other side just before: then nothing was answered,
    /// and what may be repeated is sent once more, signed anew.
    async fn sent<A: Action>(&self, action: &A) -> Result<Response<Bytes>, EciError> {
        let first = self.0.transport.send(self.request(action)?).await;
        let sent = match first {
            Err(error) if error.was_closed() && retry::is_repeatable(A::NAME) => {
                self.0.transport.send(self.request(action)?).await
            }
            first => first,
        };
        sent.map_err(|error| EciError::unreachable(A::NAME, format!("{}: {error}", self.0.endpoint)))
    }

    /// Takes over the skew that a refused time stamp shows; whether another try is signed with another time.
    fn corrected_skew(&self, error: &EciError) -> bool {
        let EciError::Refused { clock_skew: Some(measured), .. } = error else { return false };
        if planted!(SkewIsNotCorrected) {
            return false;
        }
        let wanted = if answer::is_worth_correcting(*measured) { *measured } else { SignedDuration::ZERO };
        let mut shared = self.shared();
        let changed = answer::is_worth_correcting(wanted - shared.skew);
        if changed {
            shared.skew = wanted;
            tracing::warn!("{}; calls are signed by the cloud's clock", error);
        }
        changed
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.0.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Eci {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Eci({} at {})", self.0.region, self.0.endpoint)
    }
}

#[cfg(test)]
mod tests;
