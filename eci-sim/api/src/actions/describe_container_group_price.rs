//! `DescribeContainerGroupPrice`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::null_default;

impl Action for DescribeContainerGroupPrice {
    const NAME: &'static str = "DescribeContainerGroupPrice";
    type Reply = DescribeContainerGroupPriceReply;
}

/// `DescribeContainerGroupPrice` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupPrice {
    /// `ComputeCategory`, one of economy, general.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_category: Option<String>,
    /// `Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `EphemeralStorage`, at least 0, at most 5000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<i32>,
    /// `InstanceType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// `Memory`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Number>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `SpotDuration`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_duration: Option<i32>,
    /// `SpotPriceLimit`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_price_limit: Option<Number>,
    /// `SpotStrategy`, one of NoSpot, SpotWithPriceLimit, SpotAsPriceGo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_strategy: Option<String>,
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
}

/// `DescribeContainerGroupPriceReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupPriceReply {
    /// `PriceInfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_info: Option<PriceInfo>,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}

/// `PriceInfo` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PriceInfo {
    /// `Price`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// `Rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// `SpotPrices`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_prices: Option<SpotPrices>,
}

/// `SpotPrices` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpotPrices {
    /// `SpotPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub spot_price: Vec<SpotPrice>,
}

/// `SpotPrice` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpotPrice {
    /// `InstanceType`.
    #[serde(default, deserialize_with = "null_default")]
    pub instance_type: String,
    /// `OriginPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub origin_price: Number,
    /// `SpotPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub spot_price: Number,
    /// `ZoneId`.
    #[serde(default, deserialize_with = "null_default")]
    pub zone_id: String,
}

/// `Price` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Price {
    /// `Currency`.
    #[serde(default, deserialize_with = "null_default")]
    pub currency: String,
    /// `DetailInfos`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail_infos: Option<DetailInfos>,
    /// `DiscountPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub discount_price: Number,
    /// `OriginalPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub original_price: Number,
    /// `TradePrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub trade_price: Number,
}

/// `DetailInfos` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetailInfos {
    /// `DetailInfo`.
    #[serde(default, deserialize_with = "null_default")]
    pub detail_info: Vec<DetailInfo>,
}

/// `DetailInfo` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetailInfo {
    /// `DiscountPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub discount_price: Number,
    /// `OriginalPrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub original_price: Number,
    /// `Resource`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource: String,
    /// `Rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// `TradePrice`.
    #[serde(default, deserialize_with = "null_default")]
    pub trade_price: Number,
}

/// `Rules` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rules {
    /// `Rule`.
    #[serde(default, deserialize_with = "null_default")]
    pub rule: Vec<Rule>,
}

/// `Rule` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    /// `Description`.
    #[serde(default, deserialize_with = "null_default")]
    pub description: String,
    /// `RuleId`.
    #[serde(default, deserialize_with = "null_default")]
    pub rule_id: i64,
}
