//! A line of a bill: what one instance costs for its part of one clock hour, and whose it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commitment::Covered;
use super::cost::Cost;
use super::item::{Item, Part, PartsByItem};
use crate::ledger::BillingRecord;
use crate::money::{Amount, Charge, Currency};
use crate::terms::{Basis, PricingTerms, Size};

/// Price of one instance for its part of one clock hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BillLine {
    /// Id of the group.
    pub group_id: Arc<str>,
    /// Name of the group.
    pub group_name: Arc<str>,
    /// Tags of the group, values by key.
    pub tags: Arc<BTreeMap<String, String>>,
    /// Account that owns the group.
    pub account: Arc<str>,
    /// Region of the group.
    pub region: Arc<str>,
    /// Zone of the group; empty for a cache.
    pub zone: Arc<str>,
    /// First second of the line.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// End of the line, not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Number of seconds from `from` to `to`.
    pub seconds: u64,
    /// Number of vCPU, exact to a thousandth.
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// Memory in GiB.
    #[schemars(with = "String")]
    pub memory: Decimal,
    /// vCPU and memory that the containers ask for; none where they ask for nothing that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<RequestedSize>,
    /// ECS type that is billed, or that a spot instance is matched to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<Arc<str>>,
    /// Compute category by whose prices vCPU and memory are billed: `default`, `economy` or `general`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Arc<str>>,
    /// True for an instance at the price of the spot market.
    #[serde(default)]
    pub spot: bool,
    /// What is billed.
    pub item: Item,
    /// Parts of the price by item, less what commitments pay, each unrounded but for the tenth decimal; none where a price is
    /// missing.
    #[serde(flatten, with = "PartsByItem")]
    #[schemars(with = "PartsByItem")]
    pub parts: Arc<[Part]>,
    /// What commitments and the discount of the account have paid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<Covered>,
    /// Part of a commitment's fee for which nothing was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused: Option<Amount>,
    /// Currency of the amounts.
    pub currency: Currency,
    /// Amount to be paid: the sum of the parts, settled with the other lines of the instance's hour.
    pub amount: Cost,
}

/// A size that is asked for, beside the one that is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RequestedSize {
    /// Number of vCPU, exact to a thousandth.
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// Memory in GiB.
    #[schemars(with = "String")]
    pub memory: Decimal,
}

/// What a line says was sold, which lines on the same terms share.
#[derive(Debug)]
pub(super) struct Sold {
    vcpu: Decimal,
    memory: Decimal,
    instance_type: Option<Arc<str>>,
    category: Option<Arc<str>>,
    spot: bool,
    item: Item,
}

impl Sold {
    /// What is sold on these terms.
    pub fn of(terms: &PricingTerms) -> Self {
        let (size, instance) = (terms.size(), terms.instance());
        let category = instance.and_then(|terms| match &terms.basis {
            Basis::Size(category) => Some(category.shared_name()),
            Basis::Type(_) | Basis::Spot(_) => None,
        });
        Self {
            vcpu: size.vcpu.vcpu().0,
            memory: size.memory.gib().0,
            instance_type: terms.instance_type().map(Into::into),
            category,
            spot: instance.is_some_and(|terms| terms.spot().is_some()),
            item: Item::of(terms),
        }
    }
}

impl From<Size> for RequestedSize {
    fn from(size: Size) -> Self {
        Self { vcpu: size.vcpu.vcpu().0, memory: size.memory.gib().0 }
    }
}

impl BillLine {
    /// A line of a group that bills nothing yet.
    pub(super) fn of(
        group: &BillingRecord,
        sold: &Sold,
        tags: &Arc<BTreeMap<String, String>>,
        currency: Currency,
    ) -> Self {
        Self {
            group_id: Arc::clone(&group.id),
            group_name: Arc::clone(&group.name),
            tags: Arc::clone(tags),
            account: Arc::clone(&group.account),
            region: Arc::clone(&group.region),
            zone: Arc::clone(&group.zone),
            from: Timestamp::MIN,
            to: Timestamp::MIN,
            seconds: 0,
            vcpu: sold.vcpu,
            memory: sold.memory,
            requested: group.requested.map(Into::into),
            instance_type: sold.instance_type.clone(),
            category: sold.category.clone(),
            spot: sold.spot,
            item: sold.item,
            parts: Arc::default(),
            covered: Vec::new(),
            unused: None,
            currency,
            amount: Cost::ZERO,
        }
    }

