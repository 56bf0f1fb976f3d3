//! A provider that takes the time from a local ECI instead of the machine: for tests and demonstrations.
//!
//! Whoever moves the simulator's clock by an hour expects that an hour has passed for the node, too; and a cloud whose
//! clock is not the provider's turns its signatures down. So the runtime's clock is paused, and moves only when the
//! control door's has moved, by as much. It stands still while a call is on its way, and the door is told up to which
//! instant all is done, so that whoever moves the clock can wait for it.

pub mod calls;

use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use http::{Method, Request, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use self::calls::{Calls, really};
use crate::eci::{Endpoint, HyperTransport, Transport as _, TransportError};

/// The pause between two questions to a clock that stands, which may move at any moment; and to one that runs.
const GLANCE: Duration = Duration::from_millis(3);
const GLANCE_RUNNING: Duration = Duration::from_millis(50);
/// The longest wait for an answer, and the pause before the next question when none came.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// A clock somewhere else that is followed; cheap to clone.
#[derive(Clone)]
pub struct Followed {
    door: Endpoint,
    name: String,
    transport: HyperTransport,
}

/// A guard under which a paused runtime moves its clock only when it is told to, however idle it is.
pub struct Held {
    _open: std::sync::mpsc::Sender<()>,
}

/// The error of a clock that can be followed no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock at {door} went back from {known} to {told}, where this process cannot go; started again, it begins there"
)]
pub struct WentBack {
    door: String,
    known: Timestamp,
    told: Timestamp,
}

/// The state of the clock that is followed.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Told {
    now: Timestamp,
    rate: u32,
}

/// A runtime whose clock moves only when it is told to.
///
/// # Errors
/// When the machine does not give what a runtime needs.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()
}

/// Holds the clock of the paused runtime that this is called in.
pub fn hold() -> Held {
    let (open, closed) = std::sync::mpsc::channel::<()>();
    // A paused clock stays where it is as long as something blocks.
    tokio::task::spawn_blocking(move || closed.recv());
    Held { _open: open }
}

impl Followed {
    /// The clock of a control door, followed under a name.
    ///
    /// # Errors
    /// When there can be no way to it.
    pub fn new(door: Endpoint, name: impl Into<String>) -> Result<Self, TransportError> {
        Ok(Self { door, name: name.into(), transport: HyperTransport::new()? })
    }

    /// A clock that tells the same time; it is asked until there is an answer.
    pub async fn begin(&self) -> Clock {
        let mut warned = false;
        loop {
            match self.ask(Method::GET, "/clock", Bytes::new()).await {
                Ok(told) => {
                    let door = &self.door;
                    tracing::warn!(
                        "the time is taken from {door}, where it is {}: not for production",
                        told.now
                    );
                    return Clock::following_runtime(told.now);
                }
                Err(why) if !warned => tracing::warn!("{why}; asked again until it tells the time"),
                Err(_) => {}
            }
            warned = true;
            really(PAUSE).await;
        }
    }

    /// Moves the runtime's clock, which `clock` tells, on as the other moves on; each time, all `calls` are waited for.
    pub async fn follow(&self, clock: &Clock, calls: &Calls) -> WentBack {
        let mut silent = false;
        loop {
            let known = clock.now();
            let at = json!({ "at": known }).to_string();
            let asked = self.ask(Method::POST, &format!("/clock/followers/{}", self.name), at.into()).await;
            let told = match asked {
                Ok(told) => told,
                Err(why) => {
                    if !silent {
                        tracing::warn!("{why}; time stands still until it does");
                    }
                    silent = true;
                    really(PAUSE).await;
                    continue;
                }
            };
            silent = false;
            if told.now < known {
                return WentBack { door: self.door.to_string(), known, told: told.now };
            }
            if told.now > known {
                tokio::time::advance(told.now.duration_since(known).unsigned_abs()).await;
                calls.until_none().await;
            }
            if told.rate > 0 {
                really(GLANCE_RUNNING).await;
            } else if told.now == known {
                really(GLANCE).await;
            }
        }
    }

    /// Has nobody wait for this one any more, as far as the door still listens.
    pub async fn leave(&self) {
        // An error is ignored: a silent follower is forgotten by the other side as well, only later.
        let path = format!("/clock/followers/{}", self.name);
        let _ = self.answer(Method::DELETE, &path, Bytes::new()).await;
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Told, String> {
        let wrong = |why: String| format!("the clock at {} does not answer: {why}", self.door);
        let response = self.answer(method, path, body).await.map_err(wrong)?;
        let text = String::from_utf8_lossy(response.body());
        if !response.status().is_success() {
            return Err(wrong(format!("{}, {}", response.status(), text.trim())));
        }
        serde_json::from_str(&text).map_err(|error| wrong(format!("{error} in `{}`", text.trim())))
    }

    async fn answer(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Bytes>, String> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.door)).body(body);
        let request = request.map_err(|error| error.to_string())?;
        tokio::select! {
            answered = self.transport.send(request) => answered.map_err(|error| error.to_string()),
            () = really(PATIENCE) => Err(format!("nothing came within {} s", PATIENCE.as_secs())),
        }
    }
}
