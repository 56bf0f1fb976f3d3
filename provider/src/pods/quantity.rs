//! Kubernetes quantities as exact numbers: `250m`, `1.5Gi`, `2e3`.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use rust_decimal::Decimal;

/// The number that a quantity means; `None` when it is none.
pub fn value(quantity: &Quantity) -> Option<Decimal> {
    parse(&quantity.0)
}

/// The number that a text such as `512Mi` means.
pub fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: Decimal = number.parse().ok()?;
    let binary = |power: u32| Decimal::from(1024u64.pow(power));
    let factor = match unit {
        "" => Decimal::ONE,
        "n" => Decimal::new(1, 9),
        "u" => Decimal::new(1, 6),
        "m" => Decimal::new(1, 3),
        "k" => Decimal::from(1_000),
        "M" => Decimal::from(1_000_000),
        "G" => Decimal::from(1_000_000_000u64),
        "T" => Decimal::from(1_000_000_000_000u64),
        "P" => Decimal::from(1_000_000_000_000_000u64),
        "E" => Decimal::from(1_000_000_000_000_000_000u64),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let scale = Decimal::from(10u64.checked_pow(power.unsigned_abs())?);
            return if power < 0 { number.checked_div(scale) } else { number.checked_mul(scale) };
        }
    };
    number.checked_mul(factor)
}

/// Bytes as GiB.
pub fn gib(bytes: Decimal) -> Decimal {
    (bytes / Decimal::from(1u64 << 30)).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("", None),
            ("1 Gi", None),
            ("ten", None),
        ] {
            let read = parse(text).map(|n| n.normalize().to_string());
            assert_eq!(read.as_deref(), number, "{text:?}");
        }
    }

    #[test]
    fn bytes_are_told_in_gib() {
        assert_eq!(gib(parse("512Mi").unwrap()).to_string(), "0.5");
    }
}
