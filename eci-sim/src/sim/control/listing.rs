//! Groups and calls as the control API lists them, and the filters of both.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::group::Group;
use crate::state::RequestLogEntry;
use crate::text::matches;

/// A container group of any account and region, as the control API lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GroupSummary {
    /// Container group id, as `eci-bp1…`.
    pub id: String,
    /// Container group name.
    pub name: String,
    /// Account that owns the group.
    pub account: String,
    /// Region id, as `cn-hangzhou`.
    pub region: String,
    /// State in ECI's words, as `Running`.
    pub status: String,
    /// vCPU of the size that is billed.
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// GiB of memory of the size that is billed.
    #[schemars(with = "String")]
    pub memory: Decimal,
    /// Time of the create call.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// Time at which the group entered its present state.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Tags, values by key.
    pub tags: BTreeMap<String, String>,
}

/// A filter of groups; a field that is left out does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GroupFilter {
    /// Account that owns the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// State in ECI's words, as `Running`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Part of the group's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of the latest groups that are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A filter of the request log; a field that is left out does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RequestFilter {
    /// The operation; a `*` stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Id of the group that the call names or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Account that signed the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Error code of the answer; a `*` stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Part of any of the call's texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Time of the first call that is wanted.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Number of the latest calls that are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl RequestLogEntry {
    /// True for a call that the filter selects.
    pub(super) fn fits(&self, search: &RequestFilter) -> bool {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
        let like = |wanted: &Option<String>, own: &str| {
            wanted.as_deref().is_none_or(|pattern| matches(pattern, own))
        };
        let texts = [&self.request_id, &self.action, &self.account, &self.region, &self.group, &self.code];
        like(&search.action, &self.action)
            && is(&search.group, &self.group)
            && is(&search.account, &self.account)
            && is(&search.region, &self.region)
            && like(&search.code, &self.code)
            && search.status.is_none_or(|status| status == self.status)
            && search.since.is_none_or(|since| since <= self.at)
            && search.text.as_deref().is_none_or(|part| texts.iter().any(|text| text.contains(part)))
    }
}

impl GroupSummary {
    pub(super) fn of(group: &Group) -> Self {
        Self {
            id: group.record.id.to_string(),
            name: group.record.name.to_string(),
            account: group.record.account.to_string(),
            region: group.record.region.to_string(),
            status: group.state.name().to_owned(),
            vcpu: group.vcpu().vcpu().0,
            memory: group.memory().gib().0,
            created: group.born,
            since: group.since,
            tags: group.record.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        }
    }
}
