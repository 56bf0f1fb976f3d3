//! The rows of the cloud's instance bill, by instance or by billing item, for a month, a day or each line of the bill; its
//! columns are those of the billing API (bss-openapi.md, section 3).

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rust_decimal::Decimal;

use super::cost::UnknownCost;
use super::item::{Item, Part};
use super::line::BillLine;
use crate::money::{Amount, Currency};

/// How fine the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// One row for an instance in all of its lines.
    Month,
    /// One row for an instance and day.
    Day,
    /// One row for each line of the bill.
    Line,
}

/// A row: what an instance, or one billing item of it, cost in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRow {
    /// A line of the instance, which says whose it is and what it was sold as.
    pub line: Arc<BillLine>,
    /// Billing item with its price; `None` for the instance as a whole.
    pub part: Option<Part>,
    /// Day in UTC+08:00, as `2026-01-01`, where rows are by day or line.
    pub day: Option<String>,
    /// Seconds of the period that were billed.
    pub seconds: u64,
    /// Units times seconds.
    pub unit_seconds: Decimal,
    /// Cost on demand; at least the amount to be paid.
    pub gross: Amount,
    /// Amount to be paid.
    pub pretax: Amount,
}

/// A value of a row: text, or an exact number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(Decimal),
}

/// A column of the instance bill.
pub struct Column {
    /// Name in the billing API.
    pub name: &'static str,
    /// True for a column that `DescribeInstanceBill` alone has.
    pub describe_only: bool,
    /// Value in a row.
    pub value: fn(&BillRow) -> Value,
}

/// The rows of lines.
///
/// # Errors
/// [`UnknownCost`] for the first line whose price is not known.
pub fn rows<'a>(
    lines: impl IntoIterator<Item = &'a BillLine>,
    granularity: Granularity,
    by_item: bool,
) -> Result<Vec<BillRow>, UnknownCost> {
    let mut rows: Vec<BillRow> = Vec::new();
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    for line in lines {
        let mut shared = None;
        let day = (granularity != Granularity::Month).then(|| local_day(line));
        for sums in of_line(line, by_item)? {
            let key = Key::of(line, sums.part.as_ref(), (granularity, day));
            match known.get(&key).and_then(|index| rows.get_mut(*index)) {
                Some(row) => row.add(&sums),
                None => {
                    known.insert(key, rows.len());
                    let day = day.map(|day| day.strftime("%F").to_string());
                    let line = Arc::clone(shared.get_or_insert_with(|| Arc::new(line.clone())));
                    rows.push(BillRow::of(line, sums, day));
                }
            }
        }
    }
    // of the whole row: small amounts move between the lines of an hour
    for row in &mut rows {
        row.gross = row.gross.max(row.pretax);
    }
    Ok(rows)
}

/// What rows differ in that are not summed up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key<'a> {
    group: &'a str,
    account: &'a str,
    region: &'a str,
    currency: Currency,
    item: Item,
    instance_type: Option<&'a str>,
    size: (Decimal, Decimal),
    spot: bool,
    part: Option<(Item, Decimal)>,
    day: Option<Date>,
    line: Option<Timestamp>,
}

/// The sums of a row.
struct Sums {
    part: Option<Part>,
    seconds: u64,
    unit_seconds: Decimal,
    gross: Amount,
    pretax: Amount,
}

impl<'a> Key<'a> {
    fn of(line: &'a BillLine, part: Option<&Part>, (granularity, day): (Granularity, Option<Date>)) -> Self {
        Self {
            group: &line.group_id,
            account: &line.account,
            region: &line.region,
            currency: line.currency,
            item: line.item,
            instance_type: line.instance_type.as_deref(),
            size: (line.vcpu, line.memory),
            spot: line.spot,
            part: part.map(|part| (part.item, list(part).per_hour())),
            day,
            line: (granularity == Granularity::Line).then_some(line.from),
        }
    }
}

/// The day in UTC+08:00 on which a line begins.
fn local_day(line: &BillLine) -> Date {
    Offset::constant(8).to_datetime(line.from).date()
}

