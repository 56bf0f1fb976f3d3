//! How fast a number of replicas may follow what is recommended: stabilisation windows, policies, least and most.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object::field::{list, number, text};

/// The time over which the highest recommendation counts where no behaviour says otherwise, in seconds.
const DOWNSCALE_WINDOW: i64 = 300;
/// Where no behaviour says otherwise, a step may double the replicas, or make them this many.
const SCALE_UP_MIN: i64 = 4;

/// Recommendations and steps of the past, by their instants.
#[derive(Debug, Default)]
pub struct History {
    recommendations: Vec<(i64, Timestamp)>,
    ups: Vec<(i64, Timestamp)>,
    downs: Vec<(i64, Timestamp)>,
}

/// What is wanted of a workload, and its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Desired {
    /// Replicas that there are to be now.
    pub current: i64,
    /// Replicas that the metrics recommend.
    pub recommended: i64,
    /// Fewest replicas.
    pub min: i64,
    /// Most replicas.
    pub max: i64,
}

/// A reason of a condition, and its sentence.
pub type Words = (&'static str, &'static str);

/// The number of replicas that there are to be next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Replicas.
    pub replicas: i64,
    /// The words of the condition `AbleToScale`.
    pub able: Words,
    /// True where a bound is in the way of more or fewer.
    pub is_limited: bool,
    /// The words of the condition `ScalingLimited`.
    pub limit: Words,
}

const READY: Words = ("ReadyForNewScale", "recommended size matches current size");
const UP_STABILIZED: Words = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const DOWN_STABILIZED: Words = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const UP_LIMIT: Words =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const DOWN_LIMIT: Words =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
const TOO_MANY: Words =
    ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: Words = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const WITHIN: Words = ("DesiredWithinRange", "the desired count is within the acceptable range");

