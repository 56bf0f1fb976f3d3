//! Tests of the price lists: every price is that of its own item, location, currency and time, or is not known.

use super::*;

const HEADER: &str = "item,category,region,zone,currency,amount,per_seconds,from,to\n";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-01-01T00:00:00Z")
}

fn in_region(region: &'static str) -> Location<'static> {
    Location { region, zone: "" }
}

fn given(rows: &str) -> Result<Tariff, TableError> {
    let text = format!("{HEADER}{rows}");
    Tariff::with_files(Currency::Cny, &[PriceFile { name: "mine.csv", text: &text }])
}

#[test]
fn every_category_has_a_price_in_both_currencies() {
    for category in [Category::Default, Category::Economy, Category::General] {
        for item in [Item::Vcpu(category), Item::Memory(category)] {
            for currency in [Currency::Cny, Currency::Usd] {
                let found = Tariff::of(currency).find(item, in_region("cn-hangzhou"), now());
                assert!(found.is_some(), "{item:?} {currency}");
            }
        }
    }
}

#[test]
fn a_price_that_is_not_known_says_so_and_is_nobody_else_s() {
    let wanted = "no price is known for ecs.gn6i-c4g1.xlarge in cn-hangzhou in CNY at 2026-01-01T00:00:00Z; \
                  give one with --price-file";
    for (item, region, currency, time, word) in [
        (Item::Type("ecs.gn6i-c4g1.xlarge"), "cn-hangzhou", Currency::Cny, "2026-01-01T00:00:00Z", wanted),
        (Item::Type("ecs.c5.large"), "cn-beijing", Currency::Cny, "2026-01-01T00:00:00Z", "in cn-beijing"),
        (Item::Type("ecs.c5.large"), "cn-hangzhou", Currency::Usd, "2026-01-01T00:00:00Z", "in USD"),
        (
            Item::Vcpu(Category::General),
            "cn-hangzhou",
            Currency::Cny,
            "2024-05-30T00:00:00Z",
            "vcpu of the category general",
        ),
        (Item::Vcpu(Category::Default), "cn-hangzhou", Currency::Cny, "2018-04-01T00:00:00Z", "at 2018-04"),
        (Item::Storage, "cn-hangzhou", Currency::Cny, "2023-01-01T00:00:00Z", "storage"),
    ] {
        let error = Tariff::of(currency).price(item, in_region(region), at(time)).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn no_gpu_type_has_a_price() {
    let gpus = CATALOG.instance_types().filter(|kind| kind.gpus > 0);
    let known: Vec<_> = gpus
        .filter(|kind| {
            let price = |currency: Currency| {
                Tariff::of(currency).find(Item::Type(&kind.name), in_region("cn-hangzhou"), now())
            };
            price(Currency::Cny).or_else(|| price(Currency::Usd)).is_some()
        })
        .collect();
    assert!(known.is_empty(), "no source has one: {known:?}");
}

#[test]
fn the_price_of_a_zone_goes_before_its_region_s_and_a_given_one_before_the_compiled_in() {
    let tariff = given(
        "ecs.c6.large,,cn-beijing,,CNY,0.5,3600,2020-01-01T00:00:00Z,\n\
         ecs.c6.large,,cn-beijing,cn-beijing-b,CNY,0.6,3600,2020-01-01T00:00:00Z,\n\
         ecs.c5.large,,*,,CNY,0.7,3600,2020-01-01T00:00:00Z,2025-01-01T00:00:00Z\n",
    )
    .unwrap();
    for (name, region, zone, time, wanted) in [
        ("ecs.c6.large", "cn-beijing", "cn-beijing-a", "2026-01-01T00:00:00Z", Some("0.5")),
        ("ecs.c6.large", "cn-beijing", "cn-beijing-b", "2026-01-01T00:00:00Z", Some("0.6")),
        ("ecs.c6.large", "cn-hangzhou", "", "2026-01-01T00:00:00Z", None),
        ("ecs.c5.large", "cn-hangzhou", "", "2024-01-01T00:00:00Z", Some("0.7")),
        ("ecs.c5.large", "cn-hangzhou", "", "2026-01-01T00:00:00Z", Some("0.62")),
        ("ecs.c5.large", "cn-hangzhou", "cn-hangzhou-i", "2026-01-01T00:00:00Z", Some("0.622")),
    ] {
        let found = tariff.type_price(name, Location { region, zone }, at(time)).ok();
        assert_eq!(found, wanted.map(|price| price.parse().unwrap()), "{name} {zone} {time}");
    }
}

#[test]
fn a_price_file_that_cannot_be_is_refused_in_one_sentence_with_file_and_row() {
    for (rows, wanted) in [
        (
            "vcpu,default,*,,CNY,-1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: the amount -1 is negative; a price is 0 or more",
        ),
        (
            "vcpu,premium,*,,CNY,1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: `premium` is no category; it should be default or economy or general",
        ),
        (
            "storage,default,*,,CNY,1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: the item storage has no categories, so the category should be empty and not `default`",
        ),
        (
            "vcup,,*,,CNY,1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: `vcup` is no item; it should be vcpu, memory, storage, cache_disk, snapshot, minimum or an \
             ECS type such as ecs.c6.large",
        ),
        (
            "storage,,*,,EUR,1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: `EUR` is no currency of a price list; it should be CNY or USD",
        ),
        (
            "storage,,cn-nowhere,,CNY,1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: `cn-nowhere` is no region; it should be the id of a region that sells ECI, as cn-hangzhou, \
             or * for all",
        ),
        (
            "storage,,cn-beijing,cn-hangzhou-b,CNY,1,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: `cn-hangzhou-b` is no zone; it should be a zone of the region",
        ),
        (
            "storage,,*,,CNY,one,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 2: the amount `one` should be a decimal number",
        ),
        (
            "storage,,*,,CNY,1,1,yesterday,",
            "mine.csv, row 2: the from `yesterday` should be a time with its offset, as 2026-01-01T00:00:00+08:00",
        ),
        (
            "storage,,*,,CNY,1,1,2026-01-01T00:00:00Z,2025-01-01T00:00:00Z",
            "mine.csv, row 2: it ends at 2025-01-01T00:00:00Z, which is not after its beginning at 2026-01-01T00:00:00Z",
        ),
        (
            "storage,,*,,CNY,1,1,2025-01-01T00:00:00Z,\nstorage,,*,,CNY,2,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 3: row 2 gives the price of storage in all regions in CNY from 2026-01-01T00:00:00Z on, too; \
             let one end where the other begins",
        ),
        (
            "storage,,*,,CNY,1,1,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z\nstorage,,*,,CNY,2,1,2026-01-01T00:00:00Z,",
            "mine.csv, row 3: the price of storage in all regions in CNY is given until 2025-02-01T00:00:00Z (row 2) and \
             again from 2026-01-01T00:00:00Z on, and not between; let one end where the other begins",
        ),
    ] {
        assert_eq!(given(rows).unwrap_err().to_string(), wanted);
    }
}

#[test]
fn prices_of_two_files_overlap_as_those_of_one() {
    let text = format!("{HEADER}storage,,*,,CNY,1,1,2025-01-01T00:00:00Z,\n");
    let file = |name| PriceFile { name, text: &text };
    let error = Tariff::with_files(Currency::Cny, &[file("a.csv"), file("b.csv")]).unwrap_err().to_string();
    assert!(error.starts_with("b.csv, row 2: row 2 of a.csv gives the price of storage"), "{error}");
}

#[test]
fn a_spot_instance_is_matched_to_a_type_that_has_a_price_where_it_runs() {
    let hangzhou = in_region("cn-hangzhou");
    for (currency, name) in [(Currency::Cny, "ecs.c5.large"), (Currency::Usd, "ecs.c6.large")] {
        assert_eq!(Tariff::of(currency).spot_type(Size::DEFAULT, hangzhou, now()), Some(name));
    }
}
