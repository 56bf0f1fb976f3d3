//! Rolling updates: the next size of each ReplicaSet of a Deployment, computed from the present ones alone.

use std::sync::Arc;

use serde_json::Value;

use crate::object::field::{number, text};

/// Number of pods beyond `spec.replicas` that a rolling update may run.
pub fn surge(deployment: &Value) -> i64 {
    if text(deployment, "/spec/strategy/type") == "RollingUpdate" { limits(deployment).0 } else { 0 }
}

/// `maxSurge`, rounded up, and `maxUnavailable`, rounded down; never both zero.
fn limits(deployment: &Value) -> (i64, i64) {
    let replicas = number(deployment, "/spec/replicas").unwrap_or(1);
    let of = |key: &str, up: bool| {
        let value = deployment.pointer(&format!("/spec/strategy/rollingUpdate/{key}"));
        match value {
            Some(Value::String(text)) => {
                let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(25);
                (replicas * percent + if up { 99 } else { 0 }) / 100
            }
            Some(value) => value.as_i64().unwrap_or(0),
            None => 0,
        }
    };
    let (surge, unavailable) = (of("maxSurge", true), of("maxUnavailable", false));
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable.min(replicas)) }
}

/// Number of pods that may be missing from `spec.replicas` during a rolling update.
pub fn least_missing(deployment: &Value) -> i64 {
    if text(deployment, "/spec/strategy/type") == "RollingUpdate" { limits(deployment).1 } else { 0 }
}

/// The number of pods that a Deployment or a set is to have.
pub fn wanted(object: &Value) -> i64 {
    number(object, "/spec/replicas").unwrap_or(1)
}

/// The number of available pods of a set.
pub fn available(set: &Value) -> i64 {
    number(set, "/status/availableReplicas").unwrap_or(0)
}

/// Number of pods that a new set begins with beside the old ones.
pub fn first_replicas(deployment: &Value, old: &[Arc<Value>]) -> i64 {
    let replicas = wanted(deployment);
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return replicas;
    }
    let there: i64 = old.iter().map(|set| wanted(set)).sum();
    (replicas + surge(deployment) - there).clamp(0, replicas)
}

/// The sets whose number changes, and to what.
pub fn decide(deployment: &Value, current: Option<&Value>, old: &[Arc<Value>]) -> Vec<(Value, i64)> {
    let Some(current) = current else { return Vec::new() };
    let replicas = wanted(deployment);
    let active: Vec<_> = old.iter().filter(|set| wanted(set) > 0).collect();
    if active.is_empty() {
        return change(current, replicas).into_iter().collect();
    }
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return change(current, replicas)
            .into_iter()
            .chain(active.iter().flat_map(|set| change(set, 0)))
            .collect();
    }
    let grown = first_replicas_beside(deployment, current, old);
    let mut moves: Vec<_> = change(current, grown).into_iter().collect();
    if moves.is_empty() {
        moves.extend(shrink(deployment, current, old));
    }
    moves
}

/// The set and its new number of pods, unless it has that number already.
pub fn change(set: &Value, replicas: i64) -> Option<(Value, i64)> {
    (wanted(set) != replicas).then(|| (set.clone(), replicas))
}

fn first_replicas_beside(deployment: &Value, current: &Value, old: &[Arc<Value>]) -> i64 {
    let replicas = wanted(deployment);
    if wanted(current) >= replicas {
        return replicas;
    }
    let there: i64 = old.iter().map(|set| wanted(set)).sum::<i64>() + wanted(current);
    let room = replicas + surge(deployment) - there;
    if room <= 0 { wanted(current) } else { (wanted(current) + room).min(replicas) }
}

/// Takes from the old sets what the new one's available pods can stand for: first pods that do not work anyway.
fn shrink(deployment: &Value, current: &Value, old: &[Arc<Value>]) -> Vec<(Value, i64)> {
    let (_, unavailable) = limits(deployment);
    let least = wanted(deployment) - unavailable;
    let there: i64 = old.iter().map(|set| wanted(set)).sum::<i64>() + wanted(current);
    let unready_new = wanted(current) - available(current);
    let mut budget = there - least - unready_new;
    if budget <= 0 {
        return Vec::new();
    }
    let mut left: Vec<(Value, i64)> = old.iter().map(|set| ((**set).clone(), wanted(set))).collect();
    left.sort_by_key(|(set, _)| text(set, "/metadata/creationTimestamp").to_owned());
    for (set, replicas) in &mut left {
        let idle = (*replicas - available(set)).clamp(0, budget);
        *replicas -= idle;
        budget -= idle;
    }
    let sure: i64 = old.iter().map(|set| available(set)).sum::<i64>() + available(current);
    let mut spare = (sure - least).max(0);
    for (_, replicas) in &mut left {
        let gone = (*replicas).min(spare);
        *replicas -= gone;
        spare -= gone;
    }
    left.into_iter().filter(|(set, replicas)| wanted(set) != *replicas).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn deployment(replicas: i64, surge: Value, unavailable: Value) -> Value {
        json!({"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}})
    }

    fn set(name: &str, replicas: i64, available: i64) -> Value {
        json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T09:00:00Z"},
            "spec": {"replicas": replicas}, "status": {"replicas": replicas, "availableReplicas": available}})
    }

    #[test]
    fn shares_are_rounded_up_for_surge_and_down_for_unavailable() {
        for (replicas, surge, unavailable, wanted) in [
            (1, json!("25%"), json!("25%"), (1, 0)),
            (4, json!("25%"), json!("25%"), (1, 1)),
            (10, json!("25%"), json!("25%"), (3, 2)),
            (3, json!(0), json!(0), (0, 1)),
            (3, json!(2), json!(1), (2, 1)),
        ] {
            assert_eq!(limits(&deployment(replicas, surge, unavailable)), wanted);
        }
    }

    #[test]
    fn a_scaled_deployment_scales_its_only_set() {
        let moves = decide(&deployment(5, json!(1), json!(0)), Some(&set("new", 2, 2)), &[]);
        assert_eq!(moves.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [5]);
    }

    proptest! {
        #[test]
        fn a_rollout_keeps_its_limits_and_ends(
            replicas in 1i64..8, surge in 0i64..4, unavailable in 0i64..4, ready_each_round in 1i64..4,
        ) {
            let deployment = deployment(replicas, json!(surge), json!(unavailable));
            let (surge, unavailable) = limits(&deployment);
            let (mut new, mut old) = (set("new", 0, 0), Arc::new(set("old", replicas, replicas)));
            for _ in 0..100 {
                for (moved, to) in decide(&deployment, Some(&new), std::slice::from_ref(&old)) {
                    let is_new = text(&moved, "/metadata/name") == "new";
                    let mut next = if is_new { new.clone() } else { (*old).clone() };
                    next["spec"]["replicas"] = to.into();
                    next["status"]["availableReplicas"] = available(&next).min(to).into();
                    if is_new { new = next } else { old = Arc::new(next) }
                    prop_assert!(wanted(&new) + wanted(&old) <= replicas + surge);
                    prop_assert!(available(&new) + available(&old) >= replicas - unavailable);
                }
                new["status"]["availableReplicas"] = (available(&new) + ready_each_round).min(wanted(&new)).into();
            }
            prop_assert_eq!((wanted(&new), wanted(&old)), (replicas, 0));
        }
    }
}
