//! Schedules of CronJobs: five fields as of cron, names such as `@hourly`, and `@every 90s`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};

/// Years after which a schedule that never comes is given up.
const YEARS_MAX: i16 = 5;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A schedule that cannot be read, in the real controller's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There are not five fields.
    #[error("expected exactly 5 fields, found {}: [{}]", .0.len(), .0.join(" "))]
    Fields(Vec<String>),
    /// A number cannot be read.
    #[error("failed to parse int from {0}: strconv.Atoi: parsing \"{0}\": invalid syntax")]
    Number(String),
    /// A number lies below what its field takes.
    #[error("beginning of range ({0}) below minimum ({1}): {2}")]
    Below(u32, u32, String),
    /// A number lies above what its field takes.
    #[error("end of range ({0}) above maximum ({1}): {2}")]
    Above(u32, u32, String),
    /// A range ends before it begins.
    #[error("beginning of range ({0}) beyond end of range ({1}): {2}")]
    Order(u32, u32, String),
    /// A step of nothing.
    #[error("step of range should be a positive number: {0}")]
    Step(String),
    /// A range of more than two numbers.
    #[error("too many hyphens: {0}")]
    Hyphens(String),
    /// A range with more than one step.
    #[error("too many slashes: {0}")]
    Slashes(String),
    /// An unknown name of a schedule.
    #[error("unrecognized descriptor: {0}")]
    Descriptor(String),
    /// A duration that cannot be read.
    #[error("failed to parse duration {0}: time: invalid duration")]
    Duration(String),
}

/// The instants at which a CronJob starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// The minutes that match all fields.
    Fields(Box<Fields>),
    /// One instant each duration.
    Every(SignedDuration),
}

/// The numbers that each field takes, as bits; `any` for a field that takes all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

/// The time zone of this name; `None` when this machine does not know it.
pub fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" => Some(TimeZone::UTC),
        name => TimeZone::get(name).ok(),
    }
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`ScheduleError`] when it cannot be read.
    pub fn read(text: &str) -> Result<Self, ScheduleError> {
        let text = match text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
            Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest).trim(),
            None => text,
        };
        if let Some(period) = text.strip_prefix("@every ") {
            let period = duration(period).ok_or_else(|| ScheduleError::Duration(text.to_owned()))?;
            return Ok(Self::Every(period.max(SignedDuration::from_secs(1))));
        }
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other if other.starts_with('@') => return Err(ScheduleError::Descriptor(other.to_owned())),
            fields => fields,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(ScheduleError::Fields(fields.into_iter().map(str::to_owned).collect()));
        };
        let (minutes, hours) = (bits(minutes, 0, 59, &[])?.0, bits(hours, 0, 23, &[])?.0);
        let (days, any_day) = bits(days, 1, 31, &[])?;
        let months = bits(months, 1, 12, &MONTHS)?.0;
        let (weekdays, any_weekday) = bits(weekdays, 0, 6, &WEEKDAYS)?;
        Ok(Self::Fields(Box::new(Fields { minutes, hours, days, months, weekdays, any_day, any_weekday })))
    }

    /// The first instant after `after`; `None` for a schedule that never comes, such as 31 February.
    ///
    /// A clock that is put forward skips what falls into the gap; one that is put back repeats it.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(period) => Timestamp::from_second(after.as_second()).ok()?.checked_add(*period).ok(),
            Self::Fields(fields) => fields.next(&after.to_zoned(zone.clone())),
        }
    }
}

impl Fields {
    fn next(&self, after: &Zoned) -> Option<Timestamp> {
        if self.minutes == 0 || self.hours == 0 {
            return None; // a field of commas takes nothing
        }
        let last = after.year().checked_add(YEARS_MAX)?;
        let begun = after.timestamp().as_second().div_euclid(60) * 60 + 60;
        let mut at = Timestamp::from_second(begun).ok()?.to_zoned(after.time_zone().clone());
        while at.year() <= last {
            at = if !has(self.months, at.month()) {
                start_of_day(&at.first_of_month().ok()?.checked_add(1.month()).ok()?)?
            } else if !self.has_day(&at) {
                start_of_day(&at.checked_add(1.day()).ok()?)?
            } else if !has(self.hours, at.hour()) {
                let to_next = 60 - i64::from(at.minute());
                at.checked_add(to_next.minutes()).ok()?
            } else if !has(self.minutes, at.minute()) {
                at.checked_add(1.minute()).ok()?
            } else {
                return Some(at.timestamp());
            };
        }
        None
    }

    fn has_day(&self, at: &Zoned) -> bool {
        let (day, weekday) =
            (has(self.days, at.day()), has(self.weekdays, at.weekday().to_sunday_zero_offset()));
        if self.any_day || self.any_weekday { day && weekday } else { day || weekday }
    }
}

