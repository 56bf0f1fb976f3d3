//! The bill against an oracle of its own: an integral over the ledger, settled for each instance and hour.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::integral::{billed, integral};
use crate::support::{START_TIME, container, create, group, look, sim, status, wait};
use determinism::Clock;
use eci_api::actions::update_container_group::Tag;
use eci_api::actions::{
    CreateContainerGroup, DeleteContainerGroup, ResizeContainerGroupEphemeralStorage, UpdateContainerGroup,
};
use eci_sim::market::Quote;
use eci_sim::{BillLine, Cost, Currency, EciSim};
use jiff::Timestamp;
use proptest::prelude::*;

fn integral_of(sim: &EciSim, currency: Currency) -> std::collections::BTreeMap<(String, i64), i128> {
    integral(&sim.control().ledger(), sim.control().now().as_second(), currency)
}

/// One thing that happens in a life.
#[derive(Debug, Clone)]
enum Deed {
    Create { vcpu: u32, memory: u32, category: Option<&'static str> },
    CreateType,
    CreateSpot,
    Wait(u64),
    Market(u32),
    Resize { vcpu: u32, memory: u32 },
    Retag(u32),
    Storage,
    Delete,
}

fn deed() -> impl Strategy<Value = Deed> {
    let category = prop::sample::select(vec![None, Some("economy"), Some("general")]);
    let create = (1u32..8, 1u32..16, category);
    prop_oneof![
        2 => create.prop_map(|(vcpu, memory, category)| Deed::Create { vcpu, memory, category }),
        1 => Just(Deed::CreateType),
        2 => Just(Deed::CreateSpot),
        4 => (1u64..90).prop_map(Deed::Wait),
        3 => (90u64..5000).prop_map(Deed::Wait),
        2 => (1u32..300).prop_map(Deed::Market),
        1 => (1u32..8, 1u32..16).prop_map(|(vcpu, memory)| Deed::Resize { vcpu, memory }),
        2 => (0u32..4).prop_map(Deed::Retag),
        1 => Just(Deed::Storage),
        1 => Just(Deed::Delete),
    ]
}

fn act(sim: &EciSim, number: usize, deed: &Deed) {
    let latest = sim.control().groups().pop().map(|group| group.id);
    let named = || group(&format!("group-{number}"), vec![container("web", "nginx", &[])]);
    let update = UpdateContainerGroup { container_group_id: latest.clone(), ..Default::default() };
    // What cannot be done at the moment is refused, and costs nothing.
    match deed.clone() {
        Deed::Create { vcpu, memory, category } => {
            let compute_category = category.iter().map(|name| (*name).to_owned()).collect();
            let (cpu, memory) = (Some(vcpu.into()), Some(memory.into()));
            let _created = sim.act(&CreateContainerGroup { cpu, memory, compute_category, ..named() });
        }
        Deed::CreateType => {
            let instance_type = Some("ecs.c5.large".to_owned());
            let _created = sim.act(&CreateContainerGroup { instance_type, ..named() });
        }
        Deed::CreateSpot => {
            let (strategy, spot_duration) = (Some("SpotAsPriceGo".to_owned()), Some(0));
            let _created =
                sim.act(&CreateContainerGroup { spot_strategy: strategy, spot_duration, ..named() });
        }
        Deed::Wait(seconds) => wait(sim, seconds),
        Deed::Market(thousandths) => {
            let hourly = rust_decimal::Decimal::new(thousandths.into(), 3);
            let from = sim.control().clock().now();
            sim.control().quote(Quote { what: "*".into(), zone: "*".into(), currency: None, from, hourly });
        }
        Deed::Resize { vcpu, memory } => {
            let (cpu, memory) = (Some(vcpu.into()), Some(memory.into()));
            let _updated = sim.act(&UpdateContainerGroup { cpu, memory, ..update });
        }
        Deed::Retag(team) => {
            let tag = vec![Tag { key: Some("team".into()), value: Some(team.to_string()) }];
            let _updated = sim.act(&UpdateContainerGroup { tag, ..update });
        }
        Deed::Storage => {
            let resize = ResizeContainerGroupEphemeralStorage {
                container_group_id: latest,
                new_size: Some("25".into()),
                ..Default::default()
            };
            let _resized = sim.act(&resize);
        }
        Deed::Delete => {
            let container_group_id = latest;
            let _deleted = sim.act(&DeleteContainerGroup { container_group_id, ..Default::default() });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bill_is_the_integral_of_the_ledger_settled_for_each_instance_and_hour(
        deeds in prop::collection::vec(deed(), 1..40),
    ) {
        let sim = sim();
        let mut closed: Vec<BillLine> = Vec::new();
        for (number, deed) in deeds.iter().enumerate() {
            act(&sim, number, deed);
            let bill = sim.control().bill();
            for line in &closed {
                prop_assert!(bill.lines.contains(line), "a closed hour changed: {line}");
            }
            let hour = sim.control().now().as_second().div_euclid(3600) * 3600;
            closed = bill.lines.into_iter().filter(|line| line.to.as_second() <= hour).collect();
        }
        let bill = sim.control().bill();
        prop_assert_eq!(billed(&bill.lines), integral_of(&sim, Currency::Cny));
        prop_assert_eq!(bill.lines.iter().map(|line| line.amount.clone()).sum::<Cost>(), bill.total);
        for line in &bill.lines {
            let Ok(amount) = line.amount.known().map(eci_sim::Amount::decimal) else { continue };
            prop_assert!(!amount.is_sign_negative() && amount.scale() <= 10, "{line}");
        }
    }
}

#[test]
fn in_dollars_the_integral_is_the_same_without_small_amounts() {
    let clock = Clock::still(START_TIME.parse().unwrap());
    let sim = EciSim::builder().clock(clock).currency(Currency::Usd).build();
    for seconds in [30, 3600, 90] {
        create(&sim, &group("web", vec![container("web", "nginx", &[])]));
        wait(&sim, seconds);
    }
    let bill = sim.control().bill();
    assert_eq!(bill.currency, Currency::Usd);
    assert_eq!(billed(&bill.lines), integral_of(&sim, Currency::Usd));
}

#[test]
fn a_market_that_moves_every_five_minutes_is_billed_and_not_rounded_away() {
    let sim = sim();
    let at =
        |minutes: i64| START_TIME.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minutes);
    for step in 0..48 {
        let hourly = rust_decimal::Decimal::new(50 + step % 2, 3);
        let from = at(step * 5);
        sim.control().quote(Quote { what: "*".into(), zone: "*".into(), currency: None, from, hourly });
    }
    let spot = CreateContainerGroup {
        spot_strategy: Some("SpotAsPriceGo".into()),
        spot_duration: Some(0),
        ..group("web", vec![container("web", "nginx", &[])])
    };
    create(&sim, &spot);
    wait(&sim, 3 * 3600);
    let bill = sim.control().bill();
    assert!(bill.lines.len() > 30, "each new price is a line of its own");
    let total = bill.total.known().unwrap().decimal();
    assert!(total > "0.15".parse().unwrap() && total < "0.153".parse().unwrap(), "{total}");
}

#[test]
fn tags_count_from_when_they_are_given_and_closed_hours_keep_theirs() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    wait(&sim, 2 * 3600 + 1800);
    let before = sim.control().bill().lines;
    let tag = vec![Tag { key: Some("team".into()), value: Some("shop".into()) }];
    sim.act(&UpdateContainerGroup { container_group_id: Some(id), tag, ..Default::default() }).unwrap();
    wait(&sim, 1800);
    let after = sim.control().bill().lines;
    assert_eq!(before[..3], after[..3]);
    let teams: Vec<_> = after.iter().map(|line| line.tags.get("team").map(String::as_str)).collect();
    assert_eq!(teams, [None, None, None, Some("shop")]);
    assert_eq!(after[2].to, after[3].from);
}

#[test]
fn caches_and_virtual_nodes_are_called_what_they_are() {
    use eci_api::actions::{CreateImageCache, CreateVirtualNode};
    let sim = sim();
    let image = vec!["nginx:1.25".to_owned()];
    let name = Some("web".to_owned());
    sim.act(&CreateImageCache { image_cache_name: name, image, ..Default::default() }).unwrap();
    let (group, switch) = (Some("sg-1".to_owned()), Some("vsw-1".to_owned()));
    sim.act(&CreateVirtualNode { security_group_id: group, vswitch_id: switch, ..Default::default() })
        .unwrap();
    wait(&sim, 600);
    let items: Vec<_> = sim.control().bill().lines.iter().map(|line| line.item.to_string()).collect();
    assert_eq!(items, ["image_cache", "snapshot", "virtual_node"]);
}

#[test]
fn a_gpu_type_without_a_price_is_billed_as_not_known_and_others_go_on() {
    let sim = sim();
    let mut with_gpu = container("train", "busybox", &["sleep", "60"]);
    with_gpu.gpu = Some(1);
    let instance_type = Some("ecs.gn6i-c4g1.xlarge".to_owned());
    let id = create(&sim, &CreateContainerGroup { instance_type, ..group("train", vec![with_gpu]) });
    create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    wait(&sim, 1800);
    assert_eq!(look(&sim, &id).unwrap().instance_type, "ecs.gn6i-c4g1.xlarge");
    assert_ne!(status(&sim, &id), "ScheduleFailed");
    let bill = sim.control().bill();
    let said = bill.total.to_string();
    assert!(said.starts_with("no price is known for ecs.gn6i-c4g1.xlarge in cn-hangzhou-"), "{said}");
    assert!(said.ends_with("give one with --price-file"), "{said}");
    assert!(
        bill.lines.iter().filter(|line| *line.group_name == *"web").all(|line| line.amount.known().is_ok())
    );
}
