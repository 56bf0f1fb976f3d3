//! Tests of commitments: their order, what they share in an hour, and terms that cannot be.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::billing::view::tests::usage;
use crate::billing::{AccountTerms, Bill};
use crate::money::Currency;
use crate::prices::Tariff;

/// Kinds of usages in the tests of views: by size, economy, by type, spot.
const SIZE: usize = 0;
const TYPE: usize = 2;
const SPOT: usize = 3;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// So many reserved instances of ecs.c5.large in cn-hangzhou, through 2025 and 2026.
pub fn reserved(count: u32) -> ReservedInstance {
    ReservedInstance {
        id: "ri-1".into(),
        instance_type: "ecs.c5.large".into(),
        region: "cn-hangzhou".into(),
        zone: None,
        count,
        hourly: None,
        from: "2025-01-01T00:00:00Z".parse().unwrap(),
        to: "2027-01-01T00:00:00Z".parse().unwrap(),
    }
}

/// A savings plan through 2025 and 2026.
pub fn plan(kind: PlanKind, hourly: &str, discount: &str) -> SavingsPlan {
    let ReservedInstance { from, to, .. } = reserved(1);
    SavingsPlan { id: "sp-1".into(), kind, hourly: decimal(hourly), discount: decimal(discount), from, to }
}

fn bill(usages: &[crate::billing::meter::Usage], terms: AccountTerms, currency: Currency) -> Bill {
    Bill::with(usages, &Tariff::of(currency), &BTreeMap::from([("local".to_owned(), terms)]))
}

fn amount(cost: &crate::billing::Cost) -> Decimal {
    cost.known().unwrap().decimal()
}

#[test]
fn a_reserved_instance_pays_first_then_a_savings_plan_and_a_discount_takes_from_what_is_left() {
    let general = |hourly| vec![plan(PlanKind::General, hourly, "0.5")];
    let compute = vec![plan(PlanKind::EcsCompute, "9", "0.5")];
    let terms = |reserved_instances: Vec<ReservedInstance>, savings_plans, discount| AccountTerms {
        discount: decimal(discount),
        reserved_instances,
        savings_plans,
        ..AccountTerms::default()
    };
    for (what, kind, terms, paid, by) in [
        ("nothing is agreed", TYPE, terms(vec![], vec![], "0"), "0.62", ""),
        ("reserved", TYPE, terms(vec![reserved(1)], vec![], "0"), "0", "ri-1 0.62"),
        ("both", TYPE, terms(vec![reserved(1)], general("9"), "0.1"), "0", "ri-1 0.62"),
        ("a plan for all of it", TYPE, terms(vec![], general("0.31"), "0"), "0", "sp-1 0.62"),
        ("a plan for a part", TYPE, terms(vec![], general("0.1"), "0"), "0.42", "sp-1 0.2"),
        ("and a discount", TYPE, terms(vec![], general("0.1"), "0.5"), "0.21", "sp-1 0.2 discount 0.21"),
        ("a size, of no reserved type", SIZE, terms(vec![reserved(1)], vec![], "0"), "0.441072", ""),
        ("a size under a plan for types", SIZE, terms(vec![], compute.clone(), "0"), "0.441072", ""),
        ("a type under it", TYPE, terms(vec![], compute, "0"), "0", "sp-1 0.62"),
        ("spot", SPOT, terms(vec![reserved(1)], general("9"), "0.5"), "0.056", ""),
    ] {
        let line = bill(&[usage(2, kind, None, (0, 3600))], terms, Currency::Cny).lines.remove(0);
        let covered: Vec<_> = line.covered.iter().map(|c| format!("{} {}", c.by, c.amount)).collect();
        assert_eq!(
            (amount(&line.amount).normalize(), covered.join(" ")),
            (decimal(paid), by.to_owned()),
            "{what}"
        );
        assert_eq!(line.is_fully_covered(), paid == "0", "{what}");
    }
}

#[test]
fn instances_of_an_hour_share_what_is_reserved_and_what_a_plan_pays() {
    let two = [usage(2, TYPE, None, (0, 3600)), usage(4, TYPE, None, (0, 3600))];
    let one_reserved = AccountTerms { reserved_instances: vec![reserved(1)], ..AccountTerms::default() };
    let lines = bill(&two, one_reserved, Currency::Cny).lines;
    assert_eq!(lines.iter().map(|line| line.amount.to_string()).collect::<Vec<_>>(), ["0", "0.62"]);
    let both = vec![reserved(1), ReservedInstance { id: "ri-2".into(), ..reserved(1) }];
    let two_reserved = AccountTerms { reserved_instances: both, ..AccountTerms::default() };
    assert_eq!(bill(&two, two_reserved, Currency::Cny).total.to_string(), "0");
    let plans = vec![plan(PlanKind::General, "0.31", "0.5")];
    let planned = AccountTerms { savings_plans: plans, ..AccountTerms::default() };
    assert_eq!(bill(&two, planned, Currency::Cny).total.to_string(), "0.62");
}

