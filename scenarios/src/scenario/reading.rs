//! From the tree of a case file to typed steps, so that whatever does not fit is answered at its own place.

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::mistake::{Mistake, Source};
use super::read_error::{A_STEP, ReadError, ReadErrorKind};
use super::yaml::{Key, Node, Value};

/// Reads `node` as a `T`.
///
/// # Errors
/// A [`Mistake`] at the innermost place that does not fit.
pub fn read<T: DeserializeOwned>(source: &Source<'_>, node: &Node) -> Result<T, Mistake> {
    T::deserialize(NodeDeserializer { source, node }).map_err(|error| error.into_mistake(source))
}

/// One node, ready to be read as whatever type asks.
#[derive(Clone, Copy)]
struct NodeDeserializer<'a> {
    source: &'a Source<'a>,
    node: &'a Node,
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
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
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
        .map_err(|error: ReadError| match error.problem {
            ReadErrorKind::Lacks(_) => error,
            _ => error.at(self.node.at),
        })
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.typed() {
            Some(text) => visitor.visit_string(text).map_err(|error: ReadError| error.at(self.node.at)),
            None => Err(ReadError::new(ReadErrorKind::IsNot {
                wanted: "a text".to_owned(),
                seen: self.node.value.kind().to_owned(),
            })
            .at(self.node.at)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
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
    ) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Map(_) => self.deserialize_any(visitor),
            _ => Err(ReadError::new(ReadErrorKind::IsNot {
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
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let is_step = name == "Step";
        let (key, value) = match &self.node.value {
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => (key.clone(), Some(value)),
                [(first, _), (second, _), ..] => {
                    let text = format!(
                        "`{}` and `{}` are two steps; begin each with its own `- `",
                        first.text, second.text
                    );
                    return Err(ReadError::new(ReadErrorKind::Message(text)).at(second.at));
                }
                [] => {
                    return Err(ReadError::new(ReadErrorKind::Message("a step needs a verb".to_owned()))
                        .at(self.node.at));
                }
            },
            _ => match self.typed() {
                Some(text) => (Key { at: self.node.at, text }, None),
                None => {
                    let wanted = if is_step { A_STEP } else { "a word" };
                    let seen = self.node.value.kind().to_owned();
                    return Err(ReadError::new(ReadErrorKind::IsNot { wanted: wanted.to_owned(), seen })
                        .at(self.node.at));
                }
            },
        };
        let unknown = !variants.contains(&key.text.as_str());
        if is_step && unknown {
            return Err(
                ReadError::new(ReadErrorKind::NoSuchStep { name: key.text, known: variants }).at(key.at)
            );
        }
        let at = key.at;
        visitor
            .visit_enum(VariantDeserializer { source: self.source, key, value })
            .map_err(|error| error.at(at))
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
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        seed.deserialize(NodeDeserializer { source: self.source, node })
            .map(Some)
            .map_err(|error| error.at(node.at))
    }
}

struct Entries<'a> {
    source: &'a Source<'a>,
    rest: std::slice::Iter<'a, (Key, Node)>,
    value: Option<&'a (Key, Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = Some(entry);
        let key: de::value::StrDeserializer<'_, ReadError> = entry.0.text.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.at(entry.0.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((key, node)) = self.value.take() else {
            return Err(ReadError::new(ReadErrorKind::Message("a key has no value".to_owned())));
        };
        seed.deserialize(NodeDeserializer { source: self.source, node })
            .map_err(|error| error.under(key, node.at))
    }
}

struct VariantDeserializer<'a> {
    source: &'a Source<'a>,
    key: Key,
    value: Option<&'a Node>,
}

impl<'a, 'de> de::EnumAccess<'de> for VariantDeserializer<'a> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let key: de::value::StrDeserializer<'_, ReadError> = self.key.text.as_str().into_deserializer();
        let value = seed.deserialize(key).map_err(|error| error.at(self.key.at))?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for VariantDeserializer<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.value {
            None => Ok(()),
            Some(node) if matches!(node.value, Value::Null) => Ok(()),
            Some(node) => {
                let text = format!("`{0}` stands alone; write `- {0}`", self.key.text);
                Err(ReadError::new(ReadErrorKind::Message(text)).at(node.at))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        let key = &self.key;
        let Some(node) = self.value else {
            let text = format!("`{0}` says nothing; write `- {0}: …`", key.text);
            return Err(ReadError::new(ReadErrorKind::Message(text)).at(key.at));
        };
        seed.deserialize(NodeDeserializer { source: self.source, node })
            .map_err(|error| error.under(key, node.at))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, ReadError> {
        match self.value {
            Some(node) => NodeDeserializer { source: self.source, node }.deserialize_any(visitor),
            None => visitor.visit_unit(),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let key = self.key.clone();
        self.tuple_variant(0, visitor).map_err(|error| error.under(&key, key.at))
    }
}
