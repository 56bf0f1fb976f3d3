//! The settlement of what one instance costs: once a clock hour, over all of that hour's lines, and in 2019 once a life.
//!
//! A line's amount is what the hour costs up to its end, less what it cost up to its beginning, both settled. So the lines
//! of an hour add up to the settled hour wherever it is cut, no line is negative, and a line that is closed stays as it is.

use super::item::{Item, PricedPart};
use super::known_prices::Charges;
use crate::money::{Amount, Charge, Currency};

/// What one instance costs in the period that is settled together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settlement {
    period: Option<Period>,
    /// Charges that ECI bills, to which its rule for small amounts applies.
    own: Charge,
    /// Charges of the products that sell disks and snapshots.
    others: Charge,
    /// Settled amount of the charges so far.
    billed: Amount,
}

/// A period that is settled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Period {
    /// A clock hour, numbered from 1970 (billing.md, section 5, inferred).
    Hour(i64),
    /// The life of the group, which costs this at least: the rule of 2019.
    Life(Amount),
}

impl Settlement {
    /// The settlement of parts that are the first of a period, and the amount of their line.
    pub fn first(parts: &[PricedPart], least: Option<Amount>, currency: Currency) -> (Self, Amount) {
        let mut settlement = Self::default();
        let amount = settlement.add_within(parts, least, currency);
        (settlement, amount)
    }

    /// The amount of a line that begins at a second, with these charges; lines come in the order of time.
    pub fn add(&mut self, charges: &Charges, currency: Currency, second: i64) -> Amount {
        if !self.begins(charges.least, second) {
            return self.add_within(&charges.parts, charges.least, currency);
        }
        let (settlement, amount) = charges.first;
        *self = Self { period: self.period, ..settlement };
        amount
    }

    /// The amount of such a line of which a commitment leaves these parts.
    pub fn add_reduced(
        &mut self,
        parts: &[PricedPart],
        least: Option<Amount>,
        currency: Currency,
        second: i64,
    ) -> Amount {
        self.begins(least, second);
        self.add_within(parts, least, currency)
    }

    /// Begins the period of a second, where it is another one; true where it does.
    fn begins(&mut self, least: Option<Amount>, second: i64) -> bool {
        let period = Some(least.map_or_else(|| Period::Hour(second.div_euclid(3600)), Period::Life));
        let begins = self.period != period;
        if begins {
            *self = Self { period, ..Self::default() };
        }
        begins
    }

    /// The amount of a line within the period.
    fn add_within(&mut self, parts: &[PricedPart], least: Option<Amount>, currency: Currency) -> Amount {
        for part in parts {
            let sum = match part.item {
                Item::Disk | Item::Snapshot => &mut self.others,
                _ => &mut self.own,
            };
            *sum = *sum + part.charge;
        }
        let own = match least {
            None => self.own.rounded().settled(currency),
            Some(least) if self.own > Charge::ZERO => self.own.rounded().max(least),
            Some(_) => Amount::ZERO,
        };
        let settled = own + self.others.rounded();
        let amount = settled.beyond(self.billed);
        self.billed = settled;
        amount
    }
}