impl History {
    /// Takes the present size for the first recommendation.
    pub fn begin(&mut self, replicas: i64, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push((replicas, now));
        }
    }

    /// The next number of replicas; `behavior` is the autoscaler's, or null.
    pub fn decide(&mut self, behavior: &Value, wanted: Desired, now: Timestamp) -> Decision {
        let stabilized = match behavior.is_object() {
            true => self.stabilized(behavior, wanted, now),
            false => self.highest(wanted.recommended, now),
        };
        let able = match stabilized == wanted.recommended {
            true => READY,
            false if behavior.is_object() && wanted.recommended >= wanted.current => UP_STABILIZED,
            false => DOWN_STABILIZED,
        };
        self.recommendations.push((wanted.recommended, now));
        self.forget(behavior, now);
        let next = Desired { recommended: stabilized, ..wanted };
        let (replicas, limit) = match behavior.is_object() {
            true => self.bounded(behavior, next, now),
            false => bounded_by_default(next),
        };
        Decision { replicas, able, is_limited: replicas != stabilized, limit }
    }

    /// Notes that a workload was scaled.
    pub fn note(&mut self, from: i64, to: i64, now: Timestamp) {
        match to > from {
            true => self.ups.push((to - from, now)),
            false => self.downs.push((from - to, now)),
        }
    }

    /// Drops what no window and no period reaches any more.
    fn forget(&mut self, behavior: &Value, now: Timestamp) {
        let window = |direction| window(behavior, direction).max(DOWNSCALE_WINDOW);
        let window = window("scaleUp").max(window("scaleDown"));
        self.recommendations.retain(|(_, at)| is_within(*at, window, now));
        let periods = ["scaleUp", "scaleDown"].iter().flat_map(|direction| policies(behavior, direction));
        let period = periods.filter_map(|policy| number(policy, "/periodSeconds")).max().unwrap_or(0);
        for steps in [&mut self.ups, &mut self.downs] {
            steps.retain(|(_, at)| is_within(*at, period, now));
        }
    }

    /// The highest recommendation of the last minutes.
    fn highest(&self, recommended: i64, now: Timestamp) -> i64 {
        let recent = self.recommendations.iter().filter(|(_, at)| is_within(*at, DOWNSCALE_WINDOW, now));
        recent.map(|(recommendation, _)| *recommendation).chain([recommended]).max().unwrap_or(recommended)
    }

    /// The present size, brought between the lowest recommendation of one window and the highest of the other.
    fn stabilized(&self, behavior: &Value, wanted: Desired, now: Timestamp) -> i64 {
        let within = |direction| {
            let window = window(behavior, direction);
            let recent = self.recommendations.iter().filter(move |(_, at)| is_within(*at, window, now));
            recent.map(|(recommendation, _)| *recommendation).chain([wanted.recommended])
        };
        let lowest = within("scaleUp").min().unwrap_or(wanted.recommended);
        let highest = within("scaleDown").max().unwrap_or(wanted.recommended);
        wanted.current.max(lowest).min(highest)
    }

    /// A recommendation within what the policies and the bounds allow.
    fn bounded(&self, behavior: &Value, wanted: Desired, now: Timestamp) -> (i64, Words) {
        let Desired { current, recommended, min, max } = wanted;
        if recommended > current {
            let rate = self.rate(behavior, "scaleUp", current, now).max(current);
            let (most, why) = if max > rate { (rate, UP_LIMIT) } else { (max, TOO_MANY) };
            if recommended > most {
                return (most, why);
            }
        } else if recommended < current {
            let rate = self.rate(behavior, "scaleDown", current, now).min(current);
            let (least, why) = if min < rate { (rate, DOWN_LIMIT) } else { (min, TOO_FEW) };
            if recommended < least {
                return (least, why);
            }
        }
        (recommended, WITHIN)
    }

    /// The farthest that the policies of a direction let a size go from what it was when their periods began.
    fn rate(&self, behavior: &Value, direction: &str, current: i64, now: Timestamp) -> i64 {
        let select = text(behavior, &format!("/{direction}/selectPolicy"));
        if select == "Disabled" {
            return current;
        }
        let is_up = direction == "scaleUp";
        let proposed = policies(behavior, direction).iter().map(|policy| {
            let period = number(policy, "/periodSeconds").unwrap_or(0);
            let steps = |steps: &[(i64, Timestamp)]| -> i64 {
                steps.iter().filter(|(_, at)| is_within(*at, period, now)).map(|(change, _)| change).sum()
            };
            let start = current - steps(&self.ups) + steps(&self.downs);
            let value = number(policy, "/value").unwrap_or(0);
            match (text(policy, "/type"), is_up) {
                ("Pods", true) => start + value,
                ("Pods", false) => start - value,
                // Rounded up, since else nothing small would ever grow.
                (_, true) => {
                    (start * (100 + value)).div_euclid(100) + i64::from(start * (100 + value) % 100 > 0)
                }
                (_, false) => start * (100 - value) / 100,
            }
        });
        let farthest = if is_up == (select != "Min") { proposed.max() } else { proposed.min() };
        farthest.unwrap_or(current)
    }
}

/// A recommendation within the bounds, and no faster than the real controller goes by itself.
fn bounded_by_default(wanted: Desired) -> (i64, Words) {
    let rate = (2 * wanted.current).max(SCALE_UP_MIN);
    let (most, why) = if wanted.max > rate { (rate, UP_LIMIT) } else { (wanted.max, TOO_MANY) };
    match wanted.recommended {
        recommended if recommended < wanted.min => (wanted.min, TOO_FEW),
        recommended if recommended > most => (most, why),
        recommended => (recommended, WITHIN),
    }
}

/// The stabilisation window of a direction, in seconds.
fn window(behavior: &Value, direction: &str) -> i64 {
    let default = if direction == "scaleDown" { DOWNSCALE_WINDOW } else { 0 };
    number(behavior, &format!("/{direction}/stabilizationWindowSeconds")).unwrap_or(default)
}

fn policies<'a>(behavior: &'a Value, direction: &str) -> &'a [Value] {
    list(behavior, &format!("/{direction}/policies"))
}

