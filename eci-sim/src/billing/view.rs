//! Views of a bill: its lines summed up by pod, owner, namespace, node, tag, category, zone, hour and whatever else they say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::tz::Offset;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bill::Bill;
use super::cost::Cost;
use super::line::BillLine;
use super::query::BillQuery;
use crate::money::Currency;
use crate::text::did_you_mean;

/// Something by which the lines of a bill differ. The tags are those of billing.md 7, and the provider's own `NodeName`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Account that owns the group.
    Account,
    /// Region id.
    Region,
    /// Zone id.
    Zone,
    /// Id of the group.
    Group,
    /// Name of the group.
    Name,
    /// Pod as `NAMESPACE/NAME`.
    Pod,
    /// Namespace of the pod.
    Namespace,
    /// Owner of the pod as `KIND/NAME`.
    Owner,
    /// Node of the pod.
    Node,
    /// Item of the bill.
    Item,
    /// Compute category.
    Category,
    /// ECS type.
    Type,
    /// `true` for instances at the price of the spot market.
    Spot,
    /// Currency of the amounts.
    Currency,
    /// Clock hour in UTC+08:00, as `2026-01-01 17:00`.
    Hour,
    /// Day in UTC+08:00, as `2026-01-01`.
    Day,
    /// Value of the tag of this key.
    Tag(String),
}

/// A text that names no dimension of a bill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a bill cannot be grouped by `{name}`{near}; it can by {}", NAMES.map(|(name, _)| name).join(", ") + " or tag:KEY")]
pub struct UnknownDimension {
    name: String,
    near: String,
}

/// The lines of a bill that agree in the dimensions of a view, and in their currency, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BillGroup {
    /// What the lines agree in, by dimension; an empty text where they have nothing of it.
    pub by: BTreeMap<String, String>,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Number of lines.
    pub lines: usize,
    /// Sum of the lines' seconds.
    pub seconds: u64,
    /// vCPU times the seconds for which they were bought.
    #[schemars(with = "String")]
    pub vcpu_seconds: Decimal,
    /// GiB times the seconds for which they were bought.
    #[schemars(with = "String")]
    pub gib_seconds: Decimal,
    /// vCPU times the seconds for which containers asked for them.
    #[schemars(with = "String")]
    pub requested_vcpu_seconds: Decimal,
    /// GiB times the seconds for which containers asked for them.
    #[schemars(with = "String")]
    pub requested_gib_seconds: Decimal,
    /// Cost on demand, not settled.
    pub list_amount: Cost,
    /// Amount to be paid.
    pub amount: Cost,
}

const NAMES: [(&str, Dimension); 16] = [
    ("account", Dimension::Account),
    ("region", Dimension::Region),
    ("zone", Dimension::Zone),
    ("group", Dimension::Group),
    ("name", Dimension::Name),
    ("pod", Dimension::Pod),
    ("namespace", Dimension::Namespace),
    ("owner", Dimension::Owner),
    ("node", Dimension::Node),
    ("item", Dimension::Item),
    ("category", Dimension::Category),
    ("type", Dimension::Type),
    ("spot", Dimension::Spot),
    ("currency", Dimension::Currency),
    ("hour", Dimension::Hour),
    ("day", Dimension::Day),
];

impl Dimension {
    /// What a line says of this dimension; an empty text where it says nothing.
    pub fn of<'a>(&self, line: &'a BillLine) -> Cow<'a, str> {
        let local = |format| Offset::constant(8).to_datetime(line.from).strftime(format).to_string().into();
        match self {
            Self::Account => Cow::Borrowed(&*line.account),
            Self::Region => Cow::Borrowed(&*line.region),
            Self::Zone => Cow::Borrowed(&*line.zone),
            Self::Group => Cow::Borrowed(&line.group_id),
            Self::Name => Cow::Borrowed(&line.group_name),
            Self::Pod => pair(line, "NameSpace", "PodName"),
            Self::Namespace => Cow::Borrowed(line.tag("NameSpace")),
            Self::Owner => pair(line, "OwnerReferenceKind", "OwnerReferenceName"),
            Self::Node => Cow::Borrowed(line.tag("NodeName")),
            Self::Item => line.item.to_string().into(),
            Self::Category => Cow::Borrowed(line.category.as_deref().unwrap_or_default()),
            Self::Type => Cow::Borrowed(line.instance_type.as_deref().unwrap_or_default()),
            Self::Spot => Cow::Borrowed(if line.spot { "true" } else { "false" }),
            Self::Currency => line.currency.to_string().into(),
            Self::Hour => local("%F %H:00"),
            Self::Day => local("%F"),
            Self::Tag(key) => Cow::Borrowed(line.tag(key)),
        }
    }
}

