//! The report of a load: what was planned, how it ended, and every figure; computed from a history, and read back from JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::calls::{CallCounts, writes};
use super::history::{Counts, Life, Moment};
use super::percentiles::{Percentiles, seconds};
use super::plan::Plan;
use super::processes::ProcessUsage;
use super::stage::{self, Stage};

/// Number of the form of reports; a reader refuses others.
pub const FORMAT: u32 = 1;
/// The word by which a report of a load is known.
pub const KIND: &str = "load";
/// The share of the rate that was asked for below which it was not held.
const HELD: f64 = 0.9;

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "kebab-case")]
pub enum LoadOutcome {
    /// All that was planned was done.
    Completed,
    /// Somebody ended it before.
    Interrupted,
    /// Nothing changed any more, and not all was done.
    Stalled {
        /// What was waited for, as a clause.
        waited_for: String,
    },
    /// The cluster refused a call.
    Refused {
        /// The call and the reason.
        why: String,
    },
}

/// The calls of one operation of the cloud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionCalls {
    /// All calls.
    pub calls: u64,
    /// Those that were throttled.
    pub throttled: u64,
    /// Those that were refused for another reason.
    pub refused: u64,
}

/// Money in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Money {
    /// Currency, as CNY.
    pub currency: String,
    /// Amount, as a decimal text; `None` where a price is missing.
    pub amount: Option<rust_decimal::Decimal>,
}

/// Pods a second, over the time from the first call to the last pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rates {
    /// Pods asked for, where more than one was.
    pub requested: Option<f64>,
    /// Pods that came to Running.
    pub running: Option<f64>,
    /// Pods that went.
    pub gone: Option<f64>,
}

/// What was gathered in a run.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// Cluster, as in a report's first line.
    pub cluster: String,
    /// True where time is stepped.
    pub stepped: bool,
    /// Seed of the world.
    pub seed: String,
    /// Time at which the run began.
    pub began: Timestamp,
    /// Length of the run in microseconds.
    pub micros: u64,
    /// End of the run.
    pub ended: LoadOutcome,
    /// Lives of all pods.
    pub lives: Vec<Life>,
    /// Counts of the history.
    pub counts: Counts,
    /// One pod that failed, with the reason.
    pub failure: Option<String>,
    /// Calls of the provider to Kubernetes; `None` where they are not counted.
    pub kubernetes: Option<CallCounts>,
    /// Calls to the cloud; `None` where they are not counted.
    pub eci: Option<BTreeMap<String, ActionCalls>>,
    /// Usage of the processes of the run.
    pub processes: Vec<ProcessUsage>,
    /// Cost of the run so far; `None` where the cloud does not tell.
    pub money: Option<Money>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// `load`.
    pub kind: String,
    /// [`FORMAT`].
    pub format: u32,
    /// Cluster, as in a report's first line.
    pub cluster: String,
    /// True where time is stepped, so that seconds are the world's and not the machine's.
    pub stepped: bool,
    /// Seed of the world.
    pub seed: String,
    /// The plan.
    pub plan: Plan,
    /// Number of runs that this is made of: more than 1 after a merge.
    pub runs: u32,
    /// Time at which the run began.
    pub began: Timestamp,
    /// Length of the run in seconds.
    pub seconds: f64,
    /// End of the run.
    pub ended: LoadOutcome,
    /// Counts of pods.
    pub counts: Counts,
    /// One pod that failed, with the reason.
    pub failure: Option<String>,
    /// Percentiles of each stage, in seconds.
    pub stages: BTreeMap<Stage, Percentiles>,
    /// Pods a second.
    pub rates: Rates,
    /// Calls of the provider to Kubernetes, by verb and resource; `None` where they are not counted.
    pub kubernetes: Option<CallCounts>,
    /// Calls to the cloud by operation; `None` where they are not counted.
    pub eci: Option<BTreeMap<String, ActionCalls>>,
    /// Usage of the processes of the run.
    pub processes: Vec<ProcessUsage>,
    /// Cost of the run so far; `None` where the cloud does not tell.
    pub money: Option<Money>,
    /// The lives that all of it was computed from.
    pub lives: Vec<Life>,
}