/// True for an instant less than so many seconds ago.
fn is_within(at: Timestamp, seconds: i64, now: Timestamp) -> bool {
    at.saturating_add(SignedDuration::from_secs(seconds)).map_or(true, |end| end > now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_767_574_800 + seconds).unwrap()
    }

    fn wanted(current: i64, recommended: i64) -> Desired {
        Desired { current, recommended, min: 2, max: 20 }
    }

    #[test]
    fn without_a_behaviour_a_step_doubles_at_most_and_goes_down_after_five_minutes() {
        let mut history = History::default();
        history.begin(3, at(0));
        for (second, current, recommended, replicas, able, limit) in [
            (15, 3, 3, 3, "ReadyForNewScale", "DesiredWithinRange"),
            (30, 3, 9, 6, "ReadyForNewScale", "ScaleUpLimit"),
            (45, 6, 30, 12, "ReadyForNewScale", "ScaleUpLimit"),
            (60, 12, 30, 20, "ReadyForNewScale", "TooManyReplicas"),
            (75, 20, 1, 20, "ScaleDownStabilized", "TooManyReplicas"),
            (359, 20, 1, 20, "ScaleDownStabilized", "TooManyReplicas"),
            (360, 20, 1, 2, "ReadyForNewScale", "TooFewReplicas"),
        ] {
            let decision = history.decide(&Value::Null, wanted(current, recommended), at(second));
            let seen = (decision.replicas, decision.able.0, decision.limit.0);
            assert_eq!(seen, (replicas, able, limit), "after {second} s");
        }
    }

    #[test]
    fn policies_bound_what_is_added_and_taken_away_within_their_periods() {
        let rules = |select: &str, window: i64, policies: &[(&str, i64, i64)]| {
            let policy = |(kind, value, period): &(&str, i64, i64)| json!({"type": kind, "value": value, "periodSeconds": period});
            let policies: Vec<_> = policies.iter().map(policy).collect();
            json!({"selectPolicy": select, "stabilizationWindowSeconds": window, "policies": policies})
        };
        let up = rules("Max", 0, &[("Pods", 2, 60), ("Percent", 50, 60)]);
        let down = rules("Min", 0, &[("Pods", 4, 60), ("Percent", 10, 60)]);
        let behavior = json!({"scaleUp": up, "scaleDown": down});
        let mut history = History::default();
        history.begin(10, at(0));
        for (second, current, recommended, replicas, limit) in [
            (15, 10, 20, 15, "ScaleUpLimit"),
            (30, 15, 20, 15, "ScaleUpLimit"),
            (75, 15, 20, 20, "DesiredWithinRange"),
            (200, 20, 5, 18, "ScaleDownLimit"),
            (215, 18, 5, 18, "ScaleDownLimit"),
            (260, 18, 5, 16, "ScaleDownLimit"),
        ] {
            let decision = history.decide(&behavior, wanted(current, recommended), at(second));
            assert_eq!((decision.replicas, decision.limit.0), (replicas, limit), "after {second} s");
            if replicas != current {
                history.note(current, replicas, at(second));
            }
        }
        let disabled = json!({"scaleUp": up, "scaleDown": rules("Disabled", 0, &[("Pods", 4, 60)])});
        let decision = history.decide(&disabled, wanted(18, 5), at(600));
        assert_eq!((decision.replicas, decision.is_limited, decision.limit.0), (18, true, "ScaleDownLimit"));
    }

    #[test]
    fn a_window_waits_for_recommendations_that_agree() {
        let policy = json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
        let rules = |window: i64| json!({"selectPolicy": "Max", "stabilizationWindowSeconds": window, "policies": policy});
        let behavior = json!({"scaleUp": rules(60), "scaleDown": rules(30)});
        let mut history = History::default();
        history.begin(5, at(0));
        for (second, recommended, replicas, able) in [
            (15, 8, 5, "ScaleUpStabilized"),
            (30, 9, 5, "ScaleUpStabilized"),
            (60, 8, 8, "ReadyForNewScale"),
            (75, 2, 5, "ScaleDownStabilized"),
        ] {
            let decision = history.decide(&behavior, wanted(5, recommended), at(second));
            assert_eq!((decision.replicas, decision.able.0), (replicas, able), "after {second} s");
        }
    }
}
