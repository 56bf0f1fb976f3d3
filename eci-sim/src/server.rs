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
use crate::journal::{self, Unwritten};
use crate::quota::Throttle;
use crate::refusal::Refusal;
use crate::runtime::Runtime;
use crate::session::Session;
use crate::world::World;

/// The largest body that is read: a whole CreateContainerGroup with its files is far smaller.
pub const BODY_MAX: usize = 4 << 20;
/// How long a nonce is remembered: as long as a time stamp may be away from the present, in both directions.
const NONCE_KEPT: SignedDuration = SignedDuration::from_mins(62);
/// How many calls the request log keeps, and of each of a call's texts how many bytes.
pub(crate) const LOG_MAX: usize = 1000;
pub(crate) const LOGGED_TEXT_MAX: usize = 256;
/// How much of a method, a host and a refusal's text is told to whoever sent it, in bytes.
const METHOD_SHOWN_MAX: usize = 32;
const HOST_SHOWN_MAX: usize = 260;
const MESSAGE_MAX: usize = 20 << 10;

/// All that a call may change, behind one lock.
pub(crate) struct State {
    pub world: World,
    pub faults: Faults,
    pub throttle: Throttle,
    pub log: VecDeque<Logged>,
    /// What was done and is not yet written, where the world is kept.
    pub unwritten: Option<Unwritten>,
    requests: Chance,
    nonces: Nonces,
}

/// A call as the request log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Logged {
    /// When it came.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its number.
    pub request_id: String,
    /// The operation; empty where it did not say.
    pub action: String,
    /// Whose call it was; empty where nobody signed it.
    pub account: String,
    /// The region that was meant; empty where the call did not come so far.
    pub region: String,
    /// The group that it names or made; empty where there is none.
    pub group: String,
    /// The HTTP status of its answer.
    pub status: u16,
    /// The code of its refusal; empty where it succeeded.
    pub code: String,
}

/// A request as it came in, before anybody looks at it.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// The verb.
    pub method: String,
    /// The path.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// What comes of a request: an answer, or none at all, after a while or at once.
#[derive(Debug)]
pub struct Exchange {
    /// How long the answer takes.
    pub delay: Duration,
    /// The answer; none when a fault swallowed it.
    pub answer: Option<Response<Bytes>>,
    /// Whether whoever asked has shown who they are.
    pub authenticated: bool,
    /// What goes on over the same connection after the answer.
    pub session: Option<Box<Session>>,
}

/// The nonces of the time in which a time stamp is taken.
#[derive(Clone, Default)]
struct Nonces {
    known: HashSet<Arc<str>>,
    order: VecDeque<(Timestamp, Timestamp, Arc<str>)>,
}

/// What is known of a call while it is answered.
struct Heard {
    request_id: String,
    action: String,
    wants_xml: bool,
    host: String,
    secure: bool,
    account: Arc<str>,
    region: Arc<str>,
    group: String,
    delay: Duration,
    swallowed: bool,
    /// Up to which number what was done has to be written before this call is answered.
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
            unwritten: None,
            requests,
            nonces: Nonces::default(),
        }
    }

    /// The same again, which is not kept anywhere.
    pub(crate) fn copy(&self) -> Self {
        Self {
            world: self.world.clone(),
            faults: self.faults.clone(),
            throttle: self.throttle.clone(),
            log: self.log.clone(),
            unwritten: None,
            requests: self.requests.clone(),
            nonces: self.nonces.clone(),
        }
    }

    /// The numbers of calls go on from here.
    pub(crate) fn number_requests(&mut self, requests: Chance) {
        self.requests = requests;
    }

    /// This nonce was used.
    pub(crate) fn remember_nonce(&mut self, key: &str, nonce: &str, at: Timestamp, outside: Timestamp) {
        self.nonces.admit(key, nonce, at, outside);
    }

    /// Puts back a state that was kept; what keeps calls apart goes on from here, so that none can come twice.
    pub(crate) fn put_back(&mut self, kept: Self) {
        let Self { mut world, faults, throttle, log, .. } = kept;
        if self.world.runtime.is_real() {
            // an Engine has to know which groups are gone
            self.world.clear(|_, _| true);
            world.runtime = self.world.runtime.clone();
        }
        (self.world, self.faults, self.throttle, self.log) = (world, faults, throttle, log);
    }

    /// The nonces that were used, each with the instants at which it came.
    pub(crate) fn nonces(&self) -> impl Iterator<Item = &(Timestamp, Timestamp, Arc<str>)> {
        self.nonces.order.iter()
    }

    /// A state that was kept: a world, the rules and counts for its calls, and the nonces that were used.
    pub(crate) fn of(
        (world, faults, throttle): (World, Faults, Throttle),
        nonces: Vec<(Timestamp, Timestamp, Arc<str>)>,
        requests: Chance,
    ) -> Self {
        let known = nonces.iter().map(|(_, _, nonce)| Arc::clone(nonce)).collect();
        let nonces = Nonces { known, order: nonces.into() };
        Self { faults, throttle, nonces, ..Self::new(world, requests) }
    }

    /// Puts a call into the request log.
    fn remember(&mut self, call: Logged) {
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
    /// False when this one was used within the time that counts.
    /// A time stamp may be near the simulator's clock or near the clients', so it is forgotten when both went on.
    fn admit(&mut self, account: &str, nonce: &str, now: Timestamp, outside: Timestamp) -> bool {
        while let Some((at, at_outside, old)) = self.order.front()
            && at.duration_until(now) > NONCE_KEPT
            && at_outside.duration_until(outside) > NONCE_KEPT
        {
            self.known.remove(old);
            self.order.pop_front();
        }
        let nonce: Arc<str> = [account, "/", nonce].concat().into();
        let new = self.known.insert(Arc::clone(&nonce));
        if new {
            self.order.push_back((now, outside, nonce));
        }
        new
    }
}

