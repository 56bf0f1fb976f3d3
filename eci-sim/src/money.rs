//! Money: exact charges, amounts of a bill, rates, currencies, and the one place where an amount is rounded.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Seconds of the longest period that a price is for, a month of 30 days; every other period divides it, so that charges
/// of all periods add up without a remainder.
pub const PERIOD_MAX_SECONDS: u32 = 2_592_000;
/// Decimals of an amount on a bill (`ours`: a per-second price times a size needs no more, and no page names a number).
const DECIMALS: u32 = 10;

/// An amount as it is billed, of ten decimals at most; its currency stands on the bill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Amount(Decimal);

/// An exact charge, not yet rounded: a number of the parts that a month of 30 days has seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Charge(Decimal);

/// The price of one unit: `amount` for each `seconds`, so that hourly list prices stay exact too.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    amount: Decimal,
    seconds: u32,
}

/// A price of an hour in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hourly {
    /// Price of the hour.
    pub amount: Decimal,
    /// Currency of the price.
    pub currency: Currency,
}

/// The currency of a price list.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// The list of aliyun.com.
    #[default]
    Cny,
    /// The list of alibabacloud.com.
    Usd,
}

/// A text that names no currency of a price list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no currency of a price list; it should be CNY or USD")]
pub struct UnknownCurrency(String);

/// A price that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// A price below zero.
    #[error("the amount {0} is negative; a price is 0 or more")]
    Negative(Decimal),
    /// A price beyond all bounds.
    #[error("the amount {0} is more than 1000000, so it is no price of one unit")]
    TooLarge(Decimal),
    /// A period in which a month of 30 days cannot be divided.
    #[error("{0} seconds do not divide a month of 30 days; a price is for 1, 60, 3600, 86400 or 2592000")]
    Period(u32),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The number.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// The small amount rule of the Chinese list, applied to what an instance costs in a clock hour: below 0.01 the
    /// amount is rounded half up to the fen, from there on it is left as it is (billing.md, section 5).
    #[must_use]
    pub fn settled(self, currency: Currency) -> Self {
        let fen = Decimal::new(1, 2);
        if currency == Currency::Usd || self.0 >= fen {
            return self;
        }
        Self(self.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }

    /// The same part of `total` as this is of `whole`, rounded down, so that parts do not add up to more; nothing of nothing.
    #[must_use]
    pub fn part_of(self, whole: Self, total: Self) -> Self {
        if whole == total {
            return self;
        }
        let part = (self.0 * total.0).checked_div(whole.0).unwrap_or_default();
        Self(part.round_dp_with_strategy(DECIMALS, RoundingStrategy::ToZero).normalize())
    }

    /// The difference to a smaller amount; nothing where that is not smaller.
    #[must_use]
    pub fn beyond(self, smaller: Self) -> Self {
        Self((self.0 - smaller.0).max(Decimal::ZERO).normalize())
    }
}

impl Charge {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The charge of an amount.
    pub fn of(amount: Decimal) -> Self {
        Self(amount.saturating_mul(Decimal::from(PERIOD_MAX_SECONDS)))
    }

    /// What is left of it after another one; nothing where that is not smaller.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(Decimal::ZERO))
    }

    /// So many times the charge.
    #[must_use]
    pub fn times(self, factor: Decimal) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// The charge of which this is such a share; nothing for a share of nothing.
    #[must_use]
    pub fn over(self, share: Decimal) -> Self {
        Self(self.0.checked_div(share).unwrap_or_default())
    }

    /// The amount, rounded half up to ten decimals.
    pub fn rounded(self) -> Amount {
        if self.0.is_zero() {
            return Amount::ZERO;
        }
        let exact = self.0 / Decimal::from(PERIOD_MAX_SECONDS);
        Amount(exact.round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointAwayFromZero).normalize())
    }
}

