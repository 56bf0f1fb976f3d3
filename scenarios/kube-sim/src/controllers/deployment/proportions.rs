//! A Deployment that is scaled in the middle of a rollout: every ReplicaSet with pods gets its share of the new size.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::Value;

use super::roll::{self, available, wanted};
use super::{DESIRED, MAX};
use crate::object::field::{annotation, number, text};

/// A number that an annotation of a set holds.
fn noted(set: &Value, key: &str) -> Option<i64> {
    annotation(set, key)?.parse().ok()
}

/// True when a set with pods was last sized for another number of replicas than the Deployment wants now.
pub fn is_scaled(deployment: &Value, sets: &[Arc<Value>]) -> bool {
    let replicas = wanted(deployment);
    let mut active = sets.iter().filter(|set| wanted(set) > 0);
    active.any(|set| noted(set, DESIRED).is_some_and(|desired| desired != replicas))
}

/// The sizes of the sets of a Deployment that was scaled or is paused; `current` has its present template.
pub fn decide(deployment: &Value, current: Option<&Value>, old: &[Arc<Value>]) -> Vec<(Value, i64)> {
    let all = old.iter().map(AsRef::as_ref).chain(current);
    let active: Vec<&Value> = all.filter(|set| wanted(set) > 0).collect();
    let newest = || old.iter().map(AsRef::as_ref).max_by_key(|set| text(set, "/metadata/creationTimestamp"));
    let only = match active[..] {
        [] => current.or_else(newest),
        [only] => Some(only),
        _ => None,
    };
    if let Some(only) = only {
        return vec![(only.clone(), wanted(deployment))];
    }
    if current.is_some_and(|set| is_saturated(deployment, set)) {
        return old.iter().filter_map(|set| roll::change(set, 0)).collect();
    }
    match text(deployment, "/spec/strategy/type") {
        "RollingUpdate" => share(deployment, active),
        // Nothing is shared out; that the sets were looked at is noted on them.
        _ => active.into_iter().map(|set| (set.clone(), wanted(set))).collect(),
    }
}

/// True for a set that has all the pods that the Deployment wants, and all of them available.
fn is_saturated(deployment: &Value, set: &Value) -> bool {
    let replicas = wanted(deployment);
    wanted(set) == replicas && noted(set, DESIRED) == Some(replicas) && available(set) == replicas
}

/// Distributes what the Deployment may have more, or has too much, over its sets, the largest first.
fn share(deployment: &Value, mut sets: Vec<&Value>) -> Vec<(Value, i64)> {
    let replicas = wanted(deployment);
    let most = if replicas > 0 { replicas + roll::surge(deployment) } else { 0 };
    let to_add = most - sets.iter().map(|set| wanted(set)).sum::<i64>();
    let age = |set: &&Value| text(set, "/metadata/creationTimestamp").to_owned();
    // Of sets of one size the newer grow first, and the older shrink first.
    match to_add > 0 {
        true => sets.sort_by_key(|set| (Reverse(wanted(set)), Reverse(age(set)))),
        false => sets.sort_by_key(|set| (Reverse(wanted(set)), age(set))),
    }
    let mut added = 0;
    let mut sizes = Vec::new();
    for set in sets {
        let left = to_add - added;
        let part = fraction(deployment, set);
        let part = if to_add > 0 { part.min(left) } else { part.max(left) };
        added += part;
        sizes.push((set.clone(), wanted(set) + part));
    }
    if let Some((_, largest)) = sizes.first_mut() {
        *largest = (*largest + to_add - added).max(0);
    }
    sizes
}

/// The change of a set that keeps its share of all pods.
fn fraction(deployment: &Value, set: &Value) -> i64 {
    let (replicas, size) = (wanted(deployment), wanted(set));
    if replicas == 0 {
        return -size;
    }
    let before = noted(set, MAX).filter(|most| *most > 0).or_else(|| number(deployment, "/status/replicas"));
    let Some(before) = before.filter(|most| *most > 0) else { return 0 };
    // Rounded to the nearest, and a half up.
    (2 * size * (replicas + roll::surge(deployment)) + before) / (2 * before) - size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::object::field::name;

    fn deployment(replicas: i64, surge: i64) -> Value {
        json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 2}}}})
    }

    fn set(known: &str, size: i64, day: i64, most: i64) -> Value {
        json!({"metadata": {"name": known, "creationTimestamp": format!("2026-01-0{day}T00:00:00Z"),
            "annotations": {DESIRED: "10", MAX: most.to_string()}}, "spec": {"replicas": size}})
    }

    fn sizes(deployment: &Value, new: i64, old: &[i64]) -> Vec<(String, i64)> {
        let most = new + old.iter().sum::<i64>();
        let days = 1i64..;
        let old: Vec<_> = old
            .iter()
            .zip(days)
            .map(|(size, day)| Arc::new(set(&format!("old{day}"), *size, day, most)))
            .collect();
        let mut sizes: Vec<_> = decide(deployment, Some(&set("new", new, 9, most)), &old)
            .into_iter()
            .map(|(set, size)| (name(&set).to_owned(), size))
            .collect();
        sizes.sort();
        sizes
    }

    #[test]
    fn each_set_keeps_its_share_of_a_deployment_that_grows_or_shrinks() {
        let is = |list: &[(&str, i64)]| -> Vec<(String, i64)> {
            list.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
        };
        // The documentation's example: 10 with a surge of 3 become 15; 8 old and 5 new become 11 and 7.
        assert_eq!(sizes(&deployment(15, 3), 5, &[8]), is(&[("new", 7), ("old1", 11)]));
        assert_eq!(sizes(&deployment(5, 3), 5, &[8]), is(&[("new", 3), ("old1", 5)]));
        assert_eq!(sizes(&deployment(0, 3), 5, &[8]), is(&[("new", 0), ("old1", 0)]));
        assert_eq!(sizes(&deployment(20, 3), 0, &[10]), is(&[("old1", 20)]));
    }

    #[test]
    fn a_size_that_was_asked_for_anew_is_noticed_on_a_set_with_pods() {
        let sets = [Arc::new(set("a", 8, 1, 13)), Arc::new(set("b", 0, 2, 13))];
        assert!(!is_scaled(&deployment(10, 3), &sets));
        assert!(is_scaled(&deployment(11, 3), &sets));
        assert!(!is_scaled(&deployment(11, 3), &sets[1..]));
    }

    proptest! {
        #[test]
        fn the_shares_make_up_the_whole_but_for_what_is_rounded(replicas in 1i64..30, surge in 0i64..5, new in 1i64..9, old in prop::collection::vec(1i64..9, 1..4)) {
            let sizes = sizes(&deployment(replicas, surge), new, &old);
            let sum = sizes.iter().map(|(_, size)| size).sum::<i64>();
            prop_assert!((replicas + surge..replicas + surge + 4).contains(&sum));
            prop_assert!(sizes.iter().all(|(_, size)| *size >= 0));
        }
    }
}
