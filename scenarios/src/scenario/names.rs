//! Names of pods in a case: `namespace/name`, or the name alone in namespace `default`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::error::CaseError;

/// The namespace of what names none.
pub const HOME: &str = "default";

/// A pod by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct PodName {
    /// The namespace.
    pub namespace: String,
    /// The name within it.
    pub name: String,
}

impl FromStr for PodName {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<Self, CaseError> {
        let (namespace, name) = text.split_once('/').unwrap_or((HOME, text));
        let legal = |part: &str| {
            let bytes = part.as_bytes();
            let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-' || *b == b'.';
            let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            bytes.iter().all(inner) && edge(bytes.first()) && edge(bytes.last())
        };
        if legal(namespace) && legal(name) {
            Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
        } else {
            Err(CaseError::NotAPod(text.to_owned()))
        }
    }
}

impl TryFrom<String> for PodName {
    type Error = CaseError;

    fn try_from(text: String) -> Result<Self, CaseError> {
        text.parse()
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl JsonSchema for PodName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PodName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([a-z0-9.-]+/)?[a-z0-9.-]+$",
            "description": "A pod: namespace/name, or the name alone in namespace default."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_in_namespace_default() {
        assert_eq!("nginx".parse::<PodName>().unwrap().to_string(), "default/nginx");
        assert_eq!("vk/nginx".parse::<PodName>().unwrap().to_string(), "vk/nginx");
    }

    #[test]
    fn what_names_no_pod_is_told_how_to() {
        for text in ["", "/", "vk/", "vk/Nginx", "a/b/c", "-x"] {
            assert!(text.parse::<PodName>().unwrap_err().to_string().contains("`vk/nginx`"), "{text}");
        }
    }
}
