//! Tests of the table: by meaning and policy, its pauses and its words.

use determinism::Seed;
use eci_api::ErrorCode;
use proptest::prelude::*;

use super::*;

const BACK: FailurePolicy = FailurePolicy { fails_fast: false, never_restarts: false };
const FAST: FailurePolicy = FailurePolicy { fails_fast: true, never_restarts: false };
const NEVER: FailurePolicy = FailurePolicy { fails_fast: false, never_restarts: true };
const BOTH: FailurePolicy = FailurePolicy { fails_fast: true, never_restarts: true };

fn refused(code: &str) -> EciError {
    let status = ErrorCode::named(code).map_or(400, ErrorCode::status);
    EciError::refused("CreateContainerGroup", code, status)
}

fn away() -> EciError {
    EciError::Unreachable { action: "CreateContainerGroup", why: "connection refused".into() }
}

fn outcome(error: &EciError, policy: FailurePolicy) -> String {
    match of_creation(error, policy, "2 vCPU and 4 GiB").outcome {
        Outcome::Terminal { reason } => reason.to_owned(),
        Outcome::Retry { backoff } => format!("{}-{}", backoff.first.as_secs(), backoff.longest.as_secs()),
    }
}

#[test]
fn the_meaning_and_the_policy_decide_what_becomes_of_the_pod() {
    let garbled = EciError::Garbled { action: "CreateContainerGroup", why: "EOF".into() };
    for (error, back, fast, never) in [
        (away(), "2-30", "2-30", "2-30"),
        (garbled, "5-60", "5-60", "5-60"),
        (refused("InternalError"), "2-30", "2-30", "2-30"),
        (refused("SignatureNonceUsed"), "2-30", "2-30", "2-30"),
        (refused("Throttling"), "5-60", "5-60", "5-60"),
        (refused("Degrade.Api"), "5-60", "5-60", "5-60"),
        (refused("Throttling.Vcpu.PerDay"), "300-1800", "300-1800", "300-1800"),
        (refused("IdempotentParameterMismatch"), "10-60", "10-60", "10-60"),
        (refused("OperationConflict"), "10-60", "10-60", "10-60"),
        (refused("SignatureDoesNotMatch"), "10-120", "10-120", "10-120"),
        (refused("NoPermission"), "10-120", "10-120", "10-120"),
        (refused("Account.Arrearage"), "10-120", "10-120", "10-120"),
        (refused("InvalidTimeStamp.Expired"), "10-120", "10-120", "10-120"),
        (refused("InvalidVersion"), "10-120", "10-120", "10-120"),
        (refused("OperationDenied.NoStock"), "10-120", SCHEDULE_FAILED, "10-120"),
        (refused("QuotaExceeded"), "10-120", SCHEDULE_FAILED, "10-120"),
        (refused("InvalidParameter.CPU.Memory"), "30-300", SCHEDULE_FAILED, PROVIDER_FAILED),
        (refused("InvalidParameter.DuplicatedName"), "30-300", SCHEDULE_FAILED, PROVIDER_FAILED),
        (refused("InvalidParameter.NotFound"), "30-300", "30-300", "30-300"),
        (refused("CodeOfTomorrow"), "30-300", "30-300", "30-300"),
    ] {
        assert_eq!(
            [outcome(&error, BACK), outcome(&error, FAST), outcome(&error, NEVER)],
            [back, fast, never],
            "{error}"
        );
    }
}

#[test]
fn a_pod_that_fails_fast_and_never_restarts_says_that_it_failed_fast() {
    assert_eq!(outcome(&refused("InvalidParameter.CPU.Memory"), BOTH), SCHEDULE_FAILED);
}

#[test]
fn every_published_code_leaves_a_pod_alone_that_neither_fails_fast_nor_never_restarts() {
    for code in ErrorCode::all() {
        let verdict = of_creation(&refused(code.as_str()), BACK, "");
        assert!(matches!(verdict.outcome, Outcome::Retry { .. }), "{code}");
    }
}

#[test]
fn a_pause_is_never_shorter_than_the_cloud_asks_for() {
    let mut throttled = refused("Throttling.User");
    if let EciError::Refused { retry_after, .. } = &mut throttled {
        *retry_after = Some(Duration::from_secs(90));
    }
    assert_eq!(outcome(&throttled, BACK), "90-90");
    assert_eq!(of_deletion(&throttled).0.first, Duration::from_secs(90));
}

#[test]
fn the_size_that_is_not_sold_is_named() {
    let verdict = of_creation(&refused("InvalidParameter.CPU.Memory"), BACK, "3 vCPU and 7 GiB");
    assert!(verdict.words.starts_with("3 vCPU and 7 GiB asked"), "{}", verdict.words);
}

#[test]
fn the_words_do_not_hold_the_number_of_the_call() {
    let words = |id: &str| {
        let mut error = refused("OperationDenied.NoStock");
        if let EciError::Refused { request_id, .. } = &mut error {
            *request_id = id.into();
        }
        (of_creation(&error, BACK, "").words, of_deletion(&error).1)
    };
    assert_eq!(words("R-1"), words("R-2"));
}

proptest! {
    #[test]
    fn a_pause_lies_between_its_bounds_and_never_shrinks_below_the_one_before_it(
        first in 1u64..400, factor in 1u64..20, failures in 1u32..200, jitter in 0u8..=100,
    ) {
        let policy = BackoffPolicy::seconds(first, first * factor, jitter);
        let mut chance = Seed::DEFAULT.chance("backoff");
        let pause = policy.pause(failures, &mut chance);
        let none = BackoffPolicy { jitter_percent: 0, ..policy };
        let (least, before) = (none.pause(failures, &mut chance), none.pause(failures.max(2) - 1, &mut chance));
        prop_assert!(before <= least);
        prop_assert!(policy.first <= least && least <= policy.longest);
        prop_assert!(least <= pause && pause <= least + least * u32::from(jitter) / 100);
    }

    #[test]
    fn the_same_seed_draws_the_same_pauses(failures in 1u32..20) {
        let policy = BackoffPolicy::seconds(10, 120, 25);
        let draw = || policy.pause(failures, &mut Seed::DEFAULT.chance("backoff"));
        prop_assert_eq!(draw(), draw());
    }
}
