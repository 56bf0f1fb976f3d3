//! One call: read, verify, faults, advance the world, act, render.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use determinism::Chance;
use eci_api::query::Pairs;
use eci_api::signature::{IncomingRequest, SignatureProblem, Verified, identify, verify};
use eci_api::{ErrorBody, ErrorCode, validate, xml};
use http::{HeaderValue, Request, Response, StatusCode, header};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EciSim;
use crate::actions::{Answer, Caller, EXEC_PATH, serve};
use crate::faults::{Call, Faults, Verdict};
use crate::journal::{self, PendingEntries};
use crate::quota::Throttle;
use crate::refusal::Refusal;
use crate::runtime::Runtime;
use crate::session::Session;
use crate::world::World;

/// The largest body that is read: a whole CreateContainerGroup with its files is far smaller.
pub const BODY_MAX: usize = 4 << 20;
/// A nonce is remembered for as long as a time stamp may differ from the present, in both directions.
const NONCE_TTL: SignedDuration = SignedDuration::from_mins(62);
/// Bounds of the request log: calls, and bytes of each of a call's texts.
pub(crate) const LOG_MAX: usize = 1000;
pub(crate) const LOGGED_TEXT_MAX: usize = 256;
/// Bounds of what an answer repeats of a method, a host and a refusal's text, in bytes.
const METHOD_SHOWN_MAX: usize = 32;
const HOST_SHOWN_MAX: usize = 260;
const MESSAGE_MAX: usize = 20 << 10;

/// All that a call may change, behind one lock.
pub(crate) struct State {
    pub world: World,
    pub faults: Faults,
    pub throttle: Throttle,
    pub log: VecDeque<RequestLogEntry>,
    /// Journal entries that are not yet written, in a persistent world.
    pub pending: Option<PendingEntries>,
    requests: Chance,
    nonces: Nonces,
}

/// A call in the request log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RequestLogEntry {
    /// Time of the call.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Request id, as in the answer.
    pub request_id: String,
    /// Operation; empty where the call named none.
    pub action: String,
    /// Account of the access key; empty where nobody signed the call.
    pub account: String,
    /// Region of the call; empty where the call was refused before it was known.
    pub region: String,
    /// Id of the group that the call names or made; empty where there is none.
    pub group: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Error code of the answer; empty where the call succeeded.
    pub code: String,
}

/// A request as it was received.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// Method.
    pub method: String,
    /// Path, as received.
    pub path: String,
    /// Query string, without its question mark.
    pub query: String,
    /// Header names and values, in order.
    pub headers: Vec<(String, String)>,
    /// Body; more than [`BODY_MAX`] bytes are refused.
    pub body: Bytes,
}

/// The answer to a request; a fault may delay or drop it.
#[derive(Debug)]
pub struct Exchange {
    /// Delay of the answer.
    pub delay: Duration,
    /// Answer; `None` when a fault dropped it.
    pub answer: Option<Response<Bytes>>,
    /// True when the sender has proved who they are.
    pub authenticated: bool,
    /// Session that continues on the same connection after the answer.
    pub session: Option<Box<Session>>,
}

/// The nonces that were used while their time stamps are accepted.
#[derive(Clone, Default)]
struct Nonces {
    known: HashSet<Arc<str>>,
    order: VecDeque<(Timestamp, Timestamp, Arc<str>)>,
}

/// A call while it is answered.
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

impl State {
    pub(crate) fn new(world: World, requests: Chance) -> Self {
        Self {
            world,
            faults: Faults::default(),
            throttle: Throttle::default(),
            log: VecDeque::new(),
            pending: None,
            requests,
            nonces: Nonces::default(),
        }
    }

    /// A copy that is not persistent.
    pub(crate) fn copy(&self) -> Self {
        Self {
            world: self.world.clone(),
            faults: self.faults.clone(),
            throttle: self.throttle.clone(),
            log: self.log.clone(),
            pending: None,
            requests: self.requests.clone(),
            nonces: self.nonces.clone(),
        }
    }

    /// Continues the request ids from here.
    pub(crate) fn set_request_ids(&mut self, requests: Chance) {
        self.requests = requests;
    }

    /// Records a nonce as used.
    pub(crate) fn record_nonce(&mut self, key: &str, nonce: &str, at: Timestamp, client_time: Timestamp) {
        self.nonces.admit(key, nonce, at, client_time);
    }

