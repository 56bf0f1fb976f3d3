//! Hooks at the two ends of a run: a command in it, or a call to an address, as a kubelet does it.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::attach::OutputFrame;
use super::engine::{Engine, EngineError, RunId};
use crate::group::container::hook::{Hook, Page};

/// True if a hook succeeds: a command with exit code 0, an HTTP call with any answer, a TCP call with a connection.
pub async fn hook_ends_well<E: Engine>(
    hook: &Hook,
    engine: &E,
    run: &RunId,
    address: Option<Ipv4Addr>,
) -> bool {
    let call = match hook {
        Hook::Call(call) => call,
        Hook::Command(words) => {
            let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
            return ends_well(engine, run, &words).await.unwrap_or(false);
        }
    };
    let own = || address.map(|address| address.to_string());
    let named = Some(&*call.host).filter(|host| !host.is_empty()).map(str::to_owned);
    let Some(host) = named.or_else(own) else { return false };
    match &call.page {
        None => connect(&host, call.port).await.is_some(),
        Some(page) => status(&host, call.port, page).await.is_some(),
    }
}

/// True if a command in the run ends with exit code 0.
pub async fn ends_well<E: Engine>(engine: &E, run: &RunId, words: &[String]) -> Result<bool, EngineError> {
    let mut attached = engine.attach(run, words, false, false).await?;
    while let Some(out) = attached.output.recv().await {
        if let OutputFrame::Ended(code) = out {
            return Ok(code == 0);
        }
    }
    Ok(false)
}

/// TCP connection to `host`; `None` where nobody accepts it.
pub async fn connect(host: &str, port: u16) -> Option<TcpStream> {
    TcpStream::connect((host, port)).await.ok()
}

/// Status of the answer to an HTTP call; `None` without an answer. HTTPS is not spoken: a connection alone counts as
/// 200.
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
