//! Validation of parameters by the published table: missing ones, wrong types, and values out of bounds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::error::ErrorCode;
use crate::number::Number;
use crate::query::{Pairs, json};

/// A published parameter.
#[derive(Debug, Clone, Deserialize)]
pub struct Parameter {
    /// Name, with `N` for each index.
    pub name: String,
    /// Published type, as `string` or `int32`.
    #[serde(rename = "type")]
    pub kind: String,
    /// True if every call needs the parameter.
    pub required: bool,
    /// `item` when each item of its list needs the parameter.
    #[serde(default)]
    pub required_scope: Option<String>,
    /// Smallest value, or fewest characters of a text.
    #[serde(default)]
    pub min: Option<Number>,
    /// Largest value, or most characters of a text.
    #[serde(default)]
    pub max: Option<Number>,
    /// Fewest items of a list.
    #[serde(default)]
    pub min_items: Option<u32>,
    /// Most items of a list.
    #[serde(default)]
    pub max_items: Option<u32>,
    /// Allowed values; empty where any is allowed.
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
    /// Source of bounds and values that do not come with the parameter itself.
    #[serde(default)]
    pub limits: Option<String>,
    /// True if only older clients name it.
    #[serde(default)]
    pub legacy_only: bool,
}

#[derive(Debug, Deserialize)]
struct Operation {
    status: String,
    request: Vec<Parameter>,
    errors: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Table {
    actions: BTreeMap<String, Operation>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/actions.json"))
        .unwrap_or_else(|_| Table { actions: BTreeMap::new() })
});

static INDEX: LazyLock<BTreeMap<&'static str, Index>> = LazyLock::new(|| {
    TABLE.actions.iter().map(|(name, it)| (name.as_str(), Index::of(&it.request))).collect()
});

/// Parameters of one operation, arranged for look-ups.
#[derive(Debug, Default)]
struct Index {
    /// Parameters by the name with `N` for each index.
    by_name: BTreeMap<&'static str, &'static Parameter>,
    /// Lists with a bounded length, by their names without the last `.N`.
    lists: BTreeMap<&'static str, &'static Parameter>,
    /// Members that each item of a list needs, by the list's name without `.N`.
    members: BTreeMap<&'static str, Vec<&'static str>>,
    /// Parameters that every call needs: the name without the last `.N`, and with it.
    required: Vec<(&'static str, &'static str)>,
    /// Maps, by the beginning that is common to all their keys.
    maps: Vec<&'static str>,
}

impl Index {
    fn of(table: &'static [Parameter]) -> Self {
        let mut index = Self::default();
        for parameter in table {
            let name = parameter.name.as_str();
            let plain = name.strip_suffix(".N");
            index.by_name.insert(name, parameter);
            if let Some(list) = plain
                && (parameter.min_items.is_some() || parameter.max_items.is_some())
            {
                index.lists.insert(list, parameter);
            }
            index.maps.extend(name.strip_suffix("<key>"));
            match (parameter.required, name.rsplit_once(".N.")) {
                (true, Some((list, member))) if parameter.required_scope.as_deref() == Some("item") => {
                    index.members.entry(list).or_default().push(member);
                }
                (true, None) => index.required.push((plain.unwrap_or(name), name)),
                _ => {}
            }
        }
        index
    }

    fn knows(&self, name: &str) -> bool {
        let general = general(name);
        self.by_name.contains_key(general.as_ref()) || self.maps.iter().any(|map| general.starts_with(map))
    }
}