    /// Restores a saved world with its rules, counts and log; nonces and request ids go on from here, so that none is
    /// accepted or given twice.
    pub(crate) fn restore(&mut self, kept: Self) {
        let Self { mut world, faults, throttle, log, .. } = kept;
        if self.world.runtime.is_real() {
            // an Engine has to know which groups are gone
            self.world.clear(|_, _| true);
            world.runtime = self.world.runtime.clone();
        }
        (self.world, self.faults, self.throttle, self.log) = (world, faults, throttle, log);
    }

    /// The nonces that were used, each with its two times of use.
    pub(crate) fn nonces(&self) -> impl Iterator<Item = &(Timestamp, Timestamp, Arc<str>)> {
        self.nonces.order.iter()
    }

    /// A state that was read from a snapshot: a world, the rules and counts for its calls, and the nonces that were
    /// used.
    pub(crate) fn of(
        (world, faults, throttle): (World, Faults, Throttle),
        nonces: Vec<(Timestamp, Timestamp, Arc<str>)>,
        requests: Chance,
    ) -> Self {
        let known = nonces.iter().map(|(_, _, nonce)| Arc::clone(nonce)).collect();
        let nonces = Nonces { known, order: nonces.into() };
        Self { faults, throttle, nonces, ..Self::new(world, requests) }
    }

    /// Adds a call to the request log.
    fn log_request(&mut self, call: RequestLogEntry) {
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(call);
    }

    pub(crate) fn next_request_id(&mut self) -> String {
        let mut text = [0; 36];
        self.requests.uuid().hyphenated().encode_upper(&mut text).to_owned()
    }
}

