//! An account that has used up its balance: what it may not create, and when its instances are released.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{container, create, group, look, sim, status, wait};
use eci_api::actions::DeleteContainerGroup;
use eci_sim::billing::AccountTerms;
use eci_sim::billing::commitment::{PlanKind, SavingsPlan};
use eci_sim::{Cost, EciSim};

/// An instance of 0.441072 an hour, created at a full hour by an account with so much.
fn with_balance(balance: &str, grace_hours: u32) -> (EciSim, String) {
    let sim = sim();
    let terms =
        AccountTerms { balance: Some(balance.parse().unwrap()), grace_hours, ..AccountTerms::default() };
    sim.control().set_terms("local", terms).unwrap();
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    (sim, id)
}

fn code(sim: &EciSim) -> Option<String> {
    let another = group("another", vec![container("web", "nginx", &[])]);
    sim.act(&another).err().map(|refusal| refusal.wire_code())
}

#[test]
fn an_account_that_owes_more_than_it_has_creates_nothing_and_its_instances_are_released() {
    let (sim, id) = with_balance("1", 0);
    wait(&sim, 2 * 3600 + 60);
    assert_eq!((status(&sim, &id).as_str(), sim.control().standing("local").name()), ("Running", "good"));
    wait(&sim, 3600);
    assert!(look(&sim, &id).is_none(), "released at the third full hour");
    assert_eq!(code(&sim).as_deref(), Some("Account.Arrearage"));
    let then = sim.control().cost();
    wait(&sim, 24 * 3600);
    assert_eq!(sim.control().cost(), then, "what is released costs nothing more");
}

#[test]
fn in_the_hours_of_grace_instances_go_on_and_are_billed() {
    let (sim, id) = with_balance("0.1", 2);
    wait(&sim, 3600 + 60);
    assert_eq!((status(&sim, &id).as_str(), code(&sim).as_deref()), ("Running", Some("Account.Arrearage")));
    let before = sim.control().cost();
    wait(&sim, 3600);
    assert!(status(&sim, &id) == "Running" && sim.control().cost() != before);
    wait(&sim, 3600);
    assert!(look(&sim, &id).is_none());
}

#[test]
fn a_greater_balance_ends_the_arrears() {
    let (sim, id) = with_balance("0.1", 24);
    wait(&sim, 3660);
    assert_eq!(code(&sim).as_deref(), Some("Account.Arrearage"));
    let terms = AccountTerms { balance: Some(100.into()), ..AccountTerms::default() };
    sim.control().set_terms("local", terms).unwrap();
    wait(&sim, 7200);
    assert_eq!((code(&sim), status(&sim, &id).as_str()), (None, "Running"));
    assert_ne!(sim.control().cost(), Cost::ZERO);
}

#[test]
fn an_account_is_in_arrears_from_the_full_hour_on_at_which_its_bill_is_above_the_balance() {
    let (sim, _) = with_balance("5", 100);
    let mut others = Vec::new();
    for hour in 1..=12 {
        wait(&sim, 3600);
        let above = sim.control().bill().total.known().unwrap().decimal() > 5.into();
        assert_eq!(sim.control().standing("local").name() == "arrears", above, "hour {hour}");
        if !above && hour % 2 == 0 {
            others.push(create(&sim, &group(&format!("web-{hour}"), vec![container("web", "nginx", &[])])));
        }
        if hour == 5 {
            let container_group_id = others.pop();
            sim.act(&DeleteContainerGroup { container_group_id, ..Default::default() }).unwrap();
        }
    }
    assert_eq!(sim.control().standing("local").name(), "arrears");
}

#[test]
fn the_fees_of_commitments_count_against_the_balance() {
    let sim = sim();
    let plan = SavingsPlan {
        id: "sp-1".into(),
        kind: PlanKind::General,
        hourly: "0.3".parse().unwrap(),
        discount: "0.5".parse().unwrap(),
        from: "2025-01-01T00:00:00Z".parse().unwrap(),
        to: "2027-01-01T00:00:00Z".parse().unwrap(),
    };
    let terms =
        AccountTerms { balance: Some(1.into()), savings_plans: vec![plan], ..AccountTerms::default() };
    sim.control().set_terms("local", terms).unwrap();
    wait(&sim, 3 * 3600 + 60);
    assert_eq!(
        (sim.control().standing("local").name(), sim.control().cost().to_string()),
        ("good", "1.2".into())
    );
    wait(&sim, 3600);
    assert_eq!(sim.control().standing("local").name(), "arrears");
    sim.control().reset_only(Some("local"), None);
    assert_eq!(sim.control().cost(), Cost::ZERO, "a bill that begins anew has no fee of before");
}
