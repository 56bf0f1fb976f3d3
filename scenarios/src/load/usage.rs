//! The usage of a run: calls, processes and money between its begin and its end.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::calls::{CallCounts, since};
use super::history::{Counts, Life};
use super::place::Place;
use super::processes::{CpuMark, Process, ProcessUsage};
use super::report::{ActionCalls, Gathered, LoadOutcome, Money};
use crate::cloud::Cloud;
use crate::cluster::Measurements;
use crate::stage::World;

/// The marks at the begin of a run, from which its usage counts.
pub(super) struct Meter {
    kubernetes: Option<CallCounts>,
    eci: BTreeMap<(String, String), u64>,
    cpu: CpuMark,
}

/// The usage of a run.
pub(super) struct Usage {
    kubernetes: Option<CallCounts>,
    eci: Option<BTreeMap<String, ActionCalls>>,
    processes: Vec<ProcessUsage>,
    money: Option<Money>,
}

impl Meter {
    /// Marks where the run begins.
    pub(super) async fn begin(place: &Place) -> Self {
        let measured = measurements(place).await;
        let name = match place.world() {
            None => "this program: load",
            Some(_) if place.cluster().starts_with(crate::cluster::EMBEDDED) => {
                "this program: load, Kubernetes API, provider, local ECI"
            }
            Some(_) => "this program: load, local ECI",
        };
        let mut processes = vec![Process { name: name.to_owned(), id: std::process::id() }];
        processes.extend(measured.processes);
        processes.extend(place.processes().iter().cloned());
        Self { kubernetes: measured.calls, eci: eci_counts(place), cpu: CpuMark::now(&processes) }
    }

    /// The usage since the begin.
    pub(super) async fn end(self, place: &Place) -> Usage {
        let now = measurements(place).await.calls;
        let kubernetes = self.kubernetes.zip(now).map(|(before, now)| since(&before, &now));
        let cloud = place.world().map(World::cloud);
        let eci = cloud.and_then(Cloud::here).map(|_| by_action(&self.eci, &eci_counts(place)));
        let cost = match cloud {
            Some(cloud) => cloud.cost().await.ok(),
            None => None,
        };
        let money = cost.map(|(currency, cost)| Money {
            currency: currency.to_string(),
            amount: cost.known().ok().map(|amount| amount.decimal()),
        });
        Usage { kubernetes, eci, processes: self.cpu.usage(), money }
    }
}

impl Usage {
    /// Puts everything together.
    pub(super) fn gathered(
        self,
        place: &Place,
        (began, micros): (Timestamp, u64),
        ended: LoadOutcome,
        (counts, lives, failure): (Counts, Vec<Life>, Option<String>),
    ) -> Gathered {
        let Self { kubernetes, eci, processes, money } = self;
        let (cluster, seed) = (place.cluster().to_owned(), place.seed().to_string());
        let stepped = place.is_stepped();
        Gathered {
            cluster,
            stepped,
            seed,
            began,
            micros,
            ended,
            lives,
            counts,
            failure,
            kubernetes,
            eci,
            processes,
            money,
        }
    }
}

/// The measurements of a world; none where the node is somebody else's.
async fn measurements(place: &Place) -> Measurements {
    match place.world() {
        Some(world) => world.measurements().await,
        None => Measurements::default(),
    }
}

/// The calls to a cloud in this process, by operation and error code.
fn eci_counts(place: &Place) -> BTreeMap<(String, String), u64> {
    let eci = place.world().and_then(|world| world.cloud().here());
    eci.map(|eci| eci.control().call_counts()).unwrap_or_default()
}

/// The calls since some were counted before, by operation.
fn by_action(
    before: &BTreeMap<(String, String), u64>,
    now: &BTreeMap<(String, String), u64>,
) -> BTreeMap<String, ActionCalls> {
    let mut actions: BTreeMap<String, ActionCalls> = BTreeMap::new();
    for (key @ (action, code), count) in now {
        let more = count.saturating_sub(before.get(key).copied().unwrap_or_default());
        if more == 0 {
            continue;
        }
        let calls = actions.entry(action.clone()).or_default();
        calls.calls += more;
        match code.as_str() {
            "" => {}
            code if code.starts_with("Throttling") => calls.throttled += more,
            _ => calls.refused += more,
        }
    }
    actions
}
