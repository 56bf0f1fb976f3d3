//! A client of the control door, for programs that drive a simulator somewhere else.
//!
//! ```no_run
//! # async fn example() -> Result<(), eci_sim::control::client::Unanswered> {
//! let door = eci_sim::DoorClient::new("http://127.0.0.1:8089")?;
//! door.advance(std::time::Duration::from_secs(3600)).await?;
//! println!("{}", door.bill().await?.total);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use eci_api::query::{encode, render, to_pairs};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::GroupSummary;
use super::wire::{
    Advance, Allowed, Bill, CaughtUp, Crash, Done, Fault, Forked, Kept, Laid, Price, Problem, Rate, Reclaim,
    Scope, Scripted, Search, SoldOut, Stands, Stock, Throttling, Time, Which,
};
use crate::faults::Rule;
use crate::server::Logged;

/// The largest answer that is read.
const ANSWER_MAX: usize = 256 << 20;

/// A client of one door; cheap to clone.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<HeaderValue>,
    http: Http<HttpConnector, Full<Bytes>>,
}

/// Why the door did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The address is none.
    #[error("`{0}` is no address of a control door; it should look like http://127.0.0.1:8089")]
    Address(String),
    /// The token cannot be sent.
    #[error("the control door's token has bytes that no header can carry")]
    Token,
    /// Nobody answers there.
    #[error("the control door at {at} does not answer: {why}")]
    Unreachable {
        /// Where.
        at: String,
        /// What came instead.
        why: String,
    },
    /// It says no.
    #[error("the control door refuses {asked}: {why}")]
    Refused {
        /// What was asked.
        asked: String,
        /// With which status.
        status: StatusCode,
        /// In its own words.
        why: String,
    },
    /// It says something else.
    #[error("the control door's answer to {asked} cannot be read: {why}")]
    Unreadable {
        /// What was asked.
        asked: String,
        /// What is wrong with the answer.
        why: String,
    },
}

type Answered<T> = Result<T, Unanswered>;

