//! The bill as a FOCUS data set: every column of version 1.2, and of 1.3 the ones by which a charge is split (focus.md,
//! section 2); `eci-sim/data/focus.csv` has the specification's names, types and nullability.

mod charge;

use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use rust_decimal::Decimal;
use serde_json::json;

use super::file::FileRow;
use super::item::Item;
use crate::money::Amount;
pub use charge::{ChargeKind, Commitment, FocusCharge};

/// A column of the data set.
pub struct Column {
    /// Column id in the specification; one of ours begins with `x_`.
    pub name: &'static str,
    /// Value of a charge; empty where it is null.
    pub value: fn(&FocusCharge<'_>) -> String,
}

/// The values of a row of the bill, in the order of the columns, for each charge into which it falls.
pub(super) fn values(row: &FileRow<'_>) -> Vec<Vec<String>> {
    let of = |charge: &FocusCharge<'_>| COLUMNS.iter().map(|column| (column.value)(charge)).collect();
    charge::charges(row).iter().map(of).collect()
}

const PROVIDER: &str = "Alibaba Cloud (simulated)";

fn null(_: &FocusCharge<'_>) -> String {
    String::new()
}

fn provider(_: &FocusCharge<'_>) -> String {
    PROVIDER.to_owned()
}

fn account(charge: &FocusCharge<'_>) -> String {
    charge.row.line.account.to_string()
}

fn currency(charge: &FocusCharge<'_>) -> String {
    charge.row.line.currency.to_string()
}

fn amount(amount: Amount) -> String {
    amount.decimal().normalize().to_string()
}

/// An instant as the specification writes it.
fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The month of the charge in UTC+08:00: its begin, or with `months` 1 its end.
fn month(charge: &FocusCharge<'_>, months: i8) -> String {
    let offset = Offset::constant(8);
    let first = offset
        .to_datetime(charge.row.line.from)
        .date()
        .first_of_month()
        .saturating_add(i64::from(months).months());
    offset.to_timestamp(first.to_datetime(jiff::civil::Time::midnight())).map(utc).unwrap_or_default()
}

fn price(price: Option<Decimal>) -> String {
    price.map_or_else(String::new, |price| price.normalize().to_string())
}

/// The price of a unit and hour that was agreed upon, which for a spot instance is the market's.
fn contracted(charge: &FocusCharge<'_>) -> Option<Decimal> {
    charge.row.part.map(|part| part.rate.per_hour())
}

/// The quantity of what was consumed, which is none for a fee.
fn consumed(charge: &FocusCharge<'_>, value: impl FnOnce() -> String) -> String {
    match charge.kind {
        ChargeKind::OnDemand | ChargeKind::Used => value(),
        ChargeKind::Purchase | ChargeKind::Unused => String::new(),
    }
}

fn quantity(charge: &FocusCharge<'_>) -> String {
    charge.hours.to_string()
}

fn unit(charge: &FocusCharge<'_>) -> String {
    format!("{}-Hours", charge.row.unit())
}

fn is_storage(charge: &FocusCharge<'_>) -> bool {
    matches!(charge.row.item(), Item::Disk | Item::Snapshot)
}

fn description(charge: &FocusCharge<'_>) -> String {
    let line = &charge.row.line;
    match charge.kind {
        ChargeKind::Purchase => format!("{} {} for {} s", line.item, line.group_id, line.seconds),
        ChargeKind::Unused => format!("unused part of {} {}", line.item, line.group_id),
        ChargeKind::OnDemand | ChargeKind::Used => {
            format!("{} of {} {} for {} s", charge.row.item(), line.item, line.spec(), line.seconds)
        }
    }
}

/// The specification's own keys of a size; others would begin with `x_`.
fn price_details(charge: &FocusCharge<'_>) -> String {
    let line = &charge.row.line;
    if line.vcpu.is_zero() {
        return String::new();
    }
    let number = |number: Decimal| eci_api::Number::from(number);
    let mut details = json!({ "CoreCount": number(line.vcpu), "MemorySize": number(line.memory) });
    if let Some(name) = &line.instance_type {
        details["InstanceType"] = json!(name);
    }
    if let Some(category) = &line.category {
        details["x_ComputeCategory"] = json!(category);
    }
    details.to_string()
}

fn sku(charge: &FocusCharge<'_>) -> String {
    let line = &charge.row.line;
    let sold_as = line.instance_type.as_deref().or(line.category.as_deref()).unwrap_or("default");
    let market = if line.spot { "/spot" } else { "" };
    format!("{}/{}/{sold_as}{market}", charge.row.product().0, charge.row.item())
}

/// The pod that the charge is for; the charge of a group of no pod is allocated to nobody.
fn pod<'a>(charge: &'a FocusCharge<'_>) -> Option<(&'a str, &'a str)> {
    let line = &charge.row.line;
    Some((line.tag("NameSpace"), line.tag("PodName"))).filter(|(_, name)| !name.is_empty())
}

