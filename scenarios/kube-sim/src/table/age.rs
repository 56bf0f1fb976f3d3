//! Ages as kubectl prints them: `5s`, `3m20s`, `2d`.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::timestamp;

/// The age since the timestamp at `path`; `<unknown>` when there is none.
pub fn since(object: &Value, path: &str, now: Timestamp) -> String {
    timestamp::read(object, path).map_or_else(|| "<unknown>".to_owned(), |at| between(at, now))
}

/// From one instant to another.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    span(to.as_second() - from.as_second())
}

/// A number of seconds.
pub fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let years = days / 365;
    let two = |whole: i64, unit: &str, rest: i64, small: &str| match rest {
        0 => format!("{whole}{unit}"),
        rest => format!("{whole}{unit}{rest}{small}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_as_people_say_them() {
        for (seconds, wanted) in [
            (0, "0s"),
            (119, "119s"),
            (200, "3m20s"),
            (300, "5m"),
            (3600, "60m"),
            (10_860, "3h1m"),
            (90_000, "25h"),
            (172_800, "2d"),
        ] {
            assert_eq!(span(seconds), wanted);
        }
    }
}