/// Two tags as `FIRST/SECOND`; an empty text where the second is missing.
fn pair<'a>(line: &'a BillLine, first: &str, second: &str) -> Cow<'a, str> {
    match (line.tag(first), line.tag(second)) {
        (_, "") => Cow::Borrowed(""),
        (first, second) => Cow::Owned(format!("{first}/{second}")),
    }
}

impl Bill {
    /// The lines that a filter selects, with their total.
    #[must_use]
    pub fn selected(self, query: &BillQuery) -> Self {
        Self::of_lines(self.lines.into_iter().filter(|line| query.selects(line)).collect(), self.currency)
    }

    /// The lines summed up by these dimensions, in the order of what they say; the sums are those of all lines.
    pub fn by(&self, dimensions: &[Dimension]) -> Vec<BillGroup> {
        let mut groups: BTreeMap<(Vec<Cow<'_, str>>, Currency), BillGroup> = BTreeMap::new();
        for line in &self.lines {
            let key: Vec<_> = dimensions.iter().map(|dimension| dimension.of(line)).collect();
            groups.entry((key, line.currency)).or_default().add(line);
        }
        let named = |((key, currency), group): ((Vec<Cow<'_, str>>, Currency), BillGroup)| {
            let by = dimensions.iter().zip(key);
            let by = by.map(|(dimension, value)| (dimension.to_string(), value.into_owned())).collect();
            BillGroup { by, currency, ..group }
        };
        groups.into_iter().map(named).collect()
    }
}

impl Default for BillGroup {
    fn default() -> Self {
        Self {
            by: BTreeMap::new(),
            currency: Currency::default(),
            lines: 0,
            seconds: 0,
            vcpu_seconds: Decimal::ZERO,
            gib_seconds: Decimal::ZERO,
            requested_vcpu_seconds: Decimal::ZERO,
            requested_gib_seconds: Decimal::ZERO,
            list_amount: Cost::ZERO,
            amount: Cost::ZERO,
        }
    }
}

impl BillGroup {
    fn add(&mut self, line: &BillLine) {
        let seconds = Decimal::from(line.seconds);
        self.lines += 1;
        self.seconds += line.seconds;
        self.vcpu_seconds += line.vcpu * seconds;
        self.gib_seconds += line.memory * seconds;
        if let Some(requested) = line.requested {
            self.requested_vcpu_seconds += requested.vcpu * seconds;
            self.requested_gib_seconds += requested.memory * seconds;
        }
        self.list_amount += &line.list_amount();
        self.amount += &line.amount;
    }
}

impl FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(text: &str) -> Result<Self, UnknownDimension> {
        if let Some(key) = text.strip_prefix("tag:").filter(|key| !key.is_empty()) {
            return Ok(Self::Tag(key.to_owned()));
        }
        let known = NAMES.iter().find(|(name, _)| *name == text).map(|(_, dimension)| dimension.clone());
        known.ok_or_else(|| UnknownDimension {
            name: text.to_owned(),
            near: did_you_mean(text, NAMES.iter().map(|(name, _)| *name)),
        })
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, NAMES.iter().find(|(_, dimension)| dimension == self)) {
            (Self::Tag(key), _) => write!(f, "tag:{key}"),
            (_, Some((name, _))) => f.write_str(name),
            (_, None) => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
