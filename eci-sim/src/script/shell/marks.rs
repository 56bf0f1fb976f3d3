//! Dates in a text whose times are only known when it is read: a round of a loop comes again and again.
//!
//! A mark holds the format of `date`, and its time: since the start of the run, or, in a round that is repeated, before
//! the line in which it stands.

use std::borrow::Cow;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The ends of a mark.
pub const MARK: char = '\u{1}';
pub const MARK_END: char = '\u{2}';

/// An interval, so many times.
pub fn times(every: Duration, rounds: u64) -> Duration {
    let nanos = every.as_nanos().saturating_mul(u128::from(rounds));
    u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
}

/// The mark of a date of this format at a time after the start.
pub fn mark(at: Duration, format: &str) -> String {
    format!("{MARK}a{};{format}{MARK_END}", at.as_nanos())
}

/// The text with each mark replaced by what `read` makes of its kind, its nanoseconds and its format.
fn replaced(text: &str, read: impl Fn(char, u64, &str) -> String) -> Cow<'_, str> {
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let (mut told, mut rest) = (String::new(), text);
    while let Some((before, (inner, behind))) =
        rest.split_once(MARK).and_then(|(before, marked)| Some((before, marked.split_once(MARK_END)?)))
    {
        told.push_str(before);
        let kind = inner.chars().next().filter(|kind| matches!(kind, 'a' | 'r'));
        let parts = kind.and_then(|kind| Some((kind, inner[1..].split_once(';')?)));
        match parts.and_then(|(kind, (nanos, format))| Some((kind, nanos.parse().ok()?, format))) {
            Some((kind, nanos, format)) => told.push_str(&read(kind, nanos, format)),
            None => told.push_str(inner),
        }
        rest = behind;
    }
    told.push_str(rest);
    Cow::Owned(told)
}

/// The text with the marks made since `since` counted back from `now`.
pub fn relative(text: &str, now: Duration, since: Duration) -> Cow<'_, str> {
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    replaced(text, |kind, nanos, format| match kind {
        'a' if u128::from(nanos) >= since.as_nanos() => {
            format!("{MARK}r{};{format}{MARK_END}", now.saturating_sub(nanos))
        }
        kind => format!("{MARK}{kind}{nanos};{format}{MARK_END}"),
    })
}

/// The text with its dates filled in, of a run that began at `started`, at a time after that.
pub fn dated(text: &str, started: Timestamp, at: Duration) -> Cow<'_, str> {
    replaced(text, |kind, nanos, format| {
        let own = Duration::from_nanos(nanos);
        let after = if kind == 'a' { own } else { at.saturating_sub(own) };
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let time = started.saturating_add(after).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC);
        // A format that is malformed stands as it is.
        jiff::fmt::strtime::format(format, &time).unwrap_or_else(|_| format.to_owned())
    })
}

/// True if two texts are the same, their dates counted back from the present of each.
pub fn is_same((one, now): (&str, Duration), (other, then): (&str, Duration)) -> bool {
    one == other
        || one.contains(MARK) && relative(one, now, Duration::ZERO) == relative(other, then, Duration::ZERO)
}