impl Nonces {
    /// Records a nonce; false when it was used within [`NONCE_TTL`]. A time stamp may be near the simulator's clock or
    /// near the clients', so a nonce is dropped when both have moved on.
    fn admit(&mut self, account: &str, nonce: &str, now: Timestamp, client_time: Timestamp) -> bool {
        while let Some((at, at_client_time, old)) = self.order.front()
            && at.duration_until(now) > NONCE_TTL
            && at_client_time.duration_until(client_time) > NONCE_TTL
        {
            self.known.remove(old);
            self.order.pop_front();
        }
        let nonce: Arc<str> = [account, "/", nonce].concat().into();
        let new = self.known.insert(Arc::clone(&nonce));
        if new {
            self.order.push_back((now, client_time, nonce));
        }
        new
    }
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
        if request.path.starts_with(EXEC_PATH)
            && let Some(exchange) = self.session(&request).or_else(|| self.terminal(&request))
        {
            return exchange;
        }
        let now = self.clock().now();
        let mut context = RequestContext {
            request_id: String::new(),
            action: String::new(),
            wants_xml: false,
            host: prefix(request.header("host").unwrap_or_default(), HOST_SHOWN_MAX).to_owned(),
            secure: request.header(SECURE).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            account: Arc::default(),
            region: Arc::default(),
            group: String::new(),
            delay: Duration::ZERO,
            dropped: false,
            written_by: None,
            cut_after: None,
        };
        let verified = self.authenticate(&request, &mut context, now);
        let authenticated = verified.is_ok();
        let mut journal_lock = self.journal_lock();
        // A world that was rolled back took its clock along.
        let now = if journal_lock.is_some() { self.clock().now() } else { now };
        let mut state = self.state();
        context.request_id = state.next_request_id();
        let mut outcome = verified
            .and_then(|(verified, account)| self.dispatch(&mut state, verified, &account, &mut context, now));
        if let Some(deferred) = state.world.deferred.take()
            && outcome.is_ok()
            && let Runtime::Engine(driver) = state.world.runtime.clone()
        {
            drop((state, journal_lock));
            outcome = deferred.ask(&driver);
            (journal_lock, state) = (self.journal_lock(), self.state());
        }
        state.log_request(context.log_entry(&outcome, now));
        drop((state, journal_lock));
        if let Err(why) = self.wait_until_written(context.written_by) {
            outcome = Err(Refusal::by_rule("InternalError", Some(500), Some(why.to_string())));
            self.state().log_request(context.log_entry(&outcome, now));
        }
        let answer = (!context.dropped).then(|| context.render(outcome, now));
        Exchange { delay: context.delay, answer, authenticated, session: None }
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
        let (secret, account) =
            self.credential(&identified.access_key_id).ok_or(Refusal::UnknownAccessKey)?;
        match verify(&incoming, &identified, secret, now) {
            // Clients do not know that the simulator's clock was moved.
            Err(SignatureProblem::TimestampExpired) if self.client_time().is_some() => {
                verify(&incoming, &identified, secret, self.client_time().unwrap_or(now))?;
            }
            verified => verified?,
        }
        Ok((identified, Arc::clone(account)))
    }

    fn dispatch(
        &self,
        state: &mut State,
        verified: Verified,
        account: &Arc<str>,
        context: &mut RequestContext,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let Verified { action, nonce, pairs, access_key_id, .. } = verified;
        if !nonce.is_empty()
            && !state.nonces.admit(&access_key_id, &nonce, now, self.client_time().unwrap_or(now))
        {
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
        let fault_checked = !state.faults.rules().is_empty();
        let call = Call { action: &action, pairs: &caller.pairs };
        let verdict = state.faults.judge(&call, self.seed());
        let stopped = matches!(verdict, Verdict::DropBefore | Verdict::Refuse { .. });
        if !stopped {
            state.world.advance_to(now);
        }
        let done = !stopped && !journal::is_read_only(&action);
        let at = state.world.now();
        if let Some(pending) = &mut state.pending {
            if fault_checked || done {
                let signed = Some((access_key_id.as_str(), nonce.as_str()));
                pending.push(&journal::entry(at, &action, &caller, signed, fault_checked, done));
            }
            // A read shows nothing that could still be rolled back.
            context.written_by = Some(pending.latest());
        }
        match &verdict {
            Verdict::Pass
            | Verdict::StaleMs(_)
            | Verdict::SoldOut(_)
            | Verdict::Reclaim(_)
            | Verdict::Crash { .. } => {}
            Verdict::Truncate(bytes) => context.cut_after = Some(*bytes),
            Verdict::DelayMs(millis) => context.delay = Duration::from_millis(*millis),
            Verdict::DropAfter => context.dropped = true,
            Verdict::DropBefore => {
                context.dropped = true;
                return Err(Refusal::by_rule(
                    "ServiceUnavailable",
                    None,
                    Some("a fault swallowed the call".to_owned()),
                ));
            }
            Verdict::Refuse { code, status, message } => {
                return Err(Refusal::by_rule(code, *status, message.clone()));
            }
        }
        verdict.apply_side_effect(&mut state.world, caller.group_named());
        check(&action, &caller.pairs)?;
        let answer = serve(&action, &mut state.world, &caller)?;
        let needs_stale_answers =
            state.faults.needs_stale_answers() || matches!(verdict, Verdict::StaleMs(_));
        if !needs_stale_answers || !journal::is_read_only(&action) {
            return Ok(answer);
        }
        Ok(with_stale_answer(&mut state.faults, &caller, &action, answer, (&verdict, now)))
    }

    /// Fills in what a call leaves to the endpoint, and leaves out what clients are known to send by mistake.
    pub(crate) fn caller(
        &self,
        action: &str,
        mut pairs: Pairs,
        account: &Arc<str>,
        host: &str,
        request_id: &str,
    ) -> Caller {
        // An old Go client sends the text of an empty Go slice for each probe that is not set, and a line count that
        // is no number (eci-openapi.md, sections 1.1 and 8).
        pairs.retain(|(name, value)| {
            let garbled_tail =
                action == "DescribeContainerLog" && name == "Tail" && value.parse::<i32>().is_err();
            !(garbled_tail || name.ends_with("Probe.Exec.Command") && value.starts_with("<["))
        });
        let region = pairs.iter().find(|(name, _)| name == "RegionId").map(|(_, value)| value.clone());
        let region = region.filter(|region| !region.is_empty()).unwrap_or_else(|| {
            let region = region_of_endpoint(host).unwrap_or(self.default_region()).to_owned();
            if action != "DescribeRegions" {
                pairs.retain(|(name, _)| name != "RegionId");
                pairs.push(("RegionId".to_owned(), region.clone()));
            }
            region
        });
        Caller {
            account: Arc::clone(account),
            region: region.into(),
            request_id: request_id.to_owned(),
            host: host.to_owned(),
            secure: true,
            currency: self.currency(),
            pairs,
        }
    }
}

