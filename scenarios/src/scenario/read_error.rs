//! Errors of reading a case, in a case's own words, until their place in the file is known.

use std::fmt;

use eci_sim::text::did_you_mean;
use serde::de::{self, Unexpected};

use super::mistake::{Mistake, Position, Source, list_of};
use super::yaml::Key;

/// The description of an element of `steps`.
pub(super) const A_STEP: &str = "a verb and what it needs, as in `- advance: 1h`";

/// A part that does not fit, and its place as far as that is known yet.
#[derive(Debug)]
pub(super) struct ReadError {
    pub(super) problem: ReadErrorKind,
    at: Option<Position>,
    /// The innermost key whose value it is.
    holder: Option<String>,
}

#[derive(Debug)]
pub(super) enum ReadErrorKind {
    NoSuchStep { name: String, known: &'static [&'static str] },
    NoSuchWord { name: String, known: &'static [&'static str] },
    NoSuchField { name: String, known: &'static [&'static str] },
    Lacks(String),
    IsNot { wanted: String, seen: String },
    Message(String),
}

impl ReadError {
    pub(super) fn new(problem: ReadErrorKind) -> Self {
        Self { problem, at: None, holder: None }
    }

    /// Fills in the place, unless something further inside has done so.
    pub(super) fn at(mut self, at: Position) -> Self {
        self.at.get_or_insert(at);
        self
    }

    /// The value of `key` does not fit; what is lacking in it is shown at the key.
    pub(super) fn under(mut self, key: &Key, value: Position) -> Self {
        let lacks = matches!(self.problem, ReadErrorKind::Lacks(_));
        self.at.get_or_insert(if lacks { key.at } else { value });
        self.holder.get_or_insert_with(|| key.text.clone());
        self
    }

    /// The mistake in `source`, with the nearest known name or all of them.
    pub(super) fn into_mistake(self, source: &Source<'_>) -> Mistake {
        let at = self.at.unwrap_or(Position::START);
        let holder = self.holder.map_or_else(|| "a case".to_owned(), |key| format!("`{key}`"));
        let holder = if at_step(&self.problem) { "a step".to_owned() } else { holder };
        match self.problem {
            ReadErrorKind::NoSuchStep { name, known } => {
                let near = did_you_mean(&name, known.iter().copied());
                let right = if near.is_empty() { list_of("the steps are:", known) } else { Vec::new() };
                source.mistake(at, format!("there is no step `{name}`{near}")).with_right(right)
            }
            ReadErrorKind::NoSuchWord { name, known } => {
                let near = did_you_mean(&name, known.iter().copied());
                let right = if near.is_empty() { list_of("it can be:", known) } else { Vec::new() };
                source.mistake(at, format!("{holder} cannot be `{name}`{near}")).with_right(right)
            }
            ReadErrorKind::NoSuchField { name, known } => {
                let near = did_you_mean(&name, known.iter().copied());
                let right = if near.is_empty() { list_of("it knows:", known) } else { Vec::new() };
                source.mistake(at, format!("{holder} has no `{name}`{near}")).with_right(right)
            }
            ReadErrorKind::Lacks(field) => source.mistake(at, format!("{holder} needs `{field}`")),
            ReadErrorKind::IsNot { wanted, seen } => {
                source.mistake(at, format!("{holder} should be {wanted}, not {seen}"))
            }
            ReadErrorKind::Message(text) => source.mistake(at, text),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.problem)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(ReadErrorKind::Message(text.to_string()))
    }

    fn invalid_type(seen: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(ReadErrorKind::IsNot {
            wanted: in_words(&wanted.to_string()),
            seen: in_words(&seen.to_string()),
        })
    }

    fn invalid_value(seen: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(seen, wanted)
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(ReadErrorKind::NoSuchWord { name: name.to_owned(), known })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(ReadErrorKind::NoSuchField { name: name.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(ReadErrorKind::Lacks(field.to_owned()))
    }
}

/// True when the list of steps holds something that is none.
fn at_step(problem: &ReadErrorKind) -> bool {
    matches!(problem, ReadErrorKind::IsNot { wanted, .. } if wanted == A_STEP)
}

/// Serde's names for types and values, as a reader of YAML would say them.
fn in_words(name: &str) -> String {
    if let Some(text) = name.strip_prefix("string \"").and_then(|rest| rest.strip_suffix('"')) {
        return format!("`{text}`");
    }
    for kind in ["integer ", "floating point ", "boolean "] {
        if let Some(value) = name.strip_prefix(kind) {
            return value.to_owned();
        }
    }
    match name {
        "a string" | "string" => "a text",
        "a boolean" => "true or false",
        "map" | "a map" => "a mapping",
        "sequence" | "a sequence" => "a list",
        "unit value" => "nothing",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        other if other.starts_with("struct ") => "a mapping",
        other if other.contains("Decimal") => "a number",
        other => other,
    }
    .to_owned()
}
