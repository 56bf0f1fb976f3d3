//! From the tree of a case file to typed steps, so that whatever does not fit is answered at its own place.

use std::fmt;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::mistake::{Mark, Mistake, Source, did_you_mean, list_of};
use super::yaml::{Key, Node, Value};

/// Reads `node` as a `T`.
///
/// # Errors
/// A [`Mistake`] at the innermost place that does not fit.
pub fn read<T: DeserializeOwned>(source: &Source<'_>, node: &Node) -> Result<T, Mistake> {
    T::deserialize(NodeDeserializer { source, node }).map_err(|misfit| misfit.into_mistake(source))
}

/// The description of an element of `steps`.
const A_STEP: &str = "a verb and what it needs, as in `- advance: 1h`";

/// One node, ready to be read as whatever type asks.
#[derive(Clone, Copy)]
struct NodeDeserializer<'a> {
    source: &'a Source<'a>,
    node: &'a Node,
}

/// A part that does not fit, and its place as far as that is known yet.
#[derive(Debug)]
struct Misfit {
    problem: Problem,
    at: Option<Mark>,
    /// The innermost key whose value it is.
    holder: Option<String>,
}

#[derive(Debug)]
enum Problem {
    NoSuchStep { name: String, known: &'static [&'static str] },
    NoSuchWord { name: String, known: &'static [&'static str] },
    NoSuchField { name: String, known: &'static [&'static str] },
    Lacks(String),
    IsNot { wanted: String, seen: String },
    Message(String),
}

impl Misfit {
    fn new(problem: Problem) -> Self {
        Self { problem, at: None, holder: None }
    }

    /// Fills in the place, unless something further inside has done so.
    fn at(mut self, at: Mark) -> Self {
        self.at.get_or_insert(at);
        self
    }

    /// The value of `key` does not fit; what is lacking in it is shown at the key.
    fn under(mut self, key: &Key, value: Mark) -> Self {
        let lacks = matches!(self.problem, Problem::Lacks(_));
        self.at.get_or_insert(if lacks { key.at } else { value });
        self.holder.get_or_insert_with(|| key.text.clone());
        self
    }

    fn into_mistake(self, source: &Source<'_>) -> Mistake {
        let at = self.at.unwrap_or(Mark::START);
        let holder = self.holder.map_or_else(|| "a case".to_owned(), |key| format!("`{key}`"));
        let holder = if at_step(&self.problem) { "a step".to_owned() } else { holder };
        match self.problem {
            Problem::NoSuchStep { name, known } => {
                let near = did_you_mean(&name, known.iter().copied());
                let right = if near.is_empty() { list_of("the steps are:", known) } else { Vec::new() };
                source.mistake(at, format!("there is no step `{name}`{near}")).with_right(right)
            }
            Problem::NoSuchWord { name, known } => {
                let near = did_you_mean(&name, known.iter().copied());
                let right = if near.is_empty() { list_of("it can be:", known) } else { Vec::new() };
                source.mistake(at, format!("{holder} cannot be `{name}`{near}")).with_right(right)
            }
            Problem::NoSuchField { name, known } => {
                let near = did_you_mean(&name, known.iter().copied());
                let right = if near.is_empty() { list_of("it knows:", known) } else { Vec::new() };
                source.mistake(at, format!("{holder} has no `{name}`{near}")).with_right(right)
            }
            Problem::Lacks(field) => source.mistake(at, format!("{holder} needs `{field}`")),
            Problem::IsNot { wanted, seen } => {
                source.mistake(at, format!("{holder} should be {wanted}, not {seen}"))
            }
            Problem::Message(text) => source.mistake(at, text),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.problem)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(Problem::Message(text.to_string()))
    }

    fn invalid_type(seen: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::new(Problem::IsNot { wanted: in_words(&wanted.to_string()), seen: in_words(&seen.to_string()) })
    }

    fn invalid_value(seen: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(seen, wanted)
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::NoSuchWord { name: name.to_owned(), known })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::NoSuchField { name: name.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::Lacks(field.to_owned()))
    }
}

