//! From a typed request to flat parameters.

use std::fmt::Display;

use serde::ser::{self, Impossible, Serialize};

use super::Pairs;

/// Error for a value that has no flat form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the request cannot be written as parameters: {0}")]
pub struct EncodeError(String);

impl ser::Error for EncodeError {
    fn custom<T: Display>(problem: T) -> Self {
        Self(problem.to_string())
    }
}

/// Writes a request; what is absent or an empty list is left out.
///
/// # Errors
/// [`EncodeError`] when the value is not a structure of texts, numbers, booleans, lists and structures.
pub fn to_pairs<T: Serialize>(value: &T) -> Result<Pairs, EncodeError> {
    let mut writer = Writer { pairs: Pairs::new(), name: String::new(), items: 0 };
    value.serialize(&mut writer)?;
    Ok(writer.pairs)
}

/// Writes below one name at a time.
struct Writer {
    pairs: Pairs,
    name: String,
    /// Number of items so far in the list that is being written.
    items: usize,
}

impl Writer {
    fn put(&mut self, text: impl Display) -> Result<(), EncodeError> {
        if self.name.is_empty() {
            return Err(EncodeError(format!("`{text}` has no name")));
        }
        self.pairs.push((self.name.clone(), text.to_string()));
        Ok(())
    }

    fn below<T: Serialize + ?Sized>(&mut self, part: &str, value: &T) -> Result<(), EncodeError> {
        let (length, items) = (self.name.len(), std::mem::take(&mut self.items));
        if length > 0 {
            self.name.push('.');
        }
        self.name.push_str(part);
        value.serialize(&mut *self)?;
        self.name.truncate(length);
        self.items = items;
        Ok(())
    }
}

macro_rules! texts {
    ($($method:ident $kind:ty;)*) => {$(
        fn $method(self, value: $kind) -> Result<(), EncodeError> {
            self.put(value)
        }
    )*};
}

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = &'w mut Writer;
    type SerializeTuple = Impossible<(), EncodeError>;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Keyed<'w>;
    type SerializeStruct = &'w mut Writer;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    texts! {
        serialize_bool bool; serialize_str &str; serialize_char char;
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64;
        serialize_f32 f32; serialize_f64 f64;
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), EncodeError> {
        Err(no_flat_form("bytes"))
    }
    fn serialize_none(self) -> Result<(), EncodeError> {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), EncodeError> {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        Ok(())
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.put(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        Err(no_flat_form("a variant with a value"))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, EncodeError> {
        self.items = 0;
        Ok(self)
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, EncodeError> {
        Err(no_flat_form("a tuple"))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, EncodeError> {
        Err(no_flat_form("a tuple"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        Err(no_flat_form("a variant with values"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, EncodeError> {
        Ok(Keyed { writer: self, key: String::new() })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, EncodeError> {
        Ok(self)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, EncodeError> {
        Err(no_flat_form("a variant with members"))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

fn no_flat_form(what: &str) -> EncodeError {
    EncodeError(format!("{what} has no flat form"))
}

impl ser::SerializeSeq for &mut Writer {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.items += 1;
        let index = self.items.to_string();
        self.below(&index, value)
    }
    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl ser::SerializeStruct for &mut Writer {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        member: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.below(member, value)
    }
    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// A map under way: its key comes before its value.
struct Keyed<'w> {
    writer: &'w mut Writer,
    key: String,
}

impl ser::SerializeMap for Keyed<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        let mut writer = Writer { pairs: Pairs::new(), name: "key".to_owned(), items: 0 };
        key.serialize(&mut writer)?;
        self.key = writer.pairs.pop().map(|(_, key)| key).ok_or_else(|| no_flat_form("a key of no text"))?;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = std::mem::take(&mut self.key);
        let key = if key.contains('#') { format!("#{}#{key}", key.chars().count()) } else { key };
        self.writer.below(&key, value)
    }
    fn end(self) -> Result<(), EncodeError> {
        Ok(())
    }
}