/// Problem of one parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The parameter is required, and missing.
    #[error("The input parameter {0} that is mandatory for processing this request is not supplied.")]
    Missing(String),
    /// The value is of another type than the published one.
    #[error("The specified parameter {name} is not valid: `{value}` should be {should}.")]
    Type {
        /// Full name of the parameter.
        name: String,
        /// Value as it came, cut after 64 characters.
        value: String,
        /// Description of the type.
        should: &'static str,
    },
    /// The value is too small, too large, too short or too long.
    #[error("The specified parameter {name} is not valid: `{value}` should be {should}.")]
    Bounds {
        /// Full name of the parameter.
        name: String,
        /// Value as it came, cut after 64 characters.
        value: String,
        /// Description of the bounds.
        should: String,
    },
    /// The value is none of the allowed ones.
    #[error("The specified parameter {name} is not valid: `{value}` should be one of {should}.")]
    Choice {
        /// Full name of the parameter.
        name: String,
        /// Value as it came, cut after 64 characters.
        value: String,
        /// Allowed values, as a list in text.
        should: String,
    },
    /// A list has too few items, or too many.
    #[error("The specified parameter {name} is not valid: {count} items should be {} {}.", if count > max { max } else { min }, if count > max { "at most" } else { "at least" })]
    Items {
        /// Name of the list.
        name: String,
        /// Number of items that came.
        count: usize,
        /// Fewest items allowed.
        min: usize,
        /// Most items allowed.
        max: usize,
    },
}

impl ParameterError {
    /// The cloud's error code for the problem.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Missing(_) => ErrorCode::MISSING_PARAMETER,
            Self::Type { .. } | Self::Choice { .. } | Self::Bounds { .. } | Self::Items { .. } => {
                ErrorCode::INVALID_PARAMETER
            }
        }
    }
}

/// Names of all published operations.
pub fn actions() -> impl Iterator<Item = &'static str> {
    TABLE.actions.keys().map(String::as_str)
}

/// True if an operation is one of the five that only older clients know.
pub fn is_legacy(action: &str) -> bool {
    TABLE.actions.get(action).is_some_and(|operation| operation.status == "legacy")
}

/// The published parameters of an operation; empty for an unknown one.
pub fn parameters(action: &str) -> &'static [Parameter] {
    TABLE.actions.get(action).map_or(&[], |operation| operation.request.as_slice())
}

/// The codes with which an operation may be refused, as published.
pub fn published_codes(action: &str) -> impl Iterator<Item = &'static str> {
    TABLE.actions.get(action).into_iter().flat_map(|operation| operation.errors.iter().map(String::as_str))
}

/// Checks the parameters of a call: the given ones in their order, then the missing ones. Empty for an unknown
/// operation.
pub fn check(action: &str, pairs: &[(String, String)]) -> Vec<ParameterError> {
    let Some(index) = INDEX.get(action) else { return Vec::new() };
    let (expanded, mut problems) = expand(index, pairs);
    let mut lists = Lists::default();
    for (name, value) in pairs.iter().chain(&expanded) {
        let general = general(name);
        if let Some(parameter) = index.by_name.get(general.as_ref()) {
            problems.extend(parameter.problem(name, value));
        }
        lists.note(index, name, &general, value);
    }
    for (required, published) in &index.required {
        let member = |name: &str| name.strip_prefix(*required).is_some_and(|rest| rest.starts_with('.'));
        let all = || pairs.iter().chain(&expanded);
        if !all().any(|(name, value)| (name == required && !value.is_empty()) || member(name)) {
            problems.push(ParameterError::Missing((*published).to_owned()));
        }
    }
    problems.extend(lists.problems(index));
    problems
}

/// Members of structures that were given as one JSON text, under their own names.
fn expand(index: &Index, pairs: &[(String, String)]) -> (Pairs, Vec<ParameterError>) {
    let (mut expanded, mut problems) = (Pairs::new(), Vec::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        if index.by_name.get(name.as_str()).is_none_or(|parameter| parameter.kind != "json-object") {
            continue;
        }
        match json::members(value).filter(|_| value.trim_start().starts_with('{')) {
            Some(members) => {
                expanded
                    .extend(members.into_iter().map(|(member, value)| (format!("{name}.{member}"), value)));
            }
            None => problems.push(ParameterError::Type {
                name: name.clone(),
                value: cut(value),
                should: "a JSON object",
            }),
        }
    }
    (expanded, problems)
}

/// Lists of a call, as far as its parameters were walked through.
#[derive(Default)]
struct Lists<'a> {
    /// Indexes of each list with a bounded length, by the list's own name and the table's.
    indexes: BTreeMap<(&'a str, &'static str), BTreeSet<&'a str>>,
    /// Members of each item, of those that it needs.
    items: BTreeMap<(&'a str, &'static str), BTreeSet<&'static str>>,
}

