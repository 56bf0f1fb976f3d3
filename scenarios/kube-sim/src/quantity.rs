//! Quantities such as `500m` and `1.5Gi` in the canonical form in which they are stored.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
const DECIMAL: [(&str, i32); 10] =
    [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9)];

/// The error message for a text that is no quantity.
pub const RULE: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// The canonical form; `None` when the text is no quantity.
pub fn canonical(text: &str) -> Option<String> {
    let split =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(split);
    let number: Decimal = digits.strip_prefix('+').unwrap_or(digits).parse().ok()?;
    if let Some((_, bits)) = BINARY.iter().find(|(unit, _)| *unit == suffix) {
        return Some(binary(number.checked_mul(Decimal::from(1u64 << bits))?));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(unit, _)| *unit == suffix) {
        return decimal(scaled(number, *power)?);
    }
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok().filter(|p: &i32| p.abs() <= 18)?;
    exponent(scaled(number, power)?, power)
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

fn exponent(value: Decimal, _power: i32) -> Option<String> {
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
        ] {
            assert_eq!(canonical(text).as_deref(), wanted, "{text}");
        }
    }
}
