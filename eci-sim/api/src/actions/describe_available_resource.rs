//! `DescribeAvailableResource`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::null_default;

impl Action for DescribeAvailableResource {
    const NAME: &'static str = "DescribeAvailableResource";
    type Reply = DescribeAvailableResourceReply;
}

/// `DescribeAvailableResource` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAvailableResource {
    /// `DestinationResource`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_resource: Option<DestinationResource>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `SpotResource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_resource: Option<SpotResource>,
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
}

/// `SpotResource` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpotResource {
    /// `SpotResource.SpotDuration`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_duration: Option<i32>,
    /// `SpotResource.SpotPriceLimit`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_price_limit: Option<Number>,
    /// `SpotResource.SpotStrategy`, one of NoSpot, SpotWithPriceLimit, SpotAsPriceGo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_strategy: Option<String>,
}

/// `DestinationResource` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DestinationResource {
    /// `DestinationResource.Category`, required, one of InstanceTypeFamily, InstanceType.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `DestinationResource.Cores`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<Number>,
    /// `DestinationResource.Memory`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Number>,
    /// `DestinationResource.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DescribeAvailableResourceReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAvailableResourceReply {
    /// `AvailableZones`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_zones: Option<AvailableZones>,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}

/// `AvailableZones` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AvailableZones {
    /// `AvailableZone`.
    #[serde(default, deserialize_with = "null_default")]
    pub available_zone: Vec<AvailableZone>,
}

/// `AvailableZone` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AvailableZone {
    /// `AvailableResources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_resources: Option<AvailableResources>,
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `ZoneId`.
    #[serde(default, deserialize_with = "null_default")]
    pub zone_id: String,
}

/// `AvailableResources` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AvailableResources {
    /// `AvailableResource`.
    #[serde(default, deserialize_with = "null_default")]
    pub available_resource: Vec<AvailableResource>,
}

/// `AvailableResource` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AvailableResource {
    /// `SupportedResources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported_resources: Option<SupportedResources>,
    /// `Type`.
    #[serde(default, deserialize_with = "null_default")]
    pub type_: String,
}

/// `SupportedResources` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SupportedResources {
    /// `SupportedResource`.
    #[serde(default, deserialize_with = "null_default")]
    pub supported_resource: Vec<SupportedResource>,
}

/// `SupportedResource` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SupportedResource {
    /// `StatusCategory`.
    #[serde(default, deserialize_with = "null_default")]
    pub status_category: String,
    /// `Value`.
    #[serde(default, deserialize_with = "null_default")]
    pub value: String,
}
