//! Tests of the bill: the vectors of billing.md 8, and the rules for hours, small amounts, tags and missing prices.

use std::sync::Arc;

use eci_api::size::{Mebibytes, MilliVcpu};
use proptest::prelude::*;

use rust_decimal::Decimal;

use super::*;
use crate::billing::item::Item;
use crate::money::Hourly;
use crate::prices::PriceFile;
use crate::terms::{Basis, CacheKind, Category, InstanceTerms, Size, Spot};

const CNY: Currency = Currency::Cny;
const USD: Currency = Currency::Usd;
const NINE: &str = "2026-01-01T09:00:00Z";

fn size(vcpu: &str, memory: &str) -> Size {
    let number = |text: &str| eci_api::Number(text.parse().unwrap());
    Size {
        vcpu: MilliVcpu::from_vcpu(number(vcpu)).unwrap(),
        memory: Mebibytes::from_gib(number(memory)).unwrap(),
    }
}

fn of_size(vcpu: &str, memory: &str, category: Category) -> PricingTerms {
    InstanceTerms::of(size(vcpu, memory), Basis::Size(category)).into()
}

fn terms(vcpu: &str, memory: &str) -> PricingTerms {
    of_size(vcpu, memory, Category::Default)
}

fn economy() -> PricingTerms {
    of_size("2", "4", Category::Economy)
}

fn of_type(name: &str) -> PricingTerms {
    InstanceTerms::of(size("2", "4"), Basis::Type(name.into())).into()
}

fn at_market(hourly: &str, currency: Currency) -> PricingTerms {
    let hourly = Some(Hourly { amount: hourly.parse().unwrap(), currency });
    let spot = Spot { instance_type: Some("ecs.c5.large".into()), hourly };
    InstanceTerms::of(size("2", "4"), Basis::Spot(spot)).into()
}

fn with_disks(extra_storage: u32, cache_disk: u32) -> PricingTerms {
    let basis = Basis::Size(Category::Default);
    InstanceTerms { extra_storage, cache_disk, ..InstanceTerms::of(size("2", "4"), basis) }.into()
}

fn build(cache: CacheKind, disk: u32) -> PricingTerms {
    PricingTerms::CacheBuild { cache, disk, snapshot: 0 }
}

/// A usage of `seconds` from `from` on.
fn usage(terms: PricingTerms, tag: &str, from: &str, seconds: i64) -> Usage {
    let from = from.parse::<Timestamp>().unwrap().as_second();
    let group = Arc::new(BillingRecord {
        number: 1,
        id: "eci-1".into(),
        name: "web".into(),
        account: "local".into(),
        region: "cn-hangzhou".into(),
        zone: "cn-hangzhou-b".into(),
        tags: vec![("team".into(), tag.into())],
        requested: None,
        terms,
    });
    Usage { group, from, to: from + seconds }
}

fn bill(terms: PricingTerms, from: &str, seconds: i64, currency: Currency) -> Bill {
    Bill::of(&[usage(terms, "web", from, seconds)], &Tariff::of(currency))
}

fn decimal(cost: &Cost) -> Decimal {
    cost.known().unwrap().decimal()
}

fn amounts(bill: &Bill) -> Vec<String> {
    bill.lines.iter().map(|line| decimal(&line.amount).normalize().to_string()).collect()
}

