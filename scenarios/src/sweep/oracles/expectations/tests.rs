//! Each rule explains what its perturbation brings about, and no more.

use eci_sim::Bill;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::sweep::end::End;
use crate::sweep::injection_point::InjectionPoint;
use crate::sweep::journal::{GroupMove, PodWrite};
use crate::sweep::perturbation::Absence;

fn at(seconds: i64, what: Occurrence) -> Entry {
    let beginning: Timestamp = "2026-01-05T01:30:00Z".parse().unwrap();
    Entry { at: beginning + SignedDuration::from_secs(seconds), what }
}

fn pod(name: &str, leaving: bool) -> Occurrence {
    of_uid(name, name, leaving)
}

fn of_uid(name: &str, uid: &str, leaving: bool) -> Occurrence {
    let deleted = leaving.then_some("2026-01-05T01:31:00Z");
    let metadata = json!({ "namespace": "vk", "name": name, "uid": uid, "deletionTimestamp": deleted });
    Occurrence::Pod(PodWrite { object: json!({ "metadata": metadata }).into(), removed: false })
}

fn with_status(phase: &str, restarts: u32) -> Occurrence {
    let container = json!({ "name": "c", "restartCount": restarts });
    let status = json!({ "phase": phase, "containerStatuses": [container] });
    let object = json!({ "metadata": { "namespace": "vk", "name": "p", "uid": "p" }, "status": status });
    Occurrence::Pod(PodWrite { object: object.into(), removed: false })
}

fn group(id: &str, pod: &str, state: &str) -> Occurrence {
    Occurrence::Group(GroupMove { id: id.into(), uid: pod.into(), state: state.into() })
}

fn played(entries: Vec<Entry>) -> Played {
    let end = End { node_is_ready: true, ..End::default() };
    Played { entries, end, bill: Bill::default(), log: String::new(), secrets: BTreeSet::new() }
}

/// The violations of a run that missed `step` after `before`, under `perturbation`; the reference run was `reference`.
fn found(perturbation: P, step: &str, before: Vec<Entry>, reference: Vec<Entry>) -> usize {
    let begins = || at(1000, Occurrence::Step(3, step.to_owned()));
    let with = |entries: Vec<Entry>| [vec![at(-1, Occurrence::Started(0))], entries, vec![begins()]].concat();
    let mut entries = with(before);
    entries.push(at(1010, Occurrence::Missed(3, "not so".to_owned())));
    let plan = Plan::one(InjectionPoint::Call(7), perturbation);
    met(&played(entries), Some(&played(with(reference))), &plan).len()
}

#[test]
fn a_miss_without_a_rule_is_found_and_one_that_the_reference_run_has_is_not() {
    let step = "expect pod vk/p Running within 60s";
    assert_eq!(found(P::Lost, step, Vec::new(), Vec::new()), 1);
    let known = vec![at(1010, Occurrence::Missed(3, "not so".to_owned()))];
    assert_eq!(found(P::Lost, step, Vec::new(), known), 0);
}

#[test]
fn a_bill_may_differ_by_what_a_perturbation_lasts_and_a_minute() {
    let had = |seconds: i64| {
        let life = [(0, "Created"), (0, "Pending"), (seconds, "Deleted")];
        let life = life.map(|(time, state)| at(time, group("a", "p", state)));
        [vec![at(0, pod("p", false))], life.to_vec()].concat()
    };
    let step = "expect the bill of vk/p to be ¥ 0.06";
    for (perturbation, seconds, is_explained) in [
        (P::Lost, 660, true),
        (P::Lost, 540, true),
        (P::Lost, 661, false),
        (P::KillAfter(Absence::Lease), 701, true),
        (P::KillAfter(Absence::Lease), 702, false),
    ] {
        let violations = found(perturbation, step, had(seconds), had(600));
        assert_eq!(violations == 0, is_explained, "{perturbation} {seconds}");
    }
    assert_eq!(found(P::Lost, step, had(10), Vec::new()), 1, "the reference run was charged nothing");
    let other = "expect pod vk/p Running";
    assert_eq!(found(P::Lost, other, had(601), had(600)), 1, "the rule is for bills");
}

#[test]
fn a_bill_may_differ_by_what_missed_steps_before_it_waited() {
    let wait = |seconds: i64| {
        let step = "expect pod vk/q Running".to_owned();
        vec![at(0, Occurrence::Step(2, step)), at(seconds, Occurrence::Missed(2, "not so".to_owned()))]
    };
    let had = |seconds: i64| {
        let life = [(0, "Created"), (0, "Pending"), (seconds, "Deleted")];
        let life = life.map(|(time, state)| at(time, group("a", "p", state)));
        [vec![at(0, pod("p", false))], life.to_vec()].concat()
    };
    let step = "expect the bill of vk/p to be ¥ 0.06";
    let after = |seconds| {
        let reference = [wait(100), had(600)].concat();
        found(P::Lost, step, [wait(100), had(seconds)].concat(), reference)
    };
    assert_eq!(after(760), 0);
    assert_eq!(after(761), 1);
}

