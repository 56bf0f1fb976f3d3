//! What something costs: an amount, the price that is missing for it, or amounts in several currencies, which nobody adds.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{Amount, Currency};
use crate::prices::NoPrice;
use crate::refusal::Refusal;

/// An amount, or the price that is missing for it. A sum with one missing price is not known, and neither is one in several
/// currencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cost {
    /// An exact amount, as text.
    Known(Amount),
    /// A price that no list has.
    Unknown(Box<NoPrice>),
    /// Amounts in several currencies.
    Mixed(Box<MixedCurrencies>),
}

/// Amounts in several currencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MixedCurrencies {
    /// Cost in each currency.
    pub by_currency: BTreeMap<Currency, Cost>,
}

/// A cost that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCost {
    /// A price is missing.
    #[error(transparent)]
    NoPrice(#[from] NoPrice),
    /// Several currencies are not added.
    #[error("{0}")]
    Mixed(MixedCurrencies),
}

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self::Known(Amount::ZERO);

    /// The sum of costs, each in its currency.
    pub fn of_all<'a>(costs: impl IntoIterator<Item = (Currency, &'a Self)>) -> Self {
        Self::of_sums(Self::sums(costs))
    }

    /// The sums of costs by currency.
    pub(super) fn sums<'a>(
        costs: impl IntoIterator<Item = (Currency, &'a Self)>,
    ) -> BTreeMap<Currency, Self> {
        let mut by_currency: BTreeMap<Currency, Self> = BTreeMap::new();
        for (currency, cost) in costs {
            *by_currency.entry(currency).or_default() += cost;
        }
        by_currency
    }

    /// The sum of the sums of each currency.
    pub(super) fn of_sums(by_currency: BTreeMap<Currency, Self>) -> Self {
        match by_currency.len() {
            0 | 1 => by_currency.into_values().next().unwrap_or_default(),
            _ => Self::Mixed(Box::new(MixedCurrencies { by_currency })),
        }
    }

    /// The amount.
    ///
    /// # Errors
    /// [`UnknownCost`] where a price is missing, or where there are several currencies.
    pub fn known(&self) -> Result<Amount, UnknownCost> {
        match self {
            Self::Known(amount) => Ok(*amount),
            Self::Unknown(no_price) => Err((**no_price).clone().into()),
            Self::Mixed(mixed) => Err(UnknownCost::Mixed((**mixed).clone())),
        }
    }
}

/// As `0.441072 CNY and 0.069264 USD are not added; …`.
impl fmt::Display for MixedCurrencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.by_currency.iter().map(|(currency, cost)| match cost {
            Cost::Known(amount) => format!("{amount} {currency}"),
            other => other.to_string(),
        });
        let all = each.collect::<Vec<_>>().join(" and ");
        write!(f, "{all} are not added; ask for the bill of one account or currency")
    }
}

/// Nothing was bought.
impl Default for Cost {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<UnknownCost> for Refusal {
    fn from(why: UnknownCost) -> Self {
        match why {
            UnknownCost::NoPrice(no_price) => no_price.into(),
            UnknownCost::Mixed(mixed) => Self::NotSimulated(mixed.to_string()),
        }
    }
}

impl From<Result<Amount, NoPrice>> for Cost {
    fn from(priced: Result<Amount, NoPrice>) -> Self {
        priced.map_or_else(|no_price| Self::Unknown(Box::new(no_price)), Self::Known)
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => Self::Known(one + other),
            (missing @ (Self::Unknown(_) | Self::Mixed(_)), _) | (_, missing) => missing,
        }
    }
}

impl AddAssign<&Self> for Cost {
    fn add_assign(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Known(sum), Self::Known(amount)) => *sum += *amount,
            (Self::Known(_), missing) => *self = missing.clone(),
            (Self::Unknown(_) | Self::Mixed(_), _) => {}
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Add::add)
    }
}

/// The amount with six decimals at most, or the sentence why there is none.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(amount) => amount.fmt(f),
            Self::Unknown(no_price) => no_price.fmt(f),
            Self::Mixed(mixed) => mixed.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Cost {
        Cost::Known(text.parse::<rust_decimal::Decimal>().unwrap().into())
    }

    #[test]
    fn currencies_are_summed_up_each_for_itself_and_never_added() {
        let (yuan, dollars) = (known("0.4"), known("0.07"));
        let same = Cost::of_all([(Currency::Cny, &yuan), (Currency::Cny, &yuan)]);
        assert_eq!((same, Cost::of_all([])), (known("0.8"), Cost::ZERO));
        let mixed = Cost::of_all([(Currency::Cny, &yuan), (Currency::Usd, &dollars), (Currency::Cny, &yuan)]);
        let said = "0.8 CNY and 0.07 USD are not added; ask for the bill of one account or currency";
        assert_eq!(mixed.to_string(), said);
        assert_eq!(mixed.known().unwrap_err().to_string(), said);
        assert_eq!(mixed.clone() + yuan, mixed);
    }

    #[test]
    fn each_kind_of_cost_is_read_as_it_was_written() {
        let mixed = Cost::of_all([(Currency::Cny, &known("1")), (Currency::Usd, &known("2"))]);
        for (cost, json) in [(known("1.5"), r#""1.5""#), (mixed, r#"{"by-currency":{"CNY":"1","USD":"2"}}"#)]
        {
            assert_eq!(serde_json::to_string(&cost).unwrap(), json);
            assert_eq!(serde_json::from_str::<Cost>(json).unwrap(), cost);
        }
    }
}
