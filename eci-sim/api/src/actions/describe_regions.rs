//! `DescribeRegions`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DescribeRegions {
    const NAME: &'static str = "DescribeRegions";
    type Reply = DescribeRegionsReply;
}

/// `DescribeRegions` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeRegions {
    /// `RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `DescribeRegionsReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeRegionsReply {
    /// `Regions`.
    #[serde(default, deserialize_with = "null_default")]
    pub regions: Vec<Region>,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}

/// `Region` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Region {
    /// `RecommendZones`.
    #[serde(default, deserialize_with = "null_default")]
    pub recommend_zones: Vec<String>,
    /// `RegionEndpoint`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_endpoint: String,
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `UnavailableZones`.
    #[serde(default, deserialize_with = "null_default")]
    pub unavailable_zones: Vec<String>,
    /// `Zones`.
    #[serde(default, deserialize_with = "null_default")]
    pub zones: Vec<String>,
}
