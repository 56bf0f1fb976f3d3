//! Back-off within one call: which failures are tried again at once, how often, and after how long. Longer waits are those of
//! a pod's step, in `pods::call_failure`.

use std::time::Duration;

use super::error::EciError;
use super::meaning::Meaning;

/// The most repetitions of one call.
const REPEATS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// The longest wait that is taken within one call when the cloud asks for one.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The pause before another try after the `tries`-th failure (from 0); `None` when it would not help, or when the cloud
/// asks for a longer wait than a caller should sit through.
pub fn pause(error: &EciError, tries: u32) -> Option<Duration> {
    if tries >= REPEATS || error.retry_after().is_some_and(|wait| wait > WAIT_MAX) {
        return None;
    }
    let pause = FIRST_PAUSE * 3u32.pow(tries);
    match (error, error.meaning()) {
        (EciError::Unreachable { .. }, _) | (_, Some(Meaning::Fault | Meaning::Replayed)) => {
            is_repeatable(error.action()).then_some(pause)
        }
        (_, Some(Meaning::Throttled)) => Some(pause * 3),
        _ => None,
    }
}

/// Returns true when `action` may be made again though it is unknown what came of it: a creation of a group carries a
/// token, a deletion names what it deletes, the rest of these only look. A command, a restart or an update might be
/// carried out twice.
pub fn is_repeatable(action: &str) -> bool {
    planted!(CommandsAreRepeated)
        || action == "CreateContainerGroup"
        || ["Describe", "List", "Delete"].iter().any(|start| action.starts_with(start))
}

/// The pause of a loop that has to go on (the node, a port, the start) after its `failures`-th failure in a row (from 1):
/// doubling from `first` to `longest`. Pods have policies of their own.
pub fn back_off(failures: u32, first: Duration, longest: Duration) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> EciError {
        EciError::refused("CreateContainerGroup", code, 400)
    }

    #[test]
    fn only_what_may_pass_by_itself_is_repeated() {
        let away = EciError::Unreachable { action: "CreateContainerGroup", why: String::new() };
        for (error, tries, repeated) in [
            (away.clone(), 0, true),
            (away, REPEATS, false),
            (refused("Throttling"), 1, true),
            (refused("InternalError"), 0, true),
            (refused("OperationDenied.NoStock"), 0, false),
            (refused("InvalidParameter.CPU.Memory"), 0, false),
            (refused("SignatureDoesNotMatch"), 0, false),
        ] {
            assert_eq!(pause(&error, tries).is_some(), repeated, "{error}");
        }
    }

    #[test]
    fn a_command_whose_fate_is_unknown_is_not_carried_out_again() {
        let away = EciError::Unreachable { action: "ExecContainerCommand", why: String::new() };
        assert_eq!(pause(&away, 0), None);
        assert!(pause(&EciError::refused("ExecContainerCommand", "Throttling", 400), 0).is_some());
    }

    #[test]
    fn a_back_off_doubles_and_then_stays() {
        let seconds =
            |failures| back_off(failures, Duration::from_secs(5), Duration::from_secs(60)).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 90].map(seconds), [5, 10, 20, 40, 60, 60]);
    }
}
