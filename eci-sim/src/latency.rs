//! Latency of the steps of a group's life: none, as published, or a multiple of that.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Thousandths of the published latency: 1000 for the published one, 0 for none.
///
/// Written `none`, `published`, or a factor such as `x2` and `x0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Latency(u32);

/// Largest factor.
const FACTOR_MAX: u32 = 1000;

/// A text that is no latency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` should be `none`, `published`, or a factor of at most 1000 and three decimals, such as `x2` or `x0.5`"
)]
pub struct LatencyError(String);

impl Latency {
    /// No latency: each step is over at the instant at which it began.
    pub const NONE: Self = Self(0);
    /// The latency that was published, or measured, of the cloud.
    pub const PUBLISHED: Self = Self(1000);

    /// A duration of the published latency, scaled; to the millisecond.
    pub fn of(self, published: Duration) -> Duration {
        let millis = published.as_millis() * u128::from(self.0) / 1000;
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::PUBLISHED
    }
}

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Self, LatencyError> {
        let thousandths = match (text, text.strip_prefix(['x', '×'])) {
            ("none", _) => Some(0),
            ("published", _) => Some(1000),
            (_, Some(factor)) => thousandths(factor),
            _ => None,
        };
        thousandths.map(Self).ok_or_else(|| LatencyError(text.to_owned()))
    }
}

/// Thousandths of a factor such as `0.5`; `None` for what is no factor.
fn thousandths(factor: &str) -> Option<u32> {
    let (whole, part) = factor.split_once('.').unwrap_or((factor, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= FACTOR_MAX)?;
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    Some(whole * 1000 + part).filter(|all| *all <= FACTOR_MAX * 1000)
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        match (self.0, part) {
            (0, _) => f.write_str("none"),
            (1000, _) => f.write_str("published"),
            (_, 0) => write!(f, "x{whole}"),
            _ => write!(f, "x{whole}.{}", format!("{part:03}").trim_end_matches('0')),
        }
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> Self {
        latency.to_string()
    }
}

impl TryFrom<String> for Latency {
    type Error = LatencyError;

    fn try_from(text: String) -> Result<Self, LatencyError> {
        text.parse()
    }
}

impl JsonSchema for Latency {
    fn schema_name() -> Cow<'static, str> {
        "Latency".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^(none|published|[x×][0-9]{1,4}(\.[0-9]{1,3})?)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_none_published_or_a_factor() {
        for (text, takes, shown) in [
            ("none", 0, "none"),
            ("published", 2000, "published"),
            ("x1", 2000, "published"),
            ("x2", 4000, "x2"),
            ("×0.5", 1000, "x0.5"),
            ("x0.125", 250, "x0.125"),
            ("x0", 0, "none"),
            ("x1000", 2_000_000, "x1000"),
        ] {
            let latency: Latency = text.parse().unwrap();
            assert_eq!(latency.of(Duration::from_secs(2)), Duration::from_millis(takes), "{text}");
            assert_eq!(latency.to_string(), shown);
        }
        for wrong in ["", "x", "2", "x-1", "x1.", "x.5", "x1.0001", "x1001", "x1000.5", "xNaN", "fast"] {
            let why = wrong.parse::<Latency>().unwrap_err().to_string();
            assert!(why.contains("`none`") && why.contains("`x0.5`"), "{wrong}: {why}");
        }
    }
}
