//! Tests of the files: their columns are the specification's, and their sums are the bill's.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::billing::focus;
use crate::billing::view::tests::{bill, usage};
use crate::money::Amount;

/// The specification's columns by name: version, level, nulls, type and format.
fn specification() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(include_str!("../../../data/focus.csv").as_bytes());
    let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
    rows.map(|row| (row["column"].clone(), row)).collect()
}

fn named(bill: Bill) -> NamedBill {
    NamedBill { name: "a case".to_owned(), bill, leaked: BTreeSet::from(["eci-2".to_owned()]) }
}

/// The text of a file that has all bills.
fn rendered(format: BillFormat, bills: &[NamedBill]) -> String {
    let (text, left_out) = format.render(bills).unwrap();
    assert!(left_out.is_empty(), "{left_out:?}");
    text
}

/// The rows of a CSV file, values by column.
fn read(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|why| panic!("`{text}`: {why}"))
}

fn all_kinds() -> Vec<crate::billing::meter::Usage> {
    let pod = Some(("vk", "web"));
    (0..5).zip(1..).map(|(kind, number)| usage(number, kind, pod.filter(|_| kind != 1), (0, 5000))).collect()
}

#[test]
fn the_focus_file_has_every_column_of_the_specification_and_else_only_ours() {
    let specification = specification();
    let own: BTreeSet<&str> = focus::COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(own.len(), focus::COLUMNS.len(), "a column stands twice");
    for name in specification.keys() {
        assert!(own.contains(name.as_str()), "{name} is missing");
    }
    let others = own.iter().filter(|name| !specification.contains_key(**name));
    assert!(others.clone().count() > 0 && others.clone().all(|name| name.starts_with("x_")), "{own:?}");
    assert_eq!(specification.len(), 65);
}

#[test]
fn each_value_is_of_its_column_s_type_and_null_only_where_it_may_be() {
    let specification = specification();
    let text = rendered(BillFormat::Focus, &[named(bill(&all_kinds()))]);
    let rows = read(&text);
    assert!(rows.len() > 10, "{text}");
    for (row, (name, column)) in
        rows.iter().flat_map(|row| specification.iter().map(move |column| (row, column)))
    {
        let value = &row[name];
        if value.is_empty() {
            assert_eq!(column["nulls"], "yes", "{name} is null: {row:?}");
            continue;
        }
        match (column["type"].as_str(), column["format"].as_str()) {
            ("Decimal", _) => assert!(value.parse::<Decimal>().is_ok(), "{name}: {value}"),
            ("Date/Time", _) => assert!(value.len() == 20 && value.ends_with('Z'), "{name}: {value}"),
            ("JSON", _) => {
                assert!(serde_json::from_str::<Json>(value).unwrap().is_object(), "{name}: {value}")
            }
            (_, "Currency Format") => assert!(value.len() == 3, "{name}: {value}"),
            (_, "Unit Format") => assert!(value.ends_with("-Hours"), "{name}: {value}"),
            (kind, _) => assert_eq!(kind, "String", "{name}"),
        }
    }
}

#[test]
fn what_the_cloud_s_own_preview_leaves_null_is_filled() {
    let text = rendered(BillFormat::Focus, &[named(bill(&all_kinds()))]);
    for row in read(&text) {
        let (quantity, price) = (decimal(&row["ConsumedQuantity"]), decimal(&row["ContractedUnitPrice"]));
        let difference = decimal(&row["ContractedCost"]) - quantity * price;
        assert!(!row["ConsumedUnit"].is_empty() && difference.abs() < Decimal::new(1, 9), "{row:?}");
    }
}

#[test]
fn a_pod_s_charge_is_allocated_to_it_and_that_of_nobody_to_nobody() {
    let text = rendered(BillFormat::Focus, &[named(bill(&all_kinds()))]);
    let rows = read(&text);
    let of = |id: &str| rows.iter().find(|row| row["ResourceId"] == id).unwrap();
    assert_eq!(of("eci-1")["AllocatedResourceId"], "vk/web");
    let details: Json = serde_json::from_str(&of("eci-1")["AllocatedMethodDetails"]).unwrap();
    assert_eq!(details["Elements"][0]["AllocatedRatio"], 1);
    assert_eq!((&*of("eci-2")["AllocatedMethodId"], &*of("eci-2")["x_Leaked"]), ("", "true"));
    assert_eq!((&*of("eci-4")["PricingCategory"], &*of("eci-1")["PricingCategory"]), ("Dynamic", "Standard"));
}