fn of_pod(charge: &FocusCharge<'_>, value: impl FnOnce(&str, &str) -> String) -> String {
    pod(charge).map_or_else(String::new, |(namespace, name)| value(namespace, name))
}

/// A group is one pod's, which has all of its charge.
fn allocation(charge: &FocusCharge<'_>) -> String {
    of_pod(charge, |_, _| {
        let usage = eci_api::Number::from(charge.hours);
        json!({ "Elements": [{ "AllocatedRatio": 1, "UsageUnit": unit(charge), "UsageQuantity": usage }] })
            .to_string()
    })
}

fn allocated_tags(charge: &FocusCharge<'_>) -> String {
    of_pod(charge, |_, _| {
        let keys = ["NameSpace", "PodName", "OwnerReferenceKind", "OwnerReferenceName", "NodeName"];
        let tags = keys.into_iter().map(|key| (key, charge.row.line.tag(key)));
        let tags: serde_json::Map<_, _> = tags
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), json!(value)))
            .collect();
        serde_json::Value::Object(tags).to_string()
    })
}

fn of_commitment(charge: &FocusCharge<'_>, value: impl FnOnce(&Commitment<'_>) -> String) -> String {
    charge.commitment.as_ref().map_or_else(String::new, value)
}

/// Whether the charge used a commitment; nothing for its purchase.
fn status(charge: &FocusCharge<'_>) -> String {
    match charge.kind {
        ChargeKind::Used => "Used",
        ChargeKind::Unused => "Unused",
        ChargeKind::OnDemand | ChargeKind::Purchase => "",
    }
    .to_owned()
}

fn pricing_category(charge: &FocusCharge<'_>) -> String {
    match charge.kind {
        ChargeKind::Used | ChargeKind::Unused => "Committed",
        ChargeKind::OnDemand if charge.row.line.spot => "Dynamic",
        ChargeKind::OnDemand | ChargeKind::Purchase => "Standard",
    }
    .to_owned()
}

fn charge_category(charge: &FocusCharge<'_>) -> String {
    if charge.kind == ChargeKind::Purchase { "Purchase" } else { "Usage" }.to_owned()
}

fn charge_frequency(charge: &FocusCharge<'_>) -> String {
    if charge.kind == ChargeKind::Purchase { "Recurring" } else { "Usage-Based" }.to_owned()
}

fn resource_type(charge: &FocusCharge<'_>) -> String {
    match charge.row.item() {
        Item::ReservedInstance => "Reserved Instance",
        Item::SavingsPlan => "Savings Plan",
        _ if charge.row.line.group_id.is_empty() => "",
        _ => "Container Group",
    }
    .to_owned()
}

macro_rules! columns {
    ($($name:literal: $value:expr;)*) => {
        /// The columns, by name; ours at the end.
        pub const COLUMNS: &[Column] = &[$(Column { name: $name, value: $value }),*];
    };
}