/// Remembers an answer while a rule needs older ones; returns an older answer where the verdict is a stale one.
fn with_stale_answer(
    faults: &mut Faults,
    caller: &Caller,
    action: &str,
    answer: Answer,
    (verdict, now): (&Verdict, Timestamp),
) -> Answer {
    let call = format!("{}/{}/{}", caller.account, caller.region, caller.fingerprint(action));
    let stale = match verdict {
        Verdict::StaleMs(millis) => faults.stale(&call, Duration::from_millis(*millis), now),
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

/// Checks the parameters against the published table.
pub(crate) fn check(action: &str, pairs: &[(String, String)]) -> Result<(), Refusal> {
    match validate::check(action, pairs).into_iter().next() {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

/// The region in an endpoint's name, as `eci.cn-hangzhou.aliyuncs.com`.
fn region_of_endpoint(host: &str) -> Option<&str> {
    let name = host.split(':').next()?.strip_suffix(".aliyuncs.com")?;
    name.strip_prefix("eci.").or_else(|| name.strip_prefix("eci-vpc."))
}

impl RequestContext {
    /// The call's entry in the request log.
    fn log_entry(&self, outcome: &Result<Answer, Refusal>, at: Timestamp) -> RequestLogEntry {
        let (status, code) = match outcome {
            Ok(_) => (200, String::new()),
            Err(refusal) => (refusal.status(), refusal.wire_code()),
        };
        let kept = |text: &str| prefix(text, LOGGED_TEXT_MAX).to_owned();
        RequestLogEntry {
            at,
            request_id: self.request_id.clone(),
            action: kept(&self.action),
            account: kept(&self.account),
            region: kept(&self.region),
            group: kept(&self.group),
            status,
            code: kept(&code),
        }
    }

    fn render(&self, outcome: Result<Answer, Refusal>, now: Timestamp) -> Response<Bytes> {
        let (status, body) = match outcome {
            Ok(answer) => match self.body(&*answer, Root::Response) {
                Ok(body) => (200, body),
                Err(error) => self.refuse(&Refusal::by_rule("InternalError", None, Some(error.to_string()))),
            },
            Err(refusal) => self.refuse(&refusal),
        };
        let kind = if self.wants_xml { "text/xml;charset=utf-8" } else { "application/json;charset=utf-8" };
        let mut body = Bytes::from(body);
        body.truncate(self.cut_after.unwrap_or(usize::MAX));
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in [(header::DATE, http_date(now)), (REQUEST_ID, self.request_id.clone())] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn refuse(&self, refusal: &Refusal) -> (u16, Vec<u8>) {
        let code = refusal.wire_code();
        let body = ErrorBody {
            request_id: self.request_id.clone(),
            host_id: self.host.clone(),
            recommend: format!("https://api.aliyun.com/troubleshoot?q={code}&product=Eci"),
            message: truncated(refusal.to_string(), MESSAGE_MAX),
            code,
        };
        (refusal.status(), self.body(&body, Root::Error).unwrap_or_default())
    }

    /// In the format that was asked for; the root of XML is called after the action and what it is.
    fn body(&self, answer: &dyn crate::actions::Render, root: Root) -> serde_json::Result<Vec<u8>> {
        if !self.wants_xml {
            return answer.json();
        }
        let root = match root {
            Root::Response => format!("{}Response", self.action),
            Root::Error => "Error".to_owned(),
        };
        Ok(xml::render(&root, &answer.tree()?).into_bytes())
    }
}

/// The longest prefix of a text with at most so many bytes.
pub(crate) fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Truncates a text to at most so many bytes, at a character's end.
pub(crate) fn truncated(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// The root element of an XML document.
enum Root {
    Response,
    Error,
}

/// Header with the scheme of a client's request to a proxy before the simulator; its own TLS listener sets it too.
pub(crate) const SECURE: &str = "x-forwarded-proto";
const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-acs-request-id");

/// `Thu, 01 Jan 2026 09:00:00 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    PRINTER.timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

impl Refusal {
    /// The refusal of a fault rule: status and text come from the table where the rule does not say them.
    pub fn by_rule(code: &str, status: Option<u16>, message: Option<String>) -> Self {
        let known = ErrorCode::named(code);
        let status = status.or(known.map(ErrorCode::status)).unwrap_or(400);
        let text =
            || known.map_or_else(|| code.to_owned(), |known| known.message("by a rule of the simulator"));
        Self::ByRule { code: code.to_owned(), status, message: message.unwrap_or_else(text) }
    }
}

impl Exchange {
    /// An answer without delay to an unauthenticated sender.
    pub fn answering(answer: Response<Bytes>) -> Self {
        Self { delay: Duration::ZERO, answer: Some(answer), authenticated: false, session: None }
    }
}

impl Incoming {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let own = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str())
    }

    /// A parameter of the query, as it stands there.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| value).next()
    }
}

impl From<Request<Bytes>> for Incoming {
    fn from(request: Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        if !parts.headers.contains_key(header::HOST)
            && let Some(authority) = parts.uri.authority()
        {
            headers.push(("host".to_owned(), authority.to_string()));
        }
        Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        }
    }
}
