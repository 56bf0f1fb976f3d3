//! A client of the control API, for programs that drive a simulator somewhere else.
//!
//! ```no_run
//! # async fn example() -> Result<(), eci_sim::ClientError> {
//! let control = eci_sim::ControlClient::new("http://127.0.0.1:8089")?;
//! control.advance(std::time::Duration::from_secs(3600)).await?;
//! println!("{}", control.bill().await?.total);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use eci_api::query::{encode, render, to_pairs};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;

use super::GroupSummary;
use super::endpoints::{self, Endpoint, InputKind};
use super::wire::{
    AccountStatus, Advance, Bill, Crash, Done, ErrorBody, Fault, FaultCreated, FollowerProgress, Forked,
    GroupFilter, Price, Quota, Rate, Reclaim, RequestFilter, ResetScope, ScriptRequest, SnapshotInfo,
    SoldOut, Stock, Throttling, Time,
};
use crate::faults::Rule;
use crate::state::RequestLogEntry;

/// Bound of an answer's size in bytes.
const ANSWER_MAX: usize = 256 << 20;

/// A client of one simulator's control API; cheap to clone.
#[derive(Clone)]
pub struct ControlClient {
    base: String,
    token: Option<HeaderValue>,
    http: Http<HttpConnector, Full<Bytes>>,
}

/// A call of the control API that gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address that is not of the form `http://HOST:PORT`.
    #[error("`{0}` is no address of a control API; it should look like http://127.0.0.1:8089")]
    Address(String),
    /// A token that no header can carry.
    #[error("the control API's token has bytes that no header can carry")]
    Token,
    /// A connection that failed or broke.
    #[error("the control API at {at} does not answer: {why}")]
    Unreachable {
        /// Address of the control API.
        at: String,
        /// The transport's error and its causes.
        why: String,
    },
    /// An answer with an error status.
    #[error("the control API refuses {call}: {why}")]
    Refused {
        /// Method and path of the call.
        call: String,
        /// Status of the answer.
        status: StatusCode,
        /// The error in the answer's body.
        why: String,
    },
    /// A body that is not of the call's form.
    #[error("the control API's answer to {call} cannot be read: {why}")]
    Unreadable {
        /// Method and path of the call.
        call: String,
        /// The parser's error.
        why: String,
    },
}

type ClientResult<T> = Result<T, ClientError>;

