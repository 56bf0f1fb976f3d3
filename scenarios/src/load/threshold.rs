//! Thresholds: conditions under which a run fails, such as `p99(running)>2s`.

use std::fmt;
use std::str::FromStr;

use super::report::Report;
use super::stage::{Stage, StageError};

/// A condition that fails the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    metric: Metric,
    above: bool,
    /// Seconds, or a number.
    limit: f64,
    text: String,
}

/// A figure of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Percentile(Percentile, Stage),
    /// Pods a second that came to Running, or went.
    Rate(Stage),
    /// Calls to the cloud a pod.
    EciCalls,
    /// The provider's calls to Kubernetes a pod.
    KubernetesCalls,
    /// The provider's writes a pod.
    Writes,
    /// Calls that the cloud throttled.
    Throttles,
    /// Pods that failed.
    Failed,
    /// CPU time of all processes, in seconds.
    Cpu,
    /// Peak memory of all processes, in MiB.
    Memory,
    /// Cost.
    Cost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Percentile {
    P50,
    P90,
    P99,
    Max,
}

/// A text that is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// No `<` or `>`.
    #[error(
        "`{0}` is no condition; it should be a figure, `<` or `>`, and a limit, as in `p99(running)>2s` or `rate(running)<100`"
    )]
    Form(String),
    /// An unknown figure.
    #[error(
        "`{0}` is no figure of a load; it should be p50, p90, p99 or max of a stage, as in `p99(running)`, rate(running), rate(gone), \
         writes, calls(kubernetes), calls(eci), throttles, failed, cpu, memory or cost"
    )]
    Metric(String),
    /// An unknown stage.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A limit that is no number.
    #[error("`{limit}` in `{text}` is no limit; it should be {right}")]
    Limit {
        /// The limit.
        limit: String,
        /// The whole text.
        text: String,
        /// What would be right.
        right: &'static str,
    },
}

impl FromStr for Metric {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let unknown = || ThresholdError::Metric(text.to_owned());
        let Some((name, of)) = text.split_once('(') else {
            return Ok(match text {
                "writes" => Self::Writes,
                "throttles" => Self::Throttles,
                "failed" => Self::Failed,
                "cpu" => Self::Cpu,
                "memory" => Self::Memory,
                "cost" => Self::Cost,
                _ => return Err(unknown()),
            });
        };
        let of = of.strip_suffix(')').ok_or_else(unknown)?.trim();
        let percentile = |which| Ok(Self::Percentile(which, of.parse()?));
        match (name, of) {
            ("p50", _) => percentile(Percentile::P50),
            ("p90", _) => percentile(Percentile::P90),
            ("p99", _) => percentile(Percentile::P99),
            ("max", _) => percentile(Percentile::Max),
            ("rate", "running") => Ok(Self::Rate(Stage::Running)),
            ("rate", "gone") => Ok(Self::Rate(Stage::Gone)),
            ("calls", "eci") => Ok(Self::EciCalls),
            ("calls", "kubernetes") => Ok(Self::KubernetesCalls),
            _ => Err(unknown()),
        }
    }
}

impl Metric {
    /// The figure; `None` where it was not measured.
    fn of(self, report: &Report) -> Option<f64> {
        match self {
            Self::Percentile(which, stage) => {
                let of = report.stages.get(&stage)?;
                Some(match which {
                    Percentile::P50 => of.p50,
                    Percentile::P90 => of.p90,
                    Percentile::P99 => of.p99,
                    Percentile::Max => of.max,
                })
            }
            Self::Rate(Stage::Gone) => report.rates.gone,
            Self::Rate(_) => report.rates.running,
            Self::EciCalls => report.a_pod(report.eci_calls()?.0),
            Self::KubernetesCalls => report.a_pod(report.kubernetes_calls()?.0),
            Self::Writes => report.a_pod(report.kubernetes_calls()?.1),
            Self::Throttles => number(report.eci_calls()?.1),
            Self::Failed => number(u64::try_from(report.counts.failed).ok()?),
            Self::Cpu => Some(report.processes.iter().map(|process| process.cpu_seconds).sum()),
            Self::Memory => number(report.processes.iter().map(|process| process.peak_mebibytes).sum()),
            Self::Cost => report.money.as_ref()?.amount?.try_into().ok(),
        }
    }

