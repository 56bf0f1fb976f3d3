//! The billing API: a bill read by signed calls, page by page and token by token, adds up to the bill.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{START_TIME, container, create, group, sim, wait};
use bytes::Bytes;
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::{Cost, EciSim};
use http::Request;
use rust_decimal::Decimal;
use serde_json::Value;

const MONTH: (&str, &str) = ("BillingCycle", "2026-01");

/// A call of the billing API, signed as one of ECI.
fn call(sim: &EciSim, version: &str, action: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
    let (secret, at) = (Secret::new("local-secret"), sim.control().now());
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut pairs: Pairs = parameters.iter().map(owned).collect();
    let nonce = format!("{action}{parameters:?}{at}");
    rpc::complete(&mut pairs, action, ("local", &secret), "POST", at, &nonce);
    pairs.retain(|(name, _)| name != "Version" && name != "Signature");
    pairs.push(("Version".into(), version.into()));
    pairs.push(("Signature".into(), rpc::sign("POST", &pairs, &secret)));
    let request = Request::post(format!("/?{}", render(&pairs)));
    let answer = sim.call(request.header("host", "business.aliyuncs.com").body(Bytes::new()).unwrap());
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

fn bill(sim: &EciSim, action: &str, parameters: &[(&str, &str)]) -> Value {
    let (status, reply) = call(sim, "2017-12-14", action, &[&[MONTH], parameters].concat());
    assert_eq!(
        (status, &reply["Code"], &reply["Success"]),
        (200, &"Success".into(), &true.into()),
        "{reply}"
    );
    reply["Data"].clone()
}

fn refused(sim: &EciSim, action: &str, parameters: &[(&str, &str)]) -> String {
    let (status, reply) = call(sim, "2017-12-14", action, parameters);
    assert!(status >= 400, "{reply}");
    format!("{} {}", reply["Code"].as_str().unwrap(), reply["Message"].as_str().unwrap())
}

fn amounts<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Decimal {
    rows.into_iter().map(|row| row["PretaxAmount"].to_string().parse::<Decimal>().unwrap()).sum()
}

fn rows(data: &Value) -> &Vec<Value> {
    data["Items"].as_array().or_else(|| data["Items"]["Item"].as_array()).unwrap()
}

/// Two groups and a day, so that each has 24 lines or more.
fn a_day_of_two() -> (EciSim, Decimal) {
    let sim = sim();
    for name in ["web", "db"] {
        create(&sim, &group(name, vec![container("main", "nginx", &[])]));
        wait(&sim, 1800);
    }
    wait(&sim, 86_400);
    let total = sim.control().bill().total.known().unwrap().decimal();
    assert!(total > Decimal::TEN, "{START_TIME}: {total}");
    (sim, total)
}

#[test]
fn the_rows_of_every_way_to_ask_add_up_to_the_bill() {
    let (sim, total) = a_day_of_two();
    let by_item = ("IsBillingItem", "true");
    assert_eq!(amounts(rows(&bill(&sim, "QueryInstanceBill", &[]))), total);
    assert_eq!(amounts(rows(&bill(&sim, "QueryInstanceBill", &[by_item]))), total);
    assert_eq!(amounts(rows(&bill(&sim, "DescribeInstanceBill", &[by_item]))), total);
    assert_eq!(amounts(rows(&bill(&sim, "QueryAccountBill", &[]))), total);
    let days = ["2026-01-01", "2026-01-02", "2026-01-03"];
    let of_day = |day| bill(&sim, "QueryInstanceBill", &[("Granularity", "DAILY"), ("BillingDate", day)]);
    let by_day = days.map(of_day);
    assert_eq!(by_day.iter().map(|day| amounts(rows(day))).sum::<Decimal>(), total);
    assert_eq!(rows(&by_day[0])[0]["BillingDate"], "2026-01-01");
}

#[test]
fn pages_and_tokens_lead_through_all_rows_once() {
    let (sim, total) = a_day_of_two();
    let page = |number| bill(&sim, "QueryInstanceBill", &[("PageNum", number), ("PageSize", "1")]);
    let (first, second) = (page("1"), page("2"));
    assert_eq!((&first["TotalCount"], rows(&first).len(), rows(&page("3")).len()), (&2.into(), 1, 0));
    assert_eq!(amounts(rows(&first).iter().chain(rows(&second))), total);
    let from = |token: &str| bill(&sim, "DescribeInstanceBill", &[("MaxResults", "1"), ("NextToken", token)]);
    let one = from("");
    let two = from(one["NextToken"].as_str().unwrap());
    assert_eq!((rows(&one).len(), two["NextToken"].as_str()), (1, Some("")));
    assert_eq!(amounts(rows(&one).iter().chain(rows(&two))), total);
}

#[test]
fn all_pages_of_a_query_show_the_bill_of_the_first_one() {
    let (sim, total) = a_day_of_two();
    let page = |number| bill(&sim, "QueryInstanceBill", &[("PageNum", number), ("PageSize", "1")]);
    let first = page("1");
    wait(&sim, 60);
    assert_eq!(amounts(rows(&first).iter().chain(rows(&page("2")))), total);
    let from = |token: &str| bill(&sim, "DescribeInstanceBill", &[("MaxResults", "1"), ("NextToken", token)]);
    let (one, then) = (from(""), sim.control().bill().total.known().unwrap().decimal());
    wait(&sim, 60);
    let two = from(one["NextToken"].as_str().unwrap());
    assert_eq!(amounts(rows(&one).iter().chain(rows(&two))), then);
    let again = rows(&page("1")).clone();
    assert!(amounts(&again) > amounts(rows(&first)), "a first page is always of now");
    wait(&sim, 3600);
    let late = amounts(rows(&page("2")));
    assert_eq!(
        amounts(&rows(&page("1")).clone()) + late,
        sim.control().bill().total.known().unwrap().decimal()
    );
}

#[test]
fn a_row_says_what_was_sold_to_whom_and_at_which_price() {
    let (sim, _) = a_day_of_two();
    let web = sim.control().groups()[0].id.clone();
    let of_web = [("IsBillingItem", "true"), ("InstanceID", web.as_str())];
    let found = bill(&sim, "DescribeInstanceBill", &of_web);
    let cpu = rows(&found).iter().find(|row| row["BillingItemCode"] == "cpu").unwrap();
    for (field, value) in [
        ("InstanceID", web.as_str()),
        ("NickName", "web"),
        ("InstanceSpec", "2-4Gi"),
        ("ListPrice", "0.1764"),
        ("ListPriceUnit", "CNY/vCPU/Hour"),
        ("UsageUnit", "vCPU-Hour"),
        ("ProductCode", "eci"),
        ("SubscriptionType", "PayAsYouGo"),
        ("Item", "PayAsYouGoBill"),
        ("Region", "cn-hangzhou"),
        ("Zone", "cn-hangzhou-b"),
        ("Currency", "CNY"),
    ] {
        assert_eq!(cpu[field], value, "{field}");
    }
    let usage: Decimal = cpu["Usage"].as_str().unwrap().parse().unwrap();
    let gross: Decimal = cpu["PretaxGrossAmount"].to_string().parse().unwrap();
    assert_eq!((usage * Decimal::new(1764, 4)).round_dp(8), gross.round_dp(8));
    assert_eq!(cpu["BillAccountID"], "local");
    let older = bill(&sim, "QueryInstanceBill", &[("IsBillingItem", "true")]);
    assert!(rows(&older).iter().all(|row| row.get("BillAccountID").is_none()), "{older}");
}

#[test]
fn what_is_not_asked_for_is_not_told() {
    let (sim, total) = a_day_of_two();
    for (parameters, sum) in [
        (&[("ProductCode", "eci")][..], total),
        (&[("ProductCode", "ecs")], Decimal::ZERO),
        (&[("ProductCode", "eci"), ("SubscriptionType", "Subscription")], Decimal::ZERO),
        (&[("Granularity", "DAILY"), ("BillingDate", "2026-01-31")], Decimal::ZERO),
    ] {
        assert_eq!(amounts(rows(&bill(&sim, "QueryInstanceBill", parameters))), sum, "{parameters:?}");
    }
    let (_, before) = call(&sim, "2017-12-14", "QueryInstanceBill", &[("BillingCycle", "2025-12")]);
    assert_eq!(before["Data"]["TotalCount"], 0);
}

#[test]
fn what_cannot_be_is_refused_by_the_name_of_its_parameter() {
    let sim = sim();
    for (parameters, wanted) in [
        (&[][..], "MissingParameter"),
        (&[("BillingCycle", "January")], "`January` should be of the form YYYY-MM"),
        (&[("BillingCycle", "2024-06")], "`2024-06` should be one of the last 18 months, from 2024-08 on"),
        (&[MONTH, ("Granularity", "HOURLY")], "`HOURLY` should be of the form MONTHLY or DAILY"),
        (&[MONTH, ("Granularity", "DAILY")], "BillingDate"),
        (&[MONTH, ("PageSize", "301")], "`301` should be 1 or more and 300 at most"),
        (&[MONTH, ("PageNum", "0")], "`0` should be 1 or more"),
        (&[MONTH, ("BillOwnerId", "12")], "BillOwnerId of another account"),
    ] {
        let said = refused(&sim, "QueryInstanceBill", parameters);
        assert!(said.contains(wanted), "{parameters:?}: {said}");
    }
    let token = refused(&sim, "DescribeInstanceBill", &[MONTH, ("NextToken", "7")]);
    assert!(token.contains("no reply gave `7`"), "{token}");
}

#[test]
fn an_operation_belongs_to_the_version_of_its_product() {
    let sim = sim();
    let other = call(&sim, "2018-08-08", "QueryInstanceBill", &[MONTH]);
    assert_eq!((other.0, other.1["Code"].as_str()), (404, Some("InvalidAction.NotFound")), "{other:?}");
    let said = refused(&sim, "DescribeContainerGroups", &[MONTH]);
    assert!(said.contains("DescribeContainerGroups"), "{said}");
    let neither = call(&sim, "2014-05-26", "QueryInstanceBill", &[MONTH]);
    assert_eq!(neither.1["Code"], "InvalidVersion");
}

#[test]
fn a_line_without_a_price_is_an_error_and_not_left_out() {
    let sim = sim();
    let gpu = eci_api::actions::CreateContainerGroup {
        instance_type: Some("ecs.gn6i-c4g1.xlarge".into()),
        ..group("gpu", vec![container("main", "nginx", &[])])
    };
    create(&sim, &gpu);
    wait(&sim, 3600);
    assert!(matches!(sim.control().bill().total, Cost::Unknown(_)));
    let said = refused(&sim, "QueryInstanceBill", &[MONTH]);
    assert!(said.contains("no price is known for ecs.gn6i-c4g1.xlarge"), "{said}");
}