columns! {
    "AllocatedMethodDetails": allocation;
    "AllocatedMethodId": |charge| of_pod(charge, |_, _| "one-pod-a-group".to_owned());
    "AllocatedResourceId": |charge| of_pod(charge, |namespace, name| format!("{namespace}/{name}"));
    "AllocatedResourceName": |charge| of_pod(charge, |_, name| name.to_owned());
    "AllocatedTags": allocated_tags;
    "AvailabilityZone": |charge| charge.row.line.zone.to_string();
    "BilledCost": |charge| amount(charge.billed);
    "BillingAccountId": account;
    "BillingAccountName": account;
    "BillingAccountType": |_| "Account".to_owned();
    "BillingCurrency": currency;
    "BillingPeriodEnd": |charge| month(charge, 1);
    "BillingPeriodStart": |charge| month(charge, 0);
    "CapacityReservationId": null;
    "CapacityReservationStatus": null;
    "ChargeCategory": charge_category;
    "ChargeClass": null;
    "ChargeDescription": description;
    "ChargeFrequency": charge_frequency;
    "ChargePeriodEnd": |charge| utc(charge.row.line.to);
    "ChargePeriodStart": |charge| utc(charge.row.line.from);
    "CommitmentDiscountCategory": |charge| of_commitment(charge, |own| if own.is_plan { "Spend" } else { "Usage" }.to_owned());
    "CommitmentDiscountId": |charge| of_commitment(charge, |own| own.id.to_owned());
    "CommitmentDiscountName": |charge| of_commitment(charge, |own| own.id.to_owned());
    "CommitmentDiscountQuantity": |charge| of_commitment(charge, |own| own.quantity.normalize().to_string());
    "CommitmentDiscountStatus": status;
    "CommitmentDiscountType": |charge| of_commitment(charge, |own| if own.is_plan { "Savings Plan" } else { "Reserved Instance" }.to_owned());
    "CommitmentDiscountUnit": |charge| of_commitment(charge, |own| if own.is_plan { currency(charge) } else { "Instance-Hours".to_owned() });
    "ConsumedQuantity": |charge| consumed(charge, || quantity(charge));
    "ConsumedUnit": |charge| consumed(charge, || unit(charge));
    "ContractApplied": null;
    "ContractedCost": |charge| amount(charge.contracted);
    "ContractedUnitPrice": |charge| price(contracted(charge));
    "EffectiveCost": |charge| amount(charge.effective);
    "HostProviderName": provider;
    "InvoiceId": null;
    "InvoiceIssuerName": provider;
    "ListCost": |charge| amount(charge.list);
    "ListUnitPrice": |charge| price(charge.row.list_price());
    "PricingCategory": pricing_category;
    "PricingCurrency": currency;
    "PricingCurrencyContractedUnitPrice": |charge| price(contracted(charge));
    "PricingCurrencyEffectiveCost": |charge| amount(charge.effective);
    "PricingCurrencyListUnitPrice": |charge| price(charge.row.list_price());
    "PricingQuantity": quantity;
    "PricingUnit": unit;
    "ProviderName": provider;
    "PublisherName": provider;
    "RegionId": |charge| charge.row.line.region.to_string();
    "RegionName": |charge| charge.row.line.region.to_string();
    "ResourceId": |charge| charge.row.line.group_id.to_string();
    "ResourceName": |charge| charge.row.line.group_name.to_string();
    "ResourceType": resource_type;
    "ServiceCategory": |charge| if is_storage(charge) { "Storage" } else { "Compute" }.to_owned();
    "ServiceName": |charge| charge.row.product().1.to_owned();
    "ServiceProviderName": provider;
    "ServiceSubcategory": |charge| if is_storage(charge) { "Block Storage" } else { "Containers" }.to_owned();
    "SkuId": sku;
    "SkuMeter": |charge| charge.row.item().to_string();
    "SkuPriceDetails": price_details;
    "SkuPriceId": |charge| format!("{}/{}", sku(charge), charge.row.line.region);
    "SubAccountId": null;
    "SubAccountName": null;
    "SubAccountType": null;
    "Tags": |charge| json!(*charge.row.line.tags).to_string();
    "x_Case": |charge| charge.origin.to_owned();
    "x_Leaked": |charge| charge.leaked.to_string();
    "x_RequestedMemory": |charge| price(charge.row.line.requested.map(|requested| requested.memory));
    "x_RequestedVcpu": |charge| price(charge.row.line.requested.map(|requested| requested.vcpu));
}
