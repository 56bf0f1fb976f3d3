//! Tests of a bill's views: no view loses money, and each line is found by what it says.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::billing::meter::Usage;
use crate::ledger::BillingRecord;
use crate::money::Currency;
use crate::prices::Tariff;
use crate::terms::{Basis, Category, InstanceTerms, PricingTerms, Size, Spot};

/// Everything by which a bill can be grouped.
fn dimensions() -> Vec<Dimension> {
    let names = NAMES.iter().map(|(_, dimension)| dimension.clone());
    names.chain([Dimension::Tag("team".to_owned())]).collect()
}

fn terms(kind: usize) -> PricingTerms {
    let basis = |basis| InstanceTerms::of(Size::DEFAULT, basis).into();
    match kind {
        0 => basis(Basis::Size(Category::Default)),
        1 => basis(Basis::Size(Category::Economy)),
        2 => basis(Basis::Type("ecs.c5.large".into())),
        3 => {
            let hourly = crate::money::Hourly { amount: Decimal::new(56, 3), currency: Currency::Cny };
            let spot = Spot { instance_type: Some("ecs.c5.large".into()), hourly: Some(hourly) };
            basis(Basis::Spot(spot))
        }
        4 => PricingTerms::Snapshot { gib: 2 },
        _ => basis(Basis::Type("ecs.gn6i-c4g1.xlarge".into())),
    }
}

/// A usage of a pod, or of nobody's group.
pub(in crate::billing) fn usage(
    number: u64,
    kind: usize,
    pod: Option<(&str, &str)>,
    (from, seconds): (i64, i64),
) -> Usage {
    let tag = |key: &str, value: &str| (Box::from(key), Box::from(value));
    let tags = pod.map_or_else(Vec::new, |(namespace, name)| {
        vec![
            tag("NameSpace", namespace),
            tag("PodName", name),
            tag("OwnerReferenceKind", "Job"),
            tag("OwnerReferenceName", "nightly"),
            tag("NodeName", "virtual-kubelet"),
            tag("team", "shop"),
        ]
    });
    let group = Arc::new(BillingRecord {
        number,
        id: format!("eci-{number}").into(),
        name: "web".into(),
        account: "local".into(),
        region: "cn-hangzhou".into(),
        zone: if number.is_multiple_of(2) { "cn-hangzhou-b" } else { "cn-hangzhou-i" }.into(),
        tags,
        requested: number.is_multiple_of(3).then_some(Size::DEFAULT),
        terms: terms(kind),
    });
    let from = 1_767_258_000 + from;
    Usage { group, from, to: from + seconds }
}

pub(in crate::billing) fn bill(usages: &[Usage]) -> Bill {
    Bill::of(usages, &Tariff::of(Currency::Cny))
}

