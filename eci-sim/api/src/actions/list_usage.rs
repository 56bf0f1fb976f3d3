//! `ListUsage`: its request and its reply (current).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::null_default;

impl Action for ListUsage {
    const NAME: &'static str = "ListUsage";
    type Reply = ListUsageReply;
}

/// `ListUsage` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsage {
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `ListUsageReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsageReply {
    /// `Attributes`.
    #[serde(default, deserialize_with = "null_default")]
    pub attributes: BTreeMap<String, Number>,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
