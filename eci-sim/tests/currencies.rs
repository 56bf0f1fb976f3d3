//! Accounts with a currency of their own: bill, prices, the spot market, the billing API and FOCUS are in it, and nothing is
//! ever added to what is in another.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::support::{START_TIME, wait};
use determinism::Clock;
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::billing::{AccountTerms, BillFormat, NamedBill};
use eci_sim::market::Quote;
use eci_sim::{BillQuery, Currency, Dimension, EciSim, Incoming};
use serde_json::Value;

/// A simulator in yuan with two accounts, of which the second has a bill in dollars.
struct Clouds {
    sim: EciSim,
    nonces: Cell<u32>,
}

impl Clouds {
    fn new() -> Self {
        let clock = Clock::still(START_TIME.parse().unwrap());
        let builder = EciSim::builder().clock(clock);
        let builder = builder.credential("yuan", Secret::new("s")).credential("dollars", Secret::new("s"));
        let sim = builder.build();
        sim.control().set_terms("dollars", in_currency(Currency::Usd)).unwrap();
        Self { sim, nonces: Cell::new(0) }
    }

    /// The reply to a signed call of an account.
    fn call(&self, account: &str, version: &str, action: &str, parameters: &[(&str, &str)]) -> Value {
        self.nonces.set(self.nonces.get() + 1);
        let (secret, nonce) = (Secret::new("s"), self.nonces.get().to_string());
        let mut pairs: Pairs = vec![("RegionId".into(), "cn-hangzhou".into())];
        pairs.extend(parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        rpc::complete(&mut pairs, action, (account, &secret), "POST", self.sim.control().now(), &nonce);
        pairs.retain(|(name, _)| name != "Version" && name != "Signature");
        pairs.push(("Version".into(), version.into()));
        pairs.push(("Signature".into(), rpc::sign("POST", &pairs, &secret)));
        let (method, path, query) = ("POST".into(), "/".into(), render(&pairs));
        let answer = self.sim.exchange(Incoming { method, path, query, ..Incoming::default() }).answer;
        serde_json::from_slice(answer.unwrap().body()).unwrap()
    }

    fn eci(&self, account: &str, action: &str, parameters: &[(&str, &str)]) -> Value {
        self.call(account, "2018-08-08", action, parameters)
    }

    /// Creates a group of 2 vCPU and 4 GiB, or as the parameters say.
    fn create(&self, account: &str, parameters: &[(&str, &str)]) -> Value {
        let web =
            [("ContainerGroupName", "web"), ("Container.1.Name", "web"), ("Container.1.Image", "nginx")];
        self.eci(account, "CreateContainerGroup", &[&web, parameters].concat())
    }

    fn of_account(&self, account: &str) -> eci_sim::Bill {
        let account = Some(account.to_owned());
        self.sim.control().bill_of(&BillQuery { account, ..BillQuery::default() })
    }

    /// The price of an hour of the first whole one.
    fn hour(&self, account: &str) -> String {
        let lines = self.of_account(account).lines;
        lines.iter().find(|line| line.seconds == 3600).unwrap().amount.to_string()
    }
}

fn in_currency(currency: Currency) -> AccountTerms {
    AccountTerms { currency: Some(currency), ..AccountTerms::default() }
}

#[test]
fn each_account_is_billed_in_its_currency_and_the_two_are_never_added() {
    let clouds = Clouds::new();
    for account in ["yuan", "dollars"] {
        assert!(clouds.create(account, &[])["ContainerGroupId"].is_string());
    }
    wait(&clouds.sim, 2 * 3600);
    assert_eq!((clouds.hour("yuan"), clouds.hour("dollars")), ("0.441072".into(), "0.069264".into()), "B1");
    let all = clouds.sim.control().bill();
    let said = all.total.to_string();
    assert!(said.contains(" CNY and ") && said.contains(" USD are not added; ask for"), "{said}");
    for (account, currency) in [("yuan", Currency::Cny), ("dollars", Currency::Usd)] {
        let own = clouds.of_account(account);
        assert!(own.total.known().is_ok() && own.currency == currency, "{account}: {}", own.total);
        let by_currency = BillQuery { currency: Some(currency), ..BillQuery::default() };
        assert_eq!(clouds.sim.control().bill_of(&by_currency), own);
    }
    let sums = all.by(&[Dimension::Region]);
    let sums: Vec<_> = sums.iter().map(|sum| (sum.currency, sum.amount.known().is_ok())).collect();
    assert_eq!(sums, [(Currency::Cny, true), (Currency::Usd, true)], "one region, two sums");
}

#[test]
fn prices_the_billing_api_and_focus_are_in_the_account_s_currency() {
    let clouds = Clouds::new();
    for account in ["yuan", "dollars"] {
        clouds.create(account, &[]);
    }
    wait(&clouds.sim, 3600);
    for (account, currency, trade) in [("yuan", "CNY", "0.00012252"), ("dollars", "USD", "0.00001924")] {
        let size = [("Cpu", "2"), ("Memory", "4")];
        let price = &clouds.eci(account, "DescribeContainerGroupPrice", &size)["PriceInfo"]["Price"];
        assert_eq!(
            (price["Currency"].as_str(), price["TradePrice"].to_string()),
            (Some(currency), trade.into())
        );
        let month = [("BillingCycle", "2026-01")];
        let rows = clouds.call(account, "2017-12-14", "QueryInstanceBill", &month);
        assert_eq!(rows["Data"]["Items"]["Item"][0]["Currency"], currency);
        let sums = clouds.call(account, "2017-12-14", "QueryAccountBill", &month);
        assert_eq!(
            (&sums["Data"]["TotalCount"], &sums["Data"]["Items"]["Item"][0]["Currency"]),
            (&1.into(), &currency.into())
        );
    }
    let named = NamedBill { name: "all".into(), bill: clouds.sim.control().bill(), leaked: BTreeSet::new() };
    let (text, _) = BillFormat::Focus.render([&named]).unwrap();
    let rows = csv::Reader::from_reader(text.as_bytes())
        .deserialize::<std::collections::BTreeMap<String, String>>()
        .map(|row| row.map(|row| format!("{} {}", row["BillingAccountId"], row["BillingCurrency"])))
        .collect::<Result<BTreeSet<_>, _>>();
    assert_eq!(rows.unwrap(), BTreeSet::from(["dollars USD".to_owned(), "yuan CNY".to_owned()]));
}

#[test]
fn a_spot_instance_has_the_price_that_is_set_in_its_account_s_currency() {
    let clouds = Clouds::new();
    let from = clouds.sim.control().now();
    let quote = |currency, hourly: &str| {
        let (what, zone, hourly) = ("*".into(), "*".into(), hourly.parse().unwrap());
        clouds.sim.control().quote(Quote { what, zone, currency, from, hourly });
    };
    quote(None, "0.05");
    quote(Some(Currency::Usd), "0.01");
    for account in ["yuan", "dollars"] {
        let made = clouds.create(account, &[("SpotStrategy", "SpotAsPriceGo"), ("SpotDuration", "0")]);
        assert!(made["ContainerGroupId"].is_string(), "{made}");
    }
    wait(&clouds.sim, 2 * 3600);
    assert_eq!((clouds.hour("yuan"), clouds.hour("dollars")), ("0.05".into(), "0.01".into()));
}

#[test]
fn a_currency_in_which_no_list_has_a_price_is_an_error_that_says_so() {
    let clouds = Clouds::new();
    let price = clouds.eci("dollars", "DescribeContainerGroupPrice", &[("InstanceType", "ecs.c5.large")]);
    let wanted = "no price is known for ecs.c5.large in cn-hangzhou in USD at 2026-01-01T09:00:00Z; give one with --price-file";
    assert!(price["Message"].as_str().unwrap().contains(wanted), "{price}");
    clouds.create("dollars", &[("InstanceType", "ecs.c5.large")]);
    wait(&clouds.sim, 3600);
    let said = clouds.of_account("dollars").total.to_string();
    assert!(said.starts_with("no price is known for ecs.c5.large in cn-hangzhou-b in USD"), "{said}");
}

#[test]
fn a_currency_stays_once_there_is_a_group() {
    let clouds = Clouds::new();
    let control = clouds.sim.control();
    control.set_terms("dollars", in_currency(Currency::Cny)).unwrap();
    control.set_terms("dollars", in_currency(Currency::Usd)).unwrap();
    clouds.create("dollars", &[]);
    let said = control.set_terms("dollars", AccountTerms::default()).unwrap_err().to_string();
    assert_eq!(
        said,
        "the account dollars has container groups in USD, and no bill has two currencies; give it CNY before its first one"
    );
    let discount = "0.5".parse().unwrap();
    control.set_terms("dollars", AccountTerms { discount, ..in_currency(Currency::Usd) }).unwrap();
    let wrong = serde_json::from_str::<AccountTerms>(r#"{"currency": "EUR"}"#).unwrap_err().to_string();
    assert!(wrong.starts_with("unknown variant `EUR`, expected `CNY` or `USD`"), "{wrong}");
}
