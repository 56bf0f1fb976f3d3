//! Kubernetes quantities as exact numbers: `250m`, `1.5Gi`, `2e3`.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use rust_decimal::Decimal;

/// The number that a quantity means; `None` when it is none.
pub fn value(quantity: &Quantity) -> Option<Decimal> {
    parse(&quantity.0)
}

/// The number that a text such as `512Mi` means.
pub fn parse(text: &str) -> Option<Decimal> {
    text.trim().parse::<::quantity::Quantity>().ok()?.value()
}

/// Bytes as GiB.
pub fn gib(bytes: Decimal) -> Decimal {
    (bytes / Decimal::from(1u64 << 30)).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_gib() {
        assert_eq!(gib(parse("512Mi").unwrap()).to_string(), "0.5");
    }
}
