//! Identifiers of the cloud's resources, each a type of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Text of the identifier, as on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )*};
}

identifiers! {
    /// Id of a region, as `cn-hangzhou`.
    RegionId;
    /// Id of a zone of a region, as `cn-hangzhou-j`.
    ZoneId;
    /// Id of a container group, as `eci-bp1` and 17 more small letters and digits.
    ContainerGroupId;
    /// Id of one call: a UUID in upper case.
    RequestId;
}
