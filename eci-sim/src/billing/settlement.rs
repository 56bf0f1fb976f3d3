//! The settlement of what one instance costs: once a clock hour, over all of that hour's lines, and in 2019 once a life.
//!
//! A line's amount is what the hour costs up to its end, less what it cost up to its beginning, both settled. So the lines
//! of an hour add up to the settled hour wherever it is cut, no line is negative, and a line that is closed stays as it is.

use jiff::Timestamp;

use super::item::{Item, PricedPart};
use crate::money::{Amount, Charge};
use crate::prices::{self, Location, Tariff};

/// What one instance costs in the period that is settled together.
#[derive(Debug, Default)]
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
    /// The amount of a line that begins at `at`, with these parts; lines come in the order of time.
    pub fn add(
        &mut self,
        parts: &[PricedPart],
        location: Location<'_>,
        tariff: &Tariff,
        at: Timestamp,
    ) -> Amount {
        let period = Period::of(location, tariff, at);
        if self.period != Some(period) {
            *self = Self { period: Some(period), ..Self::default() };
        }
        for part in parts {
            let sum = match part.item {
                Item::Disk | Item::Snapshot => &mut self.others,
                _ => &mut self.own,
            };
            *sum = *sum + part.charge;
        }
        let own = match period {
            Period::Hour(_) => self.own.rounded().settled(tariff.currency),
            Period::Life(least) if self.own > Charge::ZERO => self.own.rounded().max(least),
            Period::Life(_) => Amount::ZERO,
        };
        let settled = own + self.others.rounded();
        let amount = settled.beyond(self.billed);
        self.billed = settled;
        amount
    }
}

impl Period {
    fn of(location: Location<'_>, tariff: &Tariff, at: Timestamp) -> Self {
        match tariff.find(prices::Item::Minimum, location, at) {
            Some(least) => Self::Life(least.charge(rust_decimal::Decimal::ONE, 1).rounded()),
            None => Self::Hour(at.as_second().div_euclid(3600)),
        }
    }
}
