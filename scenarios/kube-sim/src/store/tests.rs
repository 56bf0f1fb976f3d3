//! What the store promises its readers and writers.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const PODS: GroupResource = ("", "pods");

fn pod(name: &str) -> Value {
    json!({"metadata": {"namespace": "default", "name": name}})
}

#[test]
fn a_write_that_changes_nothing_keeps_the_version() {
    let store = Store::default();
    let stored = store.create(PODS, pod("a")).unwrap();
    assert!(Arc::ptr_eq(&store.replace(PODS, &stored, (*stored).clone()).unwrap(), &stored));
    assert_eq!(store.revision(), 1);
}

#[test]
fn of_two_writers_the_second_loses() {
    let store = Store::default();
    let read = store.create(PODS, pod("a")).unwrap();
    let mut changed = (*read).clone();
    changed["spec"] = json!({});
    store.replace(PODS, &read, changed.clone()).unwrap();
    assert_eq!(store.replace(PODS, &read, changed), Err(StoreError::Conflict));
}

#[test]
fn a_text_is_made_once_for_each_state_of_an_object() {
    let (store, kind) = (Store::default(), crate::kinds::find("", "pods").unwrap());
    let made = std::cell::Cell::new(0);
    let text = |object: &Arc<Value>| {
        store.text_of(kind, object, || {
            made.set(made.get() + 1);
            object.to_string().into()
        })
    };
    let first = store.create(PODS, pod("a")).unwrap();
    assert_eq!(
        (text(&first), text(&first), made.get()),
        (first.to_string().into(), first.to_string().into(), 1)
    );
    let mut changed = (*first).clone();
    changed["spec"] = json!({});
    let changed = store.replace(PODS, &first, changed).unwrap();
    assert_eq!((text(&changed), made.get()), (changed.to_string().into(), 2));
}

#[test]
fn writes_of_what_is_left_out_are_not_counted() {
    const LEASES: GroupResource = ("coordination.k8s.io", "leases");
    let store = Store::default();
    assert_eq!(store.revision_without(LEASES), 0);
    let stored = store.create(PODS, pod("a")).unwrap();
    store.create(LEASES, pod("a")).unwrap();
    assert_eq!((store.revision_without(LEASES), store.revision_without(PODS)), (1, 2));
    store.remove(PODS, &stored).unwrap();
    assert_eq!(store.revision_without(LEASES), 3);
}

#[test]
fn a_removal_has_a_version_of_its_own() {
    let store = Store::default();
    let stored = store.create(PODS, pod("a")).unwrap();
    let last = store.remove(PODS, &stored).unwrap();
    assert_eq!(last["metadata"]["resourceVersion"], "2");
}

#[test]
fn a_list_can_be_had_as_it_was() {
    let store = Store::default();
    let first = store.create(PODS, pod("a")).unwrap();
    let mut changed = (*first).clone();
    changed["spec"] = json!({});
    let changed = store.replace(PODS, &first, changed).unwrap();
    store.create(PODS, pod("b")).unwrap();
    store.remove(PODS, &changed).unwrap();
    assert_eq!(store.list_at(PODS, None, 1).unwrap(), [first]);
    assert_eq!(store.list_at(PODS, None, 2).unwrap(), [changed]);
    assert_eq!(store.list_at(PODS, Some("other"), 2).unwrap(), Vec::<Arc<Value>>::new());
}

#[test]
fn the_changes_of_all_resources_are_those_of_each() {
    let store = Store::default();
    store.create(PODS, pod("a")).unwrap();
    store.create(("", "secrets"), pod("b")).unwrap();
    store.create(PODS, pod("c")).unwrap();
    let names = |revision| {
        let changes = store.all_since(revision).unwrap();
        changes.0.iter().map(|(_, change)| name(&change.after).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(0), names(1), names(3)),
        (vec!["a".into(), "c".into(), "b".into()], vec!["c".into(), "b".into()], vec![])
    );
    store.compact();
    assert_eq!(store.all_since(1).unwrap_err(), TooOld { oldest: 3 });
    assert!(store.all_since(3).unwrap().0.is_empty());
}

