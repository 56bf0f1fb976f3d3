//! The share of calls to which a rule applies: `0.1`, or `10%`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use determinism::Seed;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A part of all, above 0 and up to 1, in whole millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// A text or number that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("share: `{0}` should be above 0 and up to 1, such as 0.1 or 10%, in millionths at the finest")]
pub struct ShareError(String);

/// Millionths in a whole.
const WHOLE: u32 = 1_000_000;

impl Share {
    /// True when the rule with this number applies to the call with this count; a function of the seed.
    pub fn applies(self, seed: Seed, rule: u64, count: u32) -> bool {
        seed.chance(&format!("fault/{rule}/{count}")).one_in(self.0, WHOLE)
    }

    fn of(part: Decimal) -> Option<Self> {
        let millionths = part.checked_mul(Decimal::from(WHOLE))?;
        let number = millionths.to_u32().filter(|number| (1..=WHOLE).contains(number))?;
        millionths.is_integer().then_some(Self(number))
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let (digits, percent) = match text.strip_suffix('%') {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        let part = digits.parse::<Decimal>().ok();
        let part =
            part.and_then(|part| if percent { part.checked_mul(Decimal::new(1, 2)) } else { Some(part) });
        part.and_then(Self::of).ok_or_else(|| ShareError(text.to_owned()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(i64::from(self.0), 6).normalize().fmt(f)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number"],
            "description": "A part of all, above 0 and up to 1: `0.1` or `10%`.",
            "examples": ["10%"]
        })
    }
}

/// As a file may write it: as a text, or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Whole(u64),
    Number(f64),
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text.into_owned(),
            Written::Whole(number) => number.to_string(),
            Written::Number(number) => number.to_string(),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_a_decimal_or_a_percentage_above_nothing_and_up_to_all() {
        for (text, shown) in [
            ("0.1", Some("0.1")),
            ("10%", Some("0.1")),
            ("0.5%", Some("0.005")),
            ("1", Some("1")),
            ("100%", Some("1")),
            ("0.000001", Some("0.000001")),
            ("0", None),
            ("1.1", None),
            ("-0.1", None),
            ("0.0000001", None),
            ("half", None),
            ("%", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Share>().ok().map(|share| share.to_string()).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn a_share_is_read_from_a_text_and_from_a_number() {
        for text in [r#""10%""#, r#""0.1""#, "0.1"] {
            assert_eq!(serde_json::from_str::<Share>(text).unwrap().to_string(), "0.1", "{text}");
        }
        assert_eq!(serde_json::to_string(&"10%".parse::<Share>().unwrap()).unwrap(), r#""0.1""#);
        let why = serde_json::from_str::<Share>("2").unwrap_err().to_string();
        assert!(why.contains("`2` should be above 0 and up to 1"), "{why}");
    }

    #[test]
    fn another_seed_and_another_rule_strike_other_calls() {
        let share: Share = "50%".parse().unwrap();
        let story =
            |seed: Seed, rule| (0..64).map(|count| share.applies(seed, rule, count)).collect::<Vec<_>>();
        let first = story(Seed::DEFAULT, 1);
        assert_eq!(first, story(Seed::DEFAULT, 1));
        assert_ne!(first, story(Seed::DEFAULT, 2));
        assert_ne!(first, story("calm-fox-3".parse().unwrap(), 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn of_many_calls_about_the_share_is_struck(percent in 1u32..=100, rule in 1u64..1000) {
            let share: Share = format!("{percent}%").parse().unwrap();
            let struck = (0..4000).filter(|count| share.applies(Seed::DEFAULT, rule, *count)).count();
            let wanted = 40 * percent as usize;
            // More than six times the largest deviation that is usual.
            prop_assert!(struck.abs_diff(wanted) <= 200, "{struck} of 4000 at {percent}%");
            prop_assert!(percent < 100 || struck == 4000);
        }
    }
}
