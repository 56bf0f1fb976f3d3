//! Tests of fees: every hour of a term is paid, used or not, and what nothing used is told.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::billing::commitment::tests::{plan, reserved};
use crate::billing::commitment::{PlanKind, ReservedInstance};
use crate::billing::meter::Usage;
use crate::billing::view::tests::usage;
use crate::billing::{Bill, BillFormat, NamedBill};

/// First second of the usages in the tests of views: a full hour.
const HOUR: i64 = 1_767_258_000;
/// Kinds of usages in the tests of views: by size, by type.
const SIZE: usize = 0;
const TYPE: usize = 2;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn bill(usages: &[Usage], terms: AccountTerms, hours: Range<i64>) -> Bill {
    let accounts = BTreeMap::from([("local".to_owned(), terms)]);
    let periods = FeePeriods::from([("local".to_owned(), HOUR + hours.start..HOUR + hours.end)]);
    Bill::with_fees(usages, &Tariff::of(Currency::Cny), &accounts, &periods)
}

fn with_plan(hourly: &str, discount: &str) -> AccountTerms {
    let savings_plans = vec![plan(PlanKind::General, hourly, discount)];
    AccountTerms { savings_plans, ..AccountTerms::default() }
}

fn with_reserved(hourly: &str) -> AccountTerms {
    let own = ReservedInstance { hourly: Some(decimal(hourly)), ..reserved(2) };
    AccountTerms { reserved_instances: vec![own], ..AccountTerms::default() }
}

/// Amount and unused part of each fee.
fn fees(bill: &Bill) -> Vec<String> {
    let own = bill.lines.iter().filter(|line| line.group_id.starts_with(['r', 's']));
    let unused = |line: &BillLine| line.unused.map_or_else(String::new, |unused| format!(" - {unused}"));
    own.map(|line| format!("{} {}{}", line.item, line.amount, unused(line))).collect()
}

/// The rows of a FOCUS file, values by column.
fn focus(bill: Bill) -> Vec<BTreeMap<String, String>> {
    let named = NamedBill { name: "a case".to_owned(), bill, leaked: BTreeSet::new() };
    let (text, _) = BillFormat::Focus.render([&named]).unwrap();
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn an_hour_of_a_commitment_is_paid_whether_it_is_used_or_not() {
    let hour = [usage(2, TYPE, None, (0, 3600))];
    for (terms, usages, wanted) in [
        (with_plan("0.31", "0.5"), &hour[..], ["savings_plan 0.31", "savings_plan 0.31 - 0.31"]),
        (with_plan("1", "0.5"), &hour, ["savings_plan 1 - 0.69", "savings_plan 1 - 1"]),
        (with_reserved("0.3"), &hour, ["reserved_instance 0.6 - 0.3", "reserved_instance 0.6 - 0.6"]),
        (with_reserved("0.3"), &[], ["reserved_instance 0.6 - 0.6", "reserved_instance 0.6 - 0.6"]),
    ] {
        let bill = bill(usages, terms, 0..7200);
        assert_eq!(fees(&bill), wanted);
    }
    let upfront = AccountTerms { reserved_instances: vec![reserved(1)], ..AccountTerms::default() };
    assert_eq!(fees(&bill(&hour, upfront, 0..7200)), [""; 0], "what was paid upfront is on no line");
}

#[test]
fn a_fee_begins_with_its_hour_and_with_its_term_and_ends_with_it() {
    let count = |from, to| bill(&[], with_plan("1", "0.5"), from..to).lines.len();
    assert_eq!(
        (count(0, 0), count(0, 1), count(0, 3600), count(0, 3601), count(1800, 1801)),
        (0, 1, 1, 2, 1)
    );
    let mut terms = with_plan("1", "0.5");
    let at = |second| Timestamp::from_second(HOUR + second).unwrap();
    (terms.savings_plans[0].from, terms.savings_plans[0].to) = (at(1800), at(5400));
    let usages = [usage(2, TYPE, None, (1800, 1800))];
    let short = bill(&usages, terms, 0..36_000);
    assert_eq!(
        fees(&short),
        ["savings_plan 0.5 - 0.345", "savings_plan 0.5 - 0.5"],
        "its share of both hours"
    );
    let late = bill(&usages, with_plan("1", "0.5"), 1800..7200);
    assert_eq!(
        fees(&late),
        ["savings_plan 0.5 - 0.345", "savings_plan 1 - 1"],
        "and of the bill's first hour"
    );
}

#[test]
fn focus_tells_the_purchase_what_was_used_and_what_was_not() {
    let rows = focus(bill(&[usage(2, SIZE, None, (0, 3600))], with_plan("1", "0.5"), 0..3600));
    let told = |row: &BTreeMap<String, String>| {
        ["ChargeCategory", "PricingCategory", "CommitmentDiscountStatus", "BilledCost", "EffectiveCost"]
            .map(|column| row[column].clone())
            .join(" ")
    };
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [
            "Usage Committed Used 0 0.1764",
            "Usage Committed Used 0 0.044136",
            "Purchase Standard  1 0",
            "Usage Committed Unused 0 0.779464"
        ]
    );
    let unused = &rows[3];
    for (column, value) in [
        ("ConsumedQuantity", ""),
        ("ConsumedUnit", ""),
        ("CommitmentDiscountId", "sp-1"),
        ("CommitmentDiscountCategory", "Spend"),
        ("CommitmentDiscountQuantity", "0.779464"),
        ("CommitmentDiscountUnit", "CNY"),
        ("ResourceId", "sp-1"),
        ("ResourceType", "Savings Plan"),
        ("PricingQuantity", "0.779464"),
    ] {
        assert_eq!(unused[column], value, "{column}");
    }
}

