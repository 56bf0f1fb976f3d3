//! The oracles over a journal, whatever was perturbed: each a pure function that names the violations it finds.
//!
//! | oracle | holds |
//! |---|---|
//! | `one-group` | a pod has one working group at most |
//! | `no-orphan` | a group without a pod is gone 60 s after the world has healed, or after an orphan's grace, told meanwhile |
//! | `reasoned-delete` | no working group of a wanted pod is deleted |
//! | `unknown-is-silent` | nothing is written of a pod before the cloud was heard, or long after |
//! | `failed-is-proven` | no pod is said to have failed while its group works |
//! | `agreement` | in the end a pod says what its group is |
//! | `never-back` | phases and restart counts only go forward, a start time stays |
//! | `bill` | the bill is the integral of unrounded usage |
//! | `few-calls` | no storm of calls |
//! | `quiet` | at rest only leases, and the node's status each five minutes, are written; events of a back-off are counted |
//! | `same-end` | the end is that of the reference run |
//! | `expectations` | the case's expectations are met, unless a named rule explains the miss |
//! | `no-secret` | no secret stands in journal or log |

mod ending;
mod expectations;
mod groups;
mod money;
mod rest;
mod secrets;
mod statuses;
#[cfg(test)]
mod tests;
mod timeline;
mod violation;

use super::plan::Plan;
use super::played::Played;

pub use violation::Violation;

/// The violations of a run under `plan`, compared with the reference run where that is another.
pub fn violations(played: &Played, plan: &Plan, reference: Option<&Played>) -> Vec<Violation> {
    let entries = &played.entries;
    let costs_the_node = plan.perturbations().iter().any(|(_, own)| own.costs_the_node());
    let mut found = groups::one_group(entries);
    found.extend(groups::no_orphan(entries, &played.log, costs_the_node));
    found.extend(groups::reasoned_delete(entries));
    found.extend(statuses::unknown_is_silent(entries));
    found.extend(statuses::failed_is_proven(entries));
    found.extend(statuses::agreement(entries));
    found.extend(statuses::never_back(entries));
    found.extend(money::bill(entries, &played.bill));
    found.extend(rest::few_calls(entries));
    found.extend(rest::quiet(entries));
    let same = reference.map_or(0, |reference| {
        let pairs = reference.entries.iter().zip(entries);
        pairs.take_while(|(one, other)| one == other).count()
    });
    found.extend(secrets::no_secret(played, same));
    found.extend(expectations::met(played, reference, plan));
    if let Some(reference) = reference {
        found.extend(ending::same_end(played, reference, plan));
    }
    found
}