    /// The price of an hour on the line's terms; `None` where a price is missing.
    pub fn unit_price(&self) -> Option<Decimal> {
        let hourly = self.parts.iter().map(|part| part.rate.per_hour() * part.units);
        (!self.parts.is_empty()).then(|| hourly.sum::<Decimal>().normalize())
    }

    /// The cost on demand: by the list where that has all prices, else by the prices that were paid; not settled.
    pub fn list_amount(&self) -> Cost {
        if self.parts.is_empty() {
            return self.amount.clone();
        }
        let listed =
            self.parts.iter().map(|part| part.list.unwrap_or(part.rate).charge(part.units, self.seconds));
        Cost::Known(listed.map(Charge::rounded).sum::<Amount>())
    }

    /// True for a line of which commitments leave nothing to be paid.
    pub fn is_fully_covered(&self) -> bool {
        !self.covered.is_empty() && self.parts.iter().all(|part| part.amount == Amount::ZERO)
    }

    /// What each part is of the amount to be paid, which the last one takes to its end; nothing where a price is missing.
    pub fn shares(&self) -> Vec<(Part, Amount)> {
        let Ok(amount) = self.amount.known() else { return Vec::new() };
        let whole: Amount = self.parts.iter().map(|part| part.amount).sum();
        let mut rest = amount;
        let last = self.parts.len().saturating_sub(1);
        let share = |(index, part): (usize, &Part)| {
            let share = match index {
                index if index == last => rest,
                _ => part.amount.part_of(whole, amount),
            };
            rest = rest.beyond(share);
            (*part, share)
        };
        self.parts.iter().enumerate().map(share).collect()
    }

    /// The instance spec as the cloud writes it: a type, or a size; empty for a snapshot.
    pub fn spec(&self) -> String {
        match (&self.instance_type, self.vcpu.is_zero()) {
            (Some(name), _) => name.to_string(),
            (None, true) => String::new(),
            (None, false) => format!("{}-{}Gi", self.vcpu.normalize(), self.memory.normalize()),
        }
    }

    /// A tag of the group; the empty text where it has none of this key.
    pub fn tag(&self, key: &str) -> &str {
        self.tags.get(key).map_or("", String::as_str)
    }
}

/// A line as in `2026-01-01 17:00:00 - 18:00:00  web  3600 s of 2 vCPU, 4 GiB  0.441072`, in UTC+08:00.
impl fmt::Display for BillLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = |at: Timestamp| Offset::constant(8).to_datetime(at);
        let (from, to) = (local(self.from), local(self.to));
        let same_day = from.date() == to.date() || self.to.duration_since(self.from).as_secs() <= 3600;
        let end = if same_day { "%T" } else { "%F %T" };
        write!(f, "{} - {}  {}  ", from.strftime("%F %T"), to.strftime(end), self.group_name)?;
        let size = format!("{} vCPU, {} GiB", self.vcpu.normalize(), self.memory.normalize());
        match self.item {
            Item::Snapshot => write!(f, "{} s of a snapshot", self.seconds)?,
            Item::VirtualNode => write!(f, "{} s of a virtual node", self.seconds)?,
            Item::ImageCache => write!(f, "{} s of making an image cache", self.seconds)?,
            Item::DataCache => write!(f, "{} s of making a data cache", self.seconds)?,
            Item::ReservedInstance => write!(f, "{} s of a reserved instance", self.seconds)?,
            Item::SavingsPlan => write!(f, "{} s of a savings plan", self.seconds)?,
            Item::Earlier => write!(f, "{} s", self.seconds)?,
            _ => write!(f, "{} s of {size}", self.seconds)?,
        }
        write!(f, "  {}", self.amount)
    }
}
