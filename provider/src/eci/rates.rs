//! The rates at which each action may be called, and the token bucket that keeps one.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The published limits in calls a minute (eci-openapi.md, section 5); other actions have none.
const PUBLISHED: [(&str, u32); 12] = [
    ("CreateContainerGroup", 1000),
    ("CreateImageCache", 200),
    ("DeleteContainerGroup", 1000),
    ("DescribeContainerGroupMetric", 2000),
    ("DescribeContainerGroupPrice", 1000),
    ("DescribeContainerGroups", 2000),
    ("DescribeContainerLog", 500),
    ("DescribeMultiContainerGroupMetric", 500),
    ("ExecContainerCommand", 500),
    ("ExportContainerGroupTemplate", 1000),
    ("RestartContainerGroup", 500),
    ("UpdateContainerGroup", 500),
];

/// Calls a minute by action; an action that is absent is not limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates(BTreeMap<String, u32>);

/// A text that states no rates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` states no rates; write `published`, `unlimited`, or calls a minute that differ from the published ones, as \
     `CreateContainerGroup=300,DescribeContainerGroups=4000`"
)]
pub struct BadRates(String);

impl Rates {
    /// The published limits.
    pub fn published() -> Self {
        Self(PUBLISHED.iter().map(|(action, rate)| ((*action).to_owned(), *rate)).collect())
    }

    /// No limit for any action.
    pub fn unlimited() -> Self {
        Self(BTreeMap::new())
    }

    /// True where `action` may be called at any rate.
    pub fn are_unlimited(&self, action: &str) -> bool {
        !self.0.contains_key(action)
    }

    /// A full bucket for `action`.
    pub(super) fn bucket(&self, action: &str) -> Bucket {
        self.0.get(action).map_or_else(Bucket::bottomless, |rate| {
            // A reading of everything at the start may go at once; the rest of a minute's calls are spread over it.
            let burst = if action.starts_with("Describe") { rate / 2 } else { rate / 10 };
            Bucket::of(*rate, burst.max(1))
        })
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::published()
    }
}

impl FromStr for Rates {
    type Err = BadRates;

    fn from_str(text: &str) -> Result<Self, BadRates> {
        match text.trim() {
            "published" => return Ok(Self::published()),
            "unlimited" => return Ok(Self::unlimited()),
            _ => {}
        }
        let mut rates = Self::published();
        for part in text.split(',') {
            let stated = part.split_once('=').and_then(|(action, rate)| {
                let (action, rate) = (action.trim(), rate.trim().parse().ok().filter(|rate| *rate > 0)?);
                eci_api::validate::actions().any(|known| known == action).then_some((action, rate))
            });
            let (action, rate) = stated.ok_or_else(|| BadRates(text.to_owned()))?;
            rates.0.insert(action.to_owned(), rate);
        }
        Ok(rates)
    }
}

/// A token bucket; times are counted from any fixed instant.
///
/// It holds `burst` tokens and gains `rate - burst` a minute, so that no minute, however it is cut, sees more than `rate`
/// calls.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// The time in which one token comes in; zero for a bottomless bucket.
    interval: Duration,
    /// The time in which an empty bucket fills but for one token.
    tolerance: Duration,
    /// The time at which the bucket is full again, less the tolerance: the next call may go then.
    full_at: Duration,
    closed_until: Duration,
}

impl Bucket {
    fn of(rate: u32, burst: u32) -> Self {
        let interval = MINUTE / rate.saturating_sub(burst).max(1);
        Self {
            interval,
            tolerance: interval * burst.saturating_sub(1),
            full_at: Duration::ZERO,
            closed_until: Duration::ZERO,
        }
    }

    fn bottomless() -> Self {
        let zero = Duration::ZERO;
        Self { interval: zero, tolerance: zero, full_at: zero, closed_until: zero }
    }

    /// The time from which the next call may go: `now` or later.
    pub(super) fn next(&self, now: Duration) -> Duration {
        self.full_at.saturating_sub(self.tolerance).max(self.closed_until).max(now)
    }

    /// Takes a token at `now`, also one that is not there yet.
    pub(super) fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now) + self.interval;
    }

    /// No call goes before `at`, and then without a burst.
    pub(super) fn close_until(&mut self, at: Duration) {
        self.closed_until = self.closed_until.max(at);
        self.full_at = self.full_at.max(at + self.tolerance);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_published_unlimited_or_stated() {
        assert_eq!("published".parse(), Ok(Rates::published()));
        assert_eq!("unlimited".parse(), Ok(Rates::unlimited()));
        let stated: Rates = "CreateContainerGroup=300, DescribeRegions=10".parse().unwrap();
        assert_eq!((stated.0["CreateContainerGroup"], stated.0["DescribeRegions"]), (300, 10));
        assert_eq!(stated.0["DeleteContainerGroup"], 1000);
    }

    #[test]
    fn what_states_no_rates_is_told_how_they_are_written() {
        for text in ["", "fast", "CreateContainerGroup=0", "CreateContainerGroup", "MakeCoffee=3"] {
            let error = text.parse::<Rates>().unwrap_err().to_string();
            assert!(error.contains("`unlimited`"), "{error}");
        }
    }

    #[test]
    fn every_published_limit_is_of_an_action_that_exists() {
        for (action, _) in PUBLISHED {
            assert!(eci_api::validate::actions().any(|known| known == action), "{action}");
        }
    }

    #[test]
    fn a_bucket_that_was_closed_opens_without_a_burst() {
        let mut bucket = Bucket::of(600, 60);
        bucket.close_until(Duration::from_secs(30));
        assert_eq!(bucket.next(Duration::ZERO), Duration::from_secs(30));
        bucket.take(Duration::from_secs(30));
        assert_eq!(bucket.next(Duration::from_secs(30)), Duration::from_secs(30) + bucket.interval);
    }

    #[test]
    fn a_bottomless_bucket_never_waits() {
        let mut bucket = Rates::unlimited().bucket("CreateContainerGroup");
        for _ in 0..100_000 {
            assert_eq!(bucket.next(Duration::ZERO), Duration::ZERO);
            bucket.take(Duration::ZERO);
        }
    }

    proptest! {
        #[test]
        fn no_minute_sees_more_calls_than_the_rate(
            rate in 2u32..400,
            share in 1u32..10,
            pauses in prop::collection::vec(0u64..400, 1..1500),
        ) {
            let mut bucket = Bucket::of(rate, (rate / share).clamp(1, rate - 1));
            let mut now = Duration::ZERO;
            let mut calls = Vec::new();
            for pause in pauses {
                now = bucket.next(now + Duration::from_millis(pause));
                bucket.take(now);
                calls.push(now);
            }
            for (first, begin) in calls.iter().enumerate() {
                let within = calls[first..].iter().filter(|at| **at < *begin + MINUTE).count();
                prop_assert!(within <= rate as usize + 1, "{within} calls of {rate}");
            }
        }

        #[test]
        fn a_full_bucket_s_burst_goes_at_once(rate in 10u32..2000) {
            let mut bucket = Bucket::of(rate, rate / 10);
            for _ in 0..rate / 10 {
                prop_assert_eq!(bucket.next(Duration::ZERO), Duration::ZERO);
                bucket.take(Duration::ZERO);
            }
            prop_assert!(bucket.next(Duration::ZERO) > Duration::ZERO);
        }
    }
}
