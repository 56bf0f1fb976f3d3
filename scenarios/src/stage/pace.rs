//! The pace of a world on a real cluster: its own clock is moved by hand, the cluster works at its own speed.

use std::time::Duration;

/// For so long, and for so many looks, the cluster may work before the world's time begins to move: what is done at once costs
/// no world time. A look is a call to the cluster, which takes the longer the busier the machine is; so a busy one has more time.
const SETTLING_TIME: Duration = Duration::from_millis(400);
const SETTLING_LOOKS: u32 = 30;
/// An expectation is given up only after so much real time: the cluster's own programs may be slow.
const REAL_TIMEOUT: Duration = Duration::from_secs(20);
/// The pause between two looks of an expectation, in real time.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Into how many strides the span of an expectation that waits is cut, and the bounds of one.
const STRIDES: u32 = 200;
const STRIDE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Into how many strides a span is cut throughout which something holds, and the bounds of one.
const STRIDES_THROUGHOUT: u32 = 60;
const STRIDE_THROUGHOUT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(120));

/// The pause and the stride between one look and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Between {
    /// So much real time passes.
    pub pause: Duration,
    /// And then so much of the world's.
    pub stride: Duration,
}

/// The step after the look of this number, the first being 1, that did not find what is wanted within `span`, when so much
/// `real` time and so much of the `world`'s has passed; nothing when it is time to give up.
pub(super) fn until_found(span: Duration, looks: u32, real: Duration, world: Duration) -> Option<Between> {
    if world >= span && looks >= SETTLING_LOOKS && real >= REAL_TIMEOUT.min(span.max(SETTLING_TIME)) {
        return None;
    }
    let stride = match real < SETTLING_TIME || looks < SETTLING_LOOKS {
        true => Duration::ZERO,
        false => (span / STRIDES).clamp(STRIDE.0, STRIDE.1),
    };
    Some(Between { pause: POLL_INTERVAL, stride })
}

/// The step after a look throughout `span`, of which `world` has passed; nothing at the end.
pub(super) fn throughout(span: Duration, world: Duration) -> Option<Between> {
    let left = span.checked_sub(world).filter(|left| !left.is_zero())?;
    let stride = (span / STRIDES_THROUGHOUT).clamp(STRIDE_THROUGHOUT.0, STRIDE_THROUGHOUT.1);
    Some(Between { pause: POLL_INTERVAL, stride: stride.min(left) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_the_cluster_does_at_once_costs_no_world_time() {
        let first = until_found(MINUTE, 1, ms(0), ms(0)).unwrap();
        assert_eq!(first.stride, Duration::ZERO);
        assert!(!until_found(MINUTE, SETTLING_LOOKS, SETTLING_TIME, ms(0)).unwrap().stride.is_zero());
    }

    #[test]
    fn a_busy_machine_whose_looks_are_slow_has_more_time() {
        let slow = until_found(MINUTE, SETTLING_LOOKS - 1, SETTLING_TIME * 10, ms(0)).unwrap();
        assert_eq!(slow.stride, Duration::ZERO);
    }

    #[test]
    fn an_expectation_is_given_up_when_both_times_are_over() {
        for (span, real, world, over) in [
            (MINUTE, ms(2_000), MINUTE, false),
            (MINUTE, REAL_TIMEOUT, MINUTE / 2, false),
            (MINUTE, REAL_TIMEOUT, MINUTE, true),
            (ms(0), SETTLING_TIME, ms(0), true),
        ] {
            assert_eq!(
                until_found(span, SETTLING_LOOKS, real, world).is_none(),
                over,
                "{span:?} {real:?} {world:?}"
            );
        }
    }

    #[test]
    fn a_long_span_is_taken_in_longer_strides() {
        for (span, stride) in [(60, 1), (600, 3), (3600, 18), (36_000, 30)] {
            let between =
                until_found(Duration::from_secs(span), SETTLING_LOOKS, SETTLING_TIME, ms(0)).unwrap();
            assert_eq!(between.stride, Duration::from_secs(stride), "{span} s");
        }
    }

    #[test]
    fn strides_throughout_a_span_add_up_to_it() {
        for span in [ms(700), MINUTE, MINUTE * 4, MINUTE * 120] {
            let mut world = Duration::ZERO;
            let mut looks = 0;
            while let Some(between) = throughout(span, world) {
                world += between.stride;
                looks += 1;
            }
            assert_eq!(world, span);
            assert!(looks <= 61, "{looks}");
        }
    }
}