impl Client {
    /// A client of the door at an address such as `http://127.0.0.1:8089`.
    ///
    /// # Errors
    /// [`Unanswered::Address`] when that is none.
    pub fn new(base: &str) -> Answered<Self> {
        let wrong = || Unanswered::Address(base.to_owned());
        let uri: Uri = base.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(wrong());
        }
        let http = Http::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token: None, http })
    }

    /// The same, with the door's token.
    ///
    /// # Errors
    /// [`Unanswered::Token`] when no header can carry it.
    pub fn with_token(self, token: &str) -> Answered<Self> {
        let mut token = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Unanswered::Token)?;
        token.set_sensitive(true);
        Ok(Self { token: Some(token), ..self })
    }

    /// Whether calls are taken.
    ///
    /// # Errors
    /// [`Unanswered`] when they are not.
    pub async fn ready(&self) -> Answered<()> {
        self.text(Method::GET, "/readyz", Bytes::new()).await.map(drop)
    }

    /// What time it is there, and what happens next.
    ///
    /// # Errors
    /// [`Unanswered`], as with all that follow.
    pub async fn time(&self) -> Answered<Time> {
        self.get("/clock").await
    }

    /// Lets time run so many times as fast; 0 stops it.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn set_rate(&self, rate: u32) -> Answered<Time> {
        self.post("/clock", &Rate { rate }).await
    }

    /// Pushes time forward; what falls due on the way has happened when this returns.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn advance(&self, by: Duration) -> Answered<Time> {
        self.post("/clock/advance", &Advance::by(by)).await
    }

    /// Says that who follows the clock under this name has come up to an instant, and hears what time it is.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn follow(&self, name: &str, at: Timestamp) -> Answered<Time> {
        self.post(&format!("/clock/followers/{}", encode(name)), &CaughtUp { at }).await
    }

    /// Has nobody wait for this follower any more.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn leave(&self, name: &str) -> Answered<()> {
        self.delete(&format!("/clock/followers/{}", encode(name))).await
    }

    /// The groups that are meant, in order of creation.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn groups(&self, which: &Which) -> Answered<Vec<GroupSummary>> {
        self.get(&self.asking("/groups", which)?).await
    }

    /// What happened, one line an entry.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn ledger(&self) -> Answered<Vec<String>> {
        let text = self.text(Method::GET, "/ledger", Bytes::new()).await?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The bill up to now.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn bill(&self) -> Answered<Bill> {
        self.get("/bill").await
    }

    /// The bill up to now, without its lines.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn cost(&self) -> Answered<Bill> {
        self.get("/bill/total").await
    }

    /// The rules that are laid.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn faults(&self) -> Answered<Vec<Fault>> {
        self.get("/faults").await
    }

    /// Lays a rule behind the others; the number lifts it.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn lay(&self, rule: &Rule) -> Answered<u64> {
        let Laid { number } = self.post("/faults", rule).await?;
        Ok(number)
    }

    /// Lifts a rule.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn lift(&self, number: u64) -> Answered<()> {
        self.delete(&format!("/faults/{number}")).await
    }

    /// Lifts all rules.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn clear_faults(&self) -> Answered<()> {
        self.delete("/faults").await
    }

    /// Says what containers do.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn script(&self, script: &Scripted) -> Answered<()> {
        self.post("/scripts", script).await.map(|Done {}| ())
    }

    /// Forgets all scripts.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn clear_scripts(&self) -> Answered<()> {
        self.delete("/scripts").await
    }

    /// Takes something out of stock or puts it back; gives what is out of stock then.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn set_stock(&self, stock: &Stock) -> Answered<Vec<String>> {
        let SoldOut { sold_out } = self.post("/stock", stock).await?;
        Ok(sold_out)
    }

    /// Lays down a price of the spot market; gives all that is laid down.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn set_price(&self, price: &Price) -> Answered<Vec<Price>> {
        self.post("/prices", price).await
    }

    /// Forgets what was laid down for the spot market.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn clear_prices(&self) -> Answered<()> {
        self.delete("/prices").await
    }

    /// Says how an account stands: `good`, `arrears`, `no-payment`, `closed` or `unverified`.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn set_standing(&self, account: &str, standing: &str) -> Answered<Stands> {
        self.post(&format!("/accounts/{}", encode(account)), &Stands { standing: standing.to_owned() }).await
    }

    /// Takes a spot instance back in so many minutes.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn reclaim(&self, id: &str, minutes: u8) -> Answered<()> {
        let path = format!("/groups/{}/reclaim", encode(id));
        self.post(&path, &Reclaim { minutes }).await.map(|Done {}| ())
    }

    /// Ends a container badly.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn crash(&self, id: &str, container: &str, exit_code: i32) -> Answered<()> {
        let path = format!("/groups/{}/crash", encode(id));
        self.post(&path, &Crash { container: container.to_owned(), exit_code }).await.map(|Done {}| ())
    }

    /// Says how much an account may have in a region.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn set_quota(&self, quota: &Allowed) -> Answered<Allowed> {
        self.post("/quota", quota).await
    }

    /// Counts calls against the published numbers a minute, or not.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn set_throttling(&self, on: bool) -> Answered<()> {
        self.post("/throttling", &Throttling { on }).await.map(|Throttling { .. }| ())
    }

    /// The calls that are meant, oldest first.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn requests(&self, search: &Search) -> Answered<Vec<Logged>> {
        self.get(&self.asking("/requests", search)?).await
    }

    /// Forgets all, or what an account has, or what is in a region.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn reset(&self, scope: &Scope) -> Answered<()> {
        self.post("/reset", scope).await.map(|Done {}| ())
    }

    /// The worlds that are kept.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn snapshots(&self) -> Answered<Vec<Kept>> {
        self.get("/snapshots").await
    }

    /// Keeps the world as it is now.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn save(&self, name: &str) -> Answered<Kept> {
        self.post(&format!("/snapshots/{}", encode(name)), &Done {}).await
    }

    /// Puts world and clock back as they were kept.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn load(&self, name: &str) -> Answered<Kept> {
        self.post(&format!("/snapshots/{}/load", encode(name)), &Done {}).await
    }

    /// Goes on from a kept world in a second simulator, and says where that answers.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn fork(&self, name: &str) -> Answered<Forked> {
        self.post(&format!("/snapshots/{}/fork", encode(name)), &Done {}).await
    }

    /// Forgets a kept world.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn drop_snapshot(&self, name: &str) -> Answered<()> {
        self.delete(&format!("/snapshots/{}", encode(name))).await
    }

    fn asking(&self, path: &str, query: &impl Serialize) -> Answered<String> {
        let unreadable = |why: String| Unanswered::Unreadable { asked: path.to_owned(), why };
        let pairs = to_pairs(query).map_err(|why| unreadable(why.to_string()))?;
        Ok(format!("{path}?{}", render(&pairs)))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Answered<T> {
        self.json(Method::GET, path, Bytes::new()).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Answered<T> {
        let body = serde_json::to_vec(body)
            .map_err(|why| Unanswered::Unreadable { asked: path.to_owned(), why: why.to_string() })?;
        self.json(Method::POST, path, body.into()).await
    }

    async fn delete(&self, path: &str) -> Answered<()> {
        self.json(Method::DELETE, path, Bytes::new()).await.map(|Done {}| ())
    }

    async fn json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Answered<T> {
        let asked = format!("{method} {path}");
        let text = self.text(method, path, body).await?;
        serde_json::from_str(&text).map_err(|why| Unanswered::Unreadable { asked, why: why.to_string() })
    }

    async fn text(&self, method: Method, path: &str, body: Bytes) -> Answered<String> {
        let asked = format!("{method} {path}");
        let unreachable = |why: String| Unanswered::Unreachable { at: self.base.clone(), why };
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
        let why = serde_json::from_str::<Problem>(&text).map_or(text, |problem| problem.error);
        Err(Unanswered::Refused { asked, status, why })
    }
}

/// An error with its causes, which say what the first sentence does not.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.base)
    }
}