#[test]
fn what_was_compacted_cannot_be_resumed_from() {
    let store = Store::default();
    store.create(PODS, pod("a")).unwrap();
    store.create(PODS, pod("b")).unwrap();
    store.compact();
    assert_eq!(store.since(PODS, 1).unwrap_err(), TooOld { oldest: 2 });
    assert!(store.since(PODS, 2).unwrap().is_empty());
}

proptest! {
    #[test]
    fn history_leads_from_any_version_to_the_present(writes in prop::collection::vec((0u8..4, 0u8..3), 1..60), from in 0u64..60) {
        let store = Store::default();
        let mut at_from = Vec::new();
        for (n, (what, which)) in writes.into_iter().enumerate() {
            let name = format!("p{which}");
            match (what, store.get(PODS, "default", &name)) {
                (0, Some(stored)) => { store.remove(PODS, &stored).unwrap(); }
                (_, Some(stored)) => {
                    let mut next = (*stored).clone();
                    next["n"] = n.into();
                    store.replace(PODS, &stored, next).unwrap();
                }
                (_, None) => { store.create(PODS, pod(&name)).unwrap(); }
            }
            if store.revision() <= from {
                at_from = store.list(PODS, None).0;
            }
        }
        let mut replayed: BTreeMap<String, Arc<Value>> =
            at_from.into_iter().map(|o| (name(&o).to_owned(), o)).collect();
        for change in store.since(PODS, from).unwrap() {
            let key = name(&change.after).to_owned();
            if change.removed { replayed.remove(&key); } else { replayed.insert(key, change.after); }
        }
        let present: BTreeMap<_, _> =
            store.list(PODS, None).0.into_iter().map(|o| (name(&o).to_owned(), o)).collect();
        prop_assert_eq!(replayed, present);
    }
}

#[test]
fn who_may_claim_objects_sees_its_own_and_those_of_nobody_alone() {
    let store = Store::default();
    let of = |name: &str, controller: &str| {
        let mut whole = pod(name);
        if !controller.is_empty() {
            whole["metadata"]["ownerReferences"] = json!([{"uid": controller, "controller": true}]);
        }
        whole
    };
    let names = |uid: &str| {
        let found = store.claimable(PODS, "default", uid);
        found.iter().map(|object| name(object).to_owned()).collect::<Vec<_>>()
    };
    store.create(PODS, of("c", "set")).unwrap();
    let free = store.create(PODS, of("b", "")).unwrap();
    store.create(PODS, of("a", "set")).unwrap();
    store.create(PODS, of("d", "other")).unwrap();
    store.create(PODS, json!({"metadata": {"namespace": "elsewhere", "name": "e"}})).unwrap();
    assert_eq!(
        (names("set"), names("other")),
        (vec!["a".into(), "b".into(), "c".into()], vec!["b".into(), "d".into()])
    );
    let taken = store.replace(PODS, &free, of("b", "other")).unwrap();
    assert_eq!((names("set"), names("other")), (vec!["a".into(), "c".into()], vec!["b".into(), "d".into()]));
    store.remove(PODS, &taken).unwrap();
    assert_eq!(names("other"), ["d"]);
}

#[test]
fn what_is_forgotten_is_too_old_and_the_rest_can_be_resumed_from() {
    let store = Store::default();
    for name in ["a", "b", "c"] {
        store.create(PODS, pod(name)).unwrap();
    }
    store.forget(2);
    assert_eq!((store.remembered(), store.since(PODS, 2).unwrap().len()), (1, 1));
    assert_eq!(store.since(PODS, 1).unwrap_err(), TooOld { oldest: 2 });
    assert_eq!(store.list(PODS, None).0.len(), 3);
}
