//! Tests of the clocks against a machine that is moved by hand.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::*;

const NINE: &str = "2026-01-01T09:00:00Z";

fn nine() -> Timestamp {
    NINE.parse().unwrap()
}

#[test]
fn a_still_clock_moves_only_when_advanced() {
    let clock = Clock::still(nine());
    assert_eq!(clock.now(), nine());
    clock.advance(Duration::from_secs(3600)).unwrap();
    assert_eq!(clock.now().to_string(), "2026-01-01T10:00:00Z");
}

#[test]
fn clones_tell_the_same_time() {
    let clock = Clock::still(nine());
    let other = clock.clone();
    clock.advance(Duration::from_secs(1)).unwrap();
    assert_eq!(other.now(), clock.now());
}

#[test]
fn advancing_past_the_calendar_is_refused_and_changes_nothing() {
    let clock = Clock::still(nine());
    assert_eq!(clock.advance(Duration::MAX), Err(OutOfRange::EndOfCalendar));
    assert_eq!(clock.now(), nine());
}

#[test]
fn a_clock_that_is_put_back_leaves_its_branch_where_it_was() {
    let clock = Clock::still(nine());
    let branch = clock.branch(nine());
    clock.advance(Duration::from_secs(3600)).unwrap();
    assert_eq!(branch.now(), nine());
    clock.set(nine());
    assert_eq!(clock.now(), nine());
}

#[tokio::test(start_paused = true)]
async fn a_paused_runtime_steps_the_clock() {
    let clock = Clock::following_runtime(nine());
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(clock.now().to_string(), "2026-01-01T10:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_rate_multiplies_what_passes_from_then_on() {
    let clock = Clock::following_runtime(nine());
    tokio::time::sleep(Duration::from_secs(60)).await;
    clock.set_rate(60);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(clock.now().to_string(), "2026-01-01T09:02:00Z");
}

/// A machine whose two clocks are moved by hand.
struct Moved {
    wall: AtomicI64,
    counter: AtomicU64,
}

impl Moved {
    fn at_nine() -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(nine().as_second()), counter: AtomicU64::new(1000) })
    }

    /// Lets both clocks go on.
    fn pass(&self, seconds: u32) {
        self.wall.fetch_add(seconds.into(), Ordering::Relaxed);
        self.counter.fetch_add(seconds.into(), Ordering::Relaxed);
    }

    /// Corrects the wall clock, as after a suspend.
    fn correct(&self, seconds: i64) {
        self.wall.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Machine for Moved {
    fn wall(&self) -> Timestamp {
        Timestamp::from_second(self.wall.load(Ordering::Relaxed)).unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.counter.load(Ordering::Relaxed))
    }
}

#[test]
fn the_system_s_clock_follows_a_correction_both_ways() {
    let machine = Moved::at_nine();
    let clock = Clock::of_machine(machine.clone());
    machine.pass(60);
    machine.correct(3600);
    assert_eq!(clock.now().to_string(), "2026-01-01T10:01:00Z");
    machine.correct(-7200);
    assert_eq!(clock.now().to_string(), "2026-01-01T08:01:00Z");
}

#[test]
fn a_monotonic_clock_follows_a_suspend() {
    let machine = Moved::at_nine();
    let clock = Clock::monotonic_of_machine(machine.clone());
    machine.correct(8 * 3600);
    assert_eq!(clock.now().to_string(), "2026-01-01T17:00:00Z");
}

#[test]
fn a_monotonic_clock_goes_on_after_a_correction_back_until_the_wall_clock_has_come_up() {
    let machine = Moved::at_nine();
    let clock = Clock::monotonic_of_machine(machine.clone());
    machine.pass(60);
    assert_eq!(clock.now().to_string(), "2026-01-01T09:01:00Z");
    machine.correct(-3600);
    assert_eq!(clock.now().to_string(), "2026-01-01T09:01:00Z");
    machine.pass(60);
    assert_eq!(clock.now().to_string(), "2026-01-01T09:02:00Z");
    machine.correct(3600);
    machine.pass(60);
    assert_eq!(clock.now(), machine.wall());
}

#[test]
fn corrections_that_come_and_go_do_not_add_up() {
    let machine = Moved::at_nine();
    let clock = Clock::monotonic_of_machine(machine.clone());
    for _ in 0..10 {
        machine.correct(-3600);
        clock.now();
        machine.correct(3600);
        machine.pass(1);
        clock.now();
    }
    assert_eq!(clock.now().to_string(), "2026-01-01T09:00:10Z");
}

#[test]
fn a_correction_is_not_multiplied_by_a_rate() {
    let machine = Moved::at_nine();
    let clock = Clock::of_machine(machine.clone());
    clock.set_rate(60);
    machine.correct(3600);
    machine.pass(60);
    assert_eq!(clock.now().to_string(), "2026-01-01T10:00:00Z");
    clock.set_rate(1);
    machine.correct(60);
    assert_eq!(clock.now().to_string(), "2026-01-01T10:01:00Z");
}

#[test]
fn a_clock_that_was_advanced_follows_corrections_from_there() {
    let machine = Moved::at_nine();
    let clock = Clock::of_machine(machine.clone());
    clock.advance(Duration::from_secs(3600)).unwrap();
    machine.correct(-60);
    assert_eq!(clock.now().to_string(), "2026-01-01T09:59:00Z");
}