impl ControlClient {
    /// A client of the control API at an address such as `http://127.0.0.1:8089`.
    ///
    /// # Errors
    /// [`ClientError::Address`] for any other form of address.
    pub fn new(base: &str) -> ClientResult<Self> {
        let wrong = || ClientError::Address(base.to_owned());
        let uri: Uri = base.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(wrong());
        }
        let http = Http::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token: None, http })
    }

    /// Sends this token with every call.
    ///
    /// # Errors
    /// [`ClientError::Token`] when no header can carry it.
    pub fn with_token(self, token: &str) -> ClientResult<Self> {
        let mut token = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        token.set_sensitive(true);
        Ok(Self { token: Some(token), ..self })
    }

    /// Returns once the simulator answers that it takes calls (`GET /readyz`).
    ///
    /// # Errors
    /// [`ClientError`] while it does not.
    pub async fn ready(&self) -> ClientResult<()> {
        self.text("GET", "/readyz", Bytes::new()).await.map(drop)
    }

    /// The simulator's time, its rate, the next due event and the clock's followers.
    ///
    /// # Errors
    /// [`ClientError`], as with all that follow.
    pub async fn time(&self) -> ClientResult<Time> {
        self.call::<endpoints::GetTime>(&[], &Done {}).await
    }

    /// Sets the rate of the clock, in simulated seconds a second of the machine; 0 pauses it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_rate(&self, rate: u32) -> ClientResult<Time> {
        self.call::<endpoints::SetRate>(&[], &Rate { rate }).await
    }

    /// Advances the clock; all that is due until then has happened when this returns.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn advance(&self, by: Duration) -> ClientResult<Time> {
        self.call::<endpoints::AdvanceClock>(&[], &Advance::by(by)).await
    }

    /// Reports the progress of the follower `name`, registering it at first; returns the clock.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn follow(&self, name: &str, at: Timestamp) -> ClientResult<Time> {
        self.call::<endpoints::Follow>(&[name], &FollowerProgress { at }).await
    }

    /// Removes a follower.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn leave(&self, name: &str) -> ClientResult<()> {
        self.call::<endpoints::Leave>(&[name], &Done {}).await.map(|Done {}| ())
    }

    /// The groups that the filter selects, in order of creation.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn groups(&self, which: &GroupFilter) -> ClientResult<Vec<GroupSummary>> {
        self.call::<endpoints::ListGroups>(&[], which).await
    }

    /// The ledger, one line an entry.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ledger(&self) -> ClientResult<Vec<String>> {
        let text = self.text("GET", "/ledger", Bytes::new()).await?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The bill up to now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn bill(&self) -> ClientResult<Bill> {
        self.call::<endpoints::GetBill>(&[], &Done {}).await
    }

    /// The bill up to now, without its lines.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cost(&self) -> ClientResult<Bill> {
        self.call::<endpoints::GetCost>(&[], &Done {}).await
    }

    /// The fault rules, in their order.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn faults(&self) -> ClientResult<Vec<Fault>> {
        self.call::<endpoints::ListFaults>(&[], &Done {}).await
    }

    /// Adds a fault rule behind the others; returns the number by which it is removed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn add_fault(&self, rule: &Rule) -> ClientResult<u64> {
        let FaultCreated { number } = self.call::<endpoints::AddFault>(&[], rule).await?;
        Ok(number)
    }

    /// Removes a fault rule.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn remove_fault(&self, number: u64) -> ClientResult<()> {
        let number = number.to_string();
        self.call::<endpoints::RemoveFault>(&[&number], &Done {}).await.map(|Done {}| ())
    }

    /// Removes all fault rules.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn clear_faults(&self) -> ClientResult<()> {
        self.call::<endpoints::ClearFaults>(&[], &Done {}).await.map(|Done {}| ())
    }

    /// Adds a script of containers.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn script(&self, script: &ScriptRequest) -> ClientResult<()> {
        self.call::<endpoints::AddScript>(&[], script).await.map(|Done {}| ())
    }

    /// Removes all scripts.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn clear_scripts(&self) -> ClientResult<()> {
        self.call::<endpoints::ClearScripts>(&[], &Done {}).await.map(|Done {}| ())
    }

    /// Takes a zone or size out of stock, or restocks it; returns all that are out of stock.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_stock(&self, stock: &Stock) -> ClientResult<Vec<String>> {
        let SoldOut { sold_out } = self.call::<endpoints::SetStock>(&[], stock).await?;
        Ok(sold_out)
    }

    /// Sets a price of the spot market; returns all that are set.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_price(&self, price: &Price) -> ClientResult<Vec<Price>> {
        self.call::<endpoints::SetPrice>(&[], price).await
    }

    /// Removes all prices that were set for the spot market.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn clear_prices(&self) -> ClientResult<()> {
        self.call::<endpoints::ClearPrices>(&[], &Done {}).await.map(|Done {}| ())
    }

    /// Sets the standing of an account: `good`, `arrears`, `no-payment`, `closed` or `unverified`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_standing(&self, account: &str, standing: &str) -> ClientResult<AccountStatus> {
        let status = AccountStatus { standing: standing.to_owned() };
        self.call::<endpoints::SetAccount>(&[account], &status).await
    }

    /// Announces that a spot instance is taken back in so many minutes.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reclaim(&self, id: &str, minutes: u8) -> ClientResult<()> {
        self.call::<endpoints::ReclaimGroup>(&[id], &Reclaim { minutes }).await.map(|Done {}| ())
    }

    /// Crashes a container.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn crash(&self, id: &str, container: &str, exit_code: i32) -> ClientResult<()> {
        let crash = Crash { container: container.to_owned(), exit_code };
        self.call::<endpoints::CrashContainer>(&[id], &crash).await.map(|Done {}| ())
    }

    /// Sets the limits of every account in a region.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_quota(&self, quota: &Quota) -> ClientResult<Quota> {
        self.call::<endpoints::SetQuota>(&[], quota).await
    }

    /// Turns the throttling of calls by the published numbers a minute on or off.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_throttling(&self, on: bool) -> ClientResult<()> {
        self.call::<endpoints::SetThrottling>(&[], &Throttling { on }).await.map(|Throttling { .. }| ())
    }

    /// The calls in the request log that the filter selects, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn requests(&self, search: &RequestFilter) -> ClientResult<Vec<RequestLogEntry>> {
        self.call::<endpoints::SearchRequests>(&[], search).await
    }

    /// Resets the world, or the part of an account, of a region, or of an account in a region.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reset(&self, scope: &ResetScope) -> ClientResult<()> {
        self.call::<endpoints::Reset>(&[], scope).await.map(|Done {}| ())
    }

    /// The named snapshots.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn snapshots(&self) -> ClientResult<Vec<SnapshotInfo>> {
        self.call::<endpoints::ListSnapshots>(&[], &Done {}).await
    }

    /// Saves the world as it is now as a named snapshot.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn save(&self, name: &str) -> ClientResult<SnapshotInfo> {
        self.call::<endpoints::SaveSnapshot>(&[name], &Done {}).await
    }

    /// Restores world and clock from a named snapshot.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn load(&self, name: &str) -> ClientResult<SnapshotInfo> {
        self.call::<endpoints::LoadSnapshot>(&[name], &Done {}).await
    }

    /// Starts a second simulator from a named snapshot; returns its addresses.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn fork(&self, name: &str) -> ClientResult<Forked> {
        self.call::<endpoints::ForkSnapshot>(&[name], &Done {}).await
    }

    /// Deletes a named snapshot.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn drop_snapshot(&self, name: &str) -> ClientResult<()> {
        self.call::<endpoints::DropSnapshot>(&[name], &Done {}).await.map(|Done {}| ())
    }

    /// Calls an endpoint; `names` fill the placeholders of its path.
    async fn call<E: Endpoint>(&self, names: &[&str], input: &E::Input) -> ClientResult<E::Reply> {
        let mut names = names.iter().peekable();
        let filled = E::PATH.split('/').map(|part| match names.next_if(|_| part.starts_with('{')) {
            Some(name) => encode(name),
            None => part.to_owned(),
        });
        let mut path = filled.collect::<Vec<_>>().join("/");
        let call = format!("{} {path}", E::METHOD);
        let unreadable = |why: String| ClientError::Unreadable { call: call.clone(), why };
        let body = match E::INPUT {
            InputKind::Query => {
                let pairs = to_pairs(input).map_err(|why| unreadable(why.to_string()))?;
                path = format!("{path}?{}", render(&pairs));
                Vec::new()
            }
            InputKind::Body | InputKind::OptionalBody => {
                serde_json::to_vec(input).map_err(|why| unreadable(why.to_string()))?
            }
            InputKind::None => Vec::new(),
        };
        let text = self.text(E::METHOD, &path, body.into()).await?;
        serde_json::from_str(&text).map_err(|why| unreadable(why.to_string()))
    }

    async fn text(&self, method: &str, path: &str, body: Bytes) -> ClientResult<String> {
        let call = format!("{method} {path}");
        let unreachable = |why: String| ClientError::Unreachable { at: self.base.clone(), why };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body)).map_err(|why| unreachable(why.to_string()))?;
        let response = self.http.request(request).await.map_err(|why| unreachable(chain(&why)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|why| unreachable(why.to_string()))?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            return Ok(text);
        }
        let why = serde_json::from_str::<ErrorBody>(&text).map_or(text, |problem| problem.error);
        Err(ClientError::Refused { call, status, why })
    }
}

/// An error with its causes, since the first sentence alone rarely says enough.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

impl fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlClient({})", self.base)
    }
}