#[test]
fn what_a_plan_leaves_of_a_part_is_a_charge_of_its_own() {
    let rows = focus(bill(&[usage(2, TYPE, None, (0, 3600))], with_plan("0.1", "0.5"), 0..3600));
    let told = |row: &BTreeMap<String, String>| {
        ["PricingCategory", "PricingQuantity", "ListCost", "BilledCost", "EffectiveCost"]
            .map(|column| row[column].clone())
            .join(" ")
    };
    assert_eq!(told(&rows[0]), "Committed 0.322580645161 0.2 0 0.1");
    assert_eq!(told(&rows[1]), "Standard 0.677419354839 0.42 0.42 0.42");
    assert_eq!((rows.len(), told(&rows[2])), (3, "Standard 1 0.1 0.1 0".to_owned()));
}

proptest! {
    #[test]
    fn what_is_billed_and_what_is_effective_are_the_total_and_nothing_is_negative(
        lives in prop::collection::vec((0usize..5, 0i64..20_000, 1i64..9000), 0..8),
        hourly in 0i64..2000, discount in 0i64..90, own in 0i64..90, reserved_for in 0i64..700,
    ) {
        let usages: Vec<_> = (1..)
            .zip(&lives)
            .map(|(number, (kind, from, seconds))| usage(number, *kind, None, (*from, *seconds)))
            .collect();
        let terms = AccountTerms {
            discount: Decimal::new(own, 2),
            reserved_instances: with_reserved(&Decimal::new(reserved_for, 3).to_string()).reserved_instances,
            ..with_plan(&Decimal::new(hourly, 3).to_string(), &Decimal::new(discount, 2).to_string())
        };
        let bill = bill(&usages, terms, 0..30_000);
        let total = bill.total.known().unwrap().decimal();
        let rows = focus(bill);
        let sum = |column: &str| rows.iter().map(|row| decimal(&row[column])).sum::<Decimal>();
        prop_assert_eq!((sum("BilledCost"), sum("EffectiveCost")), (total, total));
        for row in &rows {
            for column in ["BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "PricingQuantity"] {
                prop_assert!(decimal(&row[column]) >= Decimal::ZERO, "{} of {:?}", column, row);
            }
            for (cost, price) in [("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")] {
                let product = decimal(&row["PricingQuantity"]) * decimal(&row[price]);
                prop_assert!((decimal(&row[cost]) - product).abs() < Decimal::new(1, 8), "{} of {:?}", cost, row);
            }
        }
    }
}
