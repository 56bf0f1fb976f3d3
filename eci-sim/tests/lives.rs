//! Random lives, billed a thousand at a time, against an integral of their own: no amount drifts, not in the last place.
//! `LIVES=1000000 cargo test -p eci-sim --release --test integration lives::` looks at a million.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::integral::{billed, integral};
use determinism::{Chance, Seed};
use eci_api::size::{Mebibytes, MilliVcpu};
use eci_sim::billing::meter::usages;
use eci_sim::ledger::{BillingRecord, Entry, LedgerEvent};
use eci_sim::lifecycle::State;
use eci_sim::money::Hourly;
use eci_sim::prices::Tariff;
use eci_sim::terms::{Basis, Category, InstanceTerms, PricingTerms, Size, Spot};
use eci_sim::{Amount, Bill, Cost, Currency};
use jiff::Timestamp;
use rust_decimal::Decimal;

/// Lives that are looked at where `LIVES` says nothing.
const LIVES: u64 = 2000;
/// Lives of one bill.
const BATCH: u64 = 1000;
/// A second at which today's prices hold: 2026-01-01T09:00:00Z.
const START: i64 = 1_767_258_000;
/// Seconds after which a bill is made, whatever lives on.
const SPAN: u64 = 40_000;

fn lives() -> u64 {
    std::env::var("LIVES").map_or(LIVES, |text| text.parse().expect("LIVES should be a whole number"))
}

/// What a group may be bought as, with a price in either currency.
fn terms(chance: &mut Chance, currency: Currency) -> PricingTerms {
    let category = *chance.pick(&[Category::Default, Category::Economy, Category::General]).unwrap();
    let name = match currency {
        Currency::Cny => "ecs.c5.large",
        Currency::Usd => "ecs.c6.large",
    };
    let small = |chance: &mut Chance, most| u32::try_from(chance.between(1, most)).unwrap();
    let hourly = Hourly { amount: Decimal::new(i64::from(small(chance, 999)), 3), currency };
    let spot = Spot { instance_type: Some(name.into()), hourly: Some(hourly) };
    let basis = match chance.between(0, 5) {
        0 => Basis::Type(name.into()),
        1 => Basis::Spot(spot),
        _ => Basis::Size(category),
    };
    let (vcpu, memory) = (MilliVcpu(small(chance, 256) * 250), Mebibytes(small(chance, 524_288)));
    let extra_storage = small(chance, 40).saturating_sub(20);
    InstanceTerms { extra_storage, ..InstanceTerms::of(Size { vcpu, memory }, basis) }.into()
}

/// The entries of one life: it waits, is billed, changes some times, and mostly ends.
fn life(number: u64, chance: &mut Chance, currency: Currency) -> Vec<Entry> {
    let mut record = BillingRecord {
        number,
        id: format!("eci-{number}").into(),
        name: "web".into(),
        account: "local".into(),
        region: "cn-hangzhou".into(),
        zone: "cn-hangzhou-b".into(),
        tags: Vec::new(),
        requested: None,
        terms: terms(chance, currency),
    };
    let mut at = Timestamp::from_second(START).unwrap();
    let mut wait = |chance: &mut Chance, most: u64| {
        at += jiff::SignedDuration::from_millis(i64::try_from(chance.between(0, most * 1000)).unwrap());
        at
    };
    let begin = wait(chance, 7200);
    let mut entries = vec![Entry { at: begin, group: Arc::new(record.clone()), event: LedgerEvent::Created }];
    let mut state = State::Scheduling;
    let mut next = vec![State::Pending, State::Running];
    next.extend((0..chance.between(0, 2)).flat_map(|_| [State::Restarting, State::Pending, State::Running]));
    next.push(*chance.pick(&[State::Succeeded, State::Failed, State::Deleted, State::Running]).unwrap());
    for to in next {
        let longest = if chance.one_in(1, 2) { 60 } else { 9000 };
        if chance.one_in(1, 3) {
            record.terms = terms(chance, currency);
            let at = wait(chance, longest);
            entries.push(Entry { at, group: Arc::new(record.clone()), event: LedgerEvent::Changed });
        }
        let (from, at) = (state, wait(chance, longest));
        if from != to {
            entries.push(Entry {
                at,
                group: Arc::new(record.clone()),
                event: LedgerEvent::Moved { from, to },
            });
        }
        state = to;
    }
    entries
}

/// So many lives in one ledger.
fn ledger(numbers: std::ops::Range<u64>, chance: &mut Chance, currency: Currency) -> Vec<Entry> {
    let mut entries: Vec<Entry> = numbers.flat_map(|number| life(number, chance, currency)).collect();
    entries.retain(|entry| entry.at.as_second() <= START + i64::try_from(SPAN).unwrap());
    entries.sort_by_key(|entry| entry.at);
    entries
}

#[test]
fn no_amount_of_any_number_of_lives_drifts_from_the_integral_in_the_last_place() {
    let now = Timestamp::from_second(START + i64::try_from(SPAN).unwrap()).unwrap();
    let mut chance = "lives".parse::<Seed>().unwrap().chance("lives");
    let mut sums: BTreeMap<Currency, (i128, Amount)> = BTreeMap::new();
    let mut first = 1;
    while first <= lives() {
        let last = (first + BATCH - 1).min(lives());
        let currency = if chance.one_in(1, 4) { Currency::Usd } else { Currency::Cny };
        let entries = ledger(first..last + 1, &mut chance, currency);
        let bill = Bill::of(&usages(&entries, now), &Tariff::of(currency));
        let (exact, told) = (integral(&entries, now.as_second(), currency), billed(&bill.lines));
        if let Some((hour, sum)) = exact.iter().find(|(hour, sum)| told.get(*hour) != Some(sum)) {
            panic!("{hour:?} of the lives {first} to {last}: {sum} and not {:?}", told.get(hour));
        }
        assert_eq!(
            exact.len(),
            told.len(),
            "something is billed that is nothing, of the lives {first} to {last}"
        );
        let sum = sums.entry(currency).or_default();
        sum.0 += exact.values().sum::<i128>();
        sum.1 += bill.total.known().unwrap();
        first = last + 1;
    }
    for (currency, (exact, told)) in sums {
        let exact = Decimal::from_i128_with_scale(exact, 10);
        assert_eq!(told.decimal(), exact.normalize(), "{currency}");
        assert!(exact > Decimal::ZERO && Cost::Known(told).known().is_ok());
    }
}
