//! The ECI OpenAPI: a request is read, its signature is checked, its call is throttled and performed, and its answer
//! rendered.

mod handshake;
mod render;
mod sts;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eci_api::signature::{IncomingRequest, Secret, SignatureProblem, Verified, identify, verify};
use http::{Request, Response, StatusCode};
use jiff::Timestamp;

use crate::actions::{EXEC_PATH, Operation};
use crate::exchange::{BODY_MAX, Exchange, Incoming, SECURE};
use crate::faults::{FaultVerdict, Faults};
use crate::refusal::Refusal;
use crate::serving::{BoxedReply, Caller, Served};
use crate::sim::EciSim;
use crate::sim::perform::{Call, Performed};
use crate::state::State;
use crate::temporary_keys::{Proved, TokenProblem};
use crate::text::prefix;

/// Bounds of what an answer repeats of a method and a host, in bytes.
const METHOD_SHOWN_MAX: usize = 32;
const HOST_SHOWN_MAX: usize = 260;

/// A call while it is answered.
#[derive(Default)]
struct RequestContext {
    request_id: String,
    action: String,
    wants_xml: bool,
    host: String,
    secure: bool,
    account: Arc<str>,
    region: Arc<str>,
    group: String,
    delay: Duration,
    dropped: bool,
    /// Number of the journal entry that has to be written before this call is answered.
    written_by: Option<u64>,
    cut_after: Option<usize>,
}

/// A call whose sender has proved who they are, and that is not performed yet.
pub struct AuthenticatedCall {
    verified: Verified,
    account: Arc<str>,
    context: RequestContext,
    now: Timestamp,
}