/// A file that holds no report of a load.
#[derive(Debug, thiserror::Error)]
#[error("{file} holds no report of `load`, as `--json FILE` writes it: {why}")]
pub struct ReadError {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

impl Report {
    /// Computes the report of a run.
    pub fn of(plan: &Plan, gathered: Gathered) -> Self {
        let Gathered { cluster, stepped, seed, began, micros, ended, lives, counts, .. } = gathered;
        Self {
            kind: KIND.to_owned(),
            format: FORMAT,
            cluster,
            stepped,
            seed,
            plan: plan.clone(),
            runs: 1,
            began,
            seconds: seconds(micros),
            ended,
            counts,
            failure: gathered.failure,
            stages: stage::percentiles(&lives),
            rates: Rates::of(&lives),
            kubernetes: gathered.kubernetes,
            eci: gathered.eci,
            processes: gathered.processes,
            money: gathered.money,
            lives,
        }
    }

    /// Reads a report.
    ///
    /// # Errors
    /// [`ReadError`] for what is no JSON, no report of a load, or one of another form.
    pub fn read(file: &str, text: &str) -> Result<Self, ReadError> {
        let wrong = |why: String| ReadError { file: file.to_owned(), why };
        let report: Self = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        match (report.kind.as_str(), report.format) {
            (KIND, FORMAT) => Ok(report),
            (KIND, format) => Err(wrong(format!("its form is {format}, and this program reads {FORMAT}"))),
            (kind, _) => Err(wrong(format!("its kind is `{kind}`"))),
        }
    }

    /// Calls of the provider to Kubernetes, and the writes among them; `None` where they are not counted.
    pub fn kubernetes_calls(&self) -> Option<(u64, u64)> {
        self.kubernetes.as_ref().map(|calls| (calls.values().sum(), writes(calls)))
    }

    /// Calls to the cloud, and those that were throttled; `None` where they are not counted.
    pub fn eci_calls(&self) -> Option<(u64, u64)> {
        let sum = |sum: (u64, u64), calls: &ActionCalls| (sum.0 + calls.calls, sum.1 + calls.throttled);
        self.eci.as_ref().map(|eci| eci.values().fold((0, 0), sum))
    }

    /// A count for each pod that the API accepted; `None` without pods.
    pub fn a_pod(&self, count: u64) -> Option<f64> {
        let pods = u32::try_from(self.counts.accepted).ok().filter(|pods| *pods > 0)?;
        Some(f64::from(u32::try_from(count).ok()?) / f64::from(pods))
    }

    /// What did not come out as planned, a sentence each; nothing after a run that did.
    pub fn shortfalls(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        match &self.ended {
            LoadOutcome::Completed => {}
            LoadOutcome::Interrupted => {
                sentences.push("The run was interrupted; the report is of what was done until then.".into())
            }
            LoadOutcome::Stalled { waited_for } => {
                sentences.push(format!("Nothing changed any more while it waited for {waited_for}."))
            }
            LoadOutcome::Refused { why } => sentences.push(format!("The cluster refused a call: {why}")),
        }
        if let Some(failure) = &self.failure {
            sentences.push(format!("{} pods failed, {failure}.", self.counts.failed));
        }
        if let (Some(rate), Some(held), LoadOutcome::Completed, true) =
            (self.plan.rate, self.rates.requested, &self.ended, self.plan.ramp.is_zero())
            && held < HELD * rate.a_second()
        {
            sentences.push(format!(
                "The rate was not held: {:.1} pods a second were asked for instead of {:.1}; ask for a lower --rate, or for more calls \
                 at once with --in-flight.",
                held,
                rate.a_second()
            ));
        }
        sentences
    }
}

impl Rates {
    /// The rates of lives.
    pub fn of(lives: &[Life]) -> Self {
        let instants = |moment| lives.iter().filter_map(move |life| life.at(moment));
        let rate = |from: Moment, to: Moment, intervals: usize| {
            let count = instants(to).count().checked_sub(intervals)?;
            let span = instants(to).max()?.saturating_sub(instants(from).min()?);
            let count = f64::from(u32::try_from(count).ok()?);
            (span > 0 && count > 0.0).then(|| count / seconds(span))
        };
        Self {
            // so many intervals as there are pods, but for the first
            requested: rate(Moment::Requested, Moment::Requested, 1),
            running: rate(Moment::Requested, Moment::Running, 0),
            gone: rate(Moment::DeleteRequested, Moment::Gone, 0),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