/// True when the list of steps holds something that is none.
fn at_step(problem: &Problem) -> bool {
    matches!(problem, Problem::IsNot { wanted, .. } if wanted == A_STEP)
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

impl NodeDeserializer<'_> {
    /// The scalar as it was typed, so that `0.40` read as a text stays `0.40`.
    fn typed(&self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Whole(value) => Some(
                self.node
                    .at
                    .slice(self.source)
                    .map_or_else(|| value.to_string(), |text| text.trim().to_owned()),
            ),
            Value::Fraction(value) => Some(
                self.node
                    .at
                    .slice(self.source)
                    .map_or_else(|| value.to_string(), |text| text.trim().to_owned()),
            ),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Whole(value) if *value >= 0 => visitor.visit_u64(value.unsigned_abs()),
            Value::Whole(value) => visitor.visit_i64(*value),
            Value::Fraction(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items { source: self.source, rest: items.iter() }),
            Value::Map(entries) => {
                visitor.visit_map(Entries { source: self.source, rest: entries.iter(), value: None })
            }
        }
        .map_err(|misfit: Misfit| match misfit.problem {
            Problem::Lacks(_) => misfit,
            _ => misfit.at(self.node.at),
        })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.typed() {
            Some(text) => visitor.visit_string(text).map_err(|misfit: Misfit| misfit.at(self.node.at)),
            None => Err(Misfit::new(Problem::IsNot {
                wanted: "a text".to_owned(),
                seen: self.node.value.kind().to_owned(),
            })
            .at(self.node.at)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.node.value {
            Value::Map(_) => self.deserialize_any(visitor),
            _ => Err(Misfit::new(Problem::IsNot {
                wanted: "a mapping".to_owned(),
                seen: self
                    .typed()
                    .map_or_else(|| self.node.value.kind().to_owned(), |text| format!("`{text}`")),
            })
            .at(self.node.at)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let is_step = name == "Step";
        let (key, value) = match &self.node.value {
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => (key.clone(), Some(value)),
                [(first, _), (second, _), ..] => {
                    let text = format!(
                        "`{}` and `{}` are two steps; begin each with its own `- `",
                        first.text, second.text
                    );
                    return Err(Misfit::new(Problem::Message(text)).at(second.at));
                }
                [] => {
                    return Err(Misfit::new(Problem::Message("a step needs a verb".to_owned())).at(self.node.at));
                }
            },
            _ => match self.typed() {
                Some(text) => (Key { at: self.node.at, text }, None),
                None => {
                    let wanted = if is_step { A_STEP } else { "a word" };
                    let seen = self.node.value.kind().to_owned();
                    return Err(
                        Misfit::new(Problem::IsNot { wanted: wanted.to_owned(), seen }).at(self.node.at)
                    );
                }
            },
        };
        let unknown = !variants.contains(&key.text.as_str());
        if is_step && unknown {
            return Err(Misfit::new(Problem::NoSuchStep { name: key.text, known: variants }).at(key.at));
        }
        let at = key.at;
        visitor.visit_enum(VariantDeserializer { source: self.source, key, value }).map_err(|misfit| misfit.at(at))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    source: &'a Source<'a>,
    rest: std::slice::Iter<'a, Node>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        seed.deserialize(NodeDeserializer { source: self.source, node }).map(Some).map_err(|misfit| misfit.at(node.at))
    }
}

struct Entries<'a> {
    source: &'a Source<'a>,
    rest: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a (Key, Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = Some(entry);
        let key: de::value::StrDeserializer<'_, Misfit> = entry.0.text.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|misfit| misfit.at(entry.0.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let Some((key, node)) = self.value.take() else {
            return Err(Misfit::new(Problem::Message("a key has no value".to_owned())));
        };
        seed.deserialize(NodeDeserializer { source: self.source, node }).map_err(|misfit| misfit.under(key, node.at))
    }
}

struct VariantDeserializer<'a> {
    source: &'a Source<'a>,
    key: Key,
    value: Option<&'a Node>,
}

impl<'a, 'de> de::EnumAccess<'de> for VariantDeserializer<'a> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        let key: de::value::StrDeserializer<'_, Misfit> = self.key.text.as_str().into_deserializer();
        let value = seed.deserialize(key).map_err(|misfit| misfit.at(self.key.at))?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for VariantDeserializer<'_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.value {
            None => Ok(()),
            Some(node) if matches!(node.value, Value::Null) => Ok(()),
            Some(node) => {
                let text = format!("`{0}` stands alone; write `- {0}`", self.key.text);
                Err(Misfit::new(Problem::Message(text)).at(node.at))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        let key = &self.key;
        let Some(node) = self.value else {
            let text = format!("`{0}` says nothing; write `- {0}: …`", key.text);
            return Err(Misfit::new(Problem::Message(text)).at(key.at));
        };
        seed.deserialize(NodeDeserializer { source: self.source, node }).map_err(|misfit| misfit.under(key, node.at))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Some(node) => NodeDeserializer { source: self.source, node }.deserialize_any(visitor),
            None => visitor.visit_unit(),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let key = self.key.clone();
        self.tuple_variant(0, visitor).map_err(|misfit| misfit.under(&key, key.at))
    }
}
