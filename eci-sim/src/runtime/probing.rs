//! Probes of a run that an Engine does: carried out for real, from beside the Engine, at their period.

use std::net::Ipv4Addr;
use std::time::Duration;

use eci_api::actions::describe_container_groups::{HttpGet, Probe};

use super::engine::{Engine, RunId};
use super::hooks::{connect, ends_well, status};
use crate::group::container::hook::Page;

/// Result of a probe so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// The probe succeeded.
    Success,
    /// The probe failed as often in a row as its threshold says.
    Failure,
    /// The probe failed, but not yet as often.
    Undecided,
}

/// A probe, and its failures in a row.
#[derive(Debug)]
pub struct Probing {
    probe: Probe,
    failures: i32,
}

impl Probing {
    /// A probe that has not run yet.
    pub fn of(probe: Probe) -> Self {
        Self { probe, failures: 0 }
    }

    /// Time from the start of the run to the first probe.
    pub fn delay(&self) -> Duration {
        seconds(self.probe.initial_delay_seconds)
    }

    /// Time from one probe to the next, 1 s at least.
    pub fn period(&self) -> Duration {
        seconds(self.probe.period_seconds.max(1))
    }

    /// Probes the run once, at its address; a probe that takes longer than its timeout has failed.
    pub async fn ask<E: Engine>(&mut self, engine: &E, run: &RunId, address: Ipv4Addr) -> ProbeOutcome {
        let within = seconds(self.probe.timeout_seconds.max(1));
        let well = tokio::time::timeout(within, self.is_well(engine, run, address)).await.unwrap_or(false);
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
        match well {
            true => ProbeOutcome::Success,
            false if self.failures >= self.probe.failure_threshold.max(1) => ProbeOutcome::Failure,
            false => ProbeOutcome::Undecided,
        }
    }

    async fn is_well<E: Engine>(&self, engine: &E, run: &RunId, address: Ipv4Addr) -> bool {
        let Probe { execs, http_get, tcp_socket, .. } = &self.probe;
        if let Some(get) = http_get {
            return answers(get, address).await;
        }
        if let Some(socket) = tcp_socket {
            return match u16::try_from(socket.port) {
                Ok(port) => connect(&address.to_string(), port).await.is_some(),
                Err(_) => false,
            };
        }
        ends_well(engine, run, execs).await.unwrap_or(false)
    }
}

/// True if a page answers with a status from 200 to 399; of HTTPS, only the connection is checked.
async fn answers(get: &HttpGet, address: Ipv4Addr) -> bool {
    let Ok(port) = u16::try_from(get.port) else { return false };
    let https = get.scheme.eq_ignore_ascii_case("https");
    let page = Page { path: get.path.as_str().into(), https, headers: Box::default() };
    status(&address.to_string(), port, &page).await.is_some_and(|status| (200..400).contains(&status))
}

fn seconds(number: i32) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}
