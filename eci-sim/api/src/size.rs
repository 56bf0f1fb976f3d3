//! Sizes as whole numbers: thousandths of a vCPU and MiB inside, vCPU and GiB on the wire.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::number::Number;

/// Thousandths of a vCPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MilliVcpu(pub u32);

/// Memory in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mebibytes(pub u32);

/// Error for a number that is no size: negative, or too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{number} {unit} is not a size: {should}")]
pub struct NotASize {
    number: Number,
    unit: &'static str,
    should: &'static str,
}

impl MilliVcpu {
    /// From vCPU, rounded up to the next thousandth.
    ///
    /// # Errors
    /// [`NotASize`] when it is negative or beyond four million.
    pub fn from_vcpu(number: Number) -> Result<Self, NotASize> {
        scaled(number, 1000).map(Self).ok_or(NotASize { number, unit: "vCPU", should: "0 to 4000000" })
    }

    /// Size in vCPU, exact to a thousandth.
    pub fn vcpu(self) -> Number {
        Number(Decimal::new(i64::from(self.0), 3).normalize())
    }
}

impl Mebibytes {
    /// From GiB, rounded up to the next MiB.
    ///
    /// # Errors
    /// [`NotASize`] when it is negative or beyond four million.
    pub fn from_gib(number: Number) -> Result<Self, NotASize> {
        scaled(number, 1024).map(Self).ok_or(NotASize { number, unit: "GiB", should: "0 to 4000000" })
    }

    /// Size in GiB, exact.
    pub fn gib(self) -> Number {
        if self.0.is_multiple_of(1024) {
            return Number(Decimal::from(self.0 / 1024));
        }
        Number((Decimal::from(self.0) / Decimal::from(1024)).normalize())
    }
}

fn scaled(number: Number, units: u32) -> Option<u32> {
    let value = number.0.checked_mul(Decimal::from(units))?.ceil();
    (!value.is_sign_negative() || value.is_zero()).then(|| value.to_u32()).flatten()
}

impl fmt::Display for MilliVcpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vCPU", self.vcpu())
    }
}

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GiB", self.gib())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn a_part_of_a_unit_is_rounded_up() {
        assert_eq!(MilliVcpu::from_vcpu(number("0.2501")), Ok(MilliVcpu(251)));
        assert_eq!(Mebibytes::from_gib(number("0.5")), Ok(Mebibytes(512)));
        assert_eq!(Mebibytes::from_gib(number("0.0001")), Ok(Mebibytes(1)));
    }

    #[test]
    fn what_is_negative_or_absurd_is_no_size() {
        for text in ["-1", "-0.0001", "5000000", "79228162514264337593543950335"] {
            assert!(MilliVcpu::from_vcpu(number(text)).is_err(), "{text}");
            assert!(Mebibytes::from_gib(number(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_size_survives_the_wire(size: u32) {
            prop_assert_eq!(MilliVcpu::from_vcpu(MilliVcpu(size).vcpu()), Ok(MilliVcpu(size)));
            prop_assert_eq!(Mebibytes::from_gib(Mebibytes(size).gib()), Ok(Mebibytes(size)));
        }
    }
}
