//! Durations and money, as people read them.

use std::time::Duration;

use eci_sim::{Cost, Currency};
use rust_decimal::Decimal;

use crate::cost::figures::sign;

/// A real duration: `3 ms`, `1.2 s`.
pub fn real(span: Duration) -> String {
    let milliseconds = span.as_millis();
    if milliseconds < 1000 { format!("{milliseconds} ms") } else { format!("{:.1} s", span.as_secs_f64()) }
}

/// A simulated duration in two units at most: `60s`, `1h 00m`, `3d 04h`.
pub fn simulated(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 if !span.is_zero() => format!("{}ms", span.subsec_millis()),
        0..=99 => format!("{seconds}s"),
        100..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// An amount with every digit that it has: `¥ 0.441072`.
pub fn money(currency: Currency, amount: Decimal) -> String {
    format!("{} {}", sign(currency), amount.normalize())
}

/// A cost, or the sentence about the price that is missing for it.
pub fn priced(currency: Currency, cost: &Cost) -> String {
    cost.known().map_or_else(|no_price| no_price.to_string(), |amount| money(currency, amount.decimal()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_tell_their_unit() {
        for (seconds, shown) in [
            (0, "0s"),
            (60, "60s"),
            (100, "1m 40s"),
            (3600, "1h 00m"),
            (90_000, "25h 00m"),
            (180_000, "2d 02h"),
        ] {
            assert_eq!(simulated(Duration::from_secs(seconds)), shown);
        }
        assert_eq!(simulated(Duration::from_millis(250)), "250ms");
        assert_eq!(real(Duration::from_micros(1500)), "1 ms");
        assert_eq!(real(Duration::from_millis(1240)), "1.2 s");
    }

    #[test]
    fn money_has_every_digit_and_none_to_spare() {
        assert_eq!(money(Currency::Cny, "0.441072".parse().unwrap()), "¥ 0.441072");
        assert_eq!(money(Currency::Cny, "0.4400".parse().unwrap()), "¥ 0.44");
        assert_eq!(money(Currency::Usd, Decimal::ZERO), "$ 0");
    }
}