#[test]
fn what_is_bought_costs_what_the_vectors_say() {
    use CacheKind::{Data, Image};
    let (hour, day) = (3600, 86_400);
    let snapshot = |gib| PricingTerms::Snapshot { gib };
    let disk_only = |gib, currency| {
        let parts = price(
            &with_disks(0, gib),
            usage(terms("2", "4"), "", NINE, 1).group.location(),
            &Tariff::of(currency),
            at(NINE),
            3 * 3600,
        );
        parts.unwrap().into_iter().find(|part| part.item == Item::Disk).unwrap().charge.rounded().decimal()
    };
    for (id, terms, seconds, currency, total) in [
        ("B1", terms("2", "4"), hour, CNY, "0.441072"),
        ("B2", terms("2", "4"), hour, USD, "0.069264"),
        ("B6", of_type("ecs.c5.large"), hour, CNY, "0.62"),
        ("B9", with_disks(20, 0), hour, CNY, "0.483552"),
        ("B10", build(Image, 40), 300, CNY, "0.043756"),
        ("B11", snapshot(2), 3 * day, CNY, "0.024"),
        ("B13", build(Image, 40), 300, USD, "0.0074386667"),
        ("B14", snapshot(2), 3 * day, USD, "0.004"),
        ("B15", build(Data, 20), 300, CNY, "0.040256"),
        ("B16", snapshot(15), 3 * day, CNY, "0.18"),
        ("B18", PricingTerms::VirtualNode, hour, CNY, "0.529344"),
        ("B18 in USD, by the same formula", PricingTerms::VirtualNode, hour, USD, "0.083088"),
        ("B19", terms("2", "4"), 40, CNY, "0"),
        ("B20", terms("2", "4"), 41, CNY, "0.01"),
        ("B21", terms("2", "4"), 81, CNY, "0.01"),
        ("B22", terms("2", "4"), 82, CNY, "0.01004664"),
        ("B23", terms("0.25", "0.5"), 326, CNY, "0"),
        ("B23", terms("0.25", "0.5"), 327, CNY, "0.01"),
        ("B24", terms("0.25", "0.5"), hour, CNY, "0.055134"),
        ("B25", terms("64", "512"), hour, CNY, "22.588416"),
        ("B26", economy(), hour, CNY, "0.282672"),
        ("B27", economy(), hour, USD, "0.044352"),
        ("B28", terms("8", "14"), hour, CNY, "1.720152"),
        ("B29", terms("8", "16"), hour, CNY, "1.764288"),
        ("B30", terms("6", "10"), hour, CNY, "1.27908"),
        ("B30", terms("4", "8"), hour, CNY, "0.882144"),
        ("B31", terms("2", "4"), 4 * hour, CNY, "1.764288"),
        ("B32", terms("2", "4"), 600, CNY, "0.073512"),
        ("USD knows no small amounts", terms("2", "4"), 1, USD, "0.00001924"),
    ] {
        let found = decimal(&bill(terms, NINE, seconds, currency).total);
        assert_eq!(found.normalize().to_string(), total, "{id}");
    }
    for (id, gib, currency, total) in
        [("B12", 40, CNY, "0.252"), ("B14", 40, USD, "0.06"), ("B17", 20, CNY, "0.126")]
    {
        assert_eq!(disk_only(gib, currency).normalize().to_string(), total, "{id}");
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_parts_of_an_hour_are_those_of_b1_b2_and_b8() {
    for (id, currency, wanted) in [
        ("B1", CNY, ["cpu 0.3528", "mem 0.088272", "systemdisk 0.04248"]),
        ("B2", USD, ["cpu 0.05544", "mem 0.013824", "systemdisk 0.006376"]),
    ] {
        let bill = bill(with_disks(20, 0), NINE, 3600, currency);
        let parts: Vec<_> = bill.lines[0].parts.iter().map(|p| format!("{} {}", p.item, p.amount)).collect();
        assert_eq!(parts, wanted, "{id}");
    }
}

#[test]
fn bills_are_cut_at_the_clock_hour() {
    let bill = bill(terms("2", "4"), "2026-01-01T02:49:30Z", 1835, CNY);
    let lines: Vec<_> = bill.lines.iter().map(|l| (l.seconds, l.amount.to_string())).collect();
    assert_eq!(lines, [(630, "0.077188".to_owned()), (1205, "0.147637".to_owned())]);
    assert_eq!(decimal(&bill.total).normalize().to_string(), "0.2248242", "B5");
    let first = bill.lines[0].to_string();
    assert!(first.starts_with("2026-01-01 10:49:30 - 11:00:00  web  630 s"), "UTC+08:00: {first}");
}

#[test]
fn a_type_is_billed_by_its_hourly_price_with_ten_decimals() {
    let bill = bill(of_type("ecs.c5.large"), "2026-01-01T02:49:30Z", 1835, CNY);
    assert_eq!(amounts(&bill), ["0.1085", "0.2075277778"], "B7");
    assert_eq!(bill.lines[0].item, Item::InstanceType);
    assert!(bill.lines[1].to_string().ends_with("0.207528"), "six decimals where people read");
}

#[test]
fn small_amounts_are_settled_once_an_instance_and_hour_over_all_of_its_lines() {
    // Twelve times five minutes at a market of 0.1515 an hour, each less than half a fen at first.
    let five_minutes = |n: i64| {
        let from = at(NINE) + jiff::SignedDuration::from_mins(5 * n);
        let price = if n % 2 == 0 { "0.05" } else { "0.02" };
        usage(at_market(price, CNY), "web", &from.to_string(), 300)
    };
    let hour: Vec<_> = (0..12).map(five_minutes).collect();
    let billed = Bill::of(&hour, &Tariff::of(CNY));
    assert_eq!(decimal(&billed.total).normalize().to_string(), "0.035");
    // 20 s of one size and 21 s of the same again are 41 s: vector B20.
    let twice =
        [usage(terms("2", "4"), "web", NINE, 20), usage(terms("2", "4"), "shop", "2026-01-01T09:00:20Z", 21)];
    let billed = Bill::of(&twice, &Tariff::of(CNY));
    assert_eq!(amounts(&billed), ["0", "0.01"], "the line that takes it over half a fen has the fen");
}

#[test]
fn an_hour_that_is_closed_stays_as_it_is_billed() {
    let usages = |seconds| {
        let first = usage(terms("2", "4"), "web", "2026-01-01T09:59:30Z", 45);
        let second = usage(terms("4", "8"), "shop", "2026-01-01T10:00:15Z", seconds);
        Bill::of(&[first, second], &Tariff::of(CNY)).lines
    };
    let (before, after) = (usages(10), usages(36_000));
    assert_eq!(before[0], after[0]);
    assert_eq!(before[0].tags["team"], "web");
}

#[test]
fn in_2019_a_life_cost_a_fen_at_least_and_its_first_line_has_it() {
    for (seconds, day, lines) in [
        (10, "2019-05-28T00:00:00Z", &["0.01"][..]),
        (60, "2019-05-28T00:00:00Z", &["0.0126"]),
        (10, "2019-08-13T00:59:55Z", &["0.01", "0"]),
        (200, "2019-08-13T00:59:55Z", &["0.01", "0.014504"]),
        (10, "2018-12-01T00:00:00Z", &["0"]),
        (10, "2026-01-01T00:00:00Z", &["0"]),
    ] {
        assert_eq!(amounts(&bill(terms("2", "4"), day, seconds, CNY)), lines, "{seconds} s from {day}");
    }
}

#[test]
fn the_list_of_the_day_counts() {
    for (id, day, total) in [
        ("beta", "2018-12-01T00:00:00Z", "0"),
        ("B35", "2019-05-28T00:00:00Z", "0.756"),
        ("B1", "2019-08-01T00:00:00Z", "0.441072"),
    ] {
        assert_eq!(bill(terms("2", "4"), day, 3600, CNY).total.to_string(), total, "{id}");
    }
}

#[test]
fn a_price_that_changes_within_an_hour_or_a_snapshot_s_life_cuts_the_line() {
    let text = "item,currency,amount,per_seconds,from,to\n\
                snapshot,CNY,2592,2592000,2026-01-02T00:00:00Z,\n\
                ecs.c6.large,CNY,36,3600,2020-01-01T00:00:00Z,2026-01-01T09:30:00Z\n\
                ecs.c6.large,CNY,72,3600,2026-01-01T09:30:00Z,\n";
    let tariff = Tariff::with_files(CNY, &[PriceFile { name: "mine.csv", text }]).unwrap();
    let billed = |terms, seconds| amounts(&Bill::of(&[usage(terms, "", NINE, seconds)], &tariff));
    assert_eq!(billed(of_type("ecs.c6.large"), 3600), ["18", "36"]);
    let snapshot = PricingTerms::Snapshot { gib: 1 };
    assert_eq!(billed(snapshot, 2 * 54_000)[1], "54", "54000 s of the new price");
}

#[test]
fn a_price_that_is_not_known_is_never_0_and_never_a_neighbour_s() {
    for (id, terms, currency) in [
        ("a GPU type", of_type("ecs.gn6i-c4g1.xlarge"), CNY),
        ("a type in USD", of_type("ecs.c5.large"), USD),
        ("a spot price in another currency", at_market("0.05", CNY), USD),
    ] {
        let bill = bill(terms, NINE, 3600, currency);
        let said = bill.total.to_string();
        assert!(said.starts_with("no price is known for ecs."), "{id}: {said}");
        assert_eq!((&bill.lines[0].amount, bill.lines[0].parts.len()), (&bill.total, 0), "{id}");
    }
    let text =
        serde_json::to_value(bill(of_type("ecs.gn6i-c4g1.xlarge"), NINE, 60, CNY).lines.remove(0)).unwrap();
    assert_eq!(text["amount"]["item"], "ecs.gn6i-c4g1.xlarge");
}

#[test]
fn a_line_calls_what_it_bills_by_its_name() {
    for (terms, item, words) in [
        (terms("2", "4"), Item::Instance, "3600 s of 2 vCPU, 4 GiB  0.441072"),
        (PricingTerms::VirtualNode, Item::VirtualNode, "3600 s of a virtual node  0.529344"),
        (PricingTerms::Snapshot { gib: 2 }, Item::Snapshot, "3600 s of a snapshot  0.000333"),
        (build(CacheKind::Image, 40), Item::ImageCache, "3600 s of making an image cache  0.525072"),
        (build(CacheKind::Data, 20), Item::DataCache, "3600 s of making a data cache  0.483072"),
    ] {
        let line = bill(terms, NINE, 3600, CNY).lines.remove(0);
        assert_eq!(line.item, item);
        assert!(line.to_string().ends_with(words), "{line}");
    }
}

/// What the lines of each clock hour cost together.
fn by_hour(bill: &Bill) -> BTreeMap<i64, Decimal> {
    let mut hours = BTreeMap::new();
    for line in &bill.lines {
        *hours.entry(line.from.as_second().div_euclid(3600)).or_default() += decimal(&line.amount);
    }
    hours
}

proptest! {
    #[test]
    fn a_bill_is_the_same_however_its_time_is_cut(
        start in 0i64..7200, seconds in 1i64..12_000, cuts in prop::collection::vec(0i64..12_000, 0..30),
        kind in 0..5usize, currency in prop::sample::select(vec![CNY, USD]),
    ) {
        let terms = || [
            terms("2", "4"), economy(), with_disks(7, 3), build(CacheKind::Image, 40), at_market("0.0557", currency),
        ][kind].clone();
        let from = |second: i64| (at(NINE) + jiff::SignedDuration::from_secs(start + second)).to_string();
        let tariff = Tariff::of(currency);
        let whole = Bill::of(&[usage(terms(), "web", &from(0), seconds)], &tariff);
        let mut ends: Vec<i64> = cuts.into_iter().filter(|cut| (1..seconds).contains(cut)).collect();
        ends.push(seconds);
        ends.sort_unstable();
        ends.dedup();
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let parts: Vec<_> =
            begins.zip(&ends).map(|(begin, end)| usage(terms(), "web", &from(begin), end - begin)).collect();
        let cut = Bill::of(&parts, &tariff);
        prop_assert_eq!(by_hour(&cut), by_hour(&whole));
        prop_assert_eq!(&cut.total, &whole.total);
        prop_assert!(cut.lines.iter().all(|line| !decimal(&line.amount).is_sign_negative()));
    }

    #[test]
    fn a_line_among_many_is_what_it_is_on_a_bill_of_its_hour_alone(
        lives in prop::collection::vec((0..8usize, 0i64..3, 1i64..9000), 1..16),
        currency in prop::sample::select(vec![CNY, USD]),
    ) {
        let text = format!("item,category,currency,amount,per_seconds,from,to\n\
            vcpu,default,{currency},1,1,2020-01-01T00:00:00Z,2026-01-01T09:30:00Z\n\
            vcpu,default,{currency},2,1,2026-01-01T09:30:00Z,\n");
        let tariff = Tariff::with_files(currency, &[PriceFile { name: "mine.csv", text: &text }]).unwrap();
        let life = |(number, (kind, start, seconds)): (u64, (usize, i64, i64))| {
            let terms = [
                terms("2", "4"), terms("4", "8"), economy(), with_disks(7, 3), of_type("ecs.c5.large"),
                at_market("0.0557", CNY), at_market("0.0558", CNY), build(CacheKind::Image, 40),
            ][kind].clone();
            let zone = if number.is_multiple_of(2) { "cn-hangzhou-b" } else { "cn-hangzhou-i" };
            let usage = usage(terms, "web", NINE, 0);
            let group = BillingRecord { number, zone: zone.into(), ..(*usage.group).clone() };
            let from = usage.from + 600 * start;
            Usage { group: Arc::new(group), from, to: from + seconds }
        };
        let usages: Vec<_> = (1..).zip(lives).map(life).collect();
        let alone = usages.iter().flat_map(|usage| (usage.from / 3600..=usage.to / 3600).map(|hour| {
            let (from, to) = (usage.from.max(hour * 3600), usage.to.min((hour + 1) * 3600));
            Usage { group: Arc::clone(&usage.group), from, to }
        }));
        let alone = alone.filter(|usage| usage.from < usage.to);
        let lines: Vec<_> = alone.flat_map(|usage| Bill::of(&[usage], &tariff).lines).collect();
        prop_assert_eq!(Bill::of(&usages, &tariff).lines, lines);
    }

    #[test]
    fn currencies_are_never_mixed(
        thousandths in 1i64..1000, market in prop::sample::select(vec![CNY, USD]),
        billed in prop::sample::select(vec![CNY, USD]),
    ) {
        let hourly = Decimal::new(thousandths, 3).to_string();
        let bill = bill(at_market(&hourly, market), NINE, 3600, billed);
        prop_assert_eq!(bill.total.known().is_ok(), market == billed);
    }
}
