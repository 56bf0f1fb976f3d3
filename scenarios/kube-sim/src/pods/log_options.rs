//! The options of a request for a container's log, and its path on the node.

use serde_json::Value;

use super::container_choice::{self, ContainerChoiceError};
use crate::object::field::{name, namespace};
use crate::object::field_error::{FieldErrorKind, FieldErrors};

/// The options of a log request, as far as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    container: Option<String>,
    follow: bool,
    previous: bool,
    timestamps: bool,
    since_seconds: Option<i64>,
    since_time: Option<String>,
    tail_lines: Option<i64>,
    limit_bytes: Option<i64>,
    stream: Option<String>,
}

/// A log option that does not even read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {value:?} is not {wanted}")]
pub struct LogOptionError {
    key: String,
    value: String,
    wanted: &'static str,
}

impl LogOptions {
    /// Reads the options from a query's pairs; keys of other purposes are left alone.
    ///
    /// # Errors
    /// [`LogOptionError`] names the first value that is no number or truth.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, LogOptionError> {
        let mut options = Self::default();
        for (key, value) in pairs {
            let whole = || value.parse::<i64>().map_err(|_| unreadable(key, value, "a whole number"));
            match key {
                "container" if !value.is_empty() => options.container = Some(value.to_owned()),
                "follow" => options.follow = truth(key, value)?,
                "previous" => options.previous = truth(key, value)?,
                "timestamps" => options.timestamps = truth(key, value)?,
                "sinceSeconds" => options.since_seconds = Some(whole()?),
                "sinceTime" if !value.is_empty() => options.since_time = Some(value.to_owned()),
                "tailLines" => options.tail_lines = Some(whole()?),
                "limitBytes" => options.limit_bytes = Some(whole()?),
                "stream" if !value.is_empty() => options.stream = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(options)
    }

    /// The errors that are found before the node is asked.
    pub fn check(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if let Some(lines) = self.tail_lines.filter(|n| *n < 0) {
            errors.invalid("tailLines", lines, "must be greater than or equal to 0");
        }
        if let Some(bytes) = self.limit_bytes.filter(|n| *n < 1) {
            errors.invalid("limitBytes", bytes, "must be greater than 0");
        }
        if self.since_seconds.is_some() && self.since_time.is_some() {
            let why = "at most one of `sinceTime` or `sinceSeconds` may be specified".to_owned();
            errors.push("[]", FieldErrorKind::Forbidden(why));
        }
        if let Some(seconds) = self.since_seconds.filter(|n| *n < 1) {
            errors.invalid("sinceSeconds", seconds, "must be greater than 0");
        }
        errors
    }

    /// The path and query on the pod's node.
    ///
    /// # Errors
    /// [`ContainerChoiceError`] when no container of the pod is named, or none can be chosen.
    pub fn path_on_node(&self, pod: &Value) -> Result<String, ContainerChoiceError> {
        let container = container_choice::choose(pod, self.container.as_deref())?;
        let mut pairs = Vec::new();
        let mut given = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                pairs.push(format!("{key}={}", encoded(&value)));
            }
        };
        let truth = |on: bool| on.then(|| "true".to_owned());
        given("follow", truth(self.follow));
        given("limitBytes", self.limit_bytes.map(|n| n.to_string()));
        given("previous", truth(self.previous));
        given("sinceSeconds", self.since_seconds.map(|n| n.to_string()));
        given("sinceTime", self.since_time.clone());
        given("stream", self.stream.clone().filter(|s| s != "All"));
        given("tailLines", self.tail_lines.map(|n| n.to_string()));
        given("timestamps", truth(self.timestamps));
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        Ok(format!("/containerLogs/{}/{}/{container}{query}", namespace(pod), name(pod)))
    }
}

fn truth(key: &str, value: &str) -> Result<bool, LogOptionError> {
    match value {
        "" | "1" | "true" | "True" | "TRUE" | "t" | "T" => Ok(true),
        "0" | "false" | "False" | "FALSE" | "f" | "F" => Ok(false),
        _ => Err(unreadable(key, value, "true or false")),
    }
}

fn unreadable(key: &str, value: &str, wanted: &'static str) -> LogOptionError {
    LogOptionError { key: key.to_owned(), value: value.to_owned(), wanted }
}

/// A value as it stands in a query.
pub(super) fn encoded(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(pairs: &[(&'static str, &'static str)]) -> LogOptions {
        LogOptions::read(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn a_log_request_becomes_this_path_on_the_node() {
        let pod =
            json!({"metadata": {"name": "p", "namespace": "ns"}, "spec": {"containers": [{"name": "c"}]}});
        for (pairs, path) in [
            (&[][..], "/containerLogs/ns/p/c"),
            (
                &[("container", "c"), ("tailLines", "5"), ("follow", "true")],
                "/containerLogs/ns/p/c?follow=true&tailLines=5",
            ),
            (
                &[("sinceTime", "2026-01-01T09:00:00Z"), ("timestamps", "1"), ("follow", "false")],
                "/containerLogs/ns/p/c?sinceTime=2026-01-01T09%3A00%3A00Z&timestamps=true",
            ),
        ] {
            assert_eq!(options(pairs).path_on_node(&pod).unwrap(), path);
        }
    }

    #[test]
    fn options_are_checked_before_the_node_is_asked() {
        let said = |pairs: &[(&'static str, &'static str)]| {
            options(pairs).check().0.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(&[("tailLines", "0"), ("limitBytes", "1")]), Vec::<String>::new());
        assert_eq!(
            said(&[("tailLines", "-1")]),
            ["tailLines: Invalid value: -1: must be greater than or equal to 0"]
        );
        assert_eq!(
            said(&[("sinceTime", "2026-01-01T09:00:00Z"), ("sinceSeconds", "1")]),
            ["[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"]
        );
        assert_eq!(
            LogOptions::read([("tailLines", "x")]).unwrap_err().to_string(),
            "tailLines: \"x\" is not a whole number"
        );
    }
}