/// The price on demand, or that of the market where no list has one.
fn list(part: &Part) -> crate::money::Rate {
    part.list.unwrap_or(part.rate)
}

fn of_line(line: &BillLine, by_item: bool) -> Result<Vec<Sums>, UnknownCost> {
    let amount = line.amount.known()?;
    let seconds = Decimal::from(line.seconds);
    let row = |part: Option<Part>, units: Decimal, list: Amount, pretax: Amount| Sums {
        part,
        seconds: line.seconds,
        unit_seconds: units * seconds,
        gross: list,
        pretax,
    };
    if !by_item || line.parts.is_empty() {
        return Ok(vec![row(None, Decimal::ONE, line.list_amount().known()?, amount)]);
    }
    let of_part = |(part, share): (Part, Amount)| {
        row(Some(part), part.units, list(&part).charge(part.units, line.seconds).rounded(), share)
    };
    Ok(line.shares().into_iter().map(of_part).collect())
}

impl BillRow {
    fn of(line: Arc<BillLine>, sums: Sums, day: Option<String>) -> Self {
        let Sums { part, seconds, unit_seconds, gross, pretax } = sums;
        Self { line, part, day, seconds, unit_seconds, gross, pretax }
    }

    fn add(&mut self, other: &Sums) {
        self.seconds += other.seconds;
        self.unit_seconds += other.unit_seconds;
        self.gross += other.gross;
        self.pretax += other.pretax;
    }

    /// The billing item, or what the instance is billed as.
    pub fn item(&self) -> Item {
        self.part.map_or(self.line.item, |part| part.item)
    }

    /// Code and name of the product: disks and snapshots are on the bill of Block Storage (billing.md, section 1),
    /// commitments on bills of their own; all codes but `eci` are `ours`.
    pub fn product(&self) -> (&'static str, &'static str) {
        match self.item() {
            Item::Disk | Item::Snapshot => ("ebs", "Elastic Block Storage"),
            Item::ReservedInstance => ("ecs", "Reserved Instance"),
            Item::SavingsPlan => ("savingplan", "Savings Plan"),
            _ => ("eci", "Elastic Container Instance"),
        }
    }

    /// True for the fee of a commitment, which is a subscription (bss-openapi.md, section 4).
    pub fn is_subscription(&self) -> bool {
        matches!(self.item(), Item::ReservedInstance | Item::SavingsPlan)
    }

    /// `Subscription` or `PayAsYouGo`.
    pub fn subscription_type(&self) -> &'static str {
        if self.is_subscription() { "Subscription" } else { "PayAsYouGo" }
    }

    /// Code of what was ordered.
    fn commodity(&self) -> &'static str {
        match (self.item(), self.line.currency) {
            (Item::SavingsPlan, Currency::Cny) => "savingplan_common_public_cn",
            (Item::SavingsPlan, Currency::Usd) => "savingplan_common_public_intl",
            (Item::ReservedInstance, _) => "ecsRi",
            _ => self.product().0,
        }
    }

    /// The unit in which the item is used and priced.
    pub fn unit(&self) -> &'static str {
        match self.item() {
            Item::Cpu => "vCPU",
            Item::Mem | Item::SystemDisk | Item::Disk | Item::Snapshot => "GiB",
            Item::SavingsPlan => "Plan",
            _ => "Instance",
        }
    }

    /// Units times hours, to the twelfth decimal.
    pub fn unit_hours(&self) -> Decimal {
        (self.unit_seconds / Decimal::from(3600)).round_dp(12).normalize()
    }

    /// Price of one unit for one hour on demand; `None` for an instance as a whole.
    pub fn list_price(&self) -> Option<Decimal> {
        self.part.map(|part| list(&part).per_hour())
    }
}

/// Tags as `key:team value:shop; key:app value:web` (`ours`: no page says how the column joins them).
fn tags(line: &BillLine) -> String {
    let pairs = line.tags.iter().map(|(key, value)| format!("key:{key} value:{value}"));
    pairs.collect::<Vec<_>>().join("; ")
}

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn number(amount: Amount) -> Value {
    Value::Number(amount.decimal())
}

