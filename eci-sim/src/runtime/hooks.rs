//! What runs at the two ends of a run: a command in it, or a call to an address, as a kubelet does it.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::attach::Out;
use super::engine::{Engine, RunId, Trouble};
use crate::group::container::call::{Call, Page};
use crate::group::container::spec::Rare;

/// What runs right after the start of a run, or before it is stopped.
#[derive(Clone, PartialEq, Eq)]
pub enum Hook {
    /// A command in the run.
    Command(Vec<String>),
    /// A call.
    Call(Call),
}

impl Hook {
    /// What runs right after the start.
    pub fn after_start(rare: &Rare) -> Option<Self> {
        Self::of(&rare.post_start, rare.start_call.as_deref())
    }

    /// What runs before the stop.
    pub fn before_stop(rare: &Rare) -> Option<Self> {
        Self::of(&rare.stop_command, rare.stop_call.as_deref())
    }

    fn of(words: &[Box<str>], call: Option<&Call>) -> Option<Self> {
        match words {
            [] => call.cloned().map(Self::Call),
            words => Some(Self::Command(words.iter().map(|word| word.to_string()).collect())),
        }
    }

    /// Whether it ends well: a command with zero, a page with any answer, a socket with a connection.
    pub async fn ends_well<E: Engine>(&self, engine: &E, run: &RunId, address: Option<Ipv4Addr>) -> bool {
        match self {
            Self::Command(words) => ends_well(engine, run, words).await.unwrap_or(false),
            Self::Call(call) => {
                let own = || address.map(|address| address.to_string());
                let named = Some(&*call.host).filter(|host| !host.is_empty()).map(str::to_owned);
                let Some(host) = named.or_else(own) else { return false };
                match &call.page {
                    None => connect(&host, call.port).await.is_some(),
                    Some(page) => status(&host, call.port, page).await.is_some(),
                }
            }
        }
    }
}

/// Whether a command in a run ends with zero.
pub async fn ends_well<E: Engine>(engine: &E, run: &RunId, words: &[String]) -> Result<bool, Trouble> {
    let mut attached = engine.attach(run, words, false, false).await?;
    while let Some(out) = attached.output.recv().await {
        if let Out::Ended(code) = out {
            return Ok(code == 0);
        }
    }
    Ok(false)
}

/// A connection, where somebody takes it.
pub async fn connect(host: &str, port: u16) -> Option<TcpStream> {
    TcpStream::connect((host, port)).await.ok()
}

/// The status that a page answers with; of one behind TLS it is only seen that somebody is there, which counts as 200.
pub async fn status(host: &str, port: u16, page: &Page) -> Option<u16> {
    let stream = connect(host, port).await?;
    if page.https {
        return Some(200);
    }
    let path = if page.path.starts_with('/') { page.path.to_string() } else { format!("/{}", page.path) };
    let mut request = Request::get(path);
    for (name, value) in &page.headers {
        request = request.header(&**name, &**value);
    }
    let says = |name: &str| page.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    if !says("host") {
        request = request.header("host", format!("{host}:{port}"));
    }
    if !says("user-agent") {
        request = request.header("user-agent", "kube-probe");
    }
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    connection.abort();
    answer.ok().map(|answer| answer.status().as_u16())
}
