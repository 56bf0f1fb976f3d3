//! Percentiles by the nearest rank, and the four that a report has.

use serde::{Deserialize, Serialize};

/// The percentiles of a set of spans, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Number of spans.
    pub count: usize,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

impl Percentiles {
    /// The percentiles of spans in microseconds, in any order; `None` of none.
    pub fn of(mut micros: Vec<u64>) -> Option<Self> {
        micros.sort_unstable();
        let at = |percent| nearest_rank(&micros, percent).map(seconds);
        Some(Self { count: micros.len(), p50: at(50)?, p90: at(90)?, p99: at(99)?, max: at(100)? })
    }
}

/// The smallest of the sorted values that at least `percent` % of them do not exceed; `None` of none.
pub fn nearest_rank(sorted: &[u64], percent: u8) -> Option<u64> {
    let rank = (usize::from(percent.min(100)) * sorted.len()).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// Seconds of microseconds.
pub fn seconds(micros: u64) -> f64 {
    // A span of a run is far below 2^53 µs, which is 285 years.
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    let micros = micros as f64;
    micros / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percentile_is_a_value_of_the_set_by_nearest_rank() {
        let hundred: Vec<u64> = (1..=100).collect();
        for (percent, value) in [(0, 1), (1, 1), (50, 50), (90, 90), (99, 99), (100, 100)] {
            assert_eq!(nearest_rank(&hundred, percent), Some(value), "{percent}");
        }
        for (percent, value) in [(50, 15), (90, 40), (30, 15), (25, 10)] {
            assert_eq!(nearest_rank(&[10, 15, 20, 40], percent), Some(value), "{percent}");
        }
        assert_eq!(nearest_rank(&[7], 50), Some(7));
        assert_eq!(nearest_rank(&[], 50), None);
        assert_eq!(Percentiles::of(Vec::new()), None);
        let three = Percentiles::of(vec![3_000_000, 1_000_000, 2_000_000]).unwrap();
        assert_eq!(three, Percentiles { count: 3, p50: 2.0, p90: 3.0, p99: 3.0, max: 3.0 });
    }

    proptest! {
        #[test]
        fn at_least_so_many_percent_do_not_exceed_it_and_no_smaller_value_does(
            mut values in proptest::collection::vec(0u64..1000, 1..200),
            percent in 1u8..=100,
        ) {
            values.sort_unstable();
            let found = nearest_rank(&values, percent).unwrap();
            let share = |limit: u64| values.iter().filter(|value| **value <= limit).count() * 100;
            prop_assert!(share(found) >= usize::from(percent) * values.len());
            let below = values.iter().rev().find(|value| **value < found);
            prop_assert!(below.is_none_or(|below| share(*below) < usize::from(percent) * values.len()));
        }
    }
}
