//! What the collector looks at, and what it collects.

use serde_json::json;

use super::*;
use crate::store::GroupResource;

const PODS: GroupResource = ("", "pods");
const SETS: GroupResource = ("apps", "replicasets");

fn made(sim: &KubeSim, resource: GroupResource, name: &str, owners: &[&str]) -> Arc<Value> {
    let (version, kind) = if resource == PODS { ("v1", "Pod") } else { ("apps/v1", "ReplicaSet") };
    let owners: Vec<_> = owners
        .iter()
        .map(|owner| {
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner,
            "controller": true, "blockOwnerDeletion": true})
        })
        .collect();
    let whole = json!({"kind": kind, "apiVersion": version, "spec": {},
        "metadata": {"namespace": "default", "name": name, "uid": name, "ownerReferences": owners}});
    sim.store().create(resource, whole).unwrap()
}

fn names(sim: &KubeSim, resource: GroupResource) -> Vec<String> {
    sim.store().list(resource, Some("default")).0.iter().map(|object| name(object).to_owned()).collect()
}

/// Makes pods and removes them one by one, with a round after each; returns the number of objects looked at.
fn looked_at(count: usize) -> usize {
    let (sim, mut collector) = (KubeSim::builder().build(), Collector::default());
    made(&sim, SETS, "set", &[]);
    let pods: Vec<_> = (0..count).map(|at| made(&sim, PODS, &format!("p{at}"), &["set"])).collect();
    collector.round(&sim);
    let before = collector.graph.visited;
    for pod in &pods {
        sim.store().remove(PODS, pod).unwrap();
        collector.round(&sim);
    }
    collector.graph.visited - before
}

#[test]
fn a_removed_pod_costs_the_collector_the_same_however_many_there_are() {
    assert_eq!(looked_at(100), 10 * looked_at(10));
}

#[test]
fn what_has_lost_all_its_owners_goes_and_what_has_one_left_stays() {
    let (sim, mut collector) = (KubeSim::builder().build(), Collector::default());
    let first = made(&sim, SETS, "first", &[]);
    made(&sim, SETS, "second", &[]);
    made(&sim, PODS, "of-both", &["first", "second"]);
    made(&sim, PODS, "of-first", &["first"]);
    made(&sim, PODS, "of-nobody", &[]);
    made(&sim, PODS, "of-the-gone", &["gone"]);
    collector.round(&sim);
    assert_eq!(names(&sim, PODS), ["of-both", "of-first", "of-nobody"]);
    sim.store().remove(SETS, &first).unwrap();
    collector.round(&sim);
    assert_eq!(names(&sim, PODS), ["of-both", "of-nobody"]);
}

#[test]
fn nothing_is_forgotten_where_history_was_cut_off_between_two_rounds() {
    let (sim, mut collector) = (KubeSim::builder().build(), Collector::default());
    let set = made(&sim, SETS, "set", &[]);
    made(&sim, PODS, "pod", &["set"]);
    collector.round(&sim);
    sim.store().remove(SETS, &set).unwrap();
    sim.compact();
    collector.round(&sim);
    assert_eq!(names(&sim, PODS), Vec::<String>::new());
}