impl Rate {
    /// A rate of `amount` for each `seconds`.
    ///
    /// # Errors
    /// [`RateError`] when the amount is no price, or the period does not divide a month of 30 days.
    pub fn new(amount: Decimal, seconds: u32) -> Result<Self, RateError> {
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(RateError::Negative(amount));
        }
        if amount > Decimal::from(1_000_000) {
            return Err(RateError::TooLarge(amount));
        }
        if seconds == 0 || !PERIOD_MAX_SECONDS.is_multiple_of(seconds) {
            return Err(RateError::Period(seconds));
        }
        Ok(Self { amount, seconds })
    }

    /// The rate of a price of an hour.
    pub fn hourly(amount: Decimal) -> Self {
        Self { amount, seconds: 3600 }
    }

    /// The charge for `units` over so many seconds.
    pub fn charge(self, units: Decimal, seconds: u64) -> Charge {
        let parts = Decimal::from(PERIOD_MAX_SECONDS / self.seconds).saturating_mul(Decimal::from(seconds));
        Charge(self.amount.saturating_mul(units).saturating_mul(parts))
    }

    /// The price of one unit for one second.
    pub fn per_second(self) -> Decimal {
        (self.amount / Decimal::from(self.seconds)).normalize()
    }

    /// The price of one unit for one hour.
    pub fn per_hour(self) -> Decimal {
        (self.amount * Decimal::from(3600) / Decimal::from(self.seconds)).normalize()
    }
}

/// The same price, whatever the time for which it is said.
impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.amount * Decimal::from(other.seconds) == other.amount * Decimal::from(self.seconds)
    }
}

impl Eq for Rate {}

/// An amount of ten decimals at most; what is beyond is rounded half up.
impl From<Decimal> for Amount {
    fn from(number: Decimal) -> Self {
        Self(number.round_dp_with_strategy(DECIMALS, RoundingStrategy::MidpointAwayFromZero))
    }
}

impl Add for Charge {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Charge {
    fn sum<I: Iterator<Item = Self>>(charges: I) -> Self {
        charges.fold(Self::ZERO, Add::add)
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Six decimals, trailing zeros left out: `0.441072`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero).normalize().fmt(f)
    }
}

/// The exact number as text.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.normalize())
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
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

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        match text {
            "CNY" => Ok(Self::Cny),
            "USD" => Ok(Self::Usd),
            _ => Err(UnknownCurrency(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        Amount(text.parse().unwrap())
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
            assert_eq!(amount(raw).settled(Currency::Cny), amount(billed), "{id}");
        }
    }

    #[test]
    fn the_international_list_has_no_small_amount_rule() {
        assert_eq!(amount("0.0001").settled(Currency::Usd), amount("0.0001"));
    }

    #[test]
    fn an_amount_is_shown_with_six_decimals_at_most() {
        for (raw, shown) in
            [("0.4410720", "0.441072"), ("0.20752777", "0.207528"), ("0", "0"), ("2.50", "2.5")]
        {
            assert_eq!(amount(raw).to_string(), shown);
        }
    }

    #[test]
    fn a_part_of_an_hourly_price_is_billed_with_ten_decimals() {
        let rate = Rate::hourly("0.62".parse().unwrap());
        assert_eq!(rate.charge(Decimal::ONE, 1205).rounded().decimal().to_string(), "0.2075277778");
    }

    #[test]
    fn what_is_no_price_and_no_currency_is_refused_with_what_would_be_right() {
        let rate = |text: &str, seconds| Rate::new(text.parse().unwrap(), seconds).unwrap_err().to_string();
        assert!(rate("-0.1", 1).contains("-0.1 is negative"));
        assert!(rate("1000001", 1).contains("more than 1000000"));
        assert!(rate("1", 7).contains("7 seconds do not divide a month"));
        assert!(rate("1", 0).contains("0 seconds"));
        let euro = "EUR".parse::<Currency>().unwrap_err().to_string();
        assert_eq!(euro, "`EUR` is no currency of a price list; it should be CNY or USD");
    }

    proptest! {
        #[test]
        fn charges_of_all_periods_add_up_to_the_last_digit(
            thousandths in 0i64..100_000, seconds in 0u64..1_000_000, more in 0u64..1_000_000,
            period in prop::sample::select(vec![1, 60, 3600, 86_400, PERIOD_MAX_SECONDS]),
        ) {
            let rate = Rate::new(Decimal::new(thousandths, 3), period).unwrap();
            let units = Decimal::TWO;
            let both = rate.charge(units, seconds + more);
            prop_assert_eq!(rate.charge(units, seconds) + rate.charge(units, more), both);
        }
    }
}
