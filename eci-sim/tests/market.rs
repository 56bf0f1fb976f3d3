//! Spot instances, stock, public and kept addresses, tokens, and how an account stands.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{container, create, group, look, once, sim, status, wait, wait_until};
use eci_api::actions::{
    CreateContainerGroup, CreateContainerGroupFromTemplate, DeleteContainerGroup,
    DescribeContainerGroupPrice, ExportContainerGroupTemplate,
};
use eci_sim::EciSim;
use eci_sim::market::Quote;
use eci_sim::world::standing::Standing;

fn web() -> CreateContainerGroup {
    group("web", vec![container("web", "nginx:1.25", &[])])
}

fn spot(limit: &str, hours: i64) -> CreateContainerGroup {
    CreateContainerGroup {
        spot_strategy: Some("SpotWithPriceLimit".into()),
        spot_price_limit: Some(limit.parse().unwrap()),
        spot_duration: Some(hours),
        ..web()
    }
}

/// From now on an hour costs this on the market.
fn market(sim: &EciSim, hourly: &str) {
    let from = sim.control().clock().now();
    let hourly = hourly.parse().unwrap();
    sim.control().quote(Quote { what: "*".into(), zone: "*".into(), currency: None, from, hourly });
}

#[test]
fn a_spot_instance_is_matched_to_a_type_and_costs_what_the_market_says() {
    let sim = sim();
    market(&sim, "0.056");
    let id = create(&sim, &spot("0.2", 1));
    wait(&sim, 60);
    let group = look(&sim, &id).unwrap();
    assert_eq!(
        (group.instance_type.as_str(), group.spot_strategy.as_str()),
        ("ecs.c5.large", "SpotWithPriceLimit")
    );
    assert_eq!(group.spot_price_limit.to_string(), "0.2");
    wait(&sim, 3600);
    let bill = sim.control().bill();
    let hour = bill.lines.iter().find(|line| line.seconds > 3500).unwrap();
    let expected = rust_decimal::Decimal::new(56, 3) * rust_decimal::Decimal::from(hour.seconds)
        / rust_decimal::Decimal::from(3600);
    assert_eq!(hour.amount.known().unwrap().decimal(), expected.round_dp(10));
}

#[test]
fn above_its_limit_a_spot_instance_is_told_three_minutes_before_it_expires() {
    let sim = sim();
    market(&sim, "0.1");
    let id = create(&sim, &spot("0.2", 1));
    wait_until(&sim, &id, "Running");
    market(&sim, "0.3");
    wait(&sim, 3500);
    assert_eq!(status(&sim, &id), "Running", "it is protected for an hour");
    wait_until(&sim, &id, "Expired");
    let group = look(&sim, &id).unwrap();
    let event = group.events.iter().find(|event| event.reason == "SpotToBeReleased").unwrap();
    assert_eq!(event.message, "Spot ECI will be released in 3 minutes");
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(at(&group.expired_time) - at(&event.last_timestamp), 180);
}

#[test]
fn a_spot_instance_without_protection_is_looked_at_every_five_minutes_for_price_and_stock() {
    for sold_out in [false, true] {
        let sim = sim();
        market(&sim, "0.1");
        let id = create(&sim, &spot("0.2", 0));
        wait(&sim, 900);
        assert_eq!(status(&sim, &id), "Running");
        match sold_out {
            true => sim.control().sell_out(look(&sim, &id).unwrap().zone_id),
            false => market(&sim, "0.3"),
        }
        let changed = sim.control().clock().now();
        let expired = wait_until(&sim, &id, "Expired");
        let took = expired
            - (changed.as_second()
                - crate::support::START_TIME.parse::<jiff::Timestamp>().unwrap().as_second());
        assert!((180..=480).contains(&took), "five minutes at most, and three of notice: {took}");
        let cost = sim.control().bill().total;
        wait(&sim, 3000);
        assert_eq!(sim.control().bill().total, cost, "what expired costs nothing more");
    }
}

#[test]
fn after_its_protected_hours_a_spot_instance_follows_the_market() {
    let sim = sim();
    market(&sim, "0.1");
    create(&sim, &CreateContainerGroup { spot_strategy: Some("SpotAsPriceGo".into()), ..web() });
    wait(&sim, 600);
    market(&sim, "0.2");
    wait(&sim, 10_800);
    let ledger: Vec<_> = sim.control().ledger().iter().map(ToString::to_string).collect();
    let changed: Vec<_> = ledger.iter().filter(|line| line.contains("changed")).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].ends_with("spot at 0.2 an hour"), "{changed:?}");
}