impl EciSim {
    /// One exchange of the ECI OpenAPI that does not wait for a delay; a dropped answer becomes status 503.
    /// [`EciSim::exchange`] returns both as they are.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let exchange = self.exchange(Incoming::from(request));
        exchange.answer.unwrap_or_else(|| {
            let mut lost = Response::new(Bytes::from_static(b"a fault swallowed the answer"));
            *lost.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            lost
        })
    }

    /// One exchange of the ECI OpenAPI.
    pub fn exchange(&self, request: Incoming) -> Exchange {
        self.authenticated(request).map_or_else(|answered| *answered, |call| self.answer(call))
    }

    /// Checks who sends a request, which waits for no disk and no container engine. `Err` is the answer to a request that has
    /// one already: a refusal, or a session.
    pub fn authenticated(&self, request: Incoming) -> Result<AuthenticatedCall, Box<Exchange>> {
        if let Some(exchange) = self.metadata_service(&request).or_else(|| self.token_service(&request)) {
            return Err(Box::new(exchange));
        }
        if request.path.starts_with(EXEC_PATH)
            && let Some(exchange) = self.session(&request).or_else(|| self.terminal(&request))
        {
            return Err(Box::new(exchange));
        }
        let now = self.clock().now();
        let mut context = RequestContext {
            host: prefix(request.header("host").unwrap_or_default(), HOST_SHOWN_MAX).to_owned(),
            secure: request.header(SECURE).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            ..RequestContext::default()
        };
        match self.authenticate(&request, &mut context, now) {
            Ok((verified, account)) => Ok(AuthenticatedCall { verified, account, context, now }),
            Err(refusal) => {
                let mut state = self.state();
                context.request_id = state.next_request_id();
                let outcome = Err(refusal);
                state.log_request(context.log_entry(&outcome, now));
                drop(state);
                let answer = Some(context.render(outcome, now));
                let (delay, authenticated, session) = (Duration::ZERO, false, None);
                Err(Box::new(Exchange { delay, answer, authenticated, session }))
            }
        }
    }

    /// Performs a call and answers it; waits for the disk of a persistent world, and for a container engine where only that
    /// knows the answer.
    pub fn answer(&self, call: AuthenticatedCall) -> Exchange {
        let AuthenticatedCall { verified, account, mut context, now } = call;
        let mut journal_lock = self.journal_lock();
        // A world that was rolled back took its clock along.
        let now = if journal_lock.is_some() { self.clock().now() } else { now };
        let mut state = self.state();
        context.request_id = state.next_request_id();
        let served = self.dispatch(&mut state, verified, &account, &mut context, now);
        let mut outcome = match served {
            Ok(Served { reply, deferred: None }) => Ok(reply),
            Ok(Served { reply, deferred: Some(deferred) }) => {
                drop((state, journal_lock));
                let completed = self.engine().map_or(Ok(reply), |engine| deferred.complete(&engine));
                (journal_lock, state) = (self.journal_lock(), self.state());
                completed
            }
            Err(refusal) => Err(refusal),
        };
        state.log_request(context.log_entry(&outcome, now));
        drop((state, journal_lock));
        if let Err(why) = self.wait_until_written(context.written_by) {
            outcome = Err(why.into());
            self.state().log_request(context.log_entry(&outcome, now));
        }
        let answer = (!context.dropped).then(|| context.render(outcome, now));
        Exchange { delay: context.delay, answer, authenticated: true, session: None }
    }

    /// Checks the signature; returns the call and its account.
    fn authenticate(
        &self,
        request: &Incoming,
        context: &mut RequestContext,
        now: Timestamp,
    ) -> Result<(Verified, Arc<str>), Refusal> {
        let (method, query, headers) =
            (request.method.as_str(), request.query.as_str(), request.headers.as_slice());
        let incoming = IncomingRequest { method, query, headers, body: &request.body };
        if !matches!(method, "GET" | "POST") {
            return Err(Refusal::Method(prefix(method, METHOD_SHOWN_MAX).to_owned()));
        }
        if request.body.len() > BODY_MAX {
            return Err(Refusal::TooLarge);
        }
        if request.path.starts_with(EXEC_PATH) {
            return Err(Self::no_session(request));
        }
        let identified = identify(&incoming)?;
        context.action.clone_from(&identified.action);
        context.wants_xml = identified.wants_xml;
        let (secret, account) = match self.credential(&identified.access_key_id) {
            Some((secret, account)) => (secret.clone(), Arc::clone(account)),
            None => self.temporary(&identified, now)?,
        };
        let secret = &secret;
        match verify(&incoming, &identified, secret, now) {
            // Clients do not know that the simulator's clock was moved.
            Err(SignatureProblem::TimestampExpired) if self.client_time().is_some() => {
                verify(&incoming, &identified, secret, self.client_time().unwrap_or(now))?;
            }
            verified => verified?,
        }
        Ok((identified, account))
    }

    /// The secret and the account of a temporary key, by the security token that comes with it.
    fn temporary(&self, claimed: &Verified, now: Timestamp) -> Result<(Secret, Arc<str>), Refusal> {
        if claimed.security_token.is_empty() {
            return Err(Refusal::UnknownAccessKey);
        }
        let refused = |code: &str| Refusal::by_rule(&format!("InvalidSecurityToken.{code}"), None, None);
        let proved = self.temporary_keys().prove(&claimed.access_key_id, &claimed.security_token);
        let Proved { secret, account, expires } = proved.map_err(|problem| match problem {
            TokenProblem::Malformed => refused("Malformed"),
            TokenProblem::OfAnotherKey => refused("MismatchWithAccessKey"),
        })?;
        if expires <= self.client_time().unwrap_or(now) {
            return Err(refused("Expired"));
        }
        let account = self.account_named(&account).ok_or(Refusal::UnknownAccessKey)?;
        Ok((secret, Arc::clone(account)))
    }

    /// Performs an authenticated call, unless its nonce was used or its account calls too often.
    fn dispatch(
        &self,
        state: &mut State,
        verified: Verified,
        account: &Arc<str>,
        context: &mut RequestContext,
        now: Timestamp,
    ) -> Result<Served<BoxedReply>, Refusal> {
        let Verified { product, action, nonce, pairs, access_key_id, .. } = verified;
        let client_time = self.client_time().unwrap_or(now);
        if !nonce.is_empty() && !state.admit_nonce(&access_key_id, &nonce, now, client_time) {
            return Err(Refusal::NonceUsed);
        }
        let mut caller = self.caller(&action, pairs, account, &context.host, &context.request_id);
        caller.secure = context.secure;
        context.account = Arc::clone(account);
        context.region = Arc::clone(&caller.region);
        context.group = caller.group_named().unwrap_or_default().to_owned();
        if !state.throttle.admit(account, &action, now) {
            return Err(Refusal::Throttled);
        }
        let operation = Operation::named(product, &action);
        let call = Call {
            action: &action,
            read_only: operation.as_ref().is_ok_and(|operation| operation.read_only),
            caller: &caller,
            signed: Some((access_key_id.as_str(), nonce.as_str())),
            asks_faults: true,
        };
        let Performed { outcome, verdict, written_by } =
            self.perform(state, &call, now, |world, caller| (operation?.run)(world, caller));
        context.written_by = written_by;
        match &verdict {
            FaultVerdict::Truncate(bytes) => context.cut_after = Some(*bytes),
            FaultVerdict::DelayMs(millis) => context.delay = Duration::from_millis(*millis),
            FaultVerdict::DropBefore | FaultVerdict::DropAfter => context.dropped = true,
            _ => {}
        }
        let mut served = outcome?;
        if call.read_only
            && (state.faults.needs_stale_answers() || matches!(verdict, FaultVerdict::StaleMs(_)))
        {
            served.reply =
                with_stale_answer(&mut state.faults, &caller, &action, served.reply, (&verdict, now));
        }
        Ok(served)
    }
}

/// Remembers an answer while a rule needs older ones; returns an older answer where the verdict is a stale one.
fn with_stale_answer(
    faults: &mut Faults,
    caller: &Caller,
    action: &str,
    answer: BoxedReply,
    (verdict, now): (&FaultVerdict, Timestamp),
) -> BoxedReply {
    let call = format!("{}/{}/{}", caller.account, caller.region, caller.fingerprint(action));
    let stale = match verdict {
        FaultVerdict::StaleMs(millis) => faults.stale(&call, Duration::from_millis(*millis), now),
        _ => None,
    };
    if faults.needs_stale_answers()
        && let Ok(tree) = answer.tree()
    {
        faults.remember(call, tree, now);
    }
    faults.drop_unused_answers();
    stale.map_or(answer, |mut stale| {
        stale["RequestId"] = caller.request_id.clone().into();
        Box::new(stale)
    })
}