impl<'a> Lists<'a> {
    fn note(&mut self, index: &Index, name: &'a str, general: &str, value: &str) {
        let (mut at, mut general_at) = (0, 0);
        for part in name.split('.') {
            let end = at + part.len();
            if at > 0 && is_index(part) {
                let list = &general[..general_at - 1];
                if let Some((known, _)) = index.lists.get_key_value(list) {
                    self.indexes.entry((&name[..at - 1], known)).or_default().insert(part);
                }
                if let Some((known, members)) = index.members.get_key_value(list) {
                    let rest = name.get(end + 1..).unwrap_or_default();
                    let has = |member: &&&str| {
                        rest.strip_prefix(**member)
                            .is_some_and(|more| more.starts_with('.') || more.is_empty() && !value.is_empty())
                    };
                    let there = self.items.entry((&name[..end], known)).or_default();
                    there.extend(members.iter().find(has));
                }
            }
            general_at += if is_index(part) { 2 } else { part.len() + 1 };
            at = end + 1;
        }
    }

    fn problems(self, index: &Index) -> Vec<ParameterError> {
        let mut problems = Vec::new();
        for ((item, list), there) in self.items {
            let members = index.members.get(list).map_or(&[][..], Vec::as_slice);
            let lacking = members.iter().filter(|member| !there.contains(*member));
            problems.extend(lacking.map(|member| ParameterError::Missing(format!("{item}.{member}"))));
        }
        for ((list, known), indexes) in self.indexes {
            let Some(parameter) = index.lists.get(known) else { continue };
            let min = parameter.min_items.map_or(0, |min| min as usize);
            let max = parameter.max_items.map_or(usize::MAX, |max| max as usize);
            if !(min..=max).contains(&indexes.len()) {
                problems.push(ParameterError::Items {
                    name: list.to_owned(),
                    count: indexes.len(),
                    min,
                    max,
                });
            }
        }
        problems
    }
}

/// Names of the parameters that the table does not have.
pub fn unknown<'a>(action: &str, pairs: &'a [(String, String)]) -> Vec<&'a str> {
    let known = |name: &str| INDEX.get(action).is_some_and(|index| index.knows(name));
    pairs.iter().map(|(name, _)| name.as_str()).filter(|name| !known(name)).collect()
}

/// Name with `N` for each index: `Container.1.Port.2.Protocol` → `Container.N.Port.N.Protocol`.
fn general(name: &str) -> Cow<'_, str> {
    if !name.contains('.') {
        return Cow::Borrowed(name);
    }
    let mut general = String::with_capacity(name.len() + 1);
    for (at, part) in name.split('.').enumerate() {
        if at > 0 {
            general.push('.');
        }
        general.push_str(if is_index(part) { "N" } else { part });
    }
    Cow::Owned(general)
}

fn is_index(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
}

impl Parameter {
    fn problem(&self, name: &str, value: &str) -> Option<ParameterError> {
        if value.is_empty() {
            return None; // an empty value is an absent one
        }
        let wrong = |should| Some(ParameterError::Type { name: name.to_owned(), value: cut(value), should });
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

    fn out_of_bounds(&self, name: &str, value: &str, number: Option<Decimal>) -> Option<ParameterError> {
        let (measured, what) = match number {
            Some(number) => (number, ""),
            None => (Decimal::from(value.chars().count()), " characters"),
        };
        let below = self.min.filter(|min| measured < min.0).map(|min| format!("at least {min}{what}"));
        let above = self.max.filter(|max| measured > max.0).map(|max| format!("at most {max}{what}"));
        let should = below.or(above)?;
        Some(ParameterError::Bounds { name: name.to_owned(), value: cut(value), should })
    }

    fn no_choice(&self, name: &str, value: &str) -> Option<ParameterError> {
        if self.values.is_empty() || self.values.iter().any(|v| v.eq_ignore_ascii_case(value)) {
            return None;
        }
        Some(ParameterError::Choice {
            name: name.to_owned(),
            value: cut(value),
            should: self.values.join(", "),
        })
    }
}

fn cut(value: &str) -> String {
    value.chars().take(64).collect()
}
