//! The world's time of what a real cluster has dated by its own clock.

use jiff::{SignedDuration, Timestamp};

/// Pairs of a real instant and the world's, so that dates of a real cluster can be told in the world's time.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    marks: Vec<(Timestamp, Timestamp)>,
}

impl Marks {
    /// The world's time is `world` from the `real` instant on.
    pub(crate) fn begin(real: Timestamp, world: Timestamp) -> Self {
        Self { marks: vec![(real, world)] }
    }

    /// From the `real` instant on it is `world`.
    pub(crate) fn set(&mut self, real: Timestamp, world: Timestamp) {
        self.marks.push((real, world));
    }

    /// The world's time at the `real` instant. Between two marks it stood still.
    pub(crate) fn world(&self, real: Timestamp) -> Timestamp {
        let after = self.marks.partition_point(|(mark, _)| *mark <= real);
        self.marks[after.saturating_sub(1)].1
    }

    /// The world's time of something that was dated either by the cluster's clock or by the world's own.
    pub(crate) fn world_time_of(&self, dated: Timestamp) -> Timestamp {
        // A world begins years away from the present, so that the two cannot be taken for each other.
        let near = |mark: Option<&(Timestamp, Timestamp)>| {
            mark.is_some_and(|(real, _)| {
                dated.duration_since(*real).abs() < SignedDuration::from_hours(24 * 60)
            })
        };
        if near(self.marks.first()) || near(self.marks.last()) { self.world(dated) } else { dated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_has_dated_is_told_in_the_worlds_time() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let mut marks = Marks::begin(at("2026-11-24T12:00:00Z"), at("2020-01-06T01:30:00Z"));
        marks.set(at("2026-11-24T12:00:05Z"), at("2020-01-06T02:30:00Z"));
        for (dated, world) in [
            ("2026-11-24T11:59:59Z", "2020-01-06T01:30:00Z"),
            ("2026-11-24T12:00:04Z", "2020-01-06T01:30:00Z"),
            ("2026-11-24T12:00:05Z", "2020-01-06T02:30:00Z"),
            ("2020-01-06T01:31:00Z", "2020-01-06T01:31:00Z"),
        ] {
            assert_eq!(marks.world_time_of(at(dated)), at(world), "{dated}");
        }
    }
}
