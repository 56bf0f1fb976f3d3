//! Quantities in objects, in whole thousandths of their unit.

use quantity::Quantity;
use serde_json::Value;

/// A quantity counted in thousandths of its unit.
pub type Thousandths = i128;

/// The quantity in thousandths, rounded away from zero; 0 for a value that is no quantity.
pub fn thousandths(quantity: &Value) -> Thousandths {
    let parsed = match quantity {
        Value::String(text) => text.parse::<Quantity>(),
        Value::Number(number) => number.to_string().parse(),
        _ => return 0,
    };
    parsed.ok().and_then(Quantity::thousandths).unwrap_or(0)
}

/// The next whole number of units, in thousandths.
pub fn ceil_units(amount: Thousandths) -> Thousandths {
    amount.div_euclid(1000) * 1000 + if amount.rem_euclid(1000) > 0 { 1000 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_rounded_up_to_whole_ones() {
        for (amount, wanted) in [(0, 0), (1, 1000), (1000, 1000), (1001, 2000)] {
            assert_eq!(ceil_units(amount), wanted);
        }
    }
}
