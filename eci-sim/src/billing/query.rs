//! Which lines of a bill are wanted, and by what they are grouped.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::BillLine;
use super::view::Dimension;
use crate::money::Currency;

/// A filter of a bill's lines, and the dimensions of its groups; a field that is left out does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BillQuery {
    /// Account that owns the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Zone id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Id of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Name of the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Pod as `NAMESPACE/NAME`, by the group's tags `NameSpace` and `PodName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Namespace, by the group's tag `NameSpace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Owner as `KIND/NAME`, by the group's tags `OwnerReferenceKind` and `OwnerReferenceName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Node, by the group's tag `NodeName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Tag as `KEY=VALUE`, or `KEY` for any value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Item, as `instance` or `snapshot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Compute category: `default`, `economy` or `general`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// ECS type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Currency, which accounts may have of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// True for instances at the price of the spot market, false for all else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<bool>,
    /// Time from which on lines begin.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Time before which lines begin.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Dimensions by which the lines are summed up, with commas between them: `account`, `region`, `zone`, `group`, `name`,
    /// `pod`, `namespace`, `owner`, `node`, `item`, `category`, `type`, `spot`, `currency`, `hour`, `day` or `tag:KEY`.
    #[schemars(with = "String")]
    #[serde(with = "comma_list", skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<Dimension>,
}

impl BillQuery {
    /// True for a line that the filter selects.
    pub fn selects(&self, line: &BillLine) -> bool {
        let is = |wanted: &Option<String>, dimension: Dimension| {
            wanted.as_deref().is_none_or(|wanted| dimension.of(line) == wanted)
        };
        is(&self.account, Dimension::Account)
            && is(&self.region, Dimension::Region)
            && is(&self.zone, Dimension::Zone)
            && is(&self.group, Dimension::Group)
            && is(&self.name, Dimension::Name)
            && is(&self.pod, Dimension::Pod)
            && is(&self.namespace, Dimension::Namespace)
            && is(&self.owner, Dimension::Owner)
            && is(&self.node, Dimension::Node)
            && is(&self.item, Dimension::Item)
            && is(&self.category, Dimension::Category)
            && is(&self.instance_type, Dimension::Type)
            && self.currency.is_none_or(|currency| currency == line.currency)
            && self.spot.is_none_or(|spot| spot == line.spot)
            && self.from.is_none_or(|from| from <= line.from)
            && self.to.is_none_or(|to| line.from < to)
            && self.tag.as_deref().is_none_or(|tag| has_tag(line, tag))
    }
}

/// True if the line's group has the tag `KEY=VALUE`, or `KEY` at all.
fn has_tag(line: &BillLine, tag: &str) -> bool {
    match tag.split_once('=') {
        Some((key, value)) => line.tags.get(key).is_some_and(|own| own == value),
        None => line.tags.contains_key(tag),
    }
}

/// Dimensions as one text with commas.
mod comma_list {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::billing::view::Dimension;

    pub fn serialize<S: Serializer>(dimensions: &[Dimension], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&dimensions.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Dimension>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| name.parse().map_err(D::Error::custom)).collect()
    }
}