#[test]
fn what_the_cluster_took_from_a_silent_node_is_missed_and_nothing_else() {
    let taken = || vec![at(0, pod("p", false)), at(500, pod("p", true))];
    let away = P::KillBefore(Absence::Eviction);
    let [named, other] = ["p", "q"].map(|name| format!("expect pod vk/{name} Running"));
    assert_eq!(found(away, &named, taken(), Vec::new()), 0);
    assert_eq!(found(away, "expect 3 groups", taken(), Vec::new()), 0);
    let orphan = "expect event OrphanedContainerGroup of node virtual-kubelet";
    assert_eq!(found(away, orphan, taken(), Vec::new()), 0, "its group was never made");
    assert_eq!(found(away, orphan, Vec::new(), Vec::new()), 1);
    assert_eq!(found(away, &other, taken(), Vec::new()), 1);
    let no_room = "expect pod vk/q Failed because of OutOfpods";
    assert_eq!(found(away, no_room, taken(), Vec::new()), 0, "it has the room of the other");
    assert_eq!(found(away, no_room, Vec::new(), Vec::new()), 1, "nobody left");
    assert_eq!(found(away, &named, taken(), taken()), 1, "the case itself deletes it");
    let again = |name: &str| {
        [taken(), vec![at(600, of_uid(name, "another", false)), at(700, of_uid(name, "another", true))]]
            .concat()
    };
    assert_eq!(found(away, &named, again("p"), taken()), 0, "the next one of its name is taken");
    assert_eq!(
        found(P::KillBefore(Absence::Lease), &named, taken(), Vec::new()),
        1,
        "the node is not silent for long"
    );
}

#[test]
fn a_deployment_waits_for_its_pod_that_was_made_without_the_webhook() {
    let journal = || {
        vec![
            at(5, Occurrence::Killed(0)),
            at(6, pod("web-5cf9b95b46-cpb27", false)),
            at(46, Occurrence::Started(1)),
        ]
    };
    let away = P::KillBefore(Absence::Lease);
    assert_eq!(found(away, "expect deployment vk/web", journal(), Vec::new()), 0);
    assert_eq!(found(away, "expect deployment vk/api", journal(), Vec::new()), 1);
}

#[test]
fn a_state_that_a_pod_went_through_while_nobody_looked_may_be_missed() {
    let away = P::KillAfter(Absence::Hour);
    let journal = |phase: &str, restarts| vec![at(5, with_status(phase, restarts))];
    let runs = "expect pod vk/p Running";
    assert_eq!(found(away, runs, journal("Succeeded", 0), journal("Succeeded", 0)), 0);
    assert_eq!(found(P::Lost, runs, journal("Succeeded", 0), journal("Succeeded", 0)), 1, "somebody looked");
    assert_eq!(found(away, runs, journal("Failed", 0), journal("Succeeded", 0)), 1, "another end");
    let restarted = "expect pod vk/p Running restarted 2 times within 5m";
    assert_eq!(found(away, restarted, journal("Running", 3), Vec::new()), 0);
    assert_eq!(found(away, restarted, journal("Running", 1), Vec::new()), 1);
}

#[test]
fn what_speaks_of_a_pod_that_a_missed_step_was_to_make_may_be_missed() {
    let words = ["run vk/a --image nginx", "delete pod vk/a", "delete pod vk/b"];
    let begin = |index: usize| at(10, Occurrence::Step(index, words[index].to_owned()));
    let journal = |missed: &[usize]| {
        let mut entries = vec![at(-1, Occurrence::Started(0)), at(0, pod("v", false)), at(5, pod("v", true))];
        for index in 0..3 {
            entries.push(begin(index));
            let why = ["there is no container group of pod vk/v at this moment", "not found", "not found"];
            let miss = at(10, Occurrence::Missed(index, why[index].to_owned()));
            entries.extend(missed.contains(&index).then_some(miss));
        }
        played(entries)
    };
    let plan = Plan::one(InjectionPoint::Call(7), P::KillBefore(Absence::Eviction));
    let reference = played(vec![at(-1, Occurrence::Started(0)), begin(0), begin(1), begin(2)]);
    let found = |missed: &[usize]| met(&journal(missed), Some(&reference), &plan).len();
    assert_eq!(found(&[0]), 0, "the words speak of a pod that the cluster took");
    assert_eq!(found(&[0, 1]), 0);
    assert_eq!(found(&[0, 2]), 1, "no step was to make it");
    assert_eq!(found(&[1]), 1, "it was made");
}

#[test]
fn an_account_whose_balance_no_step_could_spend_refuses_nothing() {
    let journal = |first: &str, missed: &[usize]| {
        let words =
            [first, "advance until vk/a has been billed for 5400s", "expect event Refused of pod vk/b"];
        let mut entries = vec![at(-1, Occurrence::Started(0))];
        for (index, words) in words.into_iter().enumerate() {
            entries.push(at(10, Occurrence::Step(index, words.to_owned())));
            let miss = at(10, Occurrence::Missed(index, "of pod vk/a: not so".to_owned()));
            entries.extend(missed.contains(&index).then_some(miss));
        }
        played(entries)
    };
    let plan = Plan::one(InjectionPoint::Call(7), P::KillBefore(Absence::Eviction));
    let found =
        |first: &str, missed: &[usize]| met(&journal(first, missed), Some(&journal(first, &[])), &plan).len();
    let balance = "the account has a balance of ¥ 0.3";
    assert_eq!(found(balance, &[1, 2]), 0);
    assert_eq!(found(balance, &[2]), 1, "it was spent");
    assert_eq!(found("run vk/a --image nginx", &[1, 2]), 1, "there is no balance");
}