#[test]
fn what_the_market_does_not_give_is_refused_with_what_it_would_cost() {
    let sim = sim();
    market(&sim, "0.3");
    for (request, code, word) in [
        (spot("0.2", 1), "Spot.NotMatched", "0.3 an hour, above the limit of 0.2"),
        (
            CreateContainerGroup { spot_price_limit: None, ..spot("0.2", 1) },
            "MissingParameter",
            "SpotPriceLimit",
        ),
        (
            CreateContainerGroup { cpu: Some(64.into()), memory: Some(513.into()), ..spot("9", 1) },
            "InvalidSpotCpuMemorySpec",
            "64.0-512.0Gi",
        ),
        (
            CreateContainerGroup { compute_category: vec!["economy".into()], ..spot("9", 1) },
            "FeatureBasedConstraintConflict",
            "ComputeCategory",
        ),
    ] {
        let refusal = sim.act(&request).unwrap_err();
        assert_eq!(refusal.wire_code(), code, "{refusal}");
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

#[test]
fn the_price_of_a_spot_instance_is_told_zone_by_zone_beside_the_list_price() {
    let sim = sim();
    market(&sim, "0.056");
    let request = DescribeContainerGroupPrice {
        instance_type: Some("ecs.c5.large".into()),
        spot_strategy: Some("SpotAsPriceGo".into()),
        ..Default::default()
    };
    let info = sim.act(&request).unwrap().price_info.unwrap();
    let zones = info.spot_prices.unwrap().spot_price;
    assert_eq!(zones.len(), 7);
    assert_eq!(
        (zones[0].origin_price.to_string(), zones[0].spot_price.to_string()),
        ("0.62".into(), "0.056".into())
    );
    let price = info.price.unwrap();
    assert_eq!(price.trade_price.0, price.original_price.0 - price.discount_price.0);
}

#[test]
fn what_is_sold_out_in_one_vswitch_or_type_is_found_in_the_next() {
    let sim = sim();
    sim.control().sell_out("cn-hangzhou-b");
    sim.control().sell_out("cn-hangzhou-e/ecs.c6.large");
    let request = CreateContainerGroup {
        vswitch_id: Some("vsw-1,vsw-2".into()),
        instance_type: Some("ecs.c6.large,ecs.c5.large".into()),
        ..web()
    };
    let id = create(&sim, &request);
    let group = look(&sim, &id).unwrap();
    assert_eq!((group.zone_id.as_str(), group.instance_type.as_str()), ("cn-hangzhou-e", "ecs.c5.large"));
}

#[test]
fn a_public_address_that_is_brought_along_is_one_group_s_until_it_ends() {
    let sim = sim();
    let with_eip = |name: &str| CreateContainerGroup {
        eip_instance_id: Some("eip-1".into()),
        ..once(name, &["sleep", "60"])
    };
    let first = create(&sim, &with_eip("first"));
    wait(&sim, 30);
    assert!(look(&sim, &first).unwrap().internet_ip.starts_with("198.19."));
    let refusal = sim.act(&with_eip("second")).unwrap_err();
    assert_eq!(refusal.wire_code(), "IncorrectOperation");
    assert!(refusal.to_string().contains(&first), "{refusal}");
    wait(&sim, 120);
    create(&sim, &with_eip("second"));
}

#[test]
fn a_fixed_address_waits_two_days_for_the_next_group_of_the_name() {
    let sim = sim();
    let fixed = |name: &str| CreateContainerGroup { fixed_ip: Some("true".into()), ..once(name, &["true"]) };
    let address = |id: &str| {
        wait(&sim, 60);
        look(&sim, id).unwrap().intranet_ip
    };
    let first = address(&create(&sim, &fixed("web")));
    let other = address(&create(&sim, &fixed("other")));
    assert_ne!(first, other);
    wait(&sim, 47 * 3600);
    assert_eq!(address(&create(&sim, &fixed("web"))), first);
    wait(&sim, 49 * 3600);
    assert_ne!(address(&create(&sim, &fixed("web"))), first);
}

#[test]
fn the_same_token_gives_the_same_answer_and_another_request_is_told_apart() {
    let sim = sim();
    let request = CreateContainerGroup { client_token: Some("t".into()), ..web() };
    let first = create(&sim, &request);
    wait(&sim, 3600);
    assert_eq!(create(&sim, &request), first);
    let other = CreateContainerGroup { cpu: Some(4.into()), ..request.clone() };
    assert_eq!(sim.act(&other).unwrap_err().wire_code(), "IdempotentParameterMismatch");
    let delete = |id: &str| DeleteContainerGroup {
        client_token: Some("d".into()),
        container_group_id: Some(id.into()),
        ..Default::default()
    };
    sim.act(&delete(&first)).unwrap();
    sim.act(&delete(&first)).unwrap();
    assert_eq!(sim.control().groups().len(), 0);
}

#[test]
fn an_account_that_does_not_stand_well_makes_nothing() {
    let sim = sim();
    for (standing, code) in [
        (Standing::Arrears, "Account.Arrearage"),
        (Standing::NoPayment, "InvalidPaymentMethod.InsufficientBalance"),
        (Standing::Closed, "Forbidden.AccountClosed"),
        (Standing::Unverified, "Forbidden.UserNotRealNameAuthentication"),
    ] {
        sim.control().set_standing("local", standing);
        assert_eq!(sim.act(&web()).unwrap_err().wire_code(), code);
    }
    sim.control().set_standing("local", Standing::Good);
    create(&sim, &web());
}

#[test]
fn a_group_that_is_exported_and_made_again_is_the_same() {
    let sim = sim();
    let id = create(&sim, &CreateContainerGroup { cpu: Some(4.into()), memory: Some(8.into()), ..web() });
    let export = ExportContainerGroupTemplate { container_group_id: Some(id.clone()), ..Default::default() };
    let template = sim.act(&export).unwrap().template.unwrap();
    let made = CreateContainerGroupFromTemplate {
        template: Some(serde_json::to_string(&template).unwrap()),
        ..Default::default()
    };
    let copy = sim.act(&made).unwrap().container_group_id;
    let (mut first, second) = (look(&sim, &id).unwrap(), look(&sim, &copy).unwrap());
    assert_ne!(first.container_group_id, second.container_group_id);
    (first.container_group_id, first.intranet_ip) =
        (second.container_group_id.clone(), second.intranet_ip.clone());
    first.events.clone_from(&second.events);
    assert_eq!(first, second);
}

#[test]
fn two_accounts_in_two_regions_know_nothing_of_each_other() {
    let clock = determinism::Clock::still(crate::support::START_TIME.parse().unwrap());
    let secret = |text: &str| eci_api::signature::Secret::new(text);
    let sim =
        EciSim::builder().clock(clock).credential("a", secret("sa")).credential("b", secret("sb")).build();
    let mut number = 0;
    let mut call = |key: &str, region: &str, action: &str, more: &[(&str, &str)]| {
        number += 1;
        let mut pairs: eci_api::query::Pairs = vec![("RegionId".into(), region.into())];
        pairs.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (now, secret) = (crate::support::START_TIME.parse().unwrap(), secret(&format!("s{key}")));
        eci_api::signature::rpc::complete(
            &mut pairs,
            action,
            (key, &secret),
            "POST",
            now,
            &format!("n{number}"),
        );
        let incoming = eci_sim::Incoming {
            method: "POST".into(),
            path: "/".into(),
            query: eci_api::query::render(&pairs),
            ..eci_sim::Incoming::default()
        };
        let answer = sim.exchange(incoming).answer.unwrap();
        serde_json::from_slice::<serde_json::Value>(answer.body()).unwrap()
    };
    let web = [
        ("ContainerGroupName", "web"),
        ("Container.1.Name", "web"),
        ("Container.1.Image", "nginx"),
        ("ClientToken", "t"),
        ("EipInstanceId", "eip-1"),
    ];
    let mut made = std::collections::BTreeSet::new();
    for (key, region) in [("a", "cn-hangzhou"), ("b", "cn-hangzhou")] {
        let answer = call(key, region, "CreateContainerGroup", &web);
        made.insert(answer["ContainerGroupId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());
    }
    assert_eq!(made.len(), 2, "one token each");
    for (key, region, count) in [("a", "cn-hangzhou", 1), ("b", "cn-hangzhou", 1), ("a", "cn-beijing", 0)] {
        assert_eq!(
            call(key, region, "DescribeContainerGroups", &[])["TotalCount"],
            count,
            "{key} in {region}"
        );
    }
    let of_a = made.first().unwrap().clone();
    let of_both: Vec<_> = ["a", "b"]
        .map(|key| {
            call(key, "cn-hangzhou", "DeleteContainerGroup", &[("ContainerGroupId", &of_a)])["Code"].clone()
        })
        .into();
    assert!(
        of_both.contains(&"InvalidParameter.NotFound".into()) && of_both.contains(&serde_json::Value::Null)
    );
}
