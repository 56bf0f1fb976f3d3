//! Kubernetes quantities such as `250m`, `1.5Gi` and `2e3`: their value, their canonical text, and whole thousandths.
//!
//! ```
//! use quantity::Quantity;
//!
//! let memory: Quantity = "1.5Gi".parse()?;
//! assert_eq!(memory.value().map(|bytes| bytes.normalize().to_string()).as_deref(), Some("1610612736"));
//! assert_eq!(memory.canonical().as_deref(), Some("1536Mi"));
//! assert!("1.5 GB".parse::<Quantity>().is_err());
//! # Ok::<(), quantity::ParseQuantityError>(())
//! ```

use std::str::FromStr;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// Binary suffixes with their powers of two, the largest first.
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
/// Decimal suffixes with their powers of ten, the largest first.
const DECIMAL: [(&str, i32); 10] =
    [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9)];
/// Largest exponent in either direction, as in `1e19`: its power of ten fits into a `u64`.
const EXPONENT_MAX: u32 = 19;

/// A quantity: a number, and the unit that its suffix stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    number: Decimal,
    unit: Unit,
}

/// Error for a text that is no quantity, in the API server's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
pub struct ParseQuantityError;

/// The unit that a suffix stands for, as a power of two or ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Binary(u32),
    Decimal(i32),
    Exponent(i32),
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, ParseQuantityError> {
        let of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
        let end = text.find(|c| !of_number(c)).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let unit = Unit::of(suffix).ok_or(ParseQuantityError)?;
        let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
        if unsigned.contains(['+', '-']) || !unsigned.contains(|c: char| c.is_ascii_digit()) {
            return Err(ParseQuantityError);
        }
        let mut value: Decimal = unsigned.parse().map_err(|_| ParseQuantityError)?;
        value.set_sign_negative(number.starts_with('-'));
        Ok(Self { number: value, unit })
    }
}

impl Unit {
    /// The unit of a suffix; `None` for an unknown one.
    fn of(suffix: &str) -> Option<Self> {
        let binary = BINARY.iter().find(|(known, _)| *known == suffix).map(|(_, bits)| Self::Binary(*bits));
        let decimal =
            DECIMAL.iter().find(|(known, _)| *known == suffix).map(|(_, power)| Self::Decimal(*power));
        binary.or(decimal).or_else(|| Self::of_exponent(suffix))
    }

    fn of_exponent(suffix: &str) -> Option<Self> {
        let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (power.unsigned_abs() <= EXPONENT_MAX).then_some(Self::Exponent(power))
    }
}

impl Quantity {
    /// The number that the quantity means; `None` beyond what a [`Decimal`] holds, some 10^28.
    pub fn value(self) -> Option<Decimal> {
        match self.unit {
            Unit::Binary(bits) => self.number.checked_mul(Decimal::from(1u64 << bits)),
            Unit::Decimal(power) | Unit::Exponent(power) => scaled(self.number, power),
        }
    }

    /// The canonical text, as the API stores it; `None` beyond what it can write.
    pub fn canonical(self) -> Option<String> {
        let value = self.value()?;
        match self.unit {
            Unit::Binary(_) => binary(value),
            Unit::Decimal(_) => decimal(value),
            Unit::Exponent(_) => exponent(value),
        }
    }

    /// The value in thousandths of its unit, rounded away from zero; `None` beyond what a [`Decimal`] holds.
    pub fn thousandths(self) -> Option<i128> {
        let thousandths = self.value()?.checked_mul(Decimal::ONE_THOUSAND)?;
        thousandths.round_dp_with_strategy(0, RoundingStrategy::AwayFromZero).to_i128()
    }
}

fn scaled(number: Decimal, power: i32) -> Option<Decimal> {
    let factor = Decimal::from(10u64.checked_pow(power.unsigned_abs())?);
    if power >= 0 { number.checked_mul(factor) } else { number.checked_div(factor) }
}

/// The largest binary unit in which the number stays whole; below 1024, and where it is no whole number, a decimal one, so
/// that nothing is lost.
fn binary(value: Decimal) -> Option<String> {
    if !value.fract().is_zero() || value.abs() < Decimal::from(1024) {
        return decimal(value);
    }
    let unit = |(_, bits): &&(&str, u32)| (value % Decimal::from(1u64 << bits)).is_zero();
    let (name, bits) = BINARY.iter().find(unit).unwrap_or(&("", 0));
    Some(format!("{}{name}", (value / Decimal::from(1u64 << bits)).normalize()))
}

