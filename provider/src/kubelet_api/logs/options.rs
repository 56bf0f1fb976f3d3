//! The options of `/containerLogs`, which are the fields of a `PodLogOptions`.

use eci_api::query::parse_form;
use jiff::Timestamp;

/// The options of a request for a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub follow: bool,
    /// The log of the container's last run, instead of this one's.
    pub previous: bool,
    pub timestamps: bool,
    /// The most lines of the beginning; `None` for all that the cloud gives.
    pub tail: Option<i32>,
    /// The most bytes.
    pub limit: Option<usize>,
    pub since_seconds: Option<i32>,
    pub since_time: Option<Timestamp>,
}

/// Errors in the options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadOption {
    /// A value that cannot be used.
    #[error("{key} is `{value}`, which is not {should}")]
    Value {
        key: String,
        value: String,
        /// A noun phrase for the values that can be used.
        should: &'static str,
    },
    /// Two options that name the beginning.
    #[error("sinceSeconds and sinceTime exclude each other")]
    TwoBeginnings,
}

impl LogOptions {
    /// Reads a query; parameters that are not an option are passed over.
    ///
    /// # Errors
    /// [`BadOption`] for the first value that cannot be used.
    pub fn read(query: &str) -> Result<Self, BadOption> {
        let mut options = Self::default();
        for (key, value) in parse_form(query.as_bytes()) {
            let bad = |should| BadOption::Value { key: key.clone(), value: value.clone(), should };
            let number = |least: i32, should| {
                let read = value.parse::<i64>().ok().filter(|number| *number >= i64::from(least));
                read.map(|number| i32::try_from(number).unwrap_or(i32::MAX)).ok_or_else(|| bad(should))
            };
            let flag = || match value.as_str() {
                "true" | "1" | "" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(bad("`true` or `false`")),
            };
            match key.as_str() {
                "follow" => options.follow = flag()?,
                "previous" => options.previous = flag()?,
                "timestamps" => options.timestamps = flag()?,
                "tailLines" | "tail" => options.tail = Some(number(0, "a whole number of at least 0")?),
                "limitBytes" => {
                    options.limit = usize::try_from(number(1, "a whole number of at least 1")?).ok()
                }
                "sinceSeconds" => options.since_seconds = Some(number(1, "a whole number of at least 1")?),
                "sinceTime" => {
                    options.since_time = Some(value.parse().map_err(|_| bad("a time by RFC 3339"))?);
                }
                _ => {}
            }
        }
        if options.since_seconds.is_some() && options.since_time.is_some() {
            return Err(BadOption::TwoBeginnings);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_told_what_is_wrong_with_them() {
        let read =
            LogOptions::read("follow=true&tailLines=0&timestamps=1&sinceSeconds=5&limitBytes=9").unwrap();
        let expected = LogOptions {
            follow: true,
            timestamps: true,
            tail: Some(0),
            limit: Some(9),
            since_seconds: Some(5),
            ..LogOptions::default()
        };
        assert_eq!(read, expected);
        for (query, told) in [
            ("tailLines=-1", "tailLines is `-1`"),
            ("limitBytes=0", "at least 1"),
            ("sinceTime=yesterday", "RFC 3339"),
            ("follow=perhaps", "`true` or `false`"),
            ("sinceSeconds=1&sinceTime=2026-01-05T01:00:00Z", "exclude"),
        ] {
            let error = LogOptions::read(query).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
    }
}
