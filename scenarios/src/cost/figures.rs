//! Figures for people: money by the hour and month, sizes, and names from outside without anything that a terminal obeys.

use eci_api::size::{Mebibytes, MilliVcpu};
use eci_sim::money::Currency;
use eci_sim::terms::Size;
use eci_sim::{Amount, Cost};
use rust_decimal::{Decimal, RoundingStrategy};

/// Hours of a month, as the cloud's own estimates have them (ours: 365 days are 8760 hours, a twelfth is 730).
pub const HOURS_A_MONTH: u32 = 730;
/// The word for an amount whose price no list has.
pub const UNKNOWN: &str = "unknown";

/// An amount by the month, with two decimals.
pub fn month(amount: Decimal) -> String {
    format!("{:.2}", amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

/// An amount by the hour, with six decimals at most.
pub fn hour(amount: Decimal) -> String {
    amount.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero).normalize().to_string()
}

/// A cost by the month, or that it is not known.
pub fn month_of(cost: &Cost) -> String {
    cost.known().map_or_else(|_| UNKNOWN.to_owned(), |amount| month(amount.decimal()))
}

/// A cost by the hour, or that it is not known.
pub fn hour_of(cost: &Cost) -> String {
    cost.known().map_or_else(|_| UNKNOWN.to_owned(), |amount| hour(amount.decimal()))
}

/// A difference with its sign: `+12.50`, `-3.00`, `0.00`.
pub fn signed(amount: Decimal) -> String {
    let text = month(amount.abs());
    match text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        true if amount.is_sign_negative() => format!("-{text}"),
        true => format!("+{text}"),
        false => text,
    }
}

/// The sign of a currency.
pub fn sign(currency: Currency) -> &'static str {
    match currency {
        Currency::Cny => "¥",
        Currency::Usd => "$",
    }
}

/// A cost so many times.
pub fn times(cost: &Cost, number: u32) -> Cost {
    match cost {
        Cost::Known(amount) => {
            let product = amount.decimal().saturating_mul(Decimal::from(number));
            Cost::Known(Amount::from(product.normalize()))
        }
        unknown @ (Cost::Unknown(_) | Cost::Mixed(_)) => unknown.clone(),
    }
}

/// A size in words: `7 vCPU, 13 GiB`.
pub fn size(size: Size) -> String {
    format!("{} vCPU, {} GiB", vcpu(size.vcpu), gib(size.memory))
}

/// A size as the cloud's list has it: `7-13Gi`.
pub fn spec(size: Size) -> String {
    format!("{}-{}Gi", vcpu(size.vcpu), gib(size.memory))
}

/// vCPU without trailing zeros.
pub fn vcpu(vcpu: MilliVcpu) -> Decimal {
    vcpu.vcpu().0.normalize()
}

/// GiB with three decimals at most.
pub fn gib(memory: Mebibytes) -> Decimal {
    memory.gib().0.round_dp_with_strategy(3, RoundingStrategy::MidpointAwayFromZero).normalize()
}

/// A text from outside with nothing in it that a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_people_write_them() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(month(number("321.98256")), "321.98");
        assert_eq!(month(number("5")), "5.00");
        assert_eq!(hour(number("1.7201520")), "1.720152");
        for (amount, shown) in [("12.5", "+12.50"), ("-3", "-3.00"), ("0", "0.00"), ("-0.001", "0.00")] {
            assert_eq!(signed(number(amount)), shown);
        }
        let requested = Size { vcpu: MilliVcpu(250), memory: Mebibytes(512) };
        assert_eq!(
            (spec(requested), size(requested)),
            ("0.25-0.5Gi".to_owned(), "0.25 vCPU, 0.5 GiB".to_owned())
        );
        assert_eq!(plain("web\u{1b}[31m"), "web\u{fffd}[31m");
    }
}
