//! The plan of a load: how many pods, in what form, when each begins, and how large it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The form in which the pods are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Pods without an owner.
    Bare,
    /// Deployments of some replicas each.
    Deployments,
    /// Jobs of some pods at once each, which do not end by themselves.
    Jobs,
}

/// Events a second: more than 0, at most a million.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// The smallest rate, which is one in a quarter of an hour.
const RATE_MIN: f64 = 0.001;

/// A text or number that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` should be a number of pods a second, more than 0 and at most 1000000, such as `50` or `0.5/s`"
)]
pub struct RateError(String);

/// What is made, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Number of pods.
    pub pods: u32,
    /// Form of the pods.
    pub workload: Workload,
    /// Pods of a Deployment or Job.
    pub replicas: u32,
    /// Rate at which pods begin; `None` for as fast as calls in flight allow.
    pub rate: Option<Rate>,
    /// Time in which the rate rises from 0 to its height.
    pub ramp: Duration,
    /// Calls of this program that are in flight at once.
    pub in_flight: usize,
    /// Time for which the pods stay once all run.
    pub steady: Duration,
    /// Rate at which pods are deleted and made again meanwhile.
    pub churn: Option<Rate>,
    /// vCPU of a pod, as a quantity.
    pub cpu: String,
    /// Memory of a pod, as a quantity.
    pub memory: String,
    /// Image of the containers.
    pub image: String,
    /// Prefix of the names of what is made.
    pub prefix: String,
    /// Node of the pods, where a program that is not ours keeps it; `None` for the virtual node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// A plan that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A ramp without a height.
    #[error("--ramp rises to a rate; say --rate too, as in `--rate 50 --ramp 10s`")]
    RampWithoutRate,
    /// Churn without time to do it in.
    #[error(
        "--churn deletes and recreates during the steady state; say --steady too, as in `--churn 5 --steady 1m`"
    )]
    ChurnWithoutTime,
    /// No pods.
    #[error("--pods should be 1 or more")]
    NoPods,
}

impl Plan {
    /// So many small bare pods on the virtual node, made as fast as 32 calls in flight allow, and taken away once all run.
    pub fn bare(pods: u32) -> Self {
        Self {
            pods,
            workload: Workload::Bare,
            replicas: 10,
            rate: None,
            ramp: Duration::ZERO,
            in_flight: 32,
            steady: Duration::ZERO,
            churn: None,
            cpu: "0.25".to_owned(),
            memory: "512Mi".to_owned(),
            image: "busybox".to_owned(),
            prefix: "load".to_owned(),
            node: None,
        }
    }

    /// Fails for a plan that contradicts itself.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn check(&self) -> Result<(), PlanError> {
        match self {
            Self { pods: 0, .. } => Err(PlanError::NoPods),
            Self { rate: None, ramp, .. } if !ramp.is_zero() => Err(PlanError::RampWithoutRate),
            Self { churn: Some(_), steady, .. } if steady.is_zero() => Err(PlanError::ChurnWithoutTime),
            _ => Ok(()),
        }
    }

    /// Pods of one object: 1 of a bare pod.
    pub fn pods_each(&self) -> u32 {
        match self.workload {
            Workload::Bare => 1,
            Workload::Deployments | Workload::Jobs => self.replicas.max(1),
        }
    }

    /// Number of objects that are made.
    pub fn objects(&self) -> u32 {
        self.pods.div_ceil(self.pods_each())
    }

    /// Pods of the object of this index: the last one has what is left.
    pub fn pods_of(&self, object: u32) -> u32 {
        self.pods.saturating_sub(object.saturating_mul(self.pods_each())).min(self.pods_each())
    }

    /// Time from the run's begin at which the object of this index is to be made; zero without a rate.
    pub fn start_of(&self, object: u32) -> Duration {
        let Some(Rate(rate)) = self.rate else { return Duration::ZERO };
        let before = f64::from(object) * f64::from(self.pods_each());
        let ramp = self.ramp.as_secs_f64();
        let in_ramp = rate * ramp / 2.0;
        let seconds = match before < in_ramp {
            true => (2.0 * before * ramp / rate).sqrt(),
            false => ramp + (before - in_ramp) / rate,
        };
        Duration::from_secs_f64(seconds)
    }
}

impl Rate {
    /// Time between two events.
    pub fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.0)
    }

    /// One of so many equal parts of the rate; not below the smallest rate.
    #[must_use]
    pub fn part(self, of: u32) -> Self {
        Self((self.0 / f64::from(of.max(1))).max(RATE_MIN))
    }

    /// Events a second.
    pub fn a_second(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = RateError;

    fn try_from(rate: f64) -> Result<Self, RateError> {
        match (RATE_MIN..=1e6).contains(&rate) {
            true => Ok(Self(rate)),
            false => Err(RateError(rate.to_string())),
        }
    }
}

impl From<Rate> for f64 {
    fn from(Rate(rate): Rate) -> Self {
        rate
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError(text.to_owned());
        let number: f64 = text.strip_suffix("/s").unwrap_or(text).parse().map_err(|_| wrong())?;
        Self::try_from(number).map_err(|_| wrong())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare pods",
            Self::Deployments => "pods of Deployments",
            Self::Jobs => "pods of Jobs",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_of_pods_a_second() {
        for (text, a_second) in [("50", 50.0), ("0.5/s", 0.5), ("1000000", 1e6)] {
            assert_eq!(text.parse::<Rate>().unwrap(), Rate(a_second), "{text}");
        }
        for wrong in ["0", "-1", "NaN", "inf", "fast", "", "/s", "1e7", "1/m"] {
            let why = wrong.parse::<Rate>().unwrap_err().to_string();
            assert!(why.contains("such as `50`"), "{wrong}: {why}");
        }
    }

    #[test]
    fn pods_begin_at_the_rate_and_slower_while_it_rises() {
        let starts =
            |plan: &Plan| (0..plan.objects()).map(|i| plan.start_of(i).as_millis()).collect::<Vec<_>>();
        assert_eq!(starts(&Plan::bare(3)), [0, 0, 0]);
        let even = Plan { rate: Some(Rate(2.0)), ..Plan::bare(4) };
        assert_eq!(starts(&even), [0, 500, 1000, 1500]);
        // 2 a second after 2 s: the first two begin within the ramp.
        let ramp = Plan { ramp: Duration::from_secs(2), ..even };
        assert_eq!(starts(&ramp), [0, 1414, 2000, 2500]);
        let owned =
            Plan { workload: Workload::Deployments, replicas: 2, ramp: Duration::ZERO, pods: 5, ..ramp };
        assert_eq!(starts(&owned), [0, 1000, 2000]);
        assert_eq!((0..3).map(|object| owned.pods_of(object)).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn a_plan_that_contradicts_itself_is_told_what_is_missing() {
        let (ramp, rate) = (Duration::from_secs(1), Some(Rate(1.0)));
        assert_eq!(Plan { ramp, ..Plan::bare(1) }.check(), Err(PlanError::RampWithoutRate));
        assert_eq!(Plan { churn: rate, ..Plan::bare(1) }.check(), Err(PlanError::ChurnWithoutTime));
        assert_eq!(Plan::bare(0).check(), Err(PlanError::NoPods));
        assert_eq!(Plan { ramp, rate, churn: rate, steady: ramp, ..Plan::bare(1) }.check(), Ok(()));
    }
}
