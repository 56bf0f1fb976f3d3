//! Which failed calls are made again at once, how often and after how long; longer waits belong to the pods' loop.

use std::time::Duration;

use super::{EciError, Meaning};

/// How many times one call is repeated.
const REPEATS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// How long to wait before trying again after the `tries`-th failure (from 0); `None` when it would not help.
///
/// Every action here may be repeated: a creation carries a token, a deletion names what it deletes, the rest only ask.
pub fn pause(error: &EciError, tries: u32) -> Option<Duration> {
    if tries >= REPEATS {
        return None;
    }
    let pause = FIRST_PAUSE * 3u32.pow(tries);
    match (error, error.meaning()) {
        (EciError::Unreachable { .. }, _) | (_, Some(Meaning::Fault | Meaning::Replayed)) => Some(pause),
        (_, Some(Meaning::Throttled)) => Some(pause * 3),
        _ => None,
    }
}

/// How long a pod's work rests after its `failures`-th failure in a row (from 1): doubling from `first` to `longest`.
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
    fn a_back_off_doubles_and_then_stays() {
        let seconds =
            |failures| back_off(failures, Duration::from_secs(5), Duration::from_secs(60)).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 90].map(seconds), [5, 10, 20, 40, 60, 60]);
    }
}