/// The largest unit in which the number stays whole; what is finer than a nano is rounded up.
fn decimal(value: Decimal) -> Option<String> {
    if value.is_zero() {
        return Some("0".to_owned());
    }
    for (unit, power) in DECIMAL {
        let amount = scaled(value, -power)?;
        if amount.fract().is_zero() {
            return Some(format!("{}{unit}", amount.to_i128()?));
        }
    }
    Some(format!("{}n", scaled(value, 9)?.ceil().to_i128()?))
}

fn exponent(value: Decimal) -> Option<String> {
    if value.is_zero() {
        return Some("0".to_owned());
    }
    for power in (-9..=18).rev().step_by(3) {
        let amount = scaled(value, -power)?;
        if amount.fract().is_zero() {
            let amount = amount.to_i128()?;
            return Some(if power == 0 { amount.to_string() } else { format!("{amount}e{power}") });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Quantity> {
        text.parse().ok()
    }

    #[test]
    fn quantities_are_read_exactly() {
        for (text, number) in [
            ("0.25", Some("0.25")),
            ("250m", Some("0.25")),
            ("64", Some("64")),
            ("512Mi", Some("536870912")),
            ("1.5Gi", Some("1610612736")),
            ("2e3", Some("2000")),
            ("100M", Some("100000000")),
            ("-1", Some("-1")),
            ("+1", Some("1")),
            ("", None),
            (".", None),
            ("+", None),
            ("+-1", None),
            ("1 Gi", None),
            ("ten", None),
        ] {
            let value = read(text).and_then(Quantity::value).map(|n| n.normalize().to_string());
            assert_eq!(value.as_deref(), number, "{text:?}");
        }
    }

    #[test]
    fn quantities_are_stored_in_one_form() {
        for (text, wanted) in [
            ("1.5Gi", Some("1536Mi")),
            ("1000m", Some("1")),
            ("1024Mi", Some("1Gi")),
            ("1e3", Some("1e3")),
            ("0.5", Some("500m")),
            ("100m", Some("100m")),
            ("1M", Some("1M")),
            ("1000k", Some("1M")),
            ("0", Some("0")),
            ("0Gi", Some("0")),
            ("60000Gi", Some("60000Gi")),
            ("4.7Gi", Some("5046586572800m")),
            ("9.3Gi", Some("9985798963200m")),
            ("0.1Ki", Some("102400m")),
            ("0.5Ki", Some("512")),
            ("1023Ki", Some("1023Ki")),
            ("1.5Ki", Some("1536")),
            ("-2Mi", Some("-2Mi")),
            ("0.0000001Ki", Some("102400n")),
            ("-1", Some("-1")),
            ("2", Some("2")),
            ("1Xi", None),
            ("", None),
            ("abc", None),
            ("1e-2147483648", None),
        ] {
            assert_eq!(read(text).and_then(Quantity::canonical).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_quantity_reads_as_these_thousandths() {
        for (text, wanted) in [
            ("1", Some(1000)),
            ("250m", Some(250)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("1.5Gi", Some(1_610_612_736_000)),
            ("1e3", Some(1_000_000)),
            ("1E", Some(1_000_000_000_000_000_000_000)),
            ("0.0001", Some(1)),
            ("-0.0001", Some(-1)),
            ("-1", Some(-1000)),
            ("1n", Some(1)),
            ("", None),
            ("x", None),
            ("1Zi", None),
            ("1.2.3", None),
            ("--1", None),
            ("1e-2147483648", None),
        ] {
            assert_eq!(read(text).and_then(Quantity::thousandths), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn fuzz_a_quantity_of_any_text_is_read_or_refused(text in "[-+.0-9eEinumkKMGTPi]{0,12}") {
            if let Some(quantity) = read(&text) {
                let canonical = quantity.canonical();
                let again = canonical.as_deref().and_then(read).and_then(Quantity::canonical);
                prop_assert_eq!(again, canonical);
            }
        }
    }
}
