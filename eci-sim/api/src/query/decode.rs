//! From flat parameters to a typed request.
//!
//! A text that cannot be meant (an empty one for a number, one text for a list, a structure of which no member is
//! known) is as good as absent. Only the type being read knows which these are, and it has no way to say so half way
//! through; so the reader goes on with a stand-in, takes those parameters out, and reads once more.

use std::borrow::Cow;
use std::cell::Cell;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::json;
use super::tree::{Node, Segment, Tree};

/// Parameters of a request, at most; the largest that the published limits allow has about twelve thousand.
pub const PAIRS_MAX: usize = 20_000;
/// Characters of a wrong value that an error repeats, at most.
const SHOWN_MAX: usize = 64;

/// Error for parameters that are not the request they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", if parameter.is_empty() { String::new() } else { format!("parameter {parameter}: ") })]
pub struct DecodeError {
    /// Full name of the parameter, as `Container.1.Cpu`; empty when no single one is to blame.
    pub parameter: String,
    /// Description of the value, and of the expected one.
    pub problem: String,
}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(problem: T) -> Self {
        Self { parameter: String::new(), problem: problem.to_string() }
    }
}

/// Reads a request; parameters that it does not know are ignored.
///
/// # Errors
/// [`DecodeError`], which names the parameter and what it should be.
pub fn from_pairs<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, DecodeError> {
    if pairs.len() > PAIRS_MAX {
        return Err(de::Error::custom(format!("{} parameters should be {PAIRS_MAX} at most", pairs.len())));
    }
    let mut tree = Tree::grow(pairs);
    loop {
        let absent = Cell::new(false);
        let read = T::deserialize(Reader { node: tree.root(), within: Within::Request(&absent) });
        if !absent.get() {
            return read;
        }
        tree.prune();
    }
}

/// Context of the names in a tree.
#[derive(Clone, Copy)]
enum Within<'a> {
    /// A request; the flag is set when a parameter turned out to be as good as absent.
    Request(&'a Cell<bool>),
    /// The JSON text of the parameter of this name.
    Json(&'a str),
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: Node<'a>,
    within: Within<'a>,
}

impl<'a> Reader<'a> {
    fn text(&self) -> &'a str {
        self.node.text().unwrap_or_default()
    }

    fn name(&self) -> String {
        let own = self.node.name();
        match self.within {
            Within::Json(base) if own.is_empty() => base.to_owned(),
            Within::Json(base) => format!("{base}.{own}"),
            Within::Request(_) => own,
        }
    }

    fn wrong(&self, should: &str) -> DecodeError {
        let shown: String = self.text().chars().take(SHOWN_MAX).collect();
        DecodeError { parameter: self.name(), problem: format!("`{shown}` should be {should}") }
    }

    /// Puts the parameter's name to an error that has none.
    fn named(&self, error: DecodeError) -> DecodeError {
        if error.parameter.is_empty() { DecodeError { parameter: self.name(), ..error } } else { error }
    }

    /// Marks the parameter as absent, where its context has a flag for that; true if it was marked.
    fn absent(&self) -> bool {
        let Within::Request(absent) = self.within else { return false };
        let marked = self.node.mark_absent();
        absent.set(absent.get() || marked);
        marked
    }

    /// The text of a number or a flag; `None` when it is as good as absent.
    fn scalar(&self) -> Option<&'a str> {
        let text = self.text().trim();
        if text.is_empty() && self.absent() { None } else { Some(text) }
    }

    /// The members that a JSON text has under this plain name.
    fn json(&self) -> Option<super::Pairs> {
        if matches!(self.within, Within::Json(_)) || self.node.has_below() {
            return None;
        }
        json::members(self.text())
    }

    fn members<'m>(self, members: &'m [(Cow<'a, str>, Node<'a>)]) -> Members<'m, 'a> {
        Members { members: members.iter(), value: None, within: self.within }
    }

    fn below(self) -> Vec<(Cow<'a, str>, Node<'a>)> {
        self.node.below().map(|(segment, node)| (segment.text(), node)).collect()
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty, $should:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let value: $kind = match self.scalar() {
                Some(text) => text.parse().map_err(|_| self.wrong($should))?,
                None => 0,
            };
            visitor.$visit(value).map_err(|error| self.named(error))
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

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let text = self.scalar().unwrap_or("0");
        visitor.visit_str(text).map_err(|_: DecodeError| self.wrong("a number"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let value = match self.scalar() {
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(self.wrong("true or false")),
            None => false,
        };
        visitor.visit_bool(value)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.text().is_none() {
            self.absent();
        }
        visitor.visit_str(self.text()).map_err(|error| self.named(error))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.has_below() {
            return visitor.visit_map(self.members(&self.below()));
        }
        visitor.visit_str(self.text()).map_err(|error| self.named(error))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some(pairs) = self.json() {
            let (tree, name) = (Tree::grow(&pairs), self.name());
            return Reader { node: tree.root(), within: Within::Json(&name) }.deserialize_seq(visitor);
        }
        let items: Vec<_> = self.node.below().filter(|(key, _)| matches!(key, Segment::Index(_))).collect();
        if items.is_empty() {
            self.absent();
        }
        visitor.visit_seq(Items { items: items.into_iter(), within: self.within })
    }

    /// A map has no names of its own: all that stands below it belongs to its keys, dots too.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if let Some(pairs) = self.json() {
            let (tree, name) = (Tree::grow(&pairs), self.name());
            return Reader { node: tree.root(), within: Within::Json(&name) }.deserialize_map(visitor);
        }
        self.must_be_structure()?;
        let leaves = self.node.leaves().map(|(name, node)| (Cow::Owned(name), node));
        visitor.visit_map(self.members(&leaves.collect::<Vec<_>>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if let Some(pairs) = self.json() {
            let (tree, base) = (Tree::grow(&pairs), self.name());
            let reader = Reader { node: tree.root(), within: Within::Json(&base) };
            return reader.deserialize_struct(name, fields, visitor);
        }
        self.must_be_structure()?;
        let mut members = self.below();
        members.retain(|(member, _)| fields.contains(&member.as_ref()));
        if members.is_empty() && self.node.has_below() {
            self.absent();
        }
        visitor.visit_map(self.members(&members))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        i8 i16 u8 u16 f32 i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

impl Reader<'_> {
    /// Refuses a text where only members can be meant.
    fn must_be_structure(&self) -> Result<(), DecodeError> {
        if self.node.has_below() {
            return Ok(());
        }
        match self.node.text() {
            Some("") => {
                self.absent();
                Ok(())
            }
            Some(_) => Err(self.wrong("a structure: its members one by one, or one JSON object")),
            None => Ok(()),
        }
    }
}

struct Items<'a, I> {
    items: I,
    within: Within<'a>,
}

impl<'de, 'a, I: Iterator<Item = (Segment<'a>, Node<'a>)>> SeqAccess<'de> for Items<'a, I> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((_, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader { node, within: self.within }).map(Some)
    }
}

struct Members<'m, 'a> {
    members: std::slice::Iter<'m, (Cow<'a, str>, Node<'a>)>,
    value: Option<Node<'a>>,
    within: Within<'a>,
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, node)) = self.members.next() else { return Ok(None) };
        self.value = Some(*node);
        seed.deserialize(StrDeserializer::<DecodeError>::new(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        let node = self.value.take().ok_or_else(|| de::Error::custom("a value without a name"))?;
        let reader = Reader { node, within: self.within };
        seed.deserialize(reader).map_err(|error| reader.named(error))
    }
}
