//! A budget: `500/month` or `0.7/hour`, and whether an estimate keeps it.

use std::fmt;
use std::str::FromStr;

use eci_sim::Amount;
use eci_sim::billing::UnknownCost;
use rust_decimal::Decimal;

use super::estimate::{Estimate, Row};
use super::figures::{hour, month, sign};

/// The most that an estimate may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The amount, in the estimate's currency.
    amount: Decimal,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Hour,
    Month,
}

/// A text that is no budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no budget; write an amount of 0 or more and its time, as `500/month` or `0.7/hour`")]
pub struct NotABudget(String);

/// An estimate that does not keep its budget.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Overrun {
    /// It costs more.
    #[error("{cost} {per} is {over} above the budget of {most}")]
    Above {
        /// Its cost.
        cost: String,
        /// `an hour` or `a month`.
        per: &'static str,
        /// The difference.
        over: String,
        /// The budget.
        most: String,
    },
    /// It costs an amount that nobody knows.
    #[error("{place}: the budget of {most} cannot be judged: {why}")]
    Unknown {
        /// Where it stands.
        place: String,
        /// The budget.
        most: String,
        /// The price that is missing.
        why: Box<UnknownCost>,
    },
}

impl FromStr for Budget {
    type Err = NotABudget;

    fn from_str(text: &str) -> Result<Self, NotABudget> {
        let wrong = || NotABudget(text.to_owned());
        let (amount, per) = text.split_once('/').ok_or_else(wrong)?;
        let per = match per.trim() {
            "hour" => Per::Hour,
            "month" => Per::Month,
            _ => return Err(wrong()),
        };
        let amount = amount.trim().parse::<Decimal>().map_err(|_| wrong())?;
        match amount.is_sign_negative() && !amount.is_zero() {
            true => Err(wrong()),
            false => Ok(Self { amount, per }),
        }
    }
}

impl Budget {
    /// Judges an estimate: what is known of it may already be too much.
    ///
    /// # Errors
    /// [`Overrun`].
    pub fn judge(&self, estimate: &Estimate) -> Result<(), Overrun> {
        let of = |row: &Row| match self.per {
            Per::Hour => row.hour.known(),
            Per::Month => row.month.known(),
        };
        let known = estimate.workloads.iter().filter_map(|row| of(row).ok()).map(Amount::decimal);
        let known = known.fold(Decimal::ZERO, Decimal::saturating_add);
        let sign = sign(estimate.currency);
        let shown = |amount: Decimal| match self.per {
            Per::Hour => format!("{sign} {}", hour(amount)),
            Per::Month => format!("{sign} {}", month(amount)),
        };
        let most = format!("{} {}", shown(self.amount), self.per.each());
        if known > self.amount {
            let per = self.per.each();
            return Err(Overrun::Above { cost: shown(known), per, over: shown(known - self.amount), most });
        }
        for row in &estimate.workloads {
            if let Err(why) = of(row) {
                return Err(Overrun::Unknown { place: row.place.clone(), most, why: Box::new(why) });
            }
        }
        Ok(())
    }
}

impl Per {
    fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Month => "month",
        }
    }
}

impl Per {
    fn each(self) -> &'static str {
        match self {
            Self::Hour => "an hour",
            Self::Month => "a month",
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.amount.normalize(), self.per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_an_amount_and_its_time() {
        for (text, read) in [("500/month", "500/month"), (" 0.70 / hour", "0.7/hour"), ("0/month", "0/month")]
        {
            assert_eq!(text.parse::<Budget>().unwrap().to_string(), read);
        }
    }

    #[test]
    fn what_is_no_budget_is_told_with_what_would_be_right() {
        for text in ["", "500", "much/month", "500/year", "-1/month", "500/", "1e3/month/hour"] {
            let why = text.parse::<Budget>().unwrap_err().to_string();
            assert_eq!(
                why,
                format!(
                    "`{text}` is no budget; write an amount of 0 or more and its time, as `500/month` or `0.7/hour`"
                )
            );
        }
    }
}
