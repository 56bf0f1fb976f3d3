//! The outcome of a replay: what the trace asked for, what was bought, and what of the bill was waste; pure.

use eci_sim::billing::Item;
use eci_sim::control::wire::Bill;
use eci_sim::{Cost, Currency};
use rust_decimal::Decimal;

use super::trace::Row;

/// vCPU and memory over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// vCPU times seconds.
    pub vcpu_seconds: Decimal,
    /// GiB times seconds.
    pub gib_seconds: Decimal,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What the pods asked for, each for its duration.
    pub requested: Resources,
    /// What was billed: larger sizes, and the time until a pod runs and until it is gone.
    pub bought: Resources,
    /// Currency of the bill.
    pub currency: Currency,
    /// Total of the bill.
    pub total: Cost,
    /// The part of the bill that was for more than was asked for; `None` where a price is missing.
    pub waste: Option<Decimal>,
}

impl Outcome {
    /// The outcome of rows that were played, and their bill.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, bill: &Bill) -> Self {
        let mut requested = Resources::default();
        for row in rows {
            let seconds = Decimal::new(i64::try_from(row.duration.as_millis()).unwrap_or(i64::MAX), 3);
            requested.vcpu_seconds +=
                Decimal::new(i64::try_from(row.milli_vcpu).unwrap_or(i64::MAX), 3) * seconds;
            requested.gib_seconds += Decimal::from(row.mebibytes) / Decimal::from(1024) * seconds;
        }
        let mut bought = Resources::default();
        let (mut for_vcpu, mut for_memory) = (Decimal::ZERO, Decimal::ZERO);
        for line in &bill.lines {
            let seconds = Decimal::from(line.seconds);
            bought.vcpu_seconds += line.vcpu * seconds;
            bought.gib_seconds += line.memory * seconds;
            for part in line.parts.iter() {
                match part.item {
                    Item::Cpu => for_vcpu += part.amount.decimal(),
                    Item::Mem => for_memory += part.amount.decimal(),
                    _ => {}
                }
            }
        }
        let wasted = |requested: Decimal, bought: Decimal| match bought.is_zero() {
            true => Decimal::ZERO,
            false => (Decimal::ONE - requested / bought).max(Decimal::ZERO),
        };
        let waste = for_vcpu * wasted(requested.vcpu_seconds, bought.vcpu_seconds)
            + for_memory * wasted(requested.gib_seconds, bought.gib_seconds);
        let waste = bill.total.known().ok().map(|_| waste.round_dp(6));
        Self { requested, bought, currency: bill.currency, total: bill.total.clone(), waste }
    }
}
