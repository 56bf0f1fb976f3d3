//! JSON as it is read from strangers: a key that stands twice in an object is noted, and the later one counts.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::object::field::member;

/// Reads a document; keys that stand twice are noted in `twice`, each as `spec.containers[0].name`.
///
/// # Errors
/// When it is no JSON.
pub fn read(body: &[u8], twice: &mut Vec<String>) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let mut path = String::new();
    let value = Reader { path: &mut path, twice }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The text of a document; `to_string` of a value writes it piece by piece through a formatter.
pub fn text(document: &Value) -> String {
    serde_json::to_string(document).unwrap_or_default() // keys are texts, and a text takes all that is written
}

struct Reader<'a> {
    path: &'a mut String,
    twice: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        let length = self.path.len();
        loop {
            self.path.push_str(&format!("[{}]", read.len()));
            let item = items.next_element_seed(Reader { path: self.path, twice: self.twice })?;
            self.path.truncate(length);
            match item {
                Some(item) => read.push(item),
                None => return Ok(Value::Array(read)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        let length = self.path.len();
        while let Some(key) = members.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if member(&read, &key).is_some() {
                self.twice.push(self.path.clone());
            }
            let value = members.next_value_seed(Reader { path: self.path, twice: self.twice })?;
            self.path.truncate(length);
            read.insert(key, value);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_noted_with_its_way_and_the_later_counts() {
        let mut twice = Vec::new();
        let text = r#"{"data":{"a":1,"a":2},"spec":[{"name":"x"},{"name":"y","name":null}]}"#;
        let value = read(text.as_bytes(), &mut twice).unwrap();
        assert_eq!(value, json!({"data": {"a": 2}, "spec": [{"name": "x"}, {"name": null}]}));
        assert_eq!(twice, ["data.a", "spec[1].name"]);
    }

    #[test]
    fn what_follows_the_document_is_an_error() {
        assert!(read(b"{} {}", &mut Vec::new()).is_err());
    }
}