fn start_of_day(at: &Zoned) -> Option<Zoned> {
    DateTime::from_parts(at.date(), jiff::civil::Time::midnight()).to_zoned(at.time_zone().clone()).ok()
}

fn has(bits: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| bits & (1 << number) != 0)
}

/// The numbers that a field takes, and true when it is a star.
fn bits(field: &str, least: u32, most: u32, names: &[&str]) -> Result<(u64, bool), ScheduleError> {
    let (mut all, mut star) = (0, false);
    for part in field.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = match part.split('/').collect::<Vec<_>>()[..] {
            [range] => (range, None),
            [range, step] => (range, Some(number(step, 0, &[])?)),
            _ => return Err(ScheduleError::Slashes(part.to_owned())),
        };
        let any = matches!(range, "*" | "?");
        let (from, to) = match range.split('-').collect::<Vec<_>>()[..] {
            _ if any => (least, most),
            [one] => {
                let one = number(one, least, names)?;
                (one, if step.is_some() { most } else { one })
            }
            [from, to] => (number(from, least, names)?, number(to, least, names)?),
            _ => return Err(ScheduleError::Hyphens(part.to_owned())),
        };
        if from < least {
            return Err(ScheduleError::Below(from, least, part.to_owned()));
        }
        if to > most {
            return Err(ScheduleError::Above(to, most, part.to_owned()));
        }
        if from > to {
            return Err(ScheduleError::Order(from, to, part.to_owned()));
        }
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(ScheduleError::Step(part.to_owned()));
        }
        star |= any && step == 1;
        for number in (from..=to).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            all |= 1 << number;
        }
    }
    Ok((all, star))
}

fn number(text: &str, first: u32, names: &[&str]) -> Result<u32, ScheduleError> {
    let named = names.iter().zip(first..).find(|(name, _)| text.eq_ignore_ascii_case(name));
    match named {
        Some((_, number)) => Ok(number),
        None => text.parse().map_err(|_| ScheduleError::Number(text.to_owned())),
    }
}

/// A duration as Go writes it, in whole seconds: `1h30m`, `90s`.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut seconds: f64 = 0.0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = after;
    }
    SignedDuration::try_from_secs_f64(seconds.trunc()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(schedule: &str, after: &str, zone: &str) -> String {
        let schedule = Schedule::read(schedule).unwrap();
        let next = schedule.next(after.parse().unwrap(), &super::zone(zone).unwrap());
        next.map_or("never".to_owned(), |at| at.to_string())
    }

    #[test]
    fn the_next_instant_is_the_first_that_all_fields_take() {
        for (schedule, after, zone, wanted) in [
            ("*/15 * * * *", "2026-01-05T01:00:00Z", "", "2026-01-05T01:15:00Z"),
            ("0 0 * * *", "2026-01-05T01:00:00Z", "", "2026-01-06T00:00:00Z"),
            ("0 0 * * *", "2026-01-05T01:00:00Z", "Asia/Shanghai", "2026-01-05T16:00:00Z"),
            ("30 6-16/4 * * 1-5", "2026-01-09T15:00:00Z", "", "2026-01-12T06:30:00Z"),
            ("0 0 1 * mon", "2026-01-05T00:00:00Z", "", "2026-01-12T00:00:00Z"),
            ("0 0 29 feb *", "2026-01-05T00:00:00Z", "", "2028-02-29T00:00:00Z"),
            ("@hourly", "2026-12-31T23:30:00Z", "", "2027-01-01T00:00:00Z"),
            ("@weekly", "2026-01-05T00:00:00Z", "", "2026-01-11T00:00:00Z"),
            ("@every 1m30s", "2026-01-05T00:00:00Z", "", "2026-01-05T00:01:30Z"),
            ("59 23 31 2 *", "2026-01-05T00:00:00Z", "", "never"),
            // The clock goes from 2 to 3 on 29 March, and from 3 to 2 on 25 October.
            ("30 2 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin", "2026-03-30T00:30:00Z"),
            ("30 2 * * *", "2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(next(schedule, after, zone), wanted, "{schedule}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_said_in_the_real_words() {
        for (schedule, words) in [
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("@sometimes", "unrecognized descriptor: @sometimes"),
        ] {
            assert_eq!(Schedule::read(schedule).unwrap_err().to_string(), words);
        }
    }

    proptest! {
        #[test]
        fn fuzz_no_text_makes_the_reader_panic(text in "[-*/,?@0-9a-z ]{0,40}") {
            let _ = Schedule::read(&text).map(|s| s.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC));
        }
    }
}