#[test]
fn a_pod_s_lines_are_found_by_what_its_group_s_tags_say() {
    let web = usage(2, 0, Some(("vk", "web")), (0, 3600));
    let all = bill(&[web.clone(), usage(3, 3, None, (0, 3600))]);
    let found = |query: BillQuery| {
        let own = all.clone().selected(&query);
        own.lines.iter().map(|line| line.group_id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let some = |text: &str| Some(text.to_owned());
    for (id, query) in [
        ("eci-2", BillQuery { pod: some("vk/web"), ..BillQuery::default() }),
        ("eci-2", BillQuery { namespace: some("vk"), ..BillQuery::default() }),
        ("eci-2", BillQuery { owner: some("Job/nightly"), ..BillQuery::default() }),
        ("eci-2", BillQuery { node: some("virtual-kubelet"), ..BillQuery::default() }),
        ("eci-2", BillQuery { tag: some("team=shop"), ..BillQuery::default() }),
        ("eci-2", BillQuery { tag: some("team"), ..BillQuery::default() }),
        ("eci-2", BillQuery { category: some("default"), ..BillQuery::default() }),
        ("eci-3", BillQuery { spot: Some(true), ..BillQuery::default() }),
        ("eci-3", BillQuery { zone: some("cn-hangzhou-i"), ..BillQuery::default() }),
        ("eci-3", BillQuery { instance_type: some("ecs.c5.large"), ..BillQuery::default() }),
        ("", BillQuery { tag: some("team=other"), ..BillQuery::default() }),
        ("", BillQuery { pod: some("web"), ..BillQuery::default() }),
        ("eci-2 eci-3", BillQuery { account: some("local"), ..BillQuery::default() }),
    ] {
        assert_eq!(found(query.clone()), id, "{query:?}");
    }
}

#[test]
fn a_spot_line_has_the_market_s_price_beside_the_list_s() {
    let line = bill(&[usage(2, 3, None, (0, 1800))]).lines.remove(0);
    assert_eq!(line.unit_price(), Some(Decimal::new(56, 3)));
    assert_eq!((line.amount.to_string(), line.list_amount().to_string()), ("0.028".into(), "0.31".into()));
}

#[test]
fn a_group_says_what_was_asked_beside_what_was_bought() {
    let bill = bill(&[usage(3, 1, None, (0, 60)), usage(4, 1, None, (0, 60))]);
    let group = bill.by(&[Dimension::Category]).remove(0);
    assert_eq!(group.by["category"], "economy");
    assert_eq!((group.vcpu_seconds, group.gib_seconds), (Decimal::from(240), Decimal::from(480)));
    assert_eq!(
        (group.requested_vcpu_seconds, group.requested_gib_seconds),
        (Decimal::from(120), Decimal::from(240)),
        "that of one of them is not known"
    );
}

#[test]
fn a_name_that_is_no_dimension_is_refused_with_the_nearest() {
    let why = "namespce".parse::<Dimension>().unwrap_err().to_string();
    assert!(
        why.starts_with("a bill cannot be grouped by `namespce`; did you mean `namespace`?; it can by"),
        "{why}"
    );
    assert!("tag:".parse::<Dimension>().is_err());
    for dimension in dimensions() {
        assert_eq!(dimension.to_string().parse(), Ok(dimension));
    }
}

proptest! {
    #[test]
    fn no_view_of_a_bill_loses_money(
        lives in prop::collection::vec((0usize..6, 0usize..4, 0i64..20_000, 1i64..9000), 0..12),
        by in prop::collection::vec(prop::sample::select(dimensions()), 0..4),
        zone in prop::sample::select(vec!["cn-hangzhou-b", "cn-hangzhou-i", "nowhere"]),
    ) {
        let pods = [None, Some(("vk", "web")), Some(("vk", "db")), Some(("", "web"))];
        let usages: Vec<_> = (1..)
            .zip(&lives)
            .map(|(number, (kind, pod, from, seconds))| usage(number, *kind, pods[*pod], (*from, *seconds)))
            .collect();
        let bill = bill(&usages);
        let groups = bill.by(&by);
        let sum = |costs: &mut dyn Iterator<Item = Cost>| costs.sum::<Cost>();
        // Which of several missing prices is named depends on the order.
        prop_assert_eq!(sum(&mut groups.iter().map(|group| group.amount.clone())).known().ok(), bill.total.known().ok());
        prop_assert_eq!(groups.iter().map(|group| group.lines).sum::<usize>(), bill.lines.len());
        prop_assert_eq!(
            groups.iter().map(|group| group.seconds).sum::<u64>(),
            bill.lines.iter().map(|line| line.seconds).sum::<u64>()
        );
        let inside = BillQuery { zone: Some(zone.to_owned()), ..BillQuery::default() };
        let (own, others): (Vec<_>, Vec<_>) = bill.lines.iter().cloned().partition(|line| inside.selects(line));
        let selected = bill.clone().selected(&inside);
        prop_assert_eq!(&selected.lines, &own);
        let both = selected.total + sum(&mut others.into_iter().map(|line| line.amount));
        prop_assert_eq!(both.known().ok(), bill.total.known().ok());
    }
}
