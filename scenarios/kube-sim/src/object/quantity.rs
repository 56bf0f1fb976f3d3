//! Quantities such as `500m` and `1.5Gi`: their canonical text, as stored, and their value in whole thousandths.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

/// Binary suffixes with their powers of two, the largest first.
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
/// Decimal suffixes with their powers of ten, the largest first.
const DECIMAL: [(&str, i32); 10] =
    [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9)];
/// Largest exponent in either direction, as in `1e18`.
const EXPONENT_MAX: u32 = 18;

/// The error message for a text that is no quantity.
pub const RULE: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// A quantity counted in thousandths of its unit.
pub type Thousandths = i128;

/// The unit that a quantity's suffix stands for, as a power of two or ten.
enum Unit {
    Binary(u32),
    Decimal(i32),
    Exponent(i32),
}

/// Splits a quantity into its digits and its unit; `None` for an unknown suffix. The digits are not checked.
fn split(text: &str) -> Option<(&str, Unit)> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let binary = BINARY.iter().find(|(known, _)| *known == suffix).map(|(_, bits)| Unit::Binary(*bits));
    let decimal = DECIMAL.iter().find(|(known, _)| *known == suffix).map(|(_, power)| Unit::Decimal(*power));
    Some((digits, binary.or(decimal).or_else(|| exponent_unit(suffix))?))
}

fn exponent_unit(suffix: &str) -> Option<Unit> {
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    (power.unsigned_abs() <= EXPONENT_MAX).then_some(Unit::Exponent(power))
}

/// The canonical form; `None` when the text is no quantity.
pub fn canonical(text: &str) -> Option<String> {
    let (digits, unit) = split(text)?;
    let number: Decimal = digits.strip_prefix('+').unwrap_or(digits).parse().ok()?;
    match unit {
        Unit::Binary(bits) => Some(binary(number.checked_mul(Decimal::from(1u64 << bits))?)),
        Unit::Decimal(power) => decimal(scaled(number, power)?),
        Unit::Exponent(power) => exponent(scaled(number, power)?),
    }
}

fn scaled(number: Decimal, power: i32) -> Option<Decimal> {
    let factor = Decimal::from(10u64.checked_pow(power.unsigned_abs())?);
    if power >= 0 { number.checked_mul(factor) } else { number.checked_div(factor) }
}

fn binary(value: Decimal) -> String {
    if value.is_zero() {
        return "0".to_owned();
    }
    let whole = value.ceil();
    for (unit, bits) in BINARY {
        let size = Decimal::from(1u64 << bits);
        if (whole % size).is_zero() {
            return format!("{}{unit}", (whole / size).normalize());
        }
    }
    whole.normalize().to_string()
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

/// The quantity in thousandths, rounded away from zero; 0 for a value that is no quantity.
pub fn thousandths(quantity: &Value) -> Thousandths {
    match quantity {
        Value::String(text) => parse_thousandths(text).unwrap_or(0),
        Value::Number(number) => parse_thousandths(&number.to_string()).unwrap_or(0),
        _ => 0,
    }
}

/// The next whole number of units, in thousandths.
pub fn ceil_units(amount: Thousandths) -> Thousandths {
    amount.div_euclid(1000) * 1000 + if amount.rem_euclid(1000) > 0 { 1000 } else { 0 }
}

/// Parses `1.5Gi`, `250m`, `1e3`, `-2`; `None` when the text is no quantity.
pub fn parse_thousandths(text: &str) -> Option<Thousandths> {
    let (digits, unit) = split(text)?;
    let (factor, divisor) = ratio(&unit)?;
    let (negative, digits) = match digits.as_bytes().first()? {
        b'-' => (true, &digits[1..]),
        b'+' => (false, &digits[1..]),
        _ => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 18 {
        return None;
    }
    let joined: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let numerator = joined.checked_mul(factor)?.checked_mul(1000)?;
    let denominator = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(divisor)?;
    let up = numerator / denominator + i128::from(numerator % denominator != 0);
    Some(if negative { -up } else { up })
}

/// The unit as a factor and a divisor.
fn ratio(unit: &Unit) -> Option<(i128, i128)> {
    Some(match unit {
        Unit::Binary(bits) => (1_i128 << bits, 1),
        Unit::Decimal(power) | Unit::Exponent(power) => {
            let ten = 10_i128.checked_pow(power.unsigned_abs())?;
            if *power < 0 { (1, ten) } else { (ten, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("-1", Some("-1")),
            ("2", Some("2")),
            ("1Xi", None),
            ("", None),
            ("abc", None),
            ("1e-2147483648", None),
        ] {
            assert_eq!(canonical(text).as_deref(), wanted, "{text}");
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
            ("-1", Some(-1000)),
            ("1n", Some(1)),
            ("", None),
            ("x", None),
            ("1Zi", None),
            ("1.2.3", None),
            ("--1", None),
            ("1e-2147483648", None),
        ] {
            assert_eq!(parse_thousandths(text), wanted, "{text}");
        }
    }

    #[test]
    fn units_are_rounded_up_to_whole_ones() {
        for (amount, wanted) in [(0, 0), (1, 1000), (1000, 1000), (1001, 2000)] {
            assert_eq!(ceil_units(amount), wanted);
        }
    }
}
