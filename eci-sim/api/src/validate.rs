//! Parameters against the published table: what is missing, of the wrong type, or out of bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::error::ErrorCode;
use crate::number::Number;

/// One published parameter.
#[derive(Debug, Clone, Deserialize)]
pub struct Parameter {
    /// Its name, with `N` for each index.
    pub name: String,
    /// Its published type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// `item` when it must be there in each item of its list.
    #[serde(default)]
    pub required_scope: Option<String>,
    /// The smallest value, or the shortest text.
    #[serde(default)]
    pub min: Option<Number>,
    /// The largest value, or the longest text.
    #[serde(default)]
    pub max: Option<Number>,
    /// How many items a list holds at most.
    #[serde(default)]
    pub max_items: Option<u32>,
    /// The only values there are.
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Operation {
    status: String,
    request: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
struct Table {
    actions: BTreeMap<String, Operation>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/actions.json"))
        .unwrap_or_else(|_| Table { actions: BTreeMap::new() })
});

/// What is wrong with one parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has to be there.
    #[error("The input parameter {0} that is mandatory for processing this request is not supplied.")]
    Missing(String),
    /// It is of another type than it should be.
    #[error("The specified parameter {name} is not valid: `{value}` should be {should}.")]
    Type {
        /// The full name.
        name: String,
        /// What came.
        value: String,
        /// What it should be.
        should: &'static str,
    },
    /// It is too small, too large, too short or too long.
    #[error("The specified parameter {name} is not valid: `{value}` should be {should}.")]
    Bounds {
        /// The full name.
        name: String,
        /// What came, cut after 64 characters.
        value: String,
        /// What it should be.
        should: String,
    },
    /// It is none of the values there are.
    #[error("The specified parameter {name} is not valid: `{value}` should be one of {should}.")]
    Choice {
        /// The full name.
        name: String,
        /// What came.
        value: String,
        /// The values there are.
        should: String,
    },
    /// A list has too many items.
    #[error("The specified parameter {name} is not valid: {count} items should be {max} at most.")]
    Items {
        /// The list's name.
        name: String,
        /// How many came.
        count: usize,
        /// How many there may be.
        max: u32,
    },
}

impl Problem {
    /// The cloud's code for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing(_) => ErrorCode::MISSING_PARAMETER,
            Self::Type { .. } | Self::Choice { .. } | Self::Bounds { .. } | Self::Items { .. } => {
                ErrorCode::INVALID_PARAMETER
            }
        }
    }
}

/// The names of all published operations.
pub fn actions() -> impl Iterator<Item = &'static str> {
    TABLE.actions.keys().map(String::as_str)
}

/// Whether an operation is one of the five that only older clients know.
pub fn is_legacy(action: &str) -> bool {
    TABLE.actions.get(action).is_some_and(|operation| operation.status == "legacy")
}

/// The published parameters of an operation; empty for an unknown one.
pub fn parameters(action: &str) -> &'static [Parameter] {
    TABLE.actions.get(action).map_or(&[], |operation| operation.request.as_slice())
}

/// Checks the parameters of a call, in the order of the table.
pub fn check(action: &str, pairs: &[(String, String)]) -> Vec<Problem> {
    let table = parameters(action);
    let mut problems = Vec::new();
    let known: BTreeMap<&str, &Parameter> = table.iter().map(|p| (p.name.as_str(), p)).collect();
    for (name, value) in pairs {
        if let Some(parameter) = known.get(general(name).as_str()) {
            problems.extend(parameter.problem(name, value));
        }
    }
    for parameter in table {
        problems.extend(parameter.too_many(pairs));
        if parameter.required {
            problems.extend(parameter.missing(pairs));
        }
    }
    problems
}

/// The parameters that the table does not have.
pub fn unknown<'a>(action: &str, pairs: &'a [(String, String)]) -> Vec<&'a str> {
    let known: BTreeSet<&str> = parameters(action).iter().map(|p| p.name.as_str()).collect();
    let below_map =
        |name: &str| known.iter().any(|k| name.starts_with(*k) && name[k.len()..].starts_with('.'));
    pairs
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|n| !known.contains(general(n).as_str()) && !below_map(n))
        .collect()
}

