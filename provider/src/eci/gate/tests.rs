//! Tests of the gate under paused time.

use super::*;

fn gate(rates: &str) -> Gate {
    Gate::new(rates.parse().unwrap())
}

/// Has `count` calls of `action` wait for their turn, each for `takes` once it goes.
fn call(gate: &Gate, action: &'static str, count: usize, takes: Duration) -> tokio::task::JoinSet<Duration> {
    let began = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..count {
        let gate = gate.clone();
        calls.spawn(async move {
            let turn = gate.turn(action).await;
            let waited = began.elapsed();
            tokio::time::sleep(takes).await;
            drop(turn);
            waited
        });
    }
    calls
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test(start_paused = true)]
async fn a_deletion_is_never_behind_ten_thousand_creations() {
    let gate = gate("published");
    let _creations = call(&gate, "CreateContainerGroup", 10_000, Duration::from_millis(200));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let deletions = call(&gate, "DeleteContainerGroup", 20, Duration::from_millis(200)).join_all().await;
    assert!(deletions.iter().all(Duration::is_zero), "{deletions:?}");
    assert!(gate.waits()["CreateContainerGroup"].waiting > 9_000);
}

#[tokio::test(start_paused = true)]
async fn creations_that_never_end_leave_room_for_looks_and_looks_for_deletions() {
    let gate = gate("unlimited");
    let _stuck = call(&gate, "CreateContainerGroup", 500, Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let looks = call(&gate, "DescribeContainerGroups", 500, Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(gate.waits()["CreateContainerGroup"].waiting, 500 - CREATIONS);
    assert_eq!(gate.waits()["DescribeContainerGroups"].waiting, 500 - (OTHERS - CREATIONS));
    let deletions = call(&gate, "DeleteContainerGroup", 100, Duration::from_secs(1)).join_all().await;
    assert!(deletions.iter().max().unwrap() < &Duration::from_secs(10), "{deletions:?}");
    drop(looks);
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_action_go_in_the_order_in_which_they_came() {
    let gate = gate("CreateContainerGroup=60");
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (gate, order) = (gate.clone(), order.clone());
        calls.spawn(async move {
            let _turn = gate.turn("CreateContainerGroup").await;
            order.lock().unwrap().push(number);
        });
    }
    calls.join_all().await;
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_creations_go_within_the_published_rate() {
    let gate = gate("published");
    let mut waits = call(&gate, "CreateContainerGroup", 10_000, AT_ONCE).join_all().await;
    waits.sort();
    for (first, begin) in waits.iter().enumerate().step_by(97) {
        let minute = waits[first..].iter().filter(|at| **at < *begin + Duration::from_secs(60)).count();
        assert!(minute <= 1001, "{minute} calls in the minute from {begin:?}");
    }
    assert!(waits[9_999] < Duration::from_secs(700), "{:?}", waits[9_999]);
    let counted = gate.waits()["CreateContainerGroup"];
    assert_eq!((counted.calls, counted.waiting, counted.longest), (10_000, 0, waits[9_999]));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_gives_up_costs_nothing_and_holds_nobody_up() {
    let gate = gate("CreateContainerGroup=60");
    let calls = call(&gate, "CreateContainerGroup", 1_000, AT_ONCE);
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(calls);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let waited = call(&gate, "CreateContainerGroup", 1, AT_ONCE).join_all().await[0];
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_waits_for_nobody_and_is_counted() {
    let gate = gate("DescribeContainerGroups=2");
    for _ in 0..10 {
        gate.pass("DescribeContainerGroups");
    }
    assert_eq!(gate.waits()["DescribeContainerGroups"].calls, 10);
    let waited = call(&gate, "DescribeContainerGroups", 1, AT_ONCE).join_all().await[0];
    assert!(waited > Duration::from_secs(60), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_cloud_asks_for_holds_its_action_or_all() {
    let gate = gate("published");
    gate.close("CreateContainerGroup", false, Duration::from_secs(7));
    let creation = call(&gate, "CreateContainerGroup", 1, AT_ONCE);
    let deletion = call(&gate, "DeleteContainerGroup", 1, AT_ONCE).join_all().await[0];
    assert_eq!((deletion, creation.join_all().await[0].as_secs()), (Duration::ZERO, 7));
    gate.close("CreateContainerGroup", true, Duration::from_secs(3600));
    assert_eq!(call(&gate, "DeleteContainerGroup", 1, AT_ONCE).join_all().await[0].as_secs(), 10);
}
