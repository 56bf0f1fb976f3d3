//! A world grows with the groups that live, not with those that ever lived; the bill forgets nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{create, once, sim, wait};
use eci_api::actions::DeleteContainerGroup;

#[test]
fn the_ledger_is_folded_and_the_total_stays_what_it_was() {
    let sim = sim();
    let mut longest = 0;
    for n in 0..1200 {
        let id = create(&sim, &once(&format!("job-{}", n % 7), &["sleep", "60"]));
        if n % 10 == 0 {
            wait(&sim, 100);
        }
        let container_group_id = Some(id);
        sim.act(&DeleteContainerGroup { container_group_id, ..DeleteContainerGroup::default() }).unwrap();
        longest = longest.max(sim.control().ledger_len());
    }
    assert!(
        sim.control().ledger_len() < longest / 2,
        "it was {longest} and is {}",
        sim.control().ledger_len()
    );
    let lines = sim.control().bill().lines;
    assert_eq!(lines.len(), 120, "each of those that were let run has its line");
    assert_eq!(lines.iter().map(|line| line.amount.clone()).sum::<eci_sim::Cost>(), sim.control().cost());
}
