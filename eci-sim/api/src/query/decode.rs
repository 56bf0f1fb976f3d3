//! From the tree of parameters to a typed request.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::tree::{Node, Segment, grow};

/// Why parameters are not the request they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", if parameter.is_empty() { String::new() } else { format!("parameter {parameter}: ") })]
pub struct DecodeError {
    /// The full name of the parameter, as `Container.1.Cpu`; empty when no single one is to blame.
    pub parameter: String,
    /// What it is, and what it should be.
    pub problem: String,
}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(problem: T) -> Self {
        Self { parameter: String::new(), problem: problem.to_string() }
    }
}

impl DecodeError {
    fn at(mut self, path: &str) -> Self {
        if self.parameter.is_empty() {
            path.clone_into(&mut self.parameter);
        }
        self
    }
}

/// Reads a request; parameters that it does not know are ignored.
///
/// # Errors
/// [`DecodeError`], which names the parameter and what it should be.
pub fn from_pairs<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, DecodeError> {
    let root = grow(pairs);
    T::deserialize(Reader { node: &root, path: String::new() })
}

struct Reader<'a> {
    node: &'a Node,
    path: String,
}

impl<'a> Reader<'a> {
    fn text(&self) -> &'a str {
        self.node.text.as_deref().unwrap_or_default()
    }

    fn wrong(&self, should: &str) -> DecodeError {
        let problem = format!("`{}` should be {should}", self.text());
        DecodeError { parameter: self.path.clone(), problem }
    }

    fn json(&self) -> Option<serde_json::Value> {
        let text = self.text().trim();
        let object = text.starts_with(['{', '[']) && self.node.below.is_empty();
        object.then(|| serde_json::from_str(text).ok()).flatten()
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty, $should:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let value: $kind = self.text().trim().parse().map_err(|_| self.wrong($should))?;
            visitor.$visit(value).map_err(|e: DecodeError| e.at(&self.path))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = DecodeError;

    numbers! {
        deserialize_i32 visit_i32 i32, "a whole number that fits 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number that fits 64 bits";
        deserialize_u32 visit_u32 u32, "a whole number that is not negative and fits 32 bits";
        deserialize_u64 visit_u64 u64, "a whole number that is not negative and fits 64 bits";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if !self.node.below.is_empty() {
            return self.deserialize_map(visitor);
        }
        visitor.visit_str(self.text()).map_err(|e: DecodeError| e.at(&self.path))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let value = match self.text().trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(self.wrong("true or false")),
        };
        visitor.visit_bool(value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some(json) = self.json() {
            return json.into_deserializer().deserialize_seq(visitor).map_err(|e| self.wrong(&e.to_string()));
        }
        let items =
            self.node.below.iter().filter(|(key, _)| matches!(key, Segment::Index(_))).collect::<Vec<_>>();
        visitor.visit_seq(Items { items: items.into_iter(), path: &self.path })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some(json) = self.json() {
            return json.into_deserializer().deserialize_map(visitor).map_err(|e| self.wrong(&e.to_string()));
        }
        if self.node.below.is_empty() && !self.text().is_empty() {
            return Err(self.wrong("a structure: its members one by one, or one JSON object"));
        }
        let items = self.node.below.iter().collect::<Vec<_>>();
        visitor.visit_map(Members { items: items.into_iter(), value: None, path: &self.path })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 u8 u16 f32 f64 i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct enum
        identifier ignored_any
    }
}

fn join(path: &str, key: &Segment) -> String {
    if path.is_empty() { key.to_string() } else { format!("{path}.{key}") }
}

struct Items<'a, I> {
    items: I,
    path: &'a str,
}

impl<'de, 'a, I: Iterator<Item = (&'a Segment, &'a Node)>> SeqAccess<'de> for Items<'_, I> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((key, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader { node, path: join(self.path, key) }).map(Some)
    }
}

struct Members<'a, I> {
    items: I,
    value: Option<Reader<'a>>,
    path: &'a str,
}

impl<'de, 'a, I: Iterator<Item = (&'a Segment, &'a Node)>> MapAccess<'de> for Members<'a, I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, node)) = self.items.next() else { return Ok(None) };
        self.value = Some(Reader { node, path: join(self.path, key) });
        let key = key.to_string();
        seed.deserialize(StrDeserializer::<DecodeError>::new(&key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        let reader = self.value.take().ok_or_else(|| de::Error::custom("a value without a name"))?;
        let path = reader.path.clone();
        seed.deserialize(reader).map_err(|e| e.at(&path))
    }
}