#[test]
fn a_bill_without_a_price_is_no_file_but_json() {
    let bills = [named(bill(&[usage(1, 5, None, (0, 60))]))];
    for format in [BillFormat::Csv, BillFormat::Focus] {
        let (text, left_out) = format.render(&bills).unwrap();
        assert_eq!((read(&text).len(), left_out.len()), (0, 1));
        let why = left_out[0].to_string();
        let wanted =
            "the bill of a case has a line that no file can have: no price is known for ecs.gn6i-c4g1.xlarge";
        assert!(why.starts_with(wanted), "{why}");
    }
    let json: Json = serde_json::from_str(&rendered(BillFormat::Json, &bills)).unwrap();
    assert_eq!(json["bills"][0]["total"]["item"], "ecs.gn6i-c4g1.xlarge");
}

#[test]
fn a_file_s_name_says_its_form() {
    for (name, format) in [
        ("bill.csv", BillFormat::Csv),
        ("out/bill.JSON", BillFormat::Json),
        ("bill.focus.csv", BillFormat::Focus),
        ("bill.focus", BillFormat::Focus),
    ] {
        assert_eq!(BillFormat::of_file(Path::new(name)).unwrap(), format, "{name}");
    }
    let why = BillFormat::of_file(Path::new("bill.xls")).unwrap_err().to_string();
    assert_eq!(
        why,
        "`bill.xls` says no form of a bill; it should end in .csv, .json or .focus.csv, or --bill-format says which"
    );
    let why = "focsu".parse::<BillFormat>().unwrap_err().to_string();
    assert_eq!(why, "`focsu` is no form of a bill; did you mean `focus`?; it should be csv, json or focus");
}

#[test]
fn json_has_the_sums_by_pod_and_the_money_of_what_leaked() {
    let json = rendered(BillFormat::Json, &[named(bill(&all_kinds()))]);
    let json: Json = serde_json::from_str(&json).unwrap();
    let one = &json["bills"][0];
    assert_eq!(one["by-pod"][1]["by"]["pod"], "vk/web");
    assert_eq!(
        (&one["leaked"]["groups"][0], &one["leaked"]["amount"]),
        (&json!("eci-2"), &one["by-pod"][0]["amount"])
    );
}

proptest! {
    #[test]
    fn the_rows_of_every_file_add_up_to_the_total(
        lives in prop::collection::vec((0usize..5, 0i64..20_000, 1i64..9000), 0..12),
    ) {
        let usages: Vec<_> = (1..)
            .zip(&lives)
            .map(|(number, (kind, from, seconds))| usage(number, *kind, None, (*from, *seconds)))
            .collect();
        let bill = bill(&usages);
        let total = bill.total.known().unwrap().decimal();
        for (format, column) in [(BillFormat::Csv, "PretaxAmount"), (BillFormat::Focus, "BilledCost")] {
            let rows = read(&rendered(format, &[named(bill.clone())]));
            prop_assert_eq!(rows.iter().map(|row| decimal(&row[column])).sum::<Decimal>(), total);
            if format == BillFormat::Csv {
                for row in rows {
                    let [gross, discount, pretax] =
                        ["PretaxGrossAmount", "InvoiceDiscount", "PretaxAmount"].map(|name| decimal(&row[name]));
                    prop_assert_eq!(gross - discount, pretax);
                }
            }
        }
        for granularity in [Granularity::Month, Granularity::Day, Granularity::Line] {
            for by_item in [true, false] {
                let rows = instance_bill::rows(&bill.lines, granularity, by_item).unwrap();
                let paid: Amount = rows.iter().map(|row| row.pretax).sum();
            prop_assert_eq!(paid.decimal(), total);
                let seconds: u64 = bill.lines.iter().map(|line| line.seconds).sum();
                prop_assert!(by_item || rows.iter().map(|row| row.seconds).sum::<u64>() == seconds);
            }
        }
    }
}
