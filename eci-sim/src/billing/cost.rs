//! What something costs: an amount, or the price that is missing for it.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Amount;
use crate::prices::NoPrice;

/// An amount, or the price that is missing for it. A sum with one missing price is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cost {
    /// An exact amount, as text.
    Known(Amount),
    /// A price that no list has.
    Unknown(Box<NoPrice>),
}

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self::Known(Amount::ZERO);

    /// The amount.
    ///
    /// # Errors
    /// [`NoPrice`] where a price is missing.
    pub fn known(&self) -> Result<Amount, NoPrice> {
        match self {
            Self::Known(amount) => Ok(*amount),
            Self::Unknown(no_price) => Err((**no_price).clone()),
        }
    }
}

/// Nothing was bought.
impl Default for Cost {
    fn default() -> Self {
        Self::ZERO
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
            (missing @ Self::Unknown(_), _) | (_, missing) => missing,
        }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Add::add)
    }
}

/// The amount with six decimals at most, or the sentence about the price that is missing.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(amount) => amount.fmt(f),
            Self::Unknown(no_price) => no_price.fmt(f),
        }
    }
}
