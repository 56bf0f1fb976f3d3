//! Timestamps as the API writes and reads them: UTC, whole seconds or six digits of a second.

use jiff::Timestamp;
use serde_json::Value;

/// Formats `at` in whole seconds (`Time`), as in `2026-01-01T09:00:00Z`.
pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Formats `at` with six digits of a second (`MicroTime`), as in `2026-01-01T09:00:00.000000Z`.
pub fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// The instant at `path`; `None` when absent or unreadable.
pub fn read(object: &Value, path: &str) -> Option<Timestamp> {
    super::field::text(object, path).parse().ok()
}