fn none(_: &BillRow) -> Value {
    text("")
}

fn zero(_: &BillRow) -> Value {
    Value::Number(Decimal::ZERO)
}

fn discount(row: &BillRow) -> Value {
    number(row.gross.beyond(row.pretax))
}

fn pretax(row: &BillRow) -> Value {
    number(row.pretax)
}

fn of_item(row: &BillRow, value: impl FnOnce() -> String) -> Value {
    text(row.part.map_or_else(String::new, |_| value()))
}

macro_rules! columns {
    ($($name:literal $($only:ident)? : $value:expr;)*) => {
        /// The columns, in the order of the billing API's own fields.
        pub const COLUMNS: &[Column] = &[$(
            Column { name: $name, describe_only: !stringify!($($only)?).is_empty(), value: $value }
        ),*];
    };
}

columns! {
    "AdjustAmount": zero;
    "AfterDiscountAmount" describe_only: pretax;
    "BillAccountID" describe_only: |row| text(&*row.line.account);
    "BillAccountName" describe_only: |row| text(&*row.line.account);
    "BillingDate": |row| text(row.day.clone().unwrap_or_default());
    "BillingItem": |row| of_item(row, || row.item().to_string());
    "BillingItemCode" describe_only: |row| of_item(row, || row.item().to_string());
    "BillingType": none;
    "BizType" describe_only: none;
    "CashAmount": pretax;
    "CommodityCode": |row| text(row.commodity());
    "CostUnit": none;
    "Currency": |row| text(row.line.currency.to_string());
    "DeductedByCashCoupons": zero;
    "DeductedByCoupons": zero;
    "DeductedByPrepaidCard": zero;
    "DeductedByResourcePackage": |row| of_item(row, || "0".to_owned());
    "InstanceConfig": |row| text(config(&row.line));
    "InstanceID": |row| text(&*row.line.group_id);
    "InstanceSpec": |row| text(row.line.spec());
    "InternetIP": none;
    "IntranetIP": none;
    "InvoiceDiscount": discount;
    "Item": |row| text(if row.is_subscription() { "SubscriptionOrder" } else { "PayAsYouGoBill" });
    "ItemName" describe_only: |row| text(if row.is_subscription() { "Subscription order" } else { "Pay-as-you-go bill" });
    "ListPrice": |row| text(row.list_price().map_or_else(String::new, |price| price.to_string()));
    "ListPriceUnit": |row| of_item(row, || format!("{}/{}/Hour", row.line.currency, row.unit()));
    "NickName": |row| text(&*row.line.group_name);
    "OutstandingAmount": zero;
    "OwnerID": |row| text(&*row.line.account);
    "PaymentAmount": pretax;
    "PipCode": |row| text(row.product().0);
    "PretaxAmount": pretax;
    "PretaxGrossAmount": |row| number(row.gross);
    "ProductCode": |row| text(row.product().0);
    "ProductDetail": |row| text(row.product().1);
    "ProductName": |row| text(row.product().1);
    "ProductType": none;
    "Region": |row| text(&*row.line.region);
    "ResourceGroup": none;
    "ServicePeriod": |row| text(row.seconds.to_string());
    "ServicePeriodUnit": |_| text("Second");
    "SubscriptionType": |row| text(row.subscription_type());
    "Tag": |row| text(tags(&row.line));
    "Usage": |row| of_item(row, || row.unit_hours().to_string());
    "UsageUnit": |row| of_item(row, || format!("{}-Hour", row.unit()));
    "Zone": |row| text(&*row.line.zone);
}

/// What an instance is made of, as `vCPU:2;Memory:4GiB;Category:economy;Spot:true`; empty for a snapshot.
fn config(line: &BillLine) -> String {
    if line.vcpu.is_zero() {
        return String::new();
    }
    let mut config = format!("vCPU:{};Memory:{}GiB", line.vcpu.normalize(), line.memory.normalize());
    if let Some(category) = &line.category {
        config = format!("{config};Category:{category}");
    }
    if line.spot { format!("{config};Spot:true") } else { config }
}
