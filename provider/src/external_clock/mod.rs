//! A provider that takes the time from a local ECI instead of the machine: for tests and demonstrations.
//!
//! Whoever moves the simulator's clock by an hour expects that an hour has passed for the node, too; and a cloud whose
//! clock is not the provider's turns its signatures down. So the runtime's clock is paused, and moves only when the
//! simulator's clock has moved, by as much. It stands still while a call is in flight, and the simulator is told up to
//! which instant all is done, so that whoever moves the clock can wait for it.

pub mod calls;

use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use self::calls::{InFlightCalls, sleep_real};
use crate::eci::{Endpoint, HyperTransport, Transport as _, TransportError};

/// The pause between two questions to a clock that stands, which may move at any moment; and to one that runs.
const POLL_INTERVAL: Duration = Duration::from_millis(3);
const RUNNING_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The longest wait for an answer, and the pause before the next question when none came.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// A clock in another process; cheap to clone.
#[derive(Clone)]
pub struct RemoteClock {
    url: Endpoint,
    /// The name under which this process follows the clock.
    name: String,
    transport: HyperTransport,
}

/// A guard under which a paused runtime moves its clock only when it is told to, however idle it is.
pub struct HeldClock {
    _open: std::sync::mpsc::Sender<()>,
}

/// The error of a remote clock that can be followed no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock at {url} went back from {known} to {now}, where this process cannot go; started again, it begins there"
)]
pub struct ClockWentBackwards {
    url: String,
    known: Timestamp,
    now: Timestamp,
}

/// Errors of one question to the remote clock.
#[derive(Debug, thiserror::Error)]
enum ClockError {
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("nothing came within {} s", ANSWER_TIMEOUT.as_secs())]
    Timeout,
    #[error("{status}, {text}")]
    Refused { status: StatusCode, text: String },
    #[error("{error} in `{text}`")]
    Unreadable { error: serde_json::Error, text: String },
}

/// The time of the remote clock, and how many times as fast as the machine's it runs; a rate of 0 stands.
#[derive(Debug, Clone, Copy, Deserialize)]
struct ClockState {
    now: Timestamp,
    rate: u32,
}

/// A runtime whose clock moves only when it is told to.
///
/// # Errors
/// When the machine does not give what a runtime needs.
pub fn paused_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()
}

/// Holds the clock of the paused runtime that this is called in.
pub fn hold_clock() -> HeldClock {
    let (open, closed) = std::sync::mpsc::channel::<()>();
    // A paused clock stays where it is as long as something blocks.
    tokio::task::spawn_blocking(move || closed.recv());
    HeldClock { _open: open }
}

impl RemoteClock {
    /// The clock that a local ECI serves at `url`, to be followed under a name.
    ///
    /// # Errors
    /// When the machine's certificate authorities cannot be read.
    pub fn new(url: Endpoint, name: impl Into<String>) -> Result<Self, TransportError> {
        Ok(Self { url, name: name.into(), transport: HyperTransport::new()? })
    }

    /// A clock that tells the same time; the remote one is asked until there is an answer.
    pub async fn start(&self) -> Clock {
        let mut warned = false;
        loop {
            match self.ask(Method::GET, "/clock", Bytes::new()).await {
                Ok(ClockState { now, .. }) => {
                    tracing::warn!(
                        "the time is taken from {}, where it is {now}: not for production",
                        self.url
                    );
                    return Clock::following_runtime(now);
                }
                Err(error) if !warned => {
                    tracing::warn!("{}; asked again until it tells the time", self.unanswered(&error));
                }
                Err(_) => {}
            }
            warned = true;
            sleep_real(RETRY_PAUSE).await;
        }
    }

    /// Moves the runtime's clock, which `clock` tells, on as the remote one moves on; each time, all `calls` are waited
    /// for. Returns when the remote clock went backwards, and never otherwise.
    pub async fn follow(&self, clock: &Clock, calls: &InFlightCalls) -> ClockWentBackwards {
        let mut silent = false;
        loop {
            let known = clock.now();
            let at = json!({ "at": known }).to_string();
            let asked = self.ask(Method::POST, &self.follower_path(), at.into()).await;
            let ClockState { now, rate } = match asked {
                Ok(state) => state,
                Err(error) => {
                    if !silent {
                        tracing::warn!("{}; time stands still until it does", self.unanswered(&error));
                    }
                    silent = true;
                    sleep_real(RETRY_PAUSE).await;
                    continue;
                }
            };
            silent = false;
            if now < known {
                return ClockWentBackwards { url: self.url.to_string(), known, now };
            }
            if now > known {
                tokio::time::advance(now.duration_since(known).unsigned_abs()).await;
                calls.wait_until_none().await;
            }
            if rate > 0 {
                sleep_real(RUNNING_POLL_INTERVAL).await;
            } else if now == known {
                sleep_real(POLL_INTERVAL).await;
            }
        }
    }

    /// Ends the following, so that nobody who moves the remote clock waits for this process any more.
    pub async fn leave(&self) {
        // An error is ignored: a silent follower is forgotten by the other side as well, only later.
        let _ = self.send(Method::DELETE, &self.follower_path(), Bytes::new()).await;
    }

    fn follower_path(&self) -> String {
        format!("/clock/followers/{}", self.name)
    }

    fn unanswered(&self, error: &ClockError) -> String {
        format!("the clock at {} does not answer: {error}", self.url)
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<ClockState, ClockError> {
        let response = self.send(method, path, body).await?;
        let text = String::from_utf8_lossy(response.body());
        if !response.status().is_success() {
            return Err(ClockError::Refused { status: response.status(), text: text.trim().to_owned() });
        }
        serde_json::from_str(&text)
            .map_err(|error| ClockError::Unreadable { error, text: text.trim().to_owned() })
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Bytes>, ClockError> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url)).body(body)?;
        tokio::select! {
            answered = self.transport.send(request) => Ok(answered?),
            () = sleep_real(ANSWER_TIMEOUT) => Err(ClockError::Timeout),
        }
    }
}
