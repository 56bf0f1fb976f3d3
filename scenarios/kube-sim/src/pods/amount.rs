//! Quantities as whole thousandths, rounded up.

use serde_json::Value;

/// A quantity counted in thousandths of its unit.
pub type Thousandths = i128;

/// The quantity in thousandths, rounded away from zero; 0 for a value that is no quantity.
pub fn thousandths(quantity: &Value) -> Thousandths {
    match quantity {
        Value::String(text) => parse(text).unwrap_or(0),
        Value::Number(number) => parse(&number.to_string()).unwrap_or(0),
        _ => 0,
    }
}

/// The next whole number of units, in thousandths.
pub fn ceil_units(amount: Thousandths) -> Thousandths {
    amount.div_euclid(1000) * 1000 + if amount.rem_euclid(1000) > 0 { 1000 } else { 0 }
}

/// Reads `1.5Gi`, `250m`, `1e3`, `-2`; `None` when the text is no quantity.
pub fn parse(text: &str) -> Option<Thousandths> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let (factor, divisor) = scale(suffix)?;
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

fn scale(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let ten = 10_i128.checked_pow(power.unsigned_abs()).filter(|_| power.abs() <= 18)?;
            if power < 0 { (1, ten) } else { (ten, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(parse(text), wanted, "{text}");
        }
    }

    #[test]
    fn units_are_rounded_up_to_whole_ones() {
        for (amount, wanted) in [(0, 0), (1, 1000), (1000, 1000), (1001, 2000)] {
            assert_eq!(ceil_units(amount), wanted);
        }
    }
}
