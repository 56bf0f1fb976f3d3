//! Money: exact amounts, rates by the second, and the one place where an amount is rounded.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize, Serializer};

/// An exact amount: yuan, or dollars where the bill says that it is in dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Yuan(pub Decimal);

/// The price of one unit: `amount` for each `seconds`, so that hourly list prices stay exact too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerSecond {
    amount: Decimal,
    seconds: u32,
}

/// The currency of a price list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// The list of aliyun.com.
    #[default]
    Cny,
    /// The list of alibabacloud.com.
    Usd,
}

impl Yuan {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The exact number.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// The small amount rule of the Chinese list, applied to each instance's hourly bill: below 0.01 the amount is
    /// rounded half up to the fen, from there on it is left as it is (billing.md, section 5).
    #[must_use]
    pub fn to_bill(self, currency: Currency) -> Self {
        let fen = Decimal::new(1, 2);
        if currency == Currency::Usd || self.0 >= fen {
            return self;
        }
        Self(self.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }
}

impl PerSecond {
    /// `amount` for each `seconds`; never by the zero.
    pub fn new(amount: Decimal, seconds: u32) -> Self {
        Self { amount, seconds: seconds.max(1) }
    }

    /// The charge for `units` over so many seconds.
    pub fn charge(self, units: Decimal, seconds: u64) -> Yuan {
        Yuan(self.amount * units * Decimal::from(seconds) / Decimal::from(self.seconds))
    }

    /// The price of one unit for one second.
    pub fn per_second(self) -> Decimal {
        (self.amount / Decimal::from(self.seconds)).normalize()
    }

    /// The price of one unit for one hour.
    pub fn per_hour(self) -> Decimal {
        self.charge(Decimal::ONE, 3600).0.normalize()
    }
}

impl Add for Yuan {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Yuan {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Yuan {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Six decimals, trailing zeros left out: `0.441072`.
impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero).normalize().fmt(f)
    }
}

/// The exact number as text.
impl Serialize for Yuan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cny => "CNY",
            Self::Usd => "USD",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn yuan(text: &str) -> Yuan {
        Yuan(text.parse().unwrap())
    }

    #[test]
    fn below_a_fen_an_amount_is_rounded_half_up_and_from_a_fen_on_it_is_kept() {
        for (id, raw, billed) in [
            ("B19", "0.0049008", "0"),
            ("B20", "0.00502332", "0.01"),
            ("B21", "0.00992412", "0.01"),
            ("B22", "0.01004664", "0.01004664"),
            ("B23", "0.00499269", "0"),
            ("B23", "0.005008005", "0.01"),
            ("half", "0.005", "0.01"),
            ("fen", "0.01", "0.01"),
        ] {
            assert_eq!(yuan(raw).to_bill(Currency::Cny), yuan(billed), "{id}");
        }
    }

    #[test]
    fn the_international_list_has_no_small_amount_rule() {
        assert_eq!(yuan("0.0001").to_bill(Currency::Usd), yuan("0.0001"));
    }

    #[test]
    fn an_amount_is_shown_with_six_decimals_at_most() {
        for (raw, shown) in
            [("0.4410720", "0.441072"), ("0.20752777", "0.207528"), ("0", "0"), ("2.50", "2.5")]
        {
            assert_eq!(yuan(raw).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn a_charge_grows_with_time_and_adds_up(seconds in 0u64..1_000_000, more in 0u64..1_000_000) {
            let rate = PerSecond::new("0.000049".parse().unwrap(), 1);
            let (units, both) = (Decimal::TWO, seconds + more);
            prop_assert_eq!(rate.charge(units, seconds) + rate.charge(units, more), rate.charge(units, both));
        }
    }
}