/// `Container.1.Port.2.Protocol` → `Container.N.Port.N.Protocol`.
fn general(name: &str) -> String {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    name.split('.').map(|part| if digits(part) { "N" } else { part }).collect::<Vec<_>>().join(".")
}

impl Parameter {
    fn problem(&self, name: &str, value: &str) -> Option<Problem> {
        if value.is_empty() && self.kind != "string" {
            return None; // an empty value of a number or a flag is an absent one
        }
        let wrong = |should| Some(Problem::Type { name: name.to_owned(), value: cut(value), should });
        let number = match self.kind.as_str() {
            "boolean" if !matches!(value.to_ascii_lowercase().as_str(), "true" | "false") => {
                return wrong("true or false");
            }
            "int32" | "integer" => match value.trim().parse::<i32>() {
                Ok(number) => Some(Decimal::from(number)),
                Err(_) => return wrong("a whole number of 32 bits"),
            },
            "int64" => match value.trim().parse::<i64>() {
                Ok(number) => Some(Decimal::from(number)),
                Err(_) => return wrong("a whole number of 64 bits"),
            },
            "float" | "double" => match value.parse::<Number>() {
                Ok(number) => Some(number.0),
                Err(_) => return wrong("a number"),
            },
            "string" => None,
            _ => return None,
        };
        self.out_of_bounds(name, value, number).or_else(|| self.no_choice(name, value))
    }

    fn out_of_bounds(&self, name: &str, value: &str, number: Option<Decimal>) -> Option<Problem> {
        let (measured, what) = match number {
            Some(number) => (number, ""),
            None => (Decimal::from(value.chars().count()), " characters"),
        };
        let below = self.min.filter(|min| measured < min.0).map(|min| format!("at least {min}{what}"));
        let above = self.max.filter(|max| measured > max.0).map(|max| format!("at most {max}{what}"));
        let should = below.or(above)?;
        Some(Problem::Bounds { name: name.to_owned(), value: cut(value), should })
    }

    fn no_choice(&self, name: &str, value: &str) -> Option<Problem> {
        if self.values.is_empty() || self.values.iter().any(|v| v.eq_ignore_ascii_case(value)) {
            return None;
        }
        Some(Problem::Choice { name: name.to_owned(), value: cut(value), should: self.values.join(", ") })
    }

    /// The lists of this name that have more items than they may.
    fn too_many(&self, pairs: &[(String, String)]) -> Vec<Problem> {
        let Some(max) = self.max_items else { return Vec::new() };
        let Some(list) = self.name.strip_suffix(".N") else { return Vec::new() };
        let depth = list.split('.').count();
        let mut items: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (name, _) in pairs {
            let parts: Vec<_> = name.split('.').collect();
            if parts.len() > depth && general(&parts[..depth].join(".")) == list {
                items.entry(parts[..depth].join(".")).or_default().insert(parts[depth]);
            }
        }
        let long = items.into_iter().filter(|(_, found)| found.len() > max as usize);
        long.map(|(name, found)| Problem::Items { name, count: found.len(), max }).collect()
    }

    fn missing(&self, pairs: &[(String, String)]) -> Vec<Problem> {
        let has = |name: &str| {
            let below = format!("{name}.");
            pairs.iter().any(|(key, value)| (key == name && !value.is_empty()) || key.starts_with(&below))
        };
        if self.required_scope.as_deref() != Some("item") {
            let name = self.name.strip_suffix(".N").unwrap_or(&self.name);
            let there = has(name) || name.contains(".N");
            return if there { Vec::new() } else { vec![Problem::Missing(self.name.clone())] };
        }
        let Some((list, member)) = self.name.rsplit_once(".N.") else { return Vec::new() };
        let depth = list.split('.').count() + 1;
        let items: BTreeSet<String> = pairs
            .iter()
            .map(|(name, _)| name.split('.').collect::<Vec<_>>())
            .filter(|parts| parts.len() >= depth && general(&parts[..depth].join(".")) == format!("{list}.N"))
            .map(|parts| parts[..depth].join("."))
            .collect();
        let full = items.into_iter().map(|item| format!("{item}.{member}"));
        full.filter(|name| !has(name)).map(Problem::Missing).collect()
    }
}

fn cut(value: &str) -> String {
    value.chars().take(64).collect()
}