    fn is_span(self) -> bool {
        matches!(self, Self::Percentile(..) | Self::Cpu)
    }
}

fn number(count: u64) -> Option<f64> {
    u32::try_from(count).ok().map(f64::from)
}

/// Seconds of `2s`, `500ms` or `1.5m`.
pub fn span_seconds(text: &str) -> Option<f64> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    limit_number(number).map(|number| number * unit)
}

fn limit_number(text: &str) -> Option<f64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| digits && number.is_finite())
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let form = || ThresholdError::Form(text.to_owned());
        let place = text.find(['<', '>']).ok_or_else(form)?;
        let (metric, rest) = text.split_at(place);
        let metric: Metric = metric.trim().parse()?;
        let limit = rest.get(1..).unwrap_or_default().trim();
        let (number, right) = match metric.is_span() {
            true => (span_seconds(limit), "a time such as 500ms, 2s or 1m"),
            false => (limit_number(limit), "a number such as 100 or 2.5"),
        };
        let wrong = || ThresholdError::Limit { limit: limit.to_owned(), text: text.to_owned(), right };
        let (above, limit) = (rest.starts_with('>'), number.ok_or_else(wrong)?);
        Ok(Self { metric, above, limit, text: text.to_owned() })
    }
}

impl Threshold {
    /// The sentence that says that the report meets the condition, or that it cannot be told; `None` of a run that is well.
    pub fn violation(&self, report: &Report) -> Option<String> {
        let unit = if self.metric.is_span() { " s" } else { "" };
        match self.metric.of(report) {
            None => Some(format!("`{self}` cannot be told: the run did not measure it")),
            Some(figure) if (figure > self.limit) == self.above && figure != self.limit => {
                Some(format!("`{self}`: it was {figure:.3}{unit}"))
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn a_run_fails_where_a_figure_is_beyond_its_limit() {
        let report = report(4, 500);
        for (text, fails) in [
            ("p99(running)>2s", false),
            ("p99(running) > 1.4s", true),
            ("max(running)>1500ms", false),
            ("p50(accepted)<1s", true),
            ("rate(running)<1", false),
            ("rate(running)>1", true),
            ("writes>3", false),
            ("writes>2.9", true),
            ("calls(eci)>1", false),
            ("calls(kubernetes)>3.5", true),
            ("throttles>0", true),
            ("failed>0", false),
            ("cpu>2s", false),
            ("memory>50", true),
            ("cost>1", true),
            ("p99(gone)>1s", true),
        ] {
            let violation = text.parse::<Threshold>().unwrap().violation(&report);
            assert_eq!(violation.is_some(), fails, "{text}: {violation:?}");
        }
        let untold = "p99(gone)>1s".parse::<Threshold>().unwrap().violation(&report).unwrap();
        assert!(untold.contains("did not measure"), "{untold}");
    }

    #[test]
    fn what_is_no_threshold_is_told_what_would_be_right() {
        for (text, word) in [
            ("p99(running)", "`<` or `>`"),
            ("p98(running)>2s", "it should be p50, p90, p99 or max"),
            ("p99(started)>2s", "`started` is no stage"),
            ("p99(running)>fast", "a time such as 500ms"),
            ("p99(running)>2", "a time such as 500ms"),
            ("p99(running)>infs", "a time such as 500ms"),
            ("writes>many", "a number such as 100"),
            ("writes>-1", "a number such as 100"),
            ("writes>", "a number such as 100"),
            ("", "`<` or `>`"),
        ] {
            let why = text.parse::<Threshold>().unwrap_err().to_string();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