impl EciSim {
    /// One exchange of the ECI OpenAPI; a fault that delays or swallows the answer is not waited for, and a swallowed
    /// answer is a 503. [`EciSim::exchange`] says more.
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
        let mut heard = Heard {
            request_id: String::new(),
            action: String::new(),
            wants_xml: false,
            host: beginning(request.header("host").unwrap_or_default(), HOST_SHOWN_MAX).to_owned(),
            secure: request.header(SECURE).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")),
            account: Arc::default(),
            region: Arc::default(),
            group: String::new(),
            delay: Duration::ZERO,
            swallowed: false,
            written_by: None,
            cut_after: None,
        };
        let verified = self.believe(&request, &mut heard, now);
        let authenticated = verified.is_ok();
        let mut turn = self.turn();
        // A world that went back took its clock along.
        let now = if turn.is_some() { self.clock().now() } else { now };
        let mut state = self.state();
        heard.request_id = state.next_request_id();
        let mut outcome = verified
            .and_then(|(verified, account)| self.act_on(&mut state, verified, &account, &mut heard, now));
        if let Some(later) = state.world.later.take()
            && outcome.is_ok()
            && let Runtime::Engine(outlet) = state.world.runtime.clone()
        {
            drop((state, turn));
            outcome = later.ask(&outlet);
            (turn, state) = (self.turn(), self.state());
        }
        state.remember(heard.logged(&outcome, now));
        drop((state, turn));
        if let Err(why) = self.wait_until_written(heard.written_by) {
            outcome = Err(Refusal::by_rule("InternalError", Some(500), Some(why.to_string())));
            self.state().remember(heard.logged(&outcome, now));
        }
        let answer = (!heard.swallowed).then(|| heard.render(outcome, now));
        Exchange { delay: heard.delay, answer, authenticated, session: None }
    }

    /// Whose request it is, if it is.
    fn believe(
        &self,
        request: &Incoming,
        heard: &mut Heard,
        now: Timestamp,
    ) -> Result<(Verified, Arc<str>), Refusal> {
        let (method, query, headers) =
            (request.method.as_str(), request.query.as_str(), request.headers.as_slice());
        let incoming = IncomingRequest { method, query, headers, body: &request.body };
        if !matches!(method, "GET" | "POST") {
            return Err(Refusal::Method(beginning(method, METHOD_SHOWN_MAX).to_owned()));
        }
        if request.body.len() > BODY_MAX {
            return Err(Refusal::TooLarge);
        }
        if request.path.starts_with(EXEC_PATH) {
            return Err(Self::no_session(request));
        }
        let identified = identify(&incoming)?;
        heard.action.clone_from(&identified.action);
        heard.wants_xml = identified.wants_xml;
        let (secret, account) =
            self.credential(&identified.access_key_id).ok_or(Refusal::UnknownAccessKey)?;
        match verify(&incoming, &identified, secret, now) {
            // Clients do not know that the simulator's clock was moved.
            Err(SignatureProblem::TimestampExpired) if self.outside().is_some() => {
                verify(&incoming, &identified, secret, self.outside().unwrap_or(now))?;
            }
            verified => verified?,
        }
        Ok((identified, Arc::clone(account)))
    }

    fn act_on(
        &self,
        state: &mut State,
        verified: Verified,
        account: &Arc<str>,
        heard: &mut Heard,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let Verified { action, nonce, pairs, access_key_id, .. } = verified;
        if !nonce.is_empty()
            && !state.nonces.admit(&access_key_id, &nonce, now, self.outside().unwrap_or(now))
        {
            return Err(Refusal::NonceUsed);
        }
        let mut caller = self.caller(&action, pairs, account, &heard.host, &heard.request_id);
        caller.secure = heard.secure;
        heard.account = Arc::clone(account);
        heard.region = Arc::clone(&caller.region);
        heard.group = caller.group_named().unwrap_or_default().to_owned();
        if !state.throttle.admit(account, &action, now) {
            return Err(Refusal::Throttled);
        }
        let judged = !state.faults.rules().is_empty();
        let call = Call { action: &action, pairs: &caller.pairs };
        let verdict = state.faults.judge(&call, self.seed());
        let stopped = matches!(verdict, Verdict::DropBefore | Verdict::Refuse { .. });
        if !stopped {
            state.world.advance_to(now);
        }
        let done = !stopped && !journal::only_looks(&action);
        let at = state.world.now();
        if let Some(unwritten) = &mut state.unwritten {
            if judged || done {
                let signed = Some((access_key_id.as_str(), nonce.as_str()));
                unwritten.push(&journal::entry(at, &action, &caller, signed, judged, done));
            }
            // Who looks is told nothing that could still be taken back.
            heard.written_by = Some(unwritten.latest());
        }
        match &verdict {
            Verdict::Pass
            | Verdict::StaleMs(_)
            | Verdict::SoldOut(_)
            | Verdict::Reclaim(_)
            | Verdict::Crash { .. } => {}
            Verdict::Truncate(bytes) => heard.cut_after = Some(*bytes),
            Verdict::DelayMs(millis) => heard.delay = Duration::from_millis(*millis),
            Verdict::DropAfter => heard.swallowed = true,
            Verdict::DropBefore => {
                heard.swallowed = true;
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
        verdict.befall(&mut state.world, caller.group_named());
        check(&action, &caller.pairs)?;
        let answer = serve(&action, &mut state.world, &caller)?;
        let remembers = state.faults.remembers() || matches!(verdict, Verdict::StaleMs(_));
        if !remembers || !journal::only_looks(&action) {
            return Ok(answer);
        }
        Ok(remembered(&mut state.faults, &caller, &action, answer, (&verdict, now)))
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
            let region = region_of(host).unwrap_or(self.default_region()).to_owned();
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

/// Remembers an answer, and gives an earlier one where a rule wants it stale.
fn remembered(
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
    if faults.remembers()
        && let Ok(tree) = answer.tree()
    {
        faults.remember(call, tree, now);
    }
    faults.forget_answers();
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
fn region_of(host: &str) -> Option<&str> {
    let name = host.split(':').next()?.strip_suffix(".aliyuncs.com")?;
    name.strip_prefix("eci.").or_else(|| name.strip_prefix("eci-vpc."))
}

impl Heard {
    /// As the request log keeps it.
    fn logged(&self, outcome: &Result<Answer, Refusal>, at: Timestamp) -> Logged {
        let (status, code) = match outcome {
            Ok(_) => (200, String::new()),
            Err(refusal) => (refusal.status(), refusal.wire_code()),
        };
        let kept = |text: &str| beginning(text, LOGGED_TEXT_MAX).to_owned();
        Logged {
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
            message: cut(refusal.to_string(), MESSAGE_MAX),
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

/// The first bytes of a text, whole characters.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The same, of a text that is given away.
pub(crate) fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// What an XML document is called.
enum Root {
    Response,
    Error,
}

/// Says how a client came where somebody stands before the simulator; its own TLS listener says it too.
pub(crate) const SECURE: &str = "x-forwarded-proto";
const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-acs-request-id");

/// `Thu, 01 Jan 2026 09:00:00 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    PRINTER.timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

impl Refusal {
    /// What a rule gives: status and text come from the table where the rule does not say them.
    pub fn by_rule(code: &str, status: Option<u16>, message: Option<String>) -> Self {
        let known = ErrorCode::named(code);
        let status = status.or(known.map(ErrorCode::status)).unwrap_or(400);
        let text =
            || known.map_or_else(|| code.to_owned(), |known| known.message("by a rule of the simulator"));
        Self::ByRule { code: code.to_owned(), status, message: message.unwrap_or_else(text) }
    }
}

impl Exchange {
    /// An answer at once, to whomever.
    pub fn answering(answer: Response<Bytes>) -> Self {
        Self { delay: Duration::ZERO, answer: Some(answer), authenticated: false, session: None }
    }
}

impl Incoming {
    /// A header's value.
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
