//! A case file as a tree in which every key and value knows where it stands.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Options, Spanned};

use super::mistake::{Mistake, Position, Source};

/// One value of the file, and where it begins.
#[derive(Debug, Clone)]
pub struct Node {
    /// The value's first character.
    pub at: Position,
    /// The scalar, list or mapping.
    pub value: Value,
}

/// The content of a place in the file.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Whole(i64),
    /// A number with a fraction.
    Fraction(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and their values, in the file's order.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping, and where it stands.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key's first character.
    pub at: Position,
    /// The key itself.
    pub text: String,
}

impl Node {
    /// Reads the one document of `source`.
    ///
    /// # Errors
    /// A [`Mistake`] at the place where the text stops being YAML.
    pub fn read(source: &Source<'_>) -> Result<Self, Mistake> {
        if source.text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
            return Err(source.mistake(
                Position::START,
                "the file says nothing; a case has `scenario`, `cites` and `steps`".to_owned(),
            ));
        }
        Self::parse(source.text).map_err(|error| not_yaml(source, &error))
    }

    fn parse(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str_with_options(text, options())
    }

    /// The value under `key`, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The place of a one-key mapping's key, or else of the value itself.
    pub fn verb(&self) -> Position {
        match &self.value {
            Value::Map(entries) => entries.first().map_or(self.at, |(key, _)| key.at),
            _ => self.at,
        }
    }

    /// The elements, when this is a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }
}

impl Value {
    /// The kind of the value, as one would say it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Whole(_) | Self::Fraction(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// YAML 1.2's own booleans, and no source excerpts inside messages: [`Mistake`] draws its own.
pub(crate) fn options() -> Options {
    let mut options = Options::default();
    options.strict_booleans = true;
    options.with_snippet = false;
    options
}

fn not_yaml(source: &Source<'_>, error: &serde_saphyr::Error) -> Mistake {
    let at = error.location().map_or(Position::START, Position::from);
    let message = match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` is given twice; keep one of the two")
        }
        other => {
            let text = other.to_string();
            let reason = text.split(" at line ").next().unwrap_or(&text);
            format!("this is not YAML: {}", reason.trim().trim_end_matches([',', ':']))
        }
    };
    source.mistake(at, message)
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        let offset = location.span().byte_offset().and_then(|at| usize::try_from(at).ok());
        let length = location.span().byte_len().and_then(|length| usize::try_from(length).ok());
        Self {
            line: usize::try_from(location.line()).unwrap_or(1).max(1),
            column: usize::try_from(location.column()).unwrap_or(1).max(1),
            bytes: offset.zip(length),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { at: Position::from(referenced), value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Whole)
            .map_err(|_| E::custom(format!("{value} is too large a number")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Fraction(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(node) = seq.next_element()? {
            items.push(node);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            if entries.iter().any(|(seen, _)| seen.text == key.value) {
                return Err(A::Error::custom(format!("`{}` is given twice", key.value)));
            }
            let key = Key { at: Position::from(key.referenced), text: key.value };
            entries.push((key, map.next_value()?));
        }
        Ok(Value::Map(entries))
    }
}
