//! Calls to the cloud: their answers, their waits at the gate, the cloud's clock.

use std::fmt;

use super::Samples;
use crate::eci::{Eci, Waits};

/// Writes the samples.
pub(super) fn collect(samples: &mut Samples<'_>, eci: &Eci) -> fmt::Result {
    let waits: Vec<_> = eci.waits().into_iter().collect();
    let of = |value: fn(&Waits) -> f64| {
        waits.iter().map(move |(action, waits)| ([("action", *action)], value(waits)))
    };
    #[allow(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    let count = |count: u64| count as f64;
    samples.counter(
        "eci_calls",
        "Calls to ECI that were let through the gate",
        of(|waits| waits.calls as f64),
    )?;
    samples.counter(
        "eci_call_waits",
        "Calls to ECI that had to wait at the gate",
        of(|waits| waits.waited as f64),
    )?;
    samples.counter(
        "eci_call_wait_seconds",
        "Seconds that calls to ECI waited at the gate",
        of(|waits| waits.total.as_secs_f64()),
    )?;
    samples.gauge(
        "eci_call_wait_seconds_max",
        "The longest wait of a call to ECI at the gate",
        of(|waits| waits.longest.as_secs_f64()),
    )?;
    samples.gauge(
        "eci_calls_waiting",
        "Calls to ECI that wait at the gate now",
        of(|waits| waits.waiting as f64),
    )?;
    let answers = eci.answers();
    let answers = answers.iter().map(|(action, code, n)| ([("action", action), ("code", code)], count(n)));
    samples.counter("eci_answers", "Answers of ECI, by code", answers)?;
    samples.one_gauge(
        "eci_clock_skew_seconds",
        "The clock of ECI less this machine's, once a call was refused for it",
        eci.clock_skew().unwrap_or_default().as_secs_f64(),
    )
}