#[test]
fn a_commitment_holds_in_its_term_its_place_and_for_its_account_alone() {
    let hour = [usage(2, TYPE, None, (0, 3600))];
    let elsewhere = ReservedInstance { zone: Some("cn-hangzhou-i".into()), ..reserved(1) };
    let over = ReservedInstance { to: "2026-01-01T09:00:00Z".parse().unwrap(), ..reserved(1) };
    for reserved in [elsewhere, over] {
        let terms = AccountTerms { reserved_instances: vec![reserved], ..AccountTerms::default() };
        assert_eq!(bill(&hour, terms, Currency::Cny).total.to_string(), "0.62");
    }
    let terms = AccountTerms { reserved_instances: vec![reserved(1)], ..AccountTerms::default() };
    let accounts = BTreeMap::from([("somebody".to_owned(), terms)]);
    assert_eq!(Bill::with(&hour, &Tariff::of(Currency::Cny), &accounts).total.to_string(), "0.62");
}

#[test]
fn terms_that_cannot_be_are_refused_in_a_sentence() {
    let with_plan = |plan| AccountTerms { savings_plans: vec![plan], ..AccountTerms::default() };
    let with_reserved = |own| AccountTerms { reserved_instances: vec![own], ..AccountTerms::default() };
    let general = || plan(PlanKind::General, "1", "0.5");
    let early = general().from;
    for (terms, wanted) in [
        (
            AccountTerms { discount: decimal("1"), ..AccountTerms::default() },
            "the discount of the account is 1; it should be 0 or more, and less than 1",
        ),
        (with_plan(SavingsPlan { discount: decimal("-0.1"), ..general() }), "the discount of sp-1 is -0.1"),
        (
            AccountTerms { balance: Some(decimal("-5")), ..AccountTerms::default() },
            "the balance of the account is -5; it should be 0 or more",
        ),
        (
            with_plan(SavingsPlan { hourly: decimal("-1"), ..general() }),
            "the commitment sp-1 costs -1 an hour; it should be 0 or more",
        ),
        (
            with_plan(SavingsPlan { to: early, ..general() }),
            "the commitment sp-1 ends at 2025-01-01T00:00:00Z, and begins at",
        ),
        (
            AccountTerms { savings_plans: vec![general(), general()], ..AccountTerms::default() },
            "two commitments are called sp-1",
        ),
        (
            with_reserved(ReservedInstance { instance_type: "ecs.c5.lage".into(), ..reserved(1) }),
            "`ecs.c5.lage`, which does not exist; did you mean `ecs.c5.large`?",
        ),
        (
            with_reserved(ReservedInstance { region: "cn-hangzou".into(), ..reserved(1) }),
            "`cn-hangzou`, where nothing is sold; did you mean `cn-hangzhou`?",
        ),
        (
            with_reserved(ReservedInstance { zone: Some("cn-hangzhou-x".into()), ..reserved(1) }),
            "`cn-hangzhou-x`, where nothing is sold",
        ),
    ] {
        let why = terms.check().unwrap_err().to_string();
        assert!(why.contains(wanted), "{why}");
    }
    assert_eq!(with_plan(general()).check(), Ok(()));
}

proptest! {
    #[test]
    fn what_is_paid_and_what_is_covered_are_the_list_price_together(
        lives in prop::collection::vec((0usize..2, 0i64..20_000, 1i64..9000), 1..10),
        hourly in 0i64..500, discount in 0i64..90, own in 0i64..90,
    ) {
        let usages: Vec<_> = (1..)
            .zip(&lives)
            .map(|(number, (kind, from, seconds))| usage(number, *kind, None, (*from, *seconds)))
            .collect();
        let savings_plans =
            vec![SavingsPlan { hourly: Decimal::new(hourly, 3), discount: Decimal::new(discount, 2), ..plan(PlanKind::General, "0", "0") }];
        let terms = AccountTerms { discount: Decimal::new(own, 2), savings_plans, ..AccountTerms::default() };
        // In USD small amounts are not settled.
        let list = bill(&usages, AccountTerms::default(), Currency::Usd);
        let reduced = bill(&usages, terms, Currency::Usd);
        let covered: Amount = reduced.lines.iter().flat_map(|line| &line.covered).map(|covered| covered.amount).sum();
        let difference = amount(&list.total) - amount(&reduced.total) - covered.decimal();
        prop_assert!(difference.abs() < Decimal::new(1, 6), "{difference}");
        prop_assert!(reduced.lines.iter().all(|line| amount(&line.amount) >= Decimal::ZERO));
        prop_assert!(amount(&reduced.total) <= amount(&list.total));
    }
}
