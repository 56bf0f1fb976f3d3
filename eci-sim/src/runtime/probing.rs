//! Probes of a run that an Engine does: asked for real, from beside the Engine, as often as they say.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use eci_api::actions::describe_container_groups::{HttpGet, Probe};
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::attach::Out;
use super::engine::{Engine, RunId, Trouble};

/// What a probe has found so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It succeeded.
    Well,
    /// It failed as often in a row as it may.
    Ill,
    /// It failed, but not yet too often.
    Unsure,
}

/// A probe, and how often in a row it has failed.
#[derive(Debug)]
pub struct Probing {
    probe: Probe,
    failures: i32,
}

impl Probing {
    /// A probe that was not asked yet.
    pub fn of(probe: Probe) -> Self {
        Self { probe, failures: 0 }
    }

    /// How long after the start it is asked first.
    pub fn delay(&self) -> Duration {
        seconds(self.probe.initial_delay_seconds)
    }

    /// How long after one time it is asked again.
    pub fn period(&self) -> Duration {
        seconds(self.probe.period_seconds.max(1))
    }

    /// Asks once, of a run and of the address that it is under.
    pub async fn ask<E: Engine>(&mut self, engine: &E, run: &RunId, address: Ipv4Addr) -> Found {
        let within = seconds(self.probe.timeout_seconds.max(1));
        let well = tokio::time::timeout(within, self.is_well(engine, run, address)).await.unwrap_or(false);
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
        match well {
            true => Found::Well,
            false if self.failures >= self.probe.failure_threshold.max(1) => Found::Ill,
            false => Found::Unsure,
        }
    }

    async fn is_well<E: Engine>(&self, engine: &E, run: &RunId, address: Ipv4Addr) -> bool {
        let Probe { execs, http_get, tcp_socket, .. } = &self.probe;
        if let Some(get) = http_get {
            return answers(get, address).await;
        }
        if let Some(socket) = tcp_socket {
            return connect(address, socket.port).await.is_some();
        }
        ends_well(engine, run, execs).await.unwrap_or(false)
    }
}

async fn ends_well<E: Engine>(engine: &E, run: &RunId, words: &[String]) -> Result<bool, Trouble> {
    let mut attached = engine.attach(run, words, false, false).await?;
    while let Some(out) = attached.output.recv().await {
        if let Out::Ended(code) = out {
            return Ok(code == 0);
        }
    }
    Ok(false)
}

async fn connect(address: Ipv4Addr, port: i32) -> Option<TcpStream> {
    TcpStream::connect((address, u16::try_from(port).ok()?)).await.ok()
}

/// Whether a page answers as it should; of one behind TLS, only that somebody is there.
async fn answers(get: &HttpGet, address: Ipv4Addr) -> bool {
    let Some(stream) = connect(address, get.port).await else { return false };
    if get.scheme.eq_ignore_ascii_case("https") {
        return true;
    }
    let path = if get.path.starts_with('/') { get.path.clone() } else { format!("/{}", get.path) };
    let request = Request::get(path).header("host", format!("{address}:{}", get.port));
    let Ok(request) = request.header("user-agent", "kube-probe").body(Empty::<Bytes>::new()) else {
        return false;
    };
    let Ok((mut sender, connection)) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await
    else {
        return false;
    };
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    connection.abort();
    answer.is_ok_and(|answer| (200..400).contains(&answer.status().as_u16()))
}

fn seconds(number: i32) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}
